"""Amounts as text."""


def show(cents, currency="EUR"):
    """An amount like `12.50 EUR`."""
    return f"{cents // 100}.{cents % 100} {currency}"


def read(text):
    """Cents of a text like `12.50`."""
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int(part or 0)
