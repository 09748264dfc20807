import unittest

from money.text import read, show


class ShowTest(unittest.TestCase):
    def test_show(self):
        self.assertEqual(show(1250), "12.50 EUR")

    def test_currency(self):
        self.assertEqual(show(1250, "USD"), "12.50 USD")


class ReadTest(unittest.TestCase):
    def test_read(self):
        self.assertEqual(read("12.50"), 1250)
        self.assertEqual(read("3"), 300)
