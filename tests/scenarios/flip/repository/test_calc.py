import unittest

from calc import mean, total


class Calc(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([1, 2, 3]), 6)

    def test_mean_of_two(self):
        self.assertEqual(mean([1, 2]), 1)


if __name__ == "__main__":
    unittest.main()
