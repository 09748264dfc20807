"""Sums and means."""


def total(values):
    """The sum of all values."""
    return sum(values)


def mean(values):
    """The mean of all values."""
    return total(values) // len(values)
