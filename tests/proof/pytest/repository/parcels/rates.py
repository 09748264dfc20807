"""What a parcel costs, in cents."""

from parcels.weights import grams

TIERS = [(1000, 500), (5000, 900), (20000, 1700)]
ZONES = {"DE": 1.0, "EU": 1.5, "WORLD": 2.5}


class TooHeavy(Exception):
    """No rate for that weight."""


def base_rate(weight):
    """The rate of the lightest tier that holds the weight."""
    for limit, cents in TIERS:
        if weight < limit:
            return cents
    raise TooHeavy(weight)


def quote(weight, zone="DE"):
    """Cents for a weight like `2.5 kg` to a zone."""
    return round(base_rate(grams(weight)) * ZONES[zone])


def insured(cents, value):
    """Cents with an insurance of one percent of the value."""
    return cents + value // 100
