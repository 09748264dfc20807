from datetime import date

from parcels.dates import arrival, stamp


def test_next_day():
    assert arrival(date(2024, 3, 4), 1) == date(2024, 3, 5)


def test_sunday_is_no_working_day():
    assert arrival(date(2024, 3, 9), 1) == date(2024, 3, 11)


def test_no_days():
    assert arrival(date(2024, 3, 4), 0) == date(2024, 3, 4)


def test_stamp_has_the_day():
    assert stamp(1_700_000_000).startswith("2023-11-1")
