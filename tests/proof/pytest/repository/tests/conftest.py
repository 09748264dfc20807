import pytest


@pytest.fixture
def ann():
    return ("Ann Lee", "Long Street 1", "Berlin")
