import unittest

from money.split import split, tip


class SplitTest(unittest.TestCase):
    def test_even_shares(self):
        self.assertEqual(split(900, 3), [300, 300, 300])

    def test_one_person(self):
        self.assertEqual(split(500, 1), [500])

    def test_nobody(self):
        with self.assertRaises(ZeroDivisionError):
            split(100, 0)


class TipTest(unittest.TestCase):
    def test_ten_percent(self):
        self.assertEqual(tip(1000), 100)

    def test_other_percents(self):
        for percent, expected in [(0, 0), (5, 50), (20, 200)]:
            with self.subTest(percent=percent):
                self.assertEqual(tip(1000, percent), expected)
