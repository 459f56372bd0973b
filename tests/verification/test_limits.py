"""After many generations, and with high probability: kept and fresh real data, accumulating.

The stationary distribution given a corpus is computed here as the left eigenvector of a matrix.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from collapse_lib import theory
from tests.verification import enumeration

WIDTH = 4.5
CASES = [((2, 1), 3, 3), ((1, 1, 2), 4, 2), ((3, 1), 1, 4), ((1, 1, 1), 6, 2)]


def given_corpus(counts, synthetic, generations):
    """Return the distributions of p^(1), p^(2), ... given a kept corpus."""
    real = sum(counts)
    laws = [{tuple(Fraction(c, real) for c in counts): Fraction(1)}]
    for _ in range(generations - 1):
        after = {}
        for model, weight in laws[-1].items():
            for drawn, chance in enumeration.outcomes(model, synthetic):
                key = tuple(
                    Fraction(c + k, real + synthetic) for c, k in zip(counts, drawn, strict=True)
                )
                after[key] = after.get(key, 0) + weight * chance
        laws.append(after)
    return laws


def stationary(count, real, synthetic):
    """Return values and long-run distribution of one token's probability, corpus kept."""
    k = np.arange(synthetic + 1)
    values = (count + k) / (real + synthetic)
    step = stats.binom.pmf(k, synthetic, values[:, None])
    system = step.T - np.eye(k.size)
    system[-1] = 1  # one equation is implied by the others: the distribution sums to 1
    law = np.linalg.solve(system, k == synthetic)
    assert np.abs(law @ step - law).max() < 1e-12
    return values, law


@pytest.mark.parametrize(("counts", "synthetic", "generations"), CASES)
def test_chi_square_and_entropy_given_the_corpus(counts, synthetic, generations):
    real, k = sum(counts), len(counts)
    first = [Fraction(c, real) for c in counts]
    entropy = -sum(float(x) * math.log(x) for x in first)
    for m, law in enumerate(given_corpus(counts, synthetic, generations), start=1):
        chi = enumeration.mean(
            law, lambda q: sum((y - x) ** 2 / x for x, y in zip(first, q, strict=True))
        )
        exact = theory.expected_chi_square(m, real, synthetic, k)
        assert float(chi) == pytest.approx(exact, abs=1e-13)
        if m > 1:
            assert float(chi) < 0.99 * theory.expected_chi_square(m, real, synthetic, k + 1)
        after = sum(float(w) * -sum(float(y) * math.log(y) for y in q) for q, w in law.items())
        relative = sum(
            float(w) * sum(float(y) * math.log(y / x) for x, y in zip(first, q, strict=True))
            for q, w in law.items()
        )
        assert entropy - after == pytest.approx(relative, abs=1e-12)
        assert relative <= math.log1p(exact) + 1e-12
        assert m == 1 or relative > 0.3 * math.log1p(exact)
        for q in law:
            back = sum(float(x) * math.log(x / y) for x, y in zip(first, q, strict=True))
            assert back <= math.log1p(synthetic / real) + 1e-12


@pytest.mark.parametrize(("counts", "synthetic", "generations"), CASES)
def test_probability_of_a_distance_given_the_corpus(counts, synthetic, generations):
    real, k = sum(counts), len(counts)
    first = [Fraction(c, real) for c in counts]
    for law in given_corpus(counts, synthetic, generations):
        distances = {}
        for q, weight in law.items():
            t = sum(abs(x - y) for x, y in zip(first, q, strict=True))
            distances[t] = distances.get(t, 0) + weight
        for t in distances:
            tail = float(sum(w for other, w in distances.items() if other >= t))
            bound = theory.deviation_probability_bound(float(t), real, synthetic, k)
            assert tail <= bound + 1e-12
            assert bound <= (2**k - 2) * math.exp(-real * float(t) ** 2) + 1e-12


def test_the_rate_of_the_probability_is_the_right_one():
    """Two tokens, long run: the tail falls at the rate of the bound, and twice is too much."""
    real, synthetic, t = 60, 60, 0.5
    values, law = stationary(30, real, synthetic)
    tail = law[2 * np.abs(values - 0.5) >= t - 1e-12].sum()
    bound = theory.deviation_probability_bound(t, real, synthetic, 2)
    assert bound**2 < tail < bound


@given(st.integers(1, 10**4), st.integers(2, 60), st.floats(0.01, 1.9), st.floats(1e-6, 0.5))
def test_budget_with_confidence_is_the_largest_that_the_bound_allows(real, tokens, epsilon, delta):
    n = theory.budget_with_confidence(real, tokens, epsilon, delta)
    factor = 2.0**tokens - 2

    def bound(n):
        return factor * math.exp(-(epsilon**2) * real * (real + 2 * n) / (2 * n))

    if n == math.inf:
        assert factor * math.exp(-real * epsilon**2) <= delta * (1 + 1e-6)
        return
    assert n == 0 or bound(n) <= delta * (1 + 1e-6)
    assert bound(n + 1) >= delta * (1 - 1e-6)


def test_budget_with_confidence_by_simulation():
    """Any n: the distance is exceeded less often than delta, and a quarter of it more often."""
    epsilon, delta, tokens = 0.5, 0.05, 4
    real = math.ceil(math.log((2**tokens - 2) / delta) / epsilon**2)
    assert theory.budget_with_confidence(real, tokens, epsilon, delta) == math.inf
    assert theory.budget_with_confidence(real - 2, tokens, epsilon, delta) < math.inf
    rng = np.random.default_rng(4)
    corpus = np.array([real // 4, real // 4, real // 4, real - 3 * (real // 4)])
    q = np.tile(corpus / real, (4000, 1))
    for _ in range(60):
        q = (corpus + rng.multinomial(300, q)) / (real + 300)
    exceeded = (np.abs(q - corpus / real).sum(axis=1) >= epsilon).mean()
    assert exceeded < delta
    assert (np.abs(q - corpus / real).sum(axis=1) >= epsilon / 4).mean() > delta


@pytest.mark.parametrize(("count", "real"), [(1, 3), (2, 5), (4, 8)])
def test_long_run_given_the_corpus_is_beta(count, real):
    """Kolmogorov's distance to Beta(2c, 2N - 2c) falls with n; to Beta(c, N - c) it does not."""
    gaps = []
    for synthetic in (50, 200, 800):
        values, law = stationary(count, real, synthetic)
        cdf = np.cumsum(law)
        between = (values[1:] + values[:-1]) / 2
        right = stats.beta.cdf(between, 2 * count, 2 * (real - count))
        wrong = stats.beta.cdf(between, count, real - count)
        gaps.append([np.abs(cdf[:-1] - law_).max() for law_ in (right, wrong)])
    gaps = np.array(gaps)
    assert gaps[-1, 0] < 0.005
    assert gaps[-1, 0] < 0.4 * gaps[0, 0]
    assert (gaps[:, 1] > 0.05).all()


def test_moments_of_dirichlet_solve_the_stationary_equations():
    """Namely k (2N + k - 1) E p^kappa = sum_i kappa_i (2c_i + kappa_i - 1) E p^(kappa - e_i)."""
    counts, total = (1, 2, 4), 7

    def moment(kappa, a=2):
        def rising(x, k):
            return math.prod(x + j for j in range(k))

        top = math.prod(rising(a * c, k) for c, k in zip(counts, kappa, strict=True))
        return Fraction(top, rising(a * total, sum(kappa)))

    for kappa in [(1, 0, 0), (2, 1, 0), (1, 1, 3), (0, 4, 2)]:
        k = sum(kappa)
        for a in (1, 2):
            less = [
                tuple(x - (i == j) for j, x in enumerate(kappa)) if kappa[i] else None
                for i in range(3)
            ]
            right = sum(
                kappa[i] * (2 * counts[i] + kappa[i] - 1) * moment(less[i], a)
                for i in range(3)
                if less[i]
            )
            solves = k * (2 * total + k - 1) * moment(kappa, a) == right
            assert solves == (a == 2 or k == 1)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8).filter(any))
@settings(deadline=None, max_examples=40)
def test_distance_in_the_long_run_is_an_integral(counts):
    real, expected = sum(counts), 0.0
    for c in counts:
        if 0 < c < real:
            law = stats.beta(2 * c, 2 * (real - c))
            mean = c / real
            expected += 2 * integrate.quad(law.cdf, 0, mean, epsabs=1e-11)[0]
    distance = theory.distance_limit_given_corpus(counts)
    assert distance == pytest.approx(expected, abs=1e-7)
    first = np.array(counts) / real
    second_moment = np.sqrt(first * (1 - first) / (2 * real + 1)).sum()
    assert distance <= second_moment + 1e-12


def test_distance_in_the_long_run_by_the_matrix():
    for count, real in ((1, 2), (2, 5)):
        values, law = stationary(count, real, 800)
        seen = 2 * law @ np.abs(values - count / real)
        exact = theory.distance_limit_given_corpus([count, real - count])
        assert seen == pytest.approx(exact, rel=0.01)
        assert abs(seen - 1.05 * exact) > 0.03 * exact


@given(st.integers(1, 300), st.integers(1, 3000), st.floats(0, 1))
def test_best_weight_is_best(real, synthetic, weight):
    p = [0.5, 0.3, 0.2]
    best = theory.best_weight(real, synthetic)
    assert 0 < best <= 1
    assert (synthetic - 1) * best**2 + (real + 1) * best == pytest.approx(real)
    least = theory.squared_deviation_weighted(best, real, synthetic, p)
    alone = 0.62 / real
    assert least == pytest.approx(best * alone, rel=1e-9)
    assert least <= theory.squared_deviation_weighted(weight, real, synthetic, p) * (1 + 1e-9)
    pooled = theory.squared_deviation_weighted(real / (real + synthetic), real, synthetic, p)
    limit = theory.squared_deviation_fresh(10**12, real, synthetic, p)
    assert pooled == pytest.approx(limit, rel=1e-6)


def test_weights_by_hand_and_by_simulation():
    assert theory.best_weight(10, 100) == pytest.approx(0.2671, abs=1e-4)
    assert theory.best_weight(10**6, 10**6) == pytest.approx((math.sqrt(5) - 1) / 2, abs=1e-6)
    p, real, synthetic = np.array([0.5, 0.3, 0.2]), 10, 100
    rng = np.random.default_rng(6)
    for weight in (real / (real + synthetic), theory.best_weight(real, synthetic), 0.8):
        q = np.tile(p, (8000, 1))
        for _ in range(100):
            fresh = rng.multinomial(real, p, 8000) / real
            q = weight * fresh + (1 - weight) * rng.multinomial(synthetic, q) / synthetic
        squares = ((q - p) ** 2).sum(axis=1)
        error = squares.std(ddof=1) / math.sqrt(squares.size)
        exact = theory.squared_deviation_weighted(weight, real, synthetic, p)
        assert abs(squares.mean() - exact) < WIDTH * error
        assert abs(squares.mean() - 1.1 * exact) > WIDTH * error


@given(st.integers(1, 60), st.integers(1, 60), st.fractions(0, 1))
def test_accumulating_in_the_limit_is_its_product(real, synthetic, s0):
    limit = theory.expected_collision_accumulating_limit(real, synthetic, float(s0))
    product = (1 - 1 / real) * (1 - float(s0))
    j = np.arange(2, 20_001)
    product *= np.prod(1 - synthetic / (real + (j - 1) * synthetic) ** 2)
    rest = 1 / (real + 20_000 * synthetic)  # of the sum of what is left out
    assert product * (1 - 2 * rest) - 1e-12 <= 1 - limit <= product + 1e-12


def test_one_sample_a_generation_is_polyas_urn():
    """Given a corpus (1, 3), p^(m) tends to Beta(1, 3): an urn, exactly."""
    law = {1: Fraction(1)}
    for size in range(4, 24):
        after = {}
        for k, weight in law.items():
            after[k] = after.get(k, 0) + weight * (1 - Fraction(k, size))
            after[k + 1] = after.get(k + 1, 0) + weight * Fraction(k, size)
        law = after
    # k - 1 of 20 draws: beta-binomial with (1, 3)
    drawn = np.array(sorted(law)) - 1
    listed = np.array([float(law[k + 1]) for k in drawn])
    np.testing.assert_allclose(listed, stats.betabinom.pmf(drawn, 20, 1, 3), rtol=1e-9)
    assert np.abs(listed - stats.betabinom.pmf(drawn, 20, 2, 6)).max() > 0.05
    for real in (2, 5, 9):
        limit = theory.expected_collision_accumulating_limit(real, 1, 0.4)
        assert 1 - limit == pytest.approx((1 - 1 / real) * 0.6 * real / (real + 1))
