"""The gradient and curvature of the loss: SymPy's against the numerical ones."""

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import approx_fprime

from collapse_lib import softmax, symbolic


@pytest.mark.paper("(1)", "(2)", check="symbolic")
@pytest.mark.parametrize("tokens", [2, 3, 4])
def test_symbolic_gradient_is_the_numerical_one(tokens):
    rng = np.random.default_rng(tokens)
    expression = symbolic.cross_entropy_gradient(tokens)
    w, counts = rng.standard_normal(tokens), rng.integers(1, 6, tokens)
    values = {f"w_{k + 1}": w[k] for k in range(tokens)}
    values |= {f"N_{k + 1}": int(counts[k]) for k in range(tokens)}
    at = {symbol: values[symbol.name] for symbol in expression.free_symbols}
    y = np.repeat(np.arange(tokens), counts)
    numeric = softmax.gradient([w], np.zeros_like(y), y)[0]
    np.testing.assert_allclose(np.array(expression.subs(at), dtype=float)[:, 0], numeric)


@pytest.mark.paper("(2)", check="symbolic")
def test_symbolic_curvature_is_the_numerical_one():
    rng = np.random.default_rng(0)
    w, v = rng.standard_normal((2, 3))
    y = np.array([0, 0, 1, 2, 2, 2])

    def slope(t):
        return softmax.gradient([w + t[0] * v], np.zeros_like(y), y)[0] @ v

    q = np.exp(w) / np.exp(w).sum()
    expression = symbolic.cross_entropy_curvature(3)
    values = {f"v_{k + 1}": v[k] for k in range(3)} | {f"q_{k + 1}": q[k] for k in range(3)}
    at = {symbol: values[symbol.name] for symbol in expression.free_symbols}
    assert float(expression.subs(at)) == pytest.approx(approx_fprime([0.0], slope)[0], abs=1e-6)


@pytest.mark.paper("(2)", check="symbolic")
def test_curvature_vanishes_only_where_the_model_does_not_change():
    expression = symbolic.cross_entropy_curvature(3)
    v = sorted((s for s in expression.free_symbols if s.name[0] == "v"), key=str)
    assert expression.subs({v[1]: v[0], v[2]: v[0]}) == 0
    assert sp.simplify(expression.subs({v[1]: v[0], v[2]: v[0] + 1})) != 0
