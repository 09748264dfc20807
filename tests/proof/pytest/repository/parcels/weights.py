"""Weights as people write them."""

UNITS = {"kg": 1000, "g": 1, "lb": 453.59237}


def grams(text):
    """Grams of a weight like `2.5 kg`."""
    text = text.strip().lower()
    for unit, factor in UNITS.items():
        if text.endswith(unit):
            number = float(text[: -len(unit)])
            return int(number * factor)
    raise ValueError(f"no unit in {text!r}")


def heaviest(weights):
    """The largest of many weights."""
    best = weights[0]
    for weight in weights:
        if grams(weight) > grams(best):
            best = weight
    return best
