"""What the paper solves, sums or integrates on the way to its results, checked by SymPy.

Only SymPy is used here, and the paper's formulas are written as they are printed.
"""

import pytest
import sympy as sp

N, n, k = sp.symbols("N n k", positive=True)
t, phi, epsilon, s = sp.symbols("t varphi epsilon s", positive=True)
ALPHA = n / (N + n)
C_0, C_1 = sp.E**3 / (2 * sp.pi), 6 * sp.E / sp.pi ** sp.Rational(3, 2)


def is_zero(expression):
    return sp.simplify(sp.expand_log(expression, force=True)) == 0


@pytest.mark.paper("(18)", check="symbolic")
def test_the_triangle_inequality_adds_up_to_the_sum_of_18():
    """D_(k+1) = alpha (D_k + e_k) with D_1 = 0, the worst case, for one k after the other."""
    noise = sp.symbols("e_1:7")
    distance = sp.Integer(0)
    for last in range(1, 7):
        distance = ALPHA * (distance + noise[last - 1])
        printed = sum(ALPHA ** (last + 1 - j) * noise[j - 1] for j in range(1, last + 1))
        assert is_zero(distance - printed)
        assert not is_zero(distance - ALPHA * printed)


@pytest.mark.paper("Theorem 3", "(16)", "(19)", check="symbolic")
def test_integrals_and_sums_lead_to_the_printed_constants():
    """Lemma 1 is integrated over t, which is (19); the powers of alpha sum to less than n/N."""
    step = sp.integrate(sp.exp(-n * phi * t**2 / 4), (t, 0, sp.oo))
    assert is_zero(step - sp.sqrt(sp.pi / n) / sp.sqrt(phi))
    powers = ALPHA / (1 - ALPHA)
    assert is_zero(powers - n / N)
    assert is_zero(step * powers - sp.sqrt(n * sp.pi / phi) / N)  # (16), times G_n(s)
    assert is_zero((step * powers).subs(phi, 2) - sp.sqrt(sp.pi * n / 2) / N)  # Theorem 3
    assert not is_zero((step * powers).subs(phi, 4) - sp.sqrt(sp.pi * n / 2) / N)


@pytest.mark.paper("(20)", check="symbolic")
def test_the_exact_moment_is_below_the_sum_of_20():
    """c_(k+1) = (alpha^2/n) sum_{i<k} beta^i, at most (sum_{j<=k} alpha^j)^2 / n.

    For beta <= alpha^2, and a sum of squares of positive numbers is at most the square of the
    sum. With it in Step 4 of the proof of Theorem 4, both inequalities of (20) follow.
    """
    beta = n * (n - 1) / (N + n) ** 2
    assert sp.factor(ALPHA**2 - beta) == n / (N + n) ** 2  # positive
    for last in range(1, 6):
        closed = (1 - beta**last) * n / (N**2 + (2 * N + 1) * n)
        powers = sum(beta**i for i in range(last))
        assert is_zero(closed - ALPHA**2 / n * powers)
        assert not is_zero(closed - ALPHA / n * powers)


@pytest.mark.paper("(11)", check="symbolic")
def test_the_printed_budget_solves_theorem_3():
    """In the first case of (10), after sqrt(n) is replaced by exp(e^2 n / (4 pi))."""
    spare = sp.E**2 * n / (4 * sp.pi) - sp.log(n) / 2  # must be positive, also at its least
    (least,) = sp.solve(sp.diff(spare, n), n)
    assert sp.diff(spare, n, 2).is_positive
    assert spare.subs(n, least).evalf() > 0.5

    allowed = 2 * sp.pi / sp.E**2 * sp.log(sp.sqrt(2) * sp.pi * N * epsilon / (6 * sp.E * s))
    rate = C_0 / (2 * sp.E) + sp.E**2 / (4 * sp.pi)  # G_n(s), and the square root
    bound = sp.sqrt(sp.pi / 2) / N * C_1 * s * sp.exp(rate * n)
    assert is_zero(sp.log(bound.subs(n, allowed)) - sp.log(epsilon))
    assert not is_zero(sp.log(bound.subs(n, 2 * allowed)) - sp.log(epsilon))

    (edge,) = sp.solve(sp.Eq(C_0 * n / sp.E + 2, s), n)  # where the first case ends
    assert is_zero(edge - 2 * sp.pi / sp.E**2 * (s - 2))


@pytest.mark.paper("Proposition 1", check="symbolic")
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_two_tokens_survive_with_their_probabilities(size):
    """The chain of n samples of two tokens, solved for every p: token 1 survives with p."""
    p = sp.Symbol("p", positive=True)
    counts = range(size + 1)

    def binomial(x):
        return [sp.binomial(size, j) * x**j * (1 - x) ** (size - j) for j in counts]

    rows = [binomial(sp.Rational(j, size)) for j in counts[1:-1]]
    stay = sp.Matrix(size - 1, size - 1, lambda i, j: rows[i][j + 1])
    win = sp.Matrix(size - 1, 1, lambda i, _: rows[i][size])
    survives = [0, *(sp.eye(size - 1) - stay).LUsolve(win), 1]
    found = sum(weight * value for weight, value in zip(binomial(p), survives, strict=True))
    assert sp.expand(found - p) == 0
