import pytest

from parcels.rates import TooHeavy, base_rate, insured, quote


def test_light_parcel():
    assert base_rate(200) == 500
    assert base_rate(999) == 500


def test_tiers():
    assert base_rate(1001) == 900
    assert base_rate(5001) == 1700


def test_zone_factor():
    assert quote("200 g", "DE") == 500
    assert quote("200 g", "EU") == 750
    assert quote("200 g", "WORLD") == 1250


def test_default_zone():
    assert quote("2 kg") == quote("2 kg", "DE")


def test_too_heavy():
    with pytest.raises(TooHeavy):
        base_rate(25000)


def test_insurance():
    assert insured(500, 10000) == 600
    assert insured(500, 0) == 500
