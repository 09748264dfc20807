"""The label on the box."""


def label(name, street, town):
    """The lines of a label, in a frame."""
    lines = [name, street, town]
    width = len(name)
    frame = "+" + "-" * (width + 2) + "+"
    rows = ["| " + line.ljust(width) + " |" for line in lines]
    return "\n".join([frame, *rows, frame]) + "\n"


def initials(name):
    """The first letters of a name."""
    return "".join(part[0] for part in name.split(" ")).upper()
