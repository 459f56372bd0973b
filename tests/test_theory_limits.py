"""What the closed forms of limits and tails accept, refuse and give in simple cases."""

import math
import re

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
