"""Splits an amount among people."""


def split(cents, people):
    """Equal shares, whose sum is the amount."""
    share = cents // people
    return [share] * people


def tip(cents, percent=10):
    """Cents of a tip."""
    return cents * percent // 100
