import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collapse_lib import coalescent

HARMONIC = 1 / np.arange(1, 53) / np.sum(1 / np.arange(1, 53))


@pytest.mark.parametrize("n", [1, 2, 7, 150, 2000])
def test_rows_of_the_transition_matrix_are_distributions(n):
    matrix = coalescent.transition_matrix(n)
    assert matrix.shape == (n + 1, n + 1)
    assert (matrix >= 0).all()
    assert (np.triu(matrix, 1) == 0).all()
    assert np.abs(matrix.sum(axis=1) - 1).max() < 1e-12


def test_transition_matrix_is_exact_on_request():
    exact = coalescent.transition_matrix(12, exact=True)
    assert all(sum(row) == 1 for row in exact)
    assert exact[2, 1] == Fraction(1, 12)
    assert exact[12, 12] == Fraction(1925, 35831808)  # 12! / 12^12
    np.testing.assert_allclose(
        coalescent.transition_matrix(12), exact.astype(float), rtol=1e-14, atol=0
    )


def test_lineages_are_powers_of_the_transition_matrix():
    n = 9
    laws, power = coalescent.lineages(n, 30), np.eye(n + 1)
    for law in laws:
        np.testing.assert_allclose(law, power[n], atol=1e-15)
        power = power @ coalescent.transition_matrix(n)


@pytest.mark.parametrize("n", [300, 2000])
def test_lineages_stay_distributions_over_many_generations(n):
    laws = coalescent.lineages(n, 3000)
    assert np.abs(laws.sum(axis=1) - 1).max() < 1e-12
    # The mean after a generation is known: n (1 - (1 - 1/n)^n).
    assert laws[1] @ np.arange(n + 1) == pytest.approx(n * (1 - (1 - 1 / n) ** n), rel=1e-12)


@pytest.mark.parametrize(("n", "time"), [(10, 17.687), (100, 189.398), (400, 763.819)])
def test_known_collapse_times(n, time):
    assert coalescent.expected_collapse_time(HARMONIC, n) == pytest.approx(time, abs=5e-4)


@pytest.mark.parametrize(("n", "time"), [(1, 0), (2, 2), (10, 17.496), (100, 196.742)])
def test_known_times_to_the_common_ancestor(n, time):
    assert coalescent.expected_tmrca(n) == pytest.approx(time, abs=5e-4)


def test_one_sample_collapses_at_once():
    assert coalescent.expected_collapse_time([0.2, 0.8], 1) == 1
    assert coalescent.collapse_time_cdf([0.2, 0.8], 1, 3).tolist() == [0, 1, 1, 1]


def test_two_samples_by_hand():
    # Generation 1 has two equal samples with probability S_0; after that, half a chance each time.
    p = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]
    s0 = sum(x * x for x in p)
    assert coalescent.expected_collapse_time(p, 2) == 3 - 2 * s0
    cdf = coalescent.collapse_time_cdf(p, 2, 5)
    assert list(cdf) == [0] + [1 - (1 - s0) / 2**k for k in range(5)]


weights = st.lists(st.integers(0, 30), min_size=2, max_size=8).filter(
    lambda w: sum(x > 0 for x in w) >= 2
)


@settings(deadline=None)
@given(weights, st.integers(1, 14))
def test_floats_follow_fractions(weights, n):
    p = [Fraction(w, sum(weights)) for w in weights]
    floats = np.array(p, dtype=float)
    exact = coalescent.expected_collapse_time(p, n)
    assert isinstance(exact, Fraction)
    assert coalescent.expected_collapse_time(floats, n) == pytest.approx(float(exact), rel=1e-13)
    exact_cdf = coalescent.collapse_time_cdf(p, n, 6).astype(float)
    np.testing.assert_allclose(coalescent.collapse_time_cdf(floats, n, 6), exact_cdf, atol=1e-14)


@settings(deadline=None)
@given(weights, st.integers(1, 60), st.floats(0, 6))
def test_cdf_is_a_cdf_with_the_expected_mean(weights, n, tilt):
    p = np.array(weights) ** tilt * (np.array(weights) > 0)
    p = p / p.sum()
    cdf = coalescent.collapse_time_cdf(p, n, 40 * n + 20)
    assert cdf[0] == 0
    assert (np.diff(cdf) >= -1e-15).all()
    assert cdf[-1] == pytest.approx(1, abs=1e-13)
    mean = coalescent.expected_collapse_time(p, n)
    assert np.sum(1 - cdf) == pytest.approx(mean, rel=1e-9)
    assert cdf[1] == pytest.approx(np.sum(p**n), abs=1e-14)


def test_digits_survive_a_nearly_trivial_distribution():
    small = Fraction(1, 2**40)
    exact = coalescent.expected_collapse_time([1 - small, small], 30) - 1
    value = coalescent.expected_collapse_time([1 - 2**-40, 2**-40], 30) - 1
    assert value == pytest.approx(float(exact), rel=1e-3)  # 1 + 5e-10 has seven digits left
    start = coalescent.collapse_time_cdf([1 - 2**-40, 2**-40], 30, 1)[1]
    assert 1 - start == pytest.approx(30 * 2**-40, rel=1e-3)


def test_tokens_of_probability_zero_change_nothing():
    with_zeros = np.array([0.0, 0.7, 0.0, 0.3])
    assert coalescent.expected_collapse_time(with_zeros, 20) == pytest.approx(
        coalescent.expected_collapse_time([0.7, 0.3], 20), rel=1e-15
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: coalescent.expected_collapse_time([1.0, 0.0], 3), "got a Dirac mass"),
        (lambda: coalescent.expected_collapse_time([1, 0], 3), "got a Dirac mass"),
        (lambda: coalescent.collapse_time_cdf([1.0], 3, 2), "p must give at least two tokens"),
        (lambda: coalescent.expected_collapse_time([0.5, 0.6], 3), "p must sum to 1 within"),
        (lambda: coalescent.expected_collapse_time([0.5, 0.5], 0), "n must be an integer of at"),
        (
            lambda: coalescent.collapse_time_cdf([0.5, 0.5], 2, -1),
            "generations must be an integer of at least 0, got -1",
        ),
        (lambda: coalescent.expected_tmrca(2.5), "n must be an integer of at least 1, got 2.5"),
        (lambda: coalescent.lineages(0, 3), "n must be an integer of at least 1, got 0"),
        (lambda: coalescent.lineages(3, -1), "generations must be an integer of at least 0"),
        (lambda: coalescent.winner_cdf([1.0, 0.0], 3, 2), "got a Dirac mass"),
        (lambda: coalescent.winner_cdf([0.5, 0.5], 3, -1), "generations must be an integer of at"),
        (lambda: coalescent.alive_probabilities([0.5, 0.5], 0, 2), "n must be an integer of at"),
        (lambda: coalescent.alive_probabilities([1.0], 3, 2), "got a Dirac mass"),
        (lambda: coalescent.expected_collapse_time_by_winner([1.0], 3), "got a Dirac mass"),
        (lambda: coalescent.expected_collapse_time_range(3, 1.0), "s0 must be below 1, got 1.0"),
        (
            lambda: coalescent.expected_collapse_time_range(3, 1.5),
            "s0 must be a number from 0 to 1",
        ),
        (lambda: coalescent.tail_constant(1), "n must be an integer of at least 2, got 1"),
        (lambda: coalescent.transition_matrix(0), "n must be an integer of at least 1"),
        (lambda: coalescent.transition_matrix(3, exact="no"), "exact must be True or False"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
