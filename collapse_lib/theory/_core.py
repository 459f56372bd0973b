"""What all closed forms share: arithmetic that is exact where its input is."""

from fractions import Fraction


def one_like(value):
    """Return 1, such that dividing it stays exact where `value` is."""
    return Fraction(1) if isinstance(value, Fraction) else 1.0
