"""Theorem 2: the corrected (9) against enumeration, SymPy and simulation; the printed one too."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp

from collapse_lib import distributions, recursion, symbolic, theory
from collapse_lib.schedules import PartiallySynthetic
from tests.verification import enumeration

CASES = [
    ([(3, 5), (3, 10), (1, 10)], 4, 6, 3),
    ([(1, 3), (2, 3)], 1, 2, 4),
    ([(1, 3), (2, 3)], 5, 1, 4),
    ([(1, 2), (1, 2)], 3, 3, 5),
    ([(1, 4), (3, 4)], 2, 9, 3),
    ([(1, 3), (1, 3), (1, 3)], 2, 3, 3),
    ([(1, 7), (0, 1), (6, 7)], 3, 0, 3),
]


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request):
    p, real, synthetic, generations = request.param
    p = [Fraction(*entry) for entry in p]
    return p, real, synthetic, enumeration.partially_synthetic(p, real, synthetic, generations)


def listed_collision(law):
    return enumeration.mean(law, lambda state: enumeration.collision(state[1]))


@pytest.mark.paper("(9)", check="independent")
def test_corrected_formula_is_the_mean_over_all_outcomes(case):
    p, real, synthetic, laws = case
    s0 = enumeration.collision(p)
    for m, law in enumerate(laws, start=1):
        assert theory.expected_collision_mixed(m, real, synthetic, s0) == listed_collision(law)


def test_squared_deviation_is_the_mean_over_all_outcomes(case):
    p, real, synthetic, laws = case
    for m, law in enumerate(laws, start=1):
        listed = enumeration.mean(
            law, lambda state: sum((x - y) ** 2 for x, y in zip(*state, strict=True))
        )
        assert theory.squared_deviation(m, real, synthetic, p) == listed


@pytest.fixture(scope="module")
def derived():
    return symbolic.expected_collision_mixed(), symbolic.printed_residual()


@pytest.mark.paper("(9)", check="symbolic")
def test_symbolic_is_the_mean_over_all_outcomes(case, derived):
    p, real, synthetic, laws = case
    s0 = sp.Rational(str(enumeration.collision(p)))
    values = {symbolic.N: real, symbolic.n: synthetic, symbolic.S0: s0}
    factor = symbolic.decay().subs(values)
    closed, _ = derived
    for m, law in enumerate(laws, start=1):
        power = sp.Integer(1) if m == 1 else factor ** (m - 1)  # beta^0 = 1, also for beta = 0
        value = closed.subs(symbolic.beta ** (symbolic.m - 1), power).subs(values)
        assert value == sp.Rational(str(listed_collision(law)))


@pytest.mark.paper("(9)", check="symbolic")
def test_printed_formula_differs_where_its_residual_says(case, derived):
    p, real, synthetic, laws = case
    s0 = enumeration.collision(p)
    _, expression = derived
    beta = Fraction(synthetic * (synthetic - 1), (real + synthetic) ** 2)
    for m, law in enumerate(laws, start=1):
        printed = theory.expected_collision_mixed_as_printed(m, real, synthetic, s0)
        size = real * (real**2 + (2 * real + 1) * synthetic)
        residual = Fraction(-2 * (real - 1) * synthetic, size) * s0 * beta ** (m - 1)
        assert printed - listed_collision(law) == residual
        power = sp.Rational(str(beta ** (m - 1)))
        values = {symbolic.N: real, symbolic.n: synthetic, symbolic.S0: sp.Rational(str(s0))}
        found = expression.subs(symbolic.beta ** (symbolic.m - 1), power).subs(values)
        assert found == sp.Rational(str(residual))


@pytest.mark.paper("(9)", check="independent")
def test_second_derivation_by_coupling():
    """S_m - S_1 once more, from scratch: two draws from p^(m) traced back to where they come from.

    A token of generation m comes from the corpus with probability 1 - alpha, or else was drawn
    from generation m - 1, and so on: it goes back to a uniformly drawn place of the corpus.
    Two tokens drawn from p^(m) are equal if they meet at one sample, synthetic or real, or else
    go back to different real places, which are independent draws of the truth. So
    1 - S_m = (1 - S_0) P(they go back to two different real places).
    """
    s0 = Fraction(46, 100)
    for real, synthetic in ((4, 6), (1, 3), (7, 1), (3, 0), (10, 40)):
        total = real + synthetic
        apart = Fraction(real - 1, real)  # two random places of the corpus differ
        for m in range(1, 8):
            found = 1 - (1 - s0) * apart
            assert theory.expected_collision_mixed(m, real, synthetic, s0) == found
            # One generation on: both real; one of each (the other ends at a random real place);
            # or two different synthetic samples, which are two draws from this generation.
            both_real = Fraction(real * (real - 1), total**2)
            one_each = Fraction(2 * real * synthetic, total**2) * Fraction(real - 1, real)
            both_synthetic = Fraction(synthetic * (synthetic - 1), total**2) * apart
            apart = both_real + one_each + both_synthetic


def token_moments(laws):
    """Return E[(p_1^(m))^2] and E[p_1^(1) p_1^(m)] of the first token, for m = 1, 2, ..."""
    return [
        (
            enumeration.mean(law, lambda state: state[1][0] ** 2),
            enumeration.mean(law, lambda state: state[0][0] * state[1][0]),
        )
        for law in laws
    ]


@pytest.mark.paper("(15)", check="independent")
def test_15_is_true_of_all_outcomes(case):
    """(15) as printed; its double sum of E[y_j y_k] is N n E[p^(1) p^(m - 1)]."""
    p, real, synthetic, laws = case
    total = real + synthetic
    moments = token_moments(laws)
    for (before, cross), (after, _) in pairwise(moments):
        own = p[0] * total + (real**2 - real) * p[0] ** 2 + (synthetic**2 - synthetic) * before
        assert after == (own + 2 * real * synthetic * cross) / total**2
        if 0 < p[0] < 1 and synthetic:  # a corpus is not independent of what is made from it
            assert after != (own + 2 * real * synthetic * p[0] ** 2) / total**2


@pytest.mark.paper("(15)", check="symbolic")
def test_symbolic_recursion_of_a_token_is_true_of_all_outcomes(case):
    p, real, synthetic, laws = case
    recursion = symbolic.mixed_moment_recursion().rhs
    (nu,) = recursion.atoms(sp.Function)
    values = {symbolic.N: real, symbolic.n: synthetic, symbolic.p: sp.Rational(str(p[0]))}
    for (before, _), (after, _) in pairwise(token_moments(laws)):
        found = recursion.subs(nu, sp.Rational(str(before))).subs(values)
        assert found == sp.Rational(str(after))


@pytest.mark.paper("(9)", check="independent")
@pytest.mark.parametrize("synthetic", [1, 10, 100, 1000])
def test_simulation_follows_the_corrected_formula(synthetic):
    p = distributions.power_law(60, 52, 0.1)
    runs = recursion.simulate(p, PartiallySynthetic(20, synthetic), 50, 1500, rng=synthetic)
    for m in (1, 2, 3, 10, 50):
        sample = runs.collision[:, m]
        expected = theory.expected_collision_mixed(m, 20, synthetic, 0.1)
        error = sample.std(ddof=1) / np.sqrt(sample.size)
        assert abs(sample.mean() - expected) < 4.5 * error


@pytest.mark.paper("(9)", check="independent")
def test_simulation_rejects_the_printed_formula():
    runs = recursion.simulate([0.6, 0.3, 0.1], PartiallySynthetic(4, 6), 2, 20_000, rng=5)
    sample = runs.collision[:, 2]
    error = sample.std(ddof=1) / np.sqrt(sample.size)
    right = theory.expected_collision_mixed(2, 4, 6, 0.46)
    printed = theory.expected_collision_mixed_as_printed(2, 4, 6, 0.46)
    assert abs(sample.mean() - right) < 4.5 * error
    assert abs(sample.mean() - printed) > 4.5 * error
