"""`python -m parcels quote WEIGHT [ZONE]`."""

import sys

from parcels.rates import quote


def main(words):
    """Runs one command; the exit code."""
    if len(words) < 2 or words[0] != "quote":
        print("usage: parcels quote WEIGHT [ZONE]", file=sys.stderr)
        return 2
    cents = quote(*words[1:3])
    print(f"{cents / 100:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
