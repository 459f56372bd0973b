import math
import re
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collapse_lib import theory

WEIGHTS = st.lists(st.integers(0, 9), min_size=2, max_size=5).filter(any)
COUNTS = st.integers(1, 60)
PSEUDO = st.fractions(0, 40, max_denominator=20)


def rational(weights):
    return [Fraction(w, sum(weights)) for w in weights]


def collision(p):
    return sum(x * x for x in p)


@given(st.integers(0, 12), COUNTS, WEIGHTS, PSEUDO)
def test_smoothed_collision_follows_its_recursion_exactly(m, n, weights, a):
    p = rational(weights)
    now, after = (theory.expected_collision_smoothed(k, n, p, a) for k in (m, m + 1))
    keep = (n / (n + a)) ** 2
    assert isinstance(now, Fraction)
    assert after == keep * (Fraction(1, n) + (1 - Fraction(1, n)) * now) + (1 - keep) / len(p)
    assert theory.expected_collision_smoothed(0, n, p, a) == collision(p)


@given(st.integers(1, 12), COUNTS, WEIGHTS)
def test_no_pseudocounts_leave_the_formulas_of_the_paper(m, n, weights):
    p = rational(weights)
    s0 = collision(p)
    assert theory.expected_collision_smoothed(m, n, p, 0) == theory.expected_collision(m, n, s0)
    mixed = theory.expected_collision_mixed_smoothed(m, 7, n, p, 0)
    assert mixed == theory.expected_collision_mixed(m, 7, n, s0)


@given(COUNTS, st.integers(0, 60), WEIGHTS, PSEUDO)
def test_mixed_smoothed_collision_follows_from_two_moments(real, synthetic, weights, a):
    """Both moments are carried along here; the closed form uses that one is constant."""
    p = rational(weights)
    corpus = Fraction(1, real) + (1 - Fraction(1, real)) * collision(p)
    even, weight = Fraction(1, len(p)), a / (real + a)
    inner = (1 - weight) * corpus + weight * even
    square = (1 - weight) ** 2 * corpus + (1 - (1 - weight) ** 2) * even
    total = real + synthetic + a
    for m in range(1, 5):
        assert theory.expected_collision_mixed_smoothed(m, real, synthetic, p, a) == square
        sampled = square + (1 - square) / synthetic if synthetic else 0
        square = (
            real**2 * corpus
            + synthetic**2 * sampled
            + a**2 * even
            + 2 * real * synthetic * inner
            + 2 * (real + synthetic) * a * even
        ) / total**2
        inner = (real * corpus + synthetic * inner + a * even) / total


def test_floats_and_arrays_follow_the_fractions():
    p = [Fraction(7, 10), Fraction(1, 5), Fraction(1, 10), Fraction(0)]
    m, floats = np.arange(1, 9), [float(x) for x in p]
    alone = [float(theory.expected_collision_smoothed(int(k), 9, p, 3)) for k in m]
    mixed = [float(theory.expected_collision_mixed_smoothed(int(k), 9, 5, p, 3)) for k in m]
    np.testing.assert_allclose(theory.expected_collision_smoothed(m, 9, floats, 3), alone)
    np.testing.assert_allclose(theory.expected_collision_mixed_smoothed(m, 9, 5, floats, 3), mixed)


@pytest.mark.parametrize("n", [10**15, 10**17, 2**62])
def test_many_generations_of_many_samples(n):
    """(1 - 1/n)^n is 1/e, up to a share of 1/n; in floats, 1 - 1/n is 1."""
    alone = theory.expected_collision_smoothed(n, n, [0.5, 0.5], 0)
    assert alone == pytest.approx(1 - math.exp(-1) / 2, rel=1e-14)
    # A real sample among n samples costs a generation (2N + 1)/n of the distance to the limit.
    mixed = theory.expected_collision_mixed_smoothed(n, 10, n, [0.5, 0.5], 0)
    start, limit = 0.55, 1 - 20 / 21 * 0.45
    assert mixed == pytest.approx(limit + math.exp(-21) * (start - limit), rel=1e-13)


@pytest.mark.parametrize("m", [1, 7, 10**9, 10**16])
@pytest.mark.parametrize("a", [1e-9, 3.0, 1e9])
def test_smoothing_of_many_samples_loses_no_digits(m, a):
    """The recursion ``S -> factor S + rest``, iterated in 60 digits by its geometric series."""
    with mpmath.workdps(60):
        n, real, one = mpmath.mpf(10**16), mpmath.mpf(10), mpmath.mpf(1)
        keep = (n / (n + a)) ** 2
        factor, rest = keep * (1 - 1 / n), keep / n + (1 - keep) / 2
        level = factor**m * mpmath.mpf("0.625") + rest * (1 - factor**m) / (1 - factor)
        weight, corpus = a / (real + a), 1 / real + (1 - 1 / real) * mpmath.mpf("0.625")
        now = (1 - weight) ** 2 * corpus + (1 - (1 - weight) ** 2) / 2
        inner = (1 - weight) * corpus + weight / 2
        share = one / (real + n + a)
        rest = real**2 * corpus + 2 * real * n * inner + n + (2 * (real + n) * a + a**2) / 2
        factor, rest = n * (n - 1) * share**2, rest * share**2
        mixed = factor ** (m - 1) * now + rest * (1 - factor ** (m - 1)) / (1 - factor)
    p = [0.75, 0.25]
    assert theory.expected_collision_smoothed(m, 10**16, p, a) == pytest.approx(
        float(level), rel=1e-13
    )
    assert theory.expected_collision_mixed_smoothed(m, 10, 10**16, p, a) == pytest.approx(
        float(mixed), rel=1e-13
    )


def test_exact_results_have_a_limit_and_arrays_are_floats():
    p = [1, 0]  # integers are rational, too
    for a in (0, Fraction(1, 2)):
        with pytest.raises(ValueError, match="at most 4,000,000 binary digits, got 1000000"):
            theory.expected_collision_smoothed(10**6, 100, p, a)
        with pytest.raises(ValueError, match="at most 4,000,000 binary digits, got 1000000"):
            theory.expected_collision_mixed_smoothed(10**6 + 1, 10, 90, p, a)
        alone = theory.expected_collision_smoothed([3, 10**6], 100, p, a)
        mixed = theory.expected_collision_mixed_smoothed([3, 10**6], 10, 90, p, a)
        assert alone.dtype == mixed.dtype == float
        assert alone[0] == pytest.approx(float(theory.expected_collision_smoothed(3, 100, p, a)))
        exact = theory.expected_collision_mixed_smoothed(3, 10, 90, p, a)
        assert mixed[0] == pytest.approx(float(exact))


@given(COUNTS, WEIGHTS, st.floats(0.01, 0.99))
def test_variety_falls_below_the_balance_and_rises_above_it(n, weights, less):
    p = rational(weights)
    s0, balance = float(collision(p)), theory.balanced_pseudocounts(n, p)
    if len(set(p)) == 1:
        assert balance == np.inf
        return
    now, floats = np.arange(1, 30), [float(x) for x in p]
    for a, sign in ((balance * less, 1), (balance / less, -1)):
        level = theory.expected_collision_smoothed(now, n, floats, a)
        assert (sign * (level - s0) >= -1e-12).all()
        assert (sign * np.diff(level) >= -1e-12).all()
    stays = theory.expected_collision_smoothed(now, n, floats, balance)
    np.testing.assert_allclose(stays, s0, rtol=1e-9)


@pytest.mark.paper("Section 6", check="independent")
@given(st.data(), st.integers(2, 6), COUNTS, st.integers(0, 200))
@settings(max_examples=200)
def test_no_bias_takes_the_models_above_its_ceiling(data, tokens, real, synthetic):
    """Each round moves the model in any direction, by at most b; the largest move is the bias."""
    simplex = st.lists(st.floats(0.01, 1), min_size=tokens, max_size=tokens)
    p = np.array(data.draw(simplex))
    p /= p.sum()
    q, bias, far = p, 0.0, []
    share = synthetic / (real + synthetic)
    for _ in range(8):
        towards = np.array(data.draw(simplex))
        moved = q + data.draw(st.floats(0, 1)) * (towards / towards.sum() - q)
        bias = max(bias, np.abs(moved - q).sum())
        q = (1 - share) * p + share * moved
        far.append(np.abs(q - p).sum())
    assert max(far) <= theory.bias_ceiling(min(bias, 2), real, synthetic) + 1e-12


@given(st.data(), COUNTS, st.integers(0, 200))
def test_where_training_is_biased_real_data_pays_as_well(data, real, synthetic):
    """The mixture itself is moved: then the ceiling has one bias more."""
    simplex = st.lists(st.floats(0.01, 1), min_size=3, max_size=3)
    p = np.array(data.draw(simplex))
    p /= p.sum()
    share, bias, mixture, far = synthetic / (real + synthetic), 0.0, p, []
    for _ in range(8):
        towards = np.array(data.draw(simplex))
        q = mixture + data.draw(st.floats(0, 1)) * (towards / towards.sum() - mixture)
        bias = max(bias, np.abs(q - mixture).sum())
        far.append(np.abs(q - p).sum())
        mixture = (1 - share) * p + share * q
    bias = min(bias, 2)
    assert max(far) <= bias + theory.bias_ceiling(bias, real, synthetic) + 1e-12


def test_the_ceiling_is_reached_where_every_move_has_one_direction():
    p, q, bias, real, synthetic = np.array([0.2, 0.8]), np.array([0.2, 0.8]), 0.02, 100, 400
    for _ in range(200):
        moved = q + np.array([bias, -bias]) / 2
        q = (real * p + synthetic * moved) / (real + synthetic)
    ceiling = theory.bias_ceiling(bias, real, synthetic)
    assert np.abs(q - p).sum() == pytest.approx(ceiling, rel=1e-9)
    share = synthetic / (real + synthetic)
    assert np.abs(q - p).sum() > 2 * bias * share  # the bias times the share would be too little


def test_the_ceiling_broadcasts():
    table = theory.bias_ceiling([[0.1], [0.2]], [10, 20], 5)
    np.testing.assert_allclose(table, [[0.05, 0.025], [0.1, 0.05]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.bias_ceiling(2.1, 1, 1), "bias must hold numbers from 0 to 2"),
        (lambda: theory.bias_ceiling(0.1, 0, 1), "real must be an integer of at least 1"),
        (lambda: theory.bias_ceiling(0.1, 1, -1), "synthetic must be an integer of at least 0"),
        (lambda: theory.bias_ceiling([0.1, 0.2], [1, 2, 3], 1), "must have shapes that broadcast"),
        (
            lambda: theory.expected_collision_smoothed(1, 5, [0.5, 0.5], -1),
            "pseudocounts must be a number from 0",
        ),
        (lambda: theory.expected_collision_smoothed(-1, 5, [1], 1), "m must be an integer of at"),
        (lambda: theory.expected_collision_smoothed(1, 5, [0.5], 1), "p must sum to 1"),
        (
            lambda: theory.expected_collision_mixed_smoothed(0, 5, 5, [1.0], 1),
            "m must be an integer of at least 1",
        ),
        (
            lambda: theory.expected_collision_mixed_smoothed(1, [5, 6], 5, [1.0], 1),
            "real and synthetic must be single numbers",
        ),
        (lambda: theory.balanced_pseudocounts(0, [0.5, 0.5]), "n must be an integer of at least 1"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
