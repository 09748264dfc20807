"""Who owes whom."""


class Ledger:
    """Debts between people."""

    def __init__(self):
        self.debts = {}

    def lend(self, giver, taker, cents):
        """Notes a debt."""
        self.debts[taker] = self.debts.get(taker, 0) - cents
        self.debts[giver] = cents

    def balance(self, who):
        """What somebody is owed; negative for debts."""
        return self.debts.get(who, 0)
