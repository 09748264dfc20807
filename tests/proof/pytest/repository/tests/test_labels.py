from pathlib import Path

from parcels.labels import initials, label

GOLDEN = Path(__file__).parent / "golden"


def test_label():
    assert label("Bartholomew Jones", "Short 2", "York") == (GOLDEN / "label.txt").read_text()


def test_frame(ann):
    lines = label(*ann).splitlines()
    assert lines[0] == lines[-1]
    assert len(lines) == 5


def test_initials():
    assert initials("Ann Lee") == "AL"
    assert initials("ann") == "A"
