import subprocess
import sys


def parcels(*words):
    return subprocess.run([sys.executable, "-m", "parcels", *words], capture_output=True, text=True)


def test_quote():
    ran = parcels("quote", "200g", "EU")
    assert ran.returncode == 0
    assert ran.stdout == "7.50\n"


def test_usage():
    ran = parcels()
    assert ran.returncode == 2
    assert "usage" in ran.stderr
