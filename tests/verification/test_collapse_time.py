"""Total collapse: chain, ancestry, enumeration, simulation, algebra and bounds agree.

`WRONG` is the natural mistake about ancestry, A_m in place of A_(m-1), as if generation 1 had
parents in the corpus that it is itself. The tests that accept the right distribution reject it.
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


def test_distribution_of_the_collapse_time_is_that_of_the_enumeration(small):
    p, n, laws = small
    listed = [enumeration.mean(law, lambda model: max(model) == 1) for law in laws]
    generations = len(laws) - 1
    assert list(coalescent.collapse_time_cdf(p, n, generations)) == listed
    assert list(AbsorbingChain(p, n).collapse_time_cdf(generations)) == listed
    assert list(wrong_cdf(p, n, generations)) != listed


def test_start_of_the_chain_is_the_distribution_of_the_first_model(small):
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


def test_simulated_times_have_the_exact_distribution(simulated):
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
    diffusion, slack = theory.collapse_time_diffusion(p, n), 0.5 * np.log(n)
    assert diffusion - 1 - slack - TINY <= exact
    assert theory.collapse_time_upper_bound(p, n) <= diffusion + 1 + TINY
    assert 2 * n - 2 - slack - TINY <= tmrca <= 2 * n - 2 + TINY
    j = np.arange(2, n + 1)
    differ = 1 - (p[p > 0, None] ** j).sum(axis=0)
    assert exact - 1 >= 6 / 7 * 2 * n * np.sum(differ / (j * (j - 1))) - TINY


@settings(deadline=None, max_examples=100)
@given(weights, st.sampled_from([0.3, 1, 3]), st.integers(1, 100))
def test_bounds_on_the_time_of_each_winner(weights, tilt, n):
    p = np.where(np.array(weights) > 0, np.array(weights, dtype=float) ** tilt, 0)
    p = p / p.sum()
    times = coalescent.expected_collapse_time_by_winner(p, n)
    limits = theory.collapse_time_diffusion_by_winner(p, n)
    wins = p > 0
    assert np.isnan(times[~wins]).all()
    assert (times[wins] <= limits[wins] + 1 + TINY).all()
    assert (times[wins] >= limits[wins] - 1 - 0.5 * np.log(n) - TINY).all()
    mean = coalescent.expected_collapse_time(p, n)
    assert p[wins] @ times[wins] == pytest.approx(mean, rel=1e-9)
    order = np.argsort(p[wins])
    assert (np.diff(times[wins][order]) <= TINY).all()  # the rarer, the later


@settings(deadline=None, max_examples=100)
@given(weights, st.sampled_from([0.3, 1, 3]), st.integers(1, 100))
def test_s0_nearly_decides_the_expected_time(weights, tilt, n):
    p = np.where(np.array(weights) > 0, np.array(weights, dtype=float) ** tilt, 0)
    p = p / p.sum()
    s0 = float(np.sum(p**2))
    low, high = coalescent.expected_collapse_time_range(n, s0)
    assert low - TINY <= coalescent.expected_collapse_time(p, n) <= high + TINY
    low, high = theory.collapse_time_diffusion_bounds(n, s0)
    assert low - 1e-7 <= theory.collapse_time_diffusion(p, n) <= high + 1e-7


def test_equal_tokens_attain_the_upper_side_and_the_exponents_cannot_be_better():
    fifth = Fraction(1, 5)
    equal = [fifth] * 5
    exact = coalescent.expected_collapse_time(equal, 9)
    assert coalescent.expected_collapse_time_range(9, fifth)[1] == exact
    high = theory.collapse_time_diffusion_bounds(9, 0.2)[1]
    assert theory.collapse_time_diffusion(np.full(5, 0.2), 9) == pytest.approx(high)
    # A dominant token among very many comes close to the lower side.
    p = np.r_[0.5, np.full(10**6, 0.5e-6)]
    low = theory.collapse_time_diffusion_bounds(9, float(np.sum(p**2)))[0]
    assert theory.collapse_time_diffusion(p, 9) == pytest.approx(low, rel=1e-4)


@pytest.mark.parametrize("p", [(1, 2, 1), (1, 5), (2, 0, 3, 1)])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_winner_and_time_together_are_those_of_the_enumeration(p, n):
    p = [Fraction(x, sum(p)) for x in p]
    laws = enumeration.fully_synthetic(p, n, 4)
    listed = [
        [enumeration.mean(law, lambda model, i=i: model[i] == 1) for i in range(len(p))]
        for law in laws[1:]
    ]
    cdf = coalescent.winner_cdf(p, n, 4)
    assert cdf[1:].tolist() == listed
    if n > 1:
        assert coalescent.winner_cdf(p, n, 5)[2:].tolist() != listed  # A_m for A_(m-1)
    assert (cdf.sum(axis=1) == coalescent.collapse_time_cdf(p, n, 4)).all()


def test_times_of_each_winner_are_exact_in_fractions():
    """Against the chain, conditioned on its end: Q_ij x_j / x_i, with the share x of the winner."""
    p, n = [Fraction(1, 3), Fraction(2, 3)], 24
    chain = AbsorbingChain(p, n)
    free = chain.transient
    moves, start = chain.transition_matrix[:free, :free], chain.start[:free]
    for token, time in enumerate(coalescent.expected_collapse_time_by_winner(p, n)):
        share = [Fraction(int(k), n) for k in chain.states[:free, token]]
        visits = sp.Matrix(free, free, lambda i, j: int(i == j) - _exact(moves[i, j]))
        lengths = visits.LUsolve(sp.Matrix([_exact(x) for x in share]))
        listed = 1 + sum(_exact(s) * h for s, h in zip(start, lengths, strict=True)) / _exact(
            p[token]
        )
        assert _exact(time) == listed


def _exact(x):
    return sp.Rational(x.numerator, x.denominator)


def test_times_of_each_winner_by_simulation():
    """Runs sorted by their winner; without the condition on the winner the means do not fit."""
    p, n, runs = np.array([0.7, 0.2, 0.1]), 12, 30_000
    rng = np.random.default_rng(3)
    q, times, winner = np.tile(p, (runs, 1)), np.zeros(runs), np.full(runs, -1)
    for m in range(1, 400):
        free = winner < 0
        q[free] = rng.multinomial(n, q[free]) / n
        done = free & (q.max(axis=1) == 1)
        times[done], winner[done] = m, q[done].argmax(axis=1)
    assert (winner >= 0).all()
    exact = coalescent.expected_collapse_time_by_winner(p, n)
    mixed = coalescent.expected_collapse_time(p, n)
    for token in range(3):
        mine = times[winner == token]
        error = mine.std(ddof=1) / np.sqrt(mine.size)
        assert abs(mine.mean() - exact[token]) < WIDTH * error
        assert abs(mine.mean() - mixed) > WIDTH * error


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
def test_symbolic_distribution_of_parents_is_the_transition_matrix(k):
    for n in (k, 2 * k + 1):
        row = coalescent.transition_matrix(n, exact=True)[k]
        law = [q.subs(symbolic.n, n) for q in symbolic.parents(k)]
        assert [sp.Rational(q.numerator, q.denominator) for q in map(Fraction, row)][: k + 1] == law
