"""Tracking codes with a check digit."""


def check_digit(digits):
    """The digit that makes the weighted sum a multiple of ten.

    >>> check_digit("1234")
    2
    """
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(digits))
    return -total % 10


def is_valid(code):
    """Whether the last digit is the check digit.

    >>> is_valid("12342")
    True
    """
    return code[-1] == str(check_digit(code[:-1]))


def batches(codes, size):
    """Splits codes into lists of at most `size`."""
    found = []
    rest = list(codes)
    while rest:
        found.append(rest[:size])
        rest = rest[size:]
    return found
