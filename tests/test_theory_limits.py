"""What the closed forms of limits and tails accept, refuse and give in simple cases."""

import math
import re
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from collapse_lib import theory


def test_nothing_is_lost_where_nothing_varies():
    assert theory.distance_limit_given_corpus([7]) == 0
    assert theory.distance_limit_given_corpus([0, 7, 0]) == 0
    assert theory.best_weight(5, 1) == pytest.approx(5 / 6)
    assert theory.squared_deviation_weighted(1, 4, 9, [0.5, 0.5]) == pytest.approx(1 / 8)
    assert theory.expected_chi_square(5, 4, 9, 1) == 0
    assert theory.alive_bounds(3, 4, 0.0) == (0, 0)
    assert theory.alive_bounds(3, 4, 1.0) == (1, 1)
    assert theory.expected_collision_accumulating_limit(1, 3, 0.2) == 1


def test_shapes():
    assert theory.alive_bounds([1, 2, 3], 9, 0.1)[0].shape == (3,)
    assert theory.squared_deviation_weighted([0.1, 0.2], 4, 9, [0.5, 0.5]).shape == (2,)
    assert theory.deviation_probability_bound([0, 1.0, 2], 4, 9, 3).tolist()[0] == 1
    assert theory.collapse_time_diffusion_by_winner([0.5, 0.5, 0], 9).shape == (3,)
    many = theory.deviation_probability_bound(1.0, 2100, 10**9, 3000)  # 2^k is no float
    assert 0 < many < 1e-6
    assert theory.budget_with_confidence(10**6, 3000, 0.1, 0.05) == math.inf


def test_rare_winners_take_up_to_two_n():
    times = theory.collapse_time_diffusion_by_winner([1 - 1e-9, 1e-9], 50)
    assert times[1] == pytest.approx(100)
    assert times[0] < 1e-5
    assert np.isnan(theory.collapse_time_diffusion_by_winner([0.5, 0.5, 0], 9)[2])


@pytest.mark.parametrize("s0", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("real", [1, 2, 10**3, 10**6, 10**9, 10**12, 10**15, 10**18])
def test_an_urn_of_many_samples(real, s0):
    """With n = 1, of the variety of the corpus a share N / (N + 1) is kept: Polya's urn."""
    exact = 1 - Fraction(real - 1, real + 1) * (1 - Fraction(s0))
    found = theory.expected_collision_accumulating_limit(real, 1, s0)
    assert found == pytest.approx(float(exact), rel=1e-11)
    assert 0 <= found <= 1


@pytest.mark.parametrize("real", [2, 95, 104, 3 * 10**4, 10**12, 10**17])
@pytest.mark.parametrize("synthetic", [1, 2, 1000, 9 * 10**3, 11 * 10**3, 10**7, 10**15])
def test_what_accumulating_data_keeps_loses_no_digits(real, synthetic):
    with mpmath.workdps(80):  # on both sides of where the series takes over
        a, z = mpmath.mpf(real) / synthetic, 1 / mpmath.sqrt(synthetic)
        gammas = mpmath.gammaprod([1 + a, 1 + a], [1 + a - z, 1 + a + z])
        exact = float(1 - (1 - mpmath.mpf(1) / real) * gammas)
    found = theory.expected_collision_accumulating_limit(real, synthetic, 0.0)
    assert found == pytest.approx(exact, rel=1e-11)


@pytest.mark.parametrize("weight", [0.0, 1e-18, 1e-9, 2.0**-20, 0.5, 1.0])
@pytest.mark.parametrize("synthetic", [1, 10, 10**15, 10**17, 2**62])
def test_a_small_weight_and_many_samples(weight, synthetic):
    """Nothing real, however many samples: the error is all there can be."""
    w, n = Fraction(weight), Fraction(synthetic)
    noise, kept = w**2 / 10 + (1 - w) ** 2 / n, (1 - w) ** 2 * (1 - 1 / n)
    found = theory.squared_deviation_weighted(weight, 10, synthetic, [0.5, 0.5])
    assert found == pytest.approx(float(noise / (1 - kept) / 2), rel=1e-14)
    assert weight > 0 or found == 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.tokens_left_bound(0, 3), "m must be an integer of at least 1, got 0"),
        (lambda: theory.tokens_left_bound(1, 0), "n must be an integer of at least 1, got 0"),
        (lambda: theory.alive_bounds(1, 3, 1.5), "p must hold numbers from 0 to 1, got 1.5"),
        (lambda: theory.alive_bounds([1, 2], 3, [0.1] * 3), "must have shapes that broadcast"),
        (
            lambda: theory.collapse_time_diffusion_bounds(3, 0),
            "s0 must be above 0 and below 1, got 0",
        ),
        (
            lambda: theory.collapse_time_diffusion_bounds(3, 2.0),
            "s0 must be a number from 0 to 1, got 2.0",
        ),
        (lambda: theory.collapse_time_diffusion_by_winner([1.0], 3), "got a Dirac mass"),
        (
            lambda: theory.distance_limit_given_corpus([0, 0]),
            "counts must have shape (tokens,) and a sample, got [0 0]",
        ),
        (
            lambda: theory.distance_limit_given_corpus([1, -1]),
            "counts must hold integers of at least 0, got -1",
        ),
        (lambda: theory.best_weight(0, 3), "real must be an integer of at least 1, got 0"),
        (lambda: theory.best_weight(3, 0), "synthetic must be an integer of at least 1, got 0"),
        (
            lambda: theory.squared_deviation_weighted(1.5, 3, 3, [0.5, 0.5]),
            "weight must hold numbers from 0 to 1, got 1.5",
        ),
        (
            lambda: theory.expected_collision_accumulating_limit(3, 0, 0.5),
            "synthetic must be an integer of at least 1, got 0",
        ),
        (
            lambda: theory.deviation_probability_bound(3, 3, 3, 3),
            "distance must hold numbers from 0 to 2, got 3",
        ),
        (
            lambda: theory.deviation_probability_bound(1, 3, 3, 1),
            "tokens must be an integer of at least 2, got 1",
        ),
        (
            lambda: theory.expected_chi_square(0, 3, 3, 1),
            "m must be an integer of at least 1, got 0",
        ),
        (
            lambda: theory.budget_with_confidence(9, 3, 0, 0.1),
            "epsilon must be a finite number above 0, got 0",
        ),
        (
            lambda: theory.budget_with_confidence(9, 3, 0.1, 0.0),
            "delta must be a finite number above 0, got 0.0",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
