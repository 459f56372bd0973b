import math
import re
from fractions import Fraction
from itertools import product

import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collapse_lib import theory

weights = st.lists(st.integers(1, 30), min_size=2, max_size=9)
sizes = st.integers(1, 400)


def fractions(numbers):
    return [Fraction(number, sum(numbers)) for number in numbers]


@given(st.floats(1e-300, 0.5))
@example(0.5 - 1e-16)
@example(0.25)
def test_phi_is_its_definition(x):
    with mpmath.workdps(400):
        x_ = mpmath.mpf(x)
        expected = 2 if x == 0.5 else mpmath.log((1 - x_) / x_) / (1 - 2 * x_)
        assert theory.phi(x) == pytest.approx(float(expected), rel=1e-14)


def test_phi_falls_from_infinity_to_2():
    values = theory.phi(np.linspace(0, 0.5, 501))
    assert values[0] == np.inf
    assert (np.diff(values) < 0).all()
    assert values[-1] == 2


@given(st.floats(1e-6, 1 - 1e-6), st.floats(0, 1))
def test_phi_bounds_the_relative_entropy(x, y):
    """The inequality that Lemma 1 rests on; phi is that of the rarer side."""
    entropy = sum(a * math.log(a / b) for a, b in ((y, x), (1 - y, 1 - x)) if a)
    assert entropy >= theory.phi(min(x, 1 - x)) * (y - x) ** 2 - 1e-12


def listed_split(p):
    """Return pi_p from all sets of tokens."""
    sums = [
        sum(x for x, inside in zip(p, chosen, strict=True) if inside)
        for chosen in product((False, True), repeat=len(p))
    ]
    return max(min(x, 1 - x) for x in sums)


@pytest.mark.paper("(12)", check="independent")
@given(weights)
@example([1])
@example([1, 0, 0])
@example([1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
def test_most_balanced_split_is_that_of_all_sets(numbers):
    p = fractions(numbers)
    exact = theory.most_balanced_split(p)
    assert isinstance(exact, Fraction)
    assert exact == listed_split(p)
    floats = np.array(p, dtype=float)
    assert theory.most_balanced_split(floats) == pytest.approx(float(exact), abs=1e-12)
    low, high = theory.most_balanced_split_bounds(floats)
    assert low - 1e-12 <= exact <= high + 1e-12


def test_most_balanced_split_of_forty_tokens_and_of_large_denominators():
    tenth = Fraction(1, 10**30)
    assert theory.most_balanced_split([tenth, 1 - tenth]) == tenth
    assert theory.most_balanced_split(np.full(40, 1 / 40)) == pytest.approx(0.5)
    p = np.arange(1, 41) / 820
    assert theory.most_balanced_split(p) == pytest.approx(0.5)
    assert theory.most_balanced_split([0.7] + [0.3 / 39] * 39) == pytest.approx(0.3)


@pytest.mark.paper("(10)", "(13)", check="independent")
@given(st.integers(1, 10**4), st.integers(2, 10**5))
def test_concentration_factor_is_its_definition(n, size):
    """(10), written out with mpmath, whose numbers do not overflow."""
    c0, c1 = mpmath.e**3 / (2 * mpmath.pi), 6 * mpmath.e / mpmath.pi**1.5
    if size >= c0 / mpmath.e * n + 2:
        expected = c1 * size * mpmath.exp(c0 * n / (2 * mpmath.e))
    elif size >= c0 / 4 * n + 2:
        expected = c1 * size * (c0 * n / size) ** (mpmath.mpf(size) / 2)
    else:
        expected = mpmath.mpf(2) ** size - 2
    logarithm = theory.log_concentration_factor(n, size)
    assert logarithm == pytest.approx(float(mpmath.log(expected)), rel=1e-12)
    assert logarithm >= math.log(size)  # used in the proof of Theorem 4
    value = theory.concentration_factor(n, size)
    assert value == (pytest.approx(float(expected), rel=1e-9) if logarithm < 709 else np.inf)


def test_theorem_3_at_the_papers_settings_exceeds_what_any_distance_can_be():
    assert theory.deviation_bound(100, 10, 600) == pytest.approx(24_923, abs=1)
    assert theory.deviation_bound(100, 10, 52) == pytest.approx(2_160, abs=1)
    assert theory.deviation_bound(10, 10**6, 10**6) == np.inf


@pytest.mark.paper("(11)", check="independent")
def test_printed_budget_follows_from_theorem_3_and_no_more():
    assert theory.budget_as_printed(7734, 65, 0.1) == 0
    assert theory.budget_as_printed(7735, 65, 0.1) == 1
    assert theory.budget_as_printed(10**9, 3, 1.0) == 0  # s < 4
    for real in (10**4, 10**6, 10**9):
        for size in (4, 20, 65, 1000):
            for epsilon in (0.01, 0.1, 1):
                n = theory.budget_as_printed(real, size, epsilon)
                assert n == 0 or theory.deviation_bound(real, n, size) < epsilon


@given(st.integers(2, 200), sizes, weights)
def test_bounds_are_ordered_as_the_book_says(m, real, numbers):
    p = np.array(fractions(numbers), dtype=float)
    h, support = 1 - float((p**2).sum()), p.size
    for n in (1, 10, 10**6):
        sharp = theory.deviation_bound_sharp(m, real, n, p)
        assert sharp <= math.sqrt(support * h / (2 * real)) + 1e-12
        assert sharp <= math.sqrt(n * (support - 1)) / real + 1e-12
        product_ = (1 - 1 / real) * h / 4  # the least that L can be
        split = theory.deviation_bound_split(real, n, support, product_)
        assert sharp <= split <= theory.deviation_bound(real, n, support) * (1 + 1e-12)


def test_no_deviation_at_generation_1_nor_without_synthetic_data():
    p = [0.5, 0.3, 0.2]
    assert theory.deviation_bound_sharp(1, 10, 10, p) == 0
    assert (theory.deviation_bound_sharp([1, 5, 9], 10, 0, p) == 0).all()
    assert theory.deviation_bound_given_corpus(1, 10, 10, p) == 0


@given(st.integers(1, 3000), weights, st.floats(0.01, 1.5))
def test_budget_is_the_largest_that_the_bound_allows(real, numbers, epsilon):
    p = np.array(fractions(numbers), dtype=float)
    n = theory.budget(real, p, epsilon)

    def bound(n):
        return theory.deviation_bound_sharp(10**9, real, n, p)

    if n == math.inf:
        assert bound(10**7) <= epsilon * (1 + 1e-9)
    else:
        assert bound(n) <= epsilon * (1 + 1e-9)
        assert bound(n + 1) >= epsilon * (1 - 1e-9)
    enough = p.size * (1 - float((p**2).sum())) / (2 * epsilon**2)
    assert real < enough or n == math.inf


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 60), weights)
def test_deviations_from_the_truth(m, real, synthetic, numbers):
    p = fractions(numbers)
    h = 1 - sum(x * x for x in p)
    kept = [theory.squared_deviation_from_truth(k, real, synthetic, p) for k in (m, m + 1)]
    fresh = [theory.squared_deviation_fresh(k, real, synthetic, p) for k in (m, m + 1)]
    assert h / real <= kept[0] <= kept[1] < Fraction(3, 2) * h / real
    assert fresh[1] <= fresh[0] <= h / real
    assert kept[0] - h / real == theory.squared_deviation(m, real, synthetic, p)


def test_worked_numbers():
    """By hand: N = 10, n = 5, beta = 20/225, c_2 = (1 - beta) 5 / 205, Q = 1 for a coin."""
    c = (1 - 20 / 225) * 5 / 205
    assert theory.deviation_bound_sharp(2, 10, 5, HALF) == pytest.approx(math.sqrt(0.9 * c))
    given = theory.deviation_bound_given_corpus(2, 10, 5, [0.2, 0.8])
    assert given == pytest.approx(2 * math.sqrt(c * 0.16))
    assert theory.zeta(10, 5, 0.1) == pytest.approx(0.5 - 0.3 * 4 / 9)
    assert theory.squared_deviation_fresh(2, 10, 5, HALF) == pytest.approx(
        (15 / 205 + 20 / 225 * (0.1 - 15 / 205)) / 2
    )
    assert theory.budget(10, HALF, 0.1) == math.floor(1 / (0.9 - 0.21))


def test_budgets_take_a_decimal_tolerance_at_its_word():
    assert theory.budget_linear(180, 0.7) == 63
    assert theory.budget_linear(90, 1.4) == 63
    assert theory.budget_quadratic(90, 2, 0.7) == 3969
    assert theory.budget_quadratic(10, 5, 1e200) > 10**300
    assert theory.budget(10, HALF, 1e200) == math.inf


def test_a_split_that_is_certain_bounds_by_nothing():
    assert theory.deviation_bound_split(10**17, 1, 5, 0.0) == 0


HALF = [0.5, 0.5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.phi(0.6), "x must hold numbers from 0 to 0.5, got 0.6"),
        (lambda: theory.phi([0.1, np.nan]), "x must hold numbers from 0 to 0.5"),
        (lambda: theory.phi("a"), "x must be an array of numbers, got 'a'"),
        (lambda: theory.most_balanced_split([0.5, 0.6]), "p must sum to 1 within 1e-09"),
        (
            lambda: theory.most_balanced_split([1 / 41] * 41),
            "p must have at most 40 tokens of positive probability, got 41",
        ),
        (lambda: theory.most_balanced_split_bounds([]), "p must have at least one token"),
        (lambda: theory.concentration_factor(0, 5), "n must be an integer of at least 1, got 0"),
        (lambda: theory.log_concentration_factor(3, 1), "size must be an integer of at least 2"),
        (lambda: theory.deviation_bound(0, 3, 5), "real must be an integer of at least 1, got 0"),
        (lambda: theory.deviation_bound(3, 0, 5), "synthetic must be an integer of at least 1"),
        (lambda: theory.zeta(3, 3, [0.1]), "mean_product must be a number from 0 to 0.25, got [0"),
        (lambda: theory.zeta(3, 3, 0.3), "mean_product must be a number from 0 to 0.25, got 0.3"),
        (lambda: theory.deviation_bound_sharp(0, 3, 3, HALF), "m must be an integer of at least 1"),
        (lambda: theory.deviation_bound_sharp(2, 3, 3, [1.0, 1.0]), "p must sum to 1"),
        (lambda: theory.deviation_bound_given_corpus(2, 3, 3, [0.5]), "first must sum to 1"),
        (lambda: theory.budget_as_printed(3, 5, 0), "epsilon must be a finite number above 0"),
        (lambda: theory.budget_linear(3, np.nan), "epsilon must be a finite number above 0"),
        (lambda: theory.budget_quadratic(3, 1, 0.1), "support must be an integer of at least 2"),
        (lambda: theory.budget(3, HALF, -0.1), "epsilon must be a finite number above 0, got -0.1"),
        (lambda: theory.squared_deviation_fresh(0, 3, 3, HALF), "m must be an integer of at least"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
