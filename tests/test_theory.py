import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collapse_lib import theory
from collapse_lib.schedules import Accumulating, Explicit, FullySynthetic, RandomlySampled


@given(st.integers(0, 50), st.integers(1, 200), st.fractions(0, 1))
def test_expected_collision_follows_its_recursion_exactly(m, n, s0):
    now, after = (theory.expected_collision(k, n, s0) for k in (m, m + 1))
    assert isinstance(now, Fraction)
    assert after == Fraction(1, n) + (1 - Fraction(1, n)) * now
    assert theory.expected_collision(0, n, s0) == s0


@given(st.integers(0, 3000), st.integers(1, 10**6), st.floats(0, 1))
def test_expected_collision_in_floats(m, n, s0):
    value = theory.expected_collision(m, n, s0)
    exact = 1 - (1 - Fraction(1, n)) ** min(m, 200) * (1 - Fraction(s0))
    assert s0 - 1e-12 <= value <= 1
    if m <= 200:
        assert value == pytest.approx(float(exact), abs=1e-12)


@pytest.mark.parametrize("n", [10**9, 10**12, 10**15, 10**18])
def test_no_cancellation_for_many_samples(n):
    assert theory.expected_collision(n, n, 0.0) == pytest.approx(-np.expm1(-1), rel=1e-9)
    exact = float(theory.squared_deviation(2, 10, n, [Fraction(1, 2)] * 2))
    assert theory.squared_deviation(2, 10, n, [0.5, 0.5]) == pytest.approx(exact, rel=1e-9)
    assert theory.squared_deviation_fresh(2, 10, n, [0.5, 0.5]) == pytest.approx(
        float(theory.squared_deviation_fresh(2, 10, n, [Fraction(1, 2)] * 2)), rel=1e-9
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64, np.int64])
def test_small_integer_types_do_not_overflow(dtype):
    real, synthetic = np.array([200 % 128], dtype), np.array([100], dtype)
    for formula in (
        theory.expected_collision_mixed,
        theory.expected_collision_mixed_as_printed,
    ):
        assert formula(2, real, synthetic, 0.3)[0] == pytest.approx(formula(2, 72, 100, 0.3))
    with pytest.raises(ValueError, match="real must hold integers of at most"):
        theory.expected_collision_mixed(2, np.array([2**63], np.uint64), 1, 0.3)


def test_fractions_with_arrays_give_floats():
    values = theory.expected_collision([0, 1, 2], 4, Fraction(1, 2))
    assert values.dtype == float
    assert values.tolist() == [0.5, 0.625, 0.71875]


def test_expected_collision_broadcasts():
    m, n = np.arange(4)[:, None], np.array([1, 5, 7])
    table = theory.expected_collision(m, n, 0.3)
    assert table.shape == (4, 3)
    assert table[2, 1] == pytest.approx(theory.expected_collision(2, 5, 0.3))
    assert table[0].tolist() == pytest.approx([0.3] * 3)
    assert table[1, 0] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 3, 0.5), "m must be an integer of at least 0, got -1"),
        ((1.5, 3, 0.5), "m must be an integer of at least 0, got 1.5"),
        (([0, -2], 3, 0.5), "m must hold integers of at least 0, got -2"),
        (([0.5], 3, 0.5), "m must hold integers, got an array of float64"),
        ((1, 0, 0.5), "n must be an integer of at least 1, got 0"),
        ((1, 3, 1.5), "s0 must be a number from 0 to 1, got 1.5"),
        ((1, 3, -0.1), "s0 must be a number from 0 to 1, got -0.1"),
        ((1, 3, np.nan), "s0 must be a number from 0 to 1, got nan"),
        ((1, 3, [0.5]), "s0 must be a number from 0 to 1, got [0.5]"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        theory.expected_collision(*arguments)


mixed_sizes = st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(0, 60))


@given(mixed_sizes, st.fractions(0, 1))
def test_mixed_collision_probability_grows_from_that_of_the_corpus(sizes, s0):
    m, real, synthetic = sizes
    first = Fraction(1, real) + (1 - Fraction(1, real)) * s0
    now, after = (theory.expected_collision_mixed(k, real, synthetic, s0) for k in (m, m + 1))
    assert theory.expected_collision_mixed(1, real, synthetic, s0) == first
    assert first <= now <= after <= 1
    assert now - first <= (1 - s0) / (2 * real)
    if synthetic and s0 < 1:
        assert now - first < (1 - s0) * Fraction(synthetic, real * (real + 2 * synthetic))


@given(mixed_sizes, st.fractions(0, 1))
def test_printed_bound_on_the_mixed_collision_probability_survives(sizes, s0):
    m, real, synthetic = sizes
    alpha = Fraction(synthetic, real + synthetic)
    gamma = (1 - Fraction(1, real)) * (1 + alpha) * (1 - s0) / (1 + (1 + Fraction(1, real)) * alpha)
    value = theory.expected_collision_mixed(m, real, synthetic, s0)
    assert value <= 1 - gamma
    if real >= 2 and synthetic >= 2 and s0 < 1:
        assert value < 1 - gamma


@given(mixed_sizes, st.floats(0, 1))
def test_mixed_formulas_in_floats(sizes, s0):
    m, real, synthetic = sizes
    for formula in (
        theory.expected_collision_mixed,
        theory.expected_collision_mixed_as_printed,
    ):
        exact = formula(m, real, synthetic, Fraction(s0))
        assert formula(m, real, synthetic, s0) == pytest.approx(float(exact), abs=1e-12)


@given(mixed_sizes, st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_squared_deviation_is_the_gain_in_collision(sizes, weights):
    m, real, synthetic = sizes
    p = [Fraction(w, sum(weights)) for w in weights]
    s0 = sum(x * x for x in p)
    gain = theory.expected_collision_mixed(m, real, synthetic, s0) - (
        theory.expected_collision_mixed(1, real, synthetic, s0)
    )
    exact = theory.squared_deviation(m, real, synthetic, p)
    assert exact == gain
    floats = theory.squared_deviation(m, real, synthetic, np.array(p, dtype=float))
    assert floats == pytest.approx(float(exact), abs=1e-12)


def test_mixed_formulas_broadcast_and_stand_large_numbers():
    table = theory.expected_collision_mixed(np.arange(1, 4)[:, None], [5, 10**9], 10**10, 0.2)
    assert table.shape == (3, 2)
    assert np.isfinite(table).all()
    assert table[1, 0] == pytest.approx(theory.expected_collision_mixed(2, 5, 10**10, 0.2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: theory.expected_collision_mixed(0, 3, 3, 0.5),
            "m must be an integer of at least 1",
        ),
        (
            lambda: theory.expected_collision_mixed(1, 0, 3, 0.5),
            "real must be an integer of at least 1",
        ),
        (
            lambda: theory.expected_collision_mixed(1, 3, -1, 0.5),
            "synthetic must be an integer of at",
        ),
        (
            lambda: theory.expected_collision_mixed_as_printed(1, 3, 3, 2),
            "s0 must be a number from 0",
        ),
        (lambda: theory.squared_deviation(1, 3, 3, [0.5, 0.6]), "p must sum to 1 within 1e-09"),
        (
            lambda: theory.squared_deviation(1, 3, 3, [Fraction(1, 2), Fraction(1, 3)]),
            "p must hold non-negative numbers of sum 1",
        ),
        (lambda: theory.squared_deviation(1, 3, 3, []), "p must"),
    ],
)
def test_bad_input_of_the_mixed_formulas(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.parametrize(
    "formula",
    [
        lambda m, n: theory.expected_collision(m, n, 0.5),
        lambda m, n: theory.collapse_probability_bounds(m, n, 0.5, 3),
        theory.collapse_probability_lower_bound,
    ],
)
def test_generations_and_samples_must_broadcast(formula):
    message = "m and n must have shapes that broadcast, got (3,) and (2,)"
    with pytest.raises(ValueError, match=re.escape(message)):
        formula([1, 2, 3], [4, 5])


@pytest.mark.parametrize(
    "formula",
    [
        lambda *sizes: theory.expected_collision_mixed(*sizes, 0.5),
        lambda *sizes: theory.squared_deviation(*sizes, [0.5, 0.5]),
        lambda *sizes: theory.deviation_bound_sharp(*sizes, [0.5, 0.5]),
        lambda *sizes: theory.deviation_bound_given_corpus(*sizes, [0.5, 0.5]),
    ],
)
def test_generations_and_sizes_must_broadcast(formula):
    message = "m and real and synthetic must have shapes that broadcast, got (3,) and () and (2,)"
    with pytest.raises(ValueError, match=re.escape(message)):
        formula([1, 2, 3], 10, [4, 5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: theory.expected_collisions(RandomlySampled(3), 2, 0.5),
            "schedule must have sizes that are not random, got RandomlySampled(n=3",
        ),
        (
            lambda: theory.expected_collisions([[2]], 1, 0.5),
            "schedule must be one of collapse_lib.schedules, or have sizes, is_random and keeps",
        ),
        (
            lambda: theory.expected_collisions(FullySynthetic(2), -1, 0.5),
            "generations must be an integer of at least 0, got -1",
        ),
        (
            lambda: theory.expected_collisions(Explicit([[2], [0, 0]]), 2, 0.5),
            "schedule must give generation 2 sizes of at least 0, not all 0",
        ),
        (
            lambda: theory.expected_collisions(FullySynthetic(2), 3, 1.5),
            "s0 must be a number from 0 to 1",
        ),
        (lambda: theory.expected_collision_random(-1, 3, 0.5), "m must be an integer of at least"),
        (lambda: theory.expected_collision_random(1, 0, 0.5), "n must be an integer of at least 1"),
        (
            lambda: theory.expected_collision_accumulating(1, 0, 3, 0.5),
            "real must be an integer of at least 1, got 0",
        ),
    ],
)
def test_bad_input_of_the_general_recursion(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_no_generation_leaves_the_truth():
    assert theory.expected_collisions(Accumulating(3, 2), 0, 0.5).tolist() == [0.5]


def test_bounds_of_theorem_1_are_exact_for_fractions_and_broadcast():
    s0 = Fraction(2, 5)
    lower, upper = theory.collapse_probability_bounds(1, 1, s0, 3)
    assert (lower, upper) == (1, 1)
    assert theory.collapse_time_bounds(1, s0, 3) == (1, 1)
    lower, upper = theory.collapse_probability_bounds(np.arange(1, 4)[:, None], [2, 9], 0.4, 3)
    assert lower.shape == upper.shape == (3, 2)
    assert (lower <= upper).all()
    assert theory.collapse_time_bounds(np.array([1, 5]), 0.4, 3)[1].tolist() == [1, 13]


@given(st.integers(2, 10**6))
def test_uniform_distribution_in_floats_is_within_range(support):
    below = float(np.nextafter(1 / support, 0))
    lower, _ = theory.collapse_time_bounds(7, below, support)
    assert lower == pytest.approx(7)


@given(st.lists(st.integers(0, 50), min_size=2, max_size=6), st.integers(1, 20))
def test_upper_bound_on_the_time_in_floats_and_fractions(weights, n):
    if sum(w > 0 for w in weights) < 2:
        return
    p = [Fraction(w, sum(weights)) for w in weights]
    exact = theory.collapse_time_upper_bound(p, n)
    assert isinstance(exact, Fraction)
    assert exact == 2 * n * sum((1 - x) * x**k / k for x in p for k in range(1, n)) + sum(
        x**n for x in p
    )
    floats = np.array(p, dtype=float)
    assert theory.collapse_time_upper_bound(floats, n) == pytest.approx(float(exact), rel=1e-12)
    diffusion = theory.collapse_time_diffusion(p, n)
    assert diffusion == pytest.approx(-2 * n * np.sum((1 - floats) * np.log1p(-floats)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: theory.collapse_probability_bounds(0, 3, 0.5, 3),
            "m must be an integer of at least 1, got 0",
        ),
        (
            lambda: theory.collapse_probability_bounds(1, 0, 0.5, 3),
            "n must be an integer of at least 1, got 0",
        ),
        (
            lambda: theory.collapse_probability_bounds(1, 3, 0.2, 3),
            "s0 must be from 1/3 to below 1 for support 3, got 0.2",
        ),
        (
            lambda: theory.collapse_time_bounds(3, 1.0, 3),
            "s0 must be from 1/3 to below 1 for support 3, got 1.0",
        ),
        (
            lambda: theory.collapse_time_bounds(3, 1.0, 1),
            "support must be an integer of at least 2, got 1",
        ),
        (
            lambda: theory.collapse_probability_lower_bound(0, 3),
            "m must be an integer of at least 1, got 0",
        ),
        (lambda: theory.collapse_time_upper_bound([1.0, 0.0], 3), "got a Dirac mass"),
        (lambda: theory.collapse_time_upper_bound([0.5, 0.5], 0), "n must be an integer of at"),
        (lambda: theory.collapse_time_diffusion([1, 0], 3), "got a Dirac mass"),
    ],
)
def test_bad_input_of_the_bounds_on_collapse(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
