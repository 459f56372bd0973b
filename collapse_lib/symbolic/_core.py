"""The symbols, the error and the comparison that all derivations share."""

import sympy as sp

n = sp.Symbol("n", integer=True, positive=True)
m = sp.Symbol("m", integer=True, nonnegative=True)
x = sp.Symbol("x", nonnegative=True)
S0 = sp.Symbol("S_0", nonnegative=True)
S = sp.Function("S")


class DerivationError(ArithmeticError):
    """A derivation did not give the expected result."""


def require_equal(left, right, what):
    """Raise `DerivationError` unless SymPy simplifies the difference to zero."""
    if sp.simplify(left - right) != 0:
        raise DerivationError(f"{what} differ: {left} is not {right}")
