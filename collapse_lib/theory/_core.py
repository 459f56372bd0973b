"""What all closed forms share."""

from fractions import Fraction
from math import exp, inf


def one_like(value):
    """Return 1, such that dividing it stays exact where `value` is."""
    return Fraction(1) if isinstance(value, Fraction) else 1.0


def decay(real, synthetic):
    """Return beta = n (n - 1) / (N + n)^2, the share of a deviation that a generation keeps."""
    return synthetic * (synthetic - 1) / (real + synthetic) ** 2


def gain(m, real, synthetic, one):
    """Return c_m = (1 - beta^(m-1)) n / (N^2 + (2N + 1) n)."""
    real, synthetic = one * real, one * synthetic
    limit = synthetic / (real**2 + (2 * real + 1) * synthetic)
    return (1 - decay(real, synthetic) ** (m - 1)) * limit


def exp_or_inf(value):
    """Return exp(value), infinite where a float cannot hold it."""
    try:
        return exp(value)
    except OverflowError:
        return inf
