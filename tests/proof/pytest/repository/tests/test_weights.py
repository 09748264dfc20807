import pytest

from parcels.weights import grams, heaviest


@pytest.mark.parametrize("text, expected", [("1 kg", 1000), ("250g", 250), ("2.5 kg", 2500), (" 3 KG ", 3000)])
def test_grams(text, expected):
    assert grams(text) == expected


def test_unit_is_needed():
    with pytest.raises(ValueError, match="no unit"):
        grams("12")


def test_heaviest():
    assert heaviest(["1 kg", "3 kg", "2000 g"]) == "3 kg"


def test_pound():
    assert grams("2 lb") == 907
