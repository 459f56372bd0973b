"""(6) and (14): algebra, closed form, enumeration and simulation are the same."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from scipy.stats import chisquare

from collapse_lib import distributions, recursion, symbolic, theory
from collapse_lib.schedules import FullySynthetic
from tests.verification import enumeration

CASES = [
    ([(1, 2), (1, 2)], 1, 3),
    ([(1, 3), (2, 3)], 4, 5),
    ([(1, 7), (0, 1), (6, 7)], 3, 4),
    ([(3, 5), (3, 10), (1, 10)], 5, 4),
    ([(1, 4), (1, 4), (1, 4), (1, 4)], 3, 3),
    ([(1, 1), (0, 1)], 3, 2),
]


@pytest.fixture(params=CASES, ids=str)
def case(request):
    p, n, generations = request.param
    p = [Fraction(*entry) for entry in p]
    return p, n, enumeration.fully_synthetic(p, n, generations)


def test_enumeration_has_total_probability_one(case):
    for law in case[2]:
        assert sum(law.values()) == 1


@pytest.mark.paper("(6)", "(14)", check="independent")
def test_theory_is_the_mean_over_all_outcomes(case):
    p, n, laws = case
    s0 = enumeration.collision(p)
    for m, law in enumerate(laws):
        assert theory.expected_collision(m, n, s0) == enumeration.mean(law, enumeration.collision)


@pytest.mark.paper("(6)", "(14)", check="symbolic")
def test_symbolic_is_the_mean_over_all_outcomes(case):
    p, n, laws = case
    s0 = enumeration.collision(p)
    closed = symbolic.expected_collision()
    for m, law in enumerate(laws):
        value = closed.subs({symbolic.n: n, symbolic.m: m, symbolic.S0: sp.Rational(s0)})
        assert value == sp.Rational(enumeration.mean(law, enumeration.collision))


def test_one_generation_late_is_not_the_mean(case):
    p, n, laws = case
    if max(p) == 1 or n == 1:
        return  # collapsed at generation 1 already: every generation is the same
    late = theory.expected_collision(2, n, enumeration.collision(p))
    assert late != enumeration.mean(laws[1], enumeration.collision)


def test_theory_and_symbolic_are_the_same_function():
    numeric = sp.lambdify((symbolic.m, symbolic.n, symbolic.S0), symbolic.expected_collision())
    for m in (0, 1, 7, 300):
        for n in (1, 2, 50, 10_000):
            for s0 in (0.0, 0.1, 1.0):
                assert theory.expected_collision(m, n, s0) == pytest.approx(numeric(m, n, s0))


# Mean within 4.5 standard errors: one in 150,000 where the theory is right.
WIDTH = 4.5


@pytest.mark.paper("(6)", check="independent")
@pytest.mark.parametrize("n", [1, 2, 10, 50, 400])
@pytest.mark.parametrize("collision", [0.03, 0.1, 0.5])
def test_simulation_follows_theory(n, collision):
    p = distributions.power_law(100, 52, collision)
    replicates = 2000
    runs = recursion.simulate(p, FullySynthetic(n), 60, replicates, rng=100 * n + 1)
    for m in (1, 2, 5, 20, 60):
        sample = runs.collision[:, m]
        expected = theory.expected_collision(m, n, collision)
        # Where all runs agree, they show no error; a variable from 0 to 1 has at most this one.
        variance = sample.var(ddof=1) or expected * (1 - expected)
        assert abs(sample.mean() - expected) <= WIDTH * np.sqrt(variance / replicates)


@pytest.mark.paper("(6)", check="independent")
@pytest.mark.parametrize("wrong", ["one generation late", "n - 1 for n", "half the diversity"])
def test_simulation_rejects_wrong_formulas(wrong):
    n, collision, m = 20, 0.1, 5
    p = distributions.power_law(100, 52, collision)
    sample = recursion.simulate(p, FullySynthetic(n), m, 20_000, rng=7).collision[:, m]
    formula = {
        "one generation late": theory.expected_collision(m + 1, n, collision),
        "n - 1 for n": theory.expected_collision(m, n - 1, collision),
        "half the diversity": 1 - (1 - 1 / n) ** m * (1 - collision / 2),
    }[wrong]
    error = sample.std(ddof=1) / np.sqrt(sample.size)
    assert abs(sample.mean() - formula) > WIDTH * error


def test_simulated_models_have_the_enumerated_distribution():
    """Not the mean alone: the whole distribution of p^(2), by a chi-square test on counts."""
    p, n, replicates = [Fraction(1, 3), Fraction(2, 3)], 4, 20_000
    law = enumeration.fully_synthetic(p, n, 2)[2]
    rng = np.random.default_rng(17)
    paths = [
        recursion.sample_path([1 / 3, 2 / 3], FullySynthetic(n), 2, stream)
        for stream in rng.spawn(replicates)
    ]
    firsts = np.rint(np.array(paths)[:, 2, 0] * n).astype(int)
    observed = np.bincount(firsts, minlength=n + 1)
    expected = [replicates * float(law[Fraction(k, n), Fraction(n - k, n)]) for k in range(n + 1)]
    assert chisquare(observed, expected).pvalue > 1e-5
    # After one generation the distribution is another.
    early = enumeration.fully_synthetic(p, n, 1)[1]
    wrong = [replicates * float(early[Fraction(k, n), Fraction(n - k, n)]) for k in range(n + 1)]
    assert chisquare(observed, wrong).pvalue < 1e-5
