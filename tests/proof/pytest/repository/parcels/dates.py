"""When a parcel arrives."""

from datetime import datetime, timedelta


def arrival(sent, days):
    """The day after so many working days."""
    day = sent
    while days > 0:
        day += timedelta(days=1)
        if day.weekday() != 6:
            days -= 1
    return day


def stamp(seconds):
    """The minute of a time in seconds since 1970, as UTC."""
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
