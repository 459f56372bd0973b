"""Total collapse: chain, ancestry, enumeration, simulation, algebra and bounds agree.

`WRONG` is the natural mistake about ancestry, A_m in place of A_(m-1): generation 1 is then
taken to have parents in the corpus it is itself. The tests that accept the right law reject it.
"""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from collapse_lib import coalescent, distributions, recursion, symbolic, theory
from collapse_lib.markov import AbsorbingChain
from collapse_lib.schedules import FullySynthetic
from tests.verification import enumeration, forward

WIDTH = 4.5

SMALL = [  # p, n, generations
    ([(1, 2), (1, 2)], 1, 3),
    ([(1, 2), (1, 2)], 2, 4),
    ([(1, 3), (2, 3)], 5, 4),
    ([(1, 7), (0, 1), (6, 7)], 3, 4),
    ([(3, 5), (3, 10), (1, 10)], 4, 4),
    ([(1, 3), (1, 3), (1, 3)], 3, 4),
    ([(1, 4), (1, 4), (0, 1), (1, 4), (1, 4)], 3, 3),
]


def wrong_cdf(p, n, generations):
    """P(T <= m) as it would be with A_m for A_(m-1)."""
    return coalescent.collapse_time_cdf(p, n, generations + 1)[1:]


@pytest.fixture(params=SMALL, ids=str)
def small(request):
    p, n, generations = request.param
    p = [Fraction(*entry) for entry in p]
    return p, n, enumeration.fully_synthetic(p, n, generations)


def test_law_of_the_collapse_time_is_that_of_the_enumeration(small):
    p, n, laws = small
    listed = [enumeration.mean(law, lambda model: max(model) == 1) for law in laws]
    generations = len(laws) - 1
    assert list(coalescent.collapse_time_cdf(p, n, generations)) == listed
    assert list(AbsorbingChain(p, n).collapse_time_cdf(generations)) == listed
    assert list(wrong_cdf(p, n, generations)) != listed


def test_start_of_the_chain_is_the_law_of_the_first_model(small):
    p, n, laws = small
    chain = AbsorbingChain(p, n)
    law = {
        tuple(Fraction(int(k), n) for k in state): weight
        for state, weight in zip(chain.states, chain.start, strict=True)
    }
    assert law == {state: weight for state, weight in laws[1].items() if weight}


@pytest.mark.paper("Proposition 1", check="independent")
def test_chain_and_ancestry_are_exactly_equal(small):
    p, n, _ = small
    chain = AbsorbingChain(p, n)
    assert chain.expected_collapse_time() == coalescent.expected_collapse_time(p, n)
    assert list(chain.absorption_probabilities()) == p
    assert list(chain.collapse_time_cdf(25)) == list(coalescent.collapse_time_cdf(p, n, 25))
    if n > 1:  # one generation less
        assert chain.expected_collapse_time() != coalescent.expected_collapse_time(p, n) - 1


LARGE = [
    ([0.5, 0.5], 1200),
    ([0.999, 0.001], 300),
    ([0.6, 0.3, 0.1], 60),
    ([0.0, 0.25, 0.7, 0.05], 45),
    ([0.4, 0.3, 0.2, 0.1], 18),
    ([0.2] * 5, 11),
    (np.r_[0.5, [0.05] * 10], 4),
]


@pytest.mark.parametrize(("p", "n"), LARGE, ids=str)
def test_chain_and_ancestry_agree_in_floats(p, n):
    chain = AbsorbingChain(p, n)
    exact = coalescent.expected_collapse_time(p, n)
    assert chain.expected_collapse_time() == pytest.approx(exact, rel=1e-10, abs=0)
    assert chain.absorption_probabilities() == pytest.approx(p, abs=1e-10)
    if n <= 60:
        generations = 5 * n
        cdf = chain.collapse_time_cdf(generations)
        np.testing.assert_allclose(
            cdf, coalescent.collapse_time_cdf(p, n, generations), rtol=0, atol=1e-10
        )
        assert np.abs(cdf - wrong_cdf(p, n, generations)).max() > 1e-3


SIMULATED = [
    (distributions.uniform(5, 5), 3),
    (distributions.uniform(40, 40), 20),
    (distributions.power_law(600, 52, 0.1), 10),
    (distributions.power_law(600, 52, 0.1), 100),
    (distributions.power_law(60, 10, 0.5), 50),
    (np.array([0.97, 0.0, 0.02, 0.01]), 25),
]


@pytest.fixture(scope="module", params=SIMULATED, ids=lambda case: f"n={case[1]}")
def simulated(request):
    p, n = request.param
    return p, n, forward.collapse_times(p, n, 20_000, rng=n)


def test_simulated_mean_is_the_exact_one(simulated):
    p, n, times = simulated
    error = times.std(ddof=1) / np.sqrt(times.size)
    exact = coalescent.expected_collapse_time(p, n)
    assert abs(times.mean() - exact) < WIDTH * error
    wrong = exact - 1  # A_m for A_(m-1): everything one generation early
    if error < 0.1:
        assert abs(times.mean() - wrong) > WIDTH * error


def largest_gap(times, cdf):
    """Return the largest distance of two distribution functions, times sqrt(replicates)."""
    counts = np.bincount(np.minimum(times, cdf.size), minlength=cdf.size + 1)[: cdf.size]
    return np.abs(np.cumsum(counts) / times.size - cdf).max() * np.sqrt(times.size)


def test_simulated_times_have_the_exact_law(simulated):
    """Kolmogorov's distance: above 2.5 with probability below 2 exp(-12.5), 1 in 130,000."""
    p, n, times = simulated
    generations = int(times.max())
    assert largest_gap(times, coalescent.collapse_time_cdf(p, n, generations)) < 2.5
    if n <= 25:
        assert largest_gap(times, wrong_cdf(p, n, generations)) > 2.5


@pytest.mark.paper("Proposition 1", check="independent")
def test_simulated_survivors_follow_p():
    p, n, replicates = np.array([0.5, 0.3, 0.15, 0.05]), 6, 1500
    streams = np.random.default_rng(5).spawn(replicates)
    last = [recursion.sample_path(p, FullySynthetic(n), 100, rng)[-1] for rng in streams]
    survivors = np.bincount(np.argmax(last, axis=1), minlength=4)
    assert (np.max(last, axis=1) == 1).all()
    error = np.sqrt(replicates * p * (1 - p))
    assert (np.abs(survivors - replicates * p) < WIDTH * error).all()
    # Not in proportion to p^2, as if frequent tokens were favoured.
    favoured = p**2 / np.sum(p**2)
    assert (np.abs(survivors - replicates * favoured) > WIDTH * error).any()


weights = st.lists(st.integers(0, 1000), min_size=2, max_size=30).filter(
    lambda w: sum(x > 0 for x in w) >= 2
)
TINY = 1e-9


@pytest.mark.paper("(8)", check="independent")
@settings(deadline=None, max_examples=150)
@given(weights, st.sampled_from([0.3, 1, 3]), st.integers(1, 150))
def test_bounds_on_the_expected_time(weights, tilt, n):
    p = np.where(np.array(weights) > 0, np.array(weights, dtype=float) ** tilt, 0)
    p = p / p.sum()
    s0, support = float(np.sum(p**2)), np.count_nonzero(p)
    exact, tmrca = coalescent.expected_collapse_time(p, n), coalescent.expected_tmrca(n)
    lower, upper = theory.collapse_time_bounds(n, s0, support)
    assert lower - TINY <= exact <= upper + TINY
    if n <= 2:
        assert exact == pytest.approx(upper)
    assert exact <= 2 * n - 1 + TINY
    assert exact <= theory.collapse_time_upper_bound(p, n) + TINY
    assert 1 + (1 - s0) * tmrca - TINY <= exact <= 1 + (1 - np.sum(p**n)) * tmrca + TINY
    diffusion, slack = theory.collapse_time_diffusion(p, n), 0.75 * np.log(n)
    assert diffusion - 1 - slack - TINY <= exact
    assert theory.collapse_time_upper_bound(p, n) <= diffusion + 1 + TINY
    assert 2 * n - 2 - slack - TINY <= tmrca <= 2 * n - 2 + TINY


@pytest.mark.paper("(7)", check="independent")
@settings(deadline=None, max_examples=100)
@given(weights, st.integers(1, 80))
def test_bounds_on_the_probability_of_collapse(weights, n):
    p = np.array(weights) / sum(weights)
    m = np.arange(1, 6 * n + 1)
    rho = coalescent.collapse_time_cdf(p, n, 6 * n)[1:]
    lower, upper = theory.collapse_probability_bounds(
        m, n, float(np.sum(p**2)), np.count_nonzero(p)
    )
    assert (lower <= rho + TINY).all()
    assert (rho <= upper + TINY).all()
    assert (theory.collapse_probability_lower_bound(m, n) <= rho + TINY).all()


@pytest.mark.paper("(7)", "(8)", check="independent")
@pytest.mark.parametrize("share", [Fraction(1, 2), Fraction(1, 7)])
def test_bounds_of_theorem_1_are_attained_by_two_samples_of_two_tokens(share):
    """Until the collapse the two samples differ, so that both sides of the proof are equal."""
    p = (share, 1 - share)
    s0 = enumeration.collision(p)
    listed = [
        enumeration.mean(law, lambda model: max(model) == 1)
        for law in enumeration.fully_synthetic(p, 2, 6)
    ]
    for m in range(1, 7):
        assert theory.collapse_probability_bounds(m, 2, s0, 2) == (listed[m], listed[m])
        late = theory.collapse_probability_bounds(m + 1, 2, s0, 2)
        assert listed[m] not in late
    # From generation 1 on, half of those that have not collapsed do.
    expected = 1 + 2 * (1 - listed[1])
    assert theory.collapse_time_bounds(2, s0, 2) == (expected, expected)


def test_bounds_are_the_best_of_their_kind():
    """Slightly smaller constants are violated, so the tests above could fail."""
    many = distributions.uniform(20_000, 20_000)
    assert coalescent.expected_collapse_time(many, 2) > 0.999 * 3  # 2n - 1
    late = coalescent.collapse_time_cdf(many, 40, 300)[300]
    assert 1 - late > 0.98 * (1 - theory.collapse_probability_lower_bound(300, 40))
    assert coalescent.expected_collapse_time([0.5, 0.5], 400) > 0.99 * (
        theory.collapse_time_upper_bound([0.5, 0.5], 400)
    )


@pytest.mark.paper("(7)", "(8)", check="symbolic")
@given(st.integers(1, 40), st.integers(1, 60), st.fractions(0, 1), st.integers(2, 30))
def test_theory_and_symbolic_are_the_same_bounds(m, n, share, support):
    s0 = Fraction(1, support) + share * (1 - Fraction(1, support)) * Fraction(99, 100)
    values = {
        symbolic.m: m,
        symbolic.n: n,
        symbolic.S0: sp.Rational(s0.numerator, s0.denominator),
        symbolic.support: support,
    }
    pairs = [
        (theory.collapse_probability_bounds(m, n, s0, support), PROBABILITY_BOUNDS),
        (theory.collapse_time_bounds(n, s0, support), TIME_BOUNDS),
    ]
    for numbers, expressions in pairs:
        for number, expression in zip(numbers, expressions, strict=True):
            derived = expression.subs(values)
            assert number == Fraction(int(derived.p), int(derived.q))


PROBABILITY_BOUNDS = symbolic.collapse_probability_bounds()
TIME_BOUNDS = symbolic.collapse_time_bounds()


@pytest.mark.parametrize("k", range(1, 7))
def test_symbolic_law_of_parents_is_the_transition_matrix(k):
    for n in (k, 2 * k + 1):
        row = coalescent.transition_matrix(n, exact=True)[k]
        law = [q.subs(symbolic.n, n) for q in symbolic.parents(k)]
        assert [sp.Rational(q.numerator, q.denominator) for q in map(Fraction, row)][: k + 1] == law
