"""Synthetic data alone: which tokens are left, the spectrum of the chain, its exact tail."""

from fractions import Fraction
from itertools import combinations_with_replacement
from math import comb, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collapse_lib import coalescent, distributions, recursion, theory
from collapse_lib.markov import AbsorbingChain
from collapse_lib.schedules import FullySynthetic
from tests.verification import enumeration

WIDTH = 4.5
TINY = 1e-12


@pytest.mark.parametrize(("p", "n"), [((1, 2, 1), 3), ((1, 5), 4), ((2, 0, 3, 1), 2)])
def test_tokens_left_are_those_of_the_enumeration(p, n):
    p = [Fraction(x, sum(p)) for x in p]
    laws = enumeration.fully_synthetic(p, n, 3)
    listed = [
        [enumeration.mean(law, lambda model, i=i: model[i] > 0) for i in range(len(p))]
        for law in laws
    ]
    alive = coalescent.alive_probabilities(p, n, 4)
    assert alive[:4].tolist() == listed
    assert alive[1:].tolist() != listed  # A_m for A_(m-1)


weights = st.lists(st.integers(0, 1000), min_size=2, max_size=30).filter(
    lambda w: sum(x > 0 for x in w) >= 2
)


@settings(deadline=None, max_examples=100)
@given(weights, st.sampled_from([0.3, 1, 3]), st.integers(1, 80))
def test_bounds_on_the_tokens_left(weights, tilt, n):
    p = np.where(np.array(weights) > 0, np.array(weights, dtype=float) ** tilt, 0)
    p = p / p.sum()
    m = np.arange(1, 5 * n + 1)
    alive = coalescent.alive_probabilities(p, n, 5 * n)[1:]
    ancestors = coalescent.lineages(n, 5 * n - 1) @ np.arange(n + 1)
    bound = theory.tokens_left_bound(m, n)
    assert (alive.sum(axis=1) <= ancestors + TINY).all()
    assert (ancestors <= bound + 1e-9).all()
    assert (bound <= 1 + 2 * n / (m + 1) + 1e-9).all()
    low, high = theory.alive_bounds(m[:, None], n, p)
    assert (low <= alive + TINY).all()
    assert (alive <= high + 1e-9).all()


def test_bounds_on_the_tokens_left_are_the_best_of_their_kind():
    """Half of the cutoff would be violated, and so would a larger lower bound."""
    n, m = 200, 60
    p = np.full(2000, 1 / 2000)
    alive = coalescent.alive_probabilities(p, n, m)[m]
    assert alive.sum() > 0.9 * theory.tokens_left_bound(m, n)
    assert alive[0] > p[0] * (1 + n / (m + 1))
    low = theory.alive_bounds(m, n, 0.5)[0]
    assert coalescent.alive_probabilities([0.5, 0.5], n, m)[m, 0] < 1.4 * low


def test_simulated_tokens_left():
    p, n, runs = distributions.power_law(52, 52, 0.1), 30, 2000
    left = recursion.simulate(p, FullySynthetic(n), 40, runs, rng=8).support
    exact = coalescent.alive_probabilities(p, n, 41).sum(axis=1)
    error = left.std(axis=0, ddof=1) / np.sqrt(runs)
    for m in (1, 5, 20, 40):
        assert abs(left[:, m].mean() - exact[m]) < WIDTH * error[m]
    assert abs(left[:, 1].mean() - exact[2]) > WIDTH * error[1]


@pytest.mark.parametrize(("tokens", "n"), [(2, 2), (2, 9), (3, 4), (3, 8), (4, 4), (5, 3)])
def test_spectrum_of_the_chain(tokens, n):
    """They are n (n-1) ... (n-k+1) / n^k, as often as there are monomials of degree k."""
    chain = AbsorbingChain(np.full(tokens, 1 / tokens), n)
    found = np.sort(np.linalg.eigvals(chain.transition_matrix.toarray()).real)
    expected, wrong = [], []
    for k in range(n + 1):
        value = prod(n - j for j in range(k)) / n**k
        expected += [value] * comb(k + tokens - 2, k)
        wrong += [(1 - 1 / n) ** (k * (k - 1) / 2)] * comb(k + tokens - 2, k)
    assert len(expected) == len(chain.states)
    np.testing.assert_allclose(found, np.sort(expected), atol=1e-6)
    if n > 2:
        assert np.abs(found - np.sort(wrong)).max() > 1e-3


@pytest.mark.parametrize(("tokens", "n"), [(2, 4), (3, 3)])
def test_falling_factorials_of_the_counts_are_multiplied_by_the_eigenvalue(tokens, n):
    """The step of the proof: E prod (c_i)_(k_i) = n (n-1) ... (n-k+1) prod x_i^(k_i)."""
    for counts, _ in enumeration.outcomes((Fraction(1, tokens),) * tokens, n):
        x = tuple(Fraction(c, n) for c in counts)
        law = dict(enumeration.outcomes(x, n))
        for degree in range(n + 1):
            for chosen in combinations_with_replacement(range(tokens - 1), degree):
                powers = [chosen.count(i) for i in range(tokens)]
                value = sum(
                    weight * prod(falling(c, k) for c, k in zip(after, powers, strict=True))
                    for after, weight in law.items()
                )
                assert value == falling(n, degree) * prod(
                    y**k for y, k in zip(x, powers, strict=True)
                )


def falling(x, k):
    return prod(x - j for j in range(k))


@pytest.mark.parametrize("n", [2, 3, 7, 25])
@pytest.mark.parametrize("p", [[0.5, 0.5], [0.7, 0.2, 0.1], [0.97, 0.03]])
def test_exact_tail(p, n):
    """The chain, forwards, at a generation where the third eigenvalue has died out."""
    m = 6 * n if n > 2 else 5
    chain = AbsorbingChain(p, n)
    tail = 1 - chain.collapse_time_cdf(m)[m]
    unit = (1 - np.sum(np.square(p))) * (1 - 1 / n) ** m
    third = (1 - 2 / n) ** m if n > 2 else 0.0
    constant = theory_constant = coalescent.tail_constant(n)
    assert tail / unit == pytest.approx(constant, abs=8 * third * n + 1e-9)
    assert constant <= 3 * n / (n + 1) + TINY
    assert abs(tail / unit - (theory_constant - 0.5)) > 0.4  # and no other constant


@given(st.integers(2, 400))
@settings(deadline=None, max_examples=40)
def test_constant_of_the_tail_is_below_its_bound(n):
    constant = coalescent.tail_constant(n)
    assert 2 - TINY <= constant <= 3 * n / (n + 1) + TINY
    assert constant > 3 - 9 / n
