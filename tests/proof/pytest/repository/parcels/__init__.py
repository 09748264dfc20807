"""Weighs, prices and labels parcels."""

from parcels.rates import quote
from parcels.weights import grams

__all__ = ["grams", "quote"]
