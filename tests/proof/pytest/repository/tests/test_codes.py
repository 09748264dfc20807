from parcels.codes import batches, check_digit, is_valid


def test_check_digit():
    assert check_digit("1234") == 2
    assert check_digit("0") == 0


def test_is_valid():
    assert is_valid("12342")
    assert not is_valid("12343")


def test_batches():
    assert batches("abcde", 2) == [["a", "b"], ["c", "d"], ["e"]]
