"""Helpers that all closed forms share."""

from fractions import Fraction
from math import exp, inf, log, log1p

import numpy as np

from collapse_lib import _checks

#: The most binary digits of an exact result, which take a second or two.
EXACT_DIGITS = 4_000_000


def mixed_sizes(m, real, synthetic):
    """Return generation and sample sizes for a kept real corpus, validated."""
    m = _checks.integers(m, "m", 1)
    real = _checks.integers(real, "real", 1)
    synthetic = _checks.integers(synthetic, "synthetic", 0)
    _checks.broadcast(m=m, real=real, synthetic=synthetic)
    return m, real, synthetic


def one_like(value):
    """Return 1 as a `Fraction` if `value` is one, else as a float: dividing it stays exact."""
    return Fraction(1) if isinstance(value, Fraction) else 1.0


def faded(steps, lost):
    """Return 1 - (1 - lost)^steps, without cancellation if a step loses little."""
    if np.ndim(steps) == 0 and isinstance(lost, Fraction):
        return 1 - exact_power(1 - lost, steps)
    result = -np.expm1(_log_left(steps, lost))
    return result if result.ndim else float(result)


def left(steps, lost):
    """Return (1 - lost)^steps, without rounding 1 - lost if a step loses little."""
    if np.ndim(steps) == 0 and isinstance(lost, Fraction):
        return exact_power(1 - lost, steps)
    result = np.exp(_log_left(steps, lost))
    return result if result.ndim else float(result)


def _log_left(steps, lost):
    steps, lost = np.asarray(steps, dtype=float), np.asarray(lost, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Rounding may turn a loss of everything into more than that: cap it at 1.
        return np.where(steps == 0, 0.0, steps * np.log1p(-np.minimum(lost, 1)))


def exact_power(base, steps):
    """Return base^steps for a `Fraction`, or raise `ValueError` if it has too many digits."""
    if steps * base.denominator.bit_length() > EXACT_DIGITS and base not in (0, 1):
        raise ValueError(
            f"m must give an exact result of at most {EXACT_DIGITS:,} binary digits, got {steps} "
            "generations; pass floats for a larger m"
        )
    return base**steps


def lost(real, synthetic):
    """Return 1 - beta = (N^2 + (2N + 1) n) / (N + n)^2, the fraction a generation forgets."""
    return (real**2 + (2 * real + 1) * synthetic) / (real + synthetic) ** 2


def gain(m, real, synthetic, one):
    """Return c_m = (1 - beta^(m-1)) n / (N^2 + (2N + 1) n)."""
    real, synthetic = one * real, one * synthetic
    limit = synthetic / (real**2 + (2 * real + 1) * synthetic)
    return faded(m - 1, lost(real, synthetic)) * limit


def exp_or_inf(value):
    """Return exp(value), infinite if a float cannot hold it."""
    try:
        return exp(value)
    except OverflowError:
        return inf


def spread(p):
    """Return Q = sum_i sqrt(p_i (1 - p_i))."""
    return float(np.sqrt(p * (1 - p)).sum())


def log_sets(tokens):
    """Return ln(2^k - 2); k tokens have 2^k - 2 subsets besides the empty and the full one."""
    tokens = _checks.integer(tokens, "tokens", 2)
    return tokens * log(2) + log1p(-(2.0 ** (1 - tokens)))
