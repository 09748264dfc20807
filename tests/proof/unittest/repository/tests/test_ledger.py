import unittest

from money.ledger import Ledger


class LedgerTest(unittest.TestCase):
    def setUp(self):
        self.ledger = Ledger()
        self.ledger.lend("Ann", "Bob", 500)

    def test_balance(self):
        self.assertEqual(self.ledger.balance("Ann"), 500)
        self.assertEqual(self.ledger.balance("Bob"), -500)

    def test_stranger(self):
        self.assertEqual(self.ledger.balance("Cy"), 0)
