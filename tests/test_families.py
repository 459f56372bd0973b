"""Families with a quadratic variance function: their samples, their rules, their errors."""

import re
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from collapse_lib import recursion, schedules, theory
from collapse_lib.learners import families

ALL = [
    families.Bernoulli(),
    families.Poisson(),
    families.Normal(variance=1.5),
    families.Gamma(shape=2),
    families.Geometric(),
    families.HyperbolicSecant(),
]
MEAN = 0.6


def named(values):
    return pytest.mark.parametrize("family", values, ids=lambda family: type(family).__name__)


REFERENCE = {
    "Bernoulli": stats.bernoulli(MEAN),
    "Poisson": stats.poisson(MEAN),
    "Normal": stats.norm(MEAN, np.sqrt(1.5)),
    "Gamma": stats.gamma(2, scale=MEAN / 2),
    "Geometric": stats.nbinom(1, 1 / (1 + MEAN)),
}


@named(ALL[:5])
def test_variance_is_that_of_scipys_distribution(family):
    reference = REFERENCE[type(family).__name__]
    assert reference.mean() == pytest.approx(MEAN)
    assert family.variance(MEAN) == pytest.approx(reference.var())


@named(ALL[:5])
def test_samples_follow_scipys_distribution(family):
    x = family.sample(MEAN, 4000, np.random.default_rng(1))
    reference = REFERENCE[type(family).__name__]
    if isinstance(family, families.Normal | families.Gamma):
        assert stats.kstest(x, reference.cdf).pvalue > 1e-4
        assert stats.kstest(x, stats.norm(MEAN, 2).cdf).pvalue < 1e-4
        return
    top = int(reference.ppf(0.99))
    observed = np.array([*((x == k).sum() for k in range(top)), (x >= top).sum()])
    expected = x.size * np.array([*reference.pmf(range(top)), reference.sf(top - 1)])
    assert stats.chisquare(observed, expected).pvalue > 1e-4
    assert stats.chisquare(observed, np.roll(expected, 1)).pvalue < 1e-4


def test_samples_of_the_sixth_follow_its_density():
    """The density is that of mean 0, tilted by exp(theta x) and normalised by quadrature."""
    theta = np.arctan(MEAN)
    grid = np.linspace(-60, 60, 600_001)
    density = np.exp(theta * grid) / np.cosh(np.pi * grid / 2)
    cdf = np.cumsum(density) / density.sum()
    x = families.HyperbolicSecant().sample(MEAN, 4000, np.random.default_rng(2))
    assert stats.kstest(x, lambda at: np.interp(at, grid, cdf)).pvalue > 1e-4
    assert stats.kstest(-x, lambda at: np.interp(at, grid, cdf)).pvalue < 1e-4


@named(ALL)
@pytest.mark.parametrize("n", [1, 7])
def test_drawn_means_are_means_of_samples(family, n):
    """Two routes: many sample means at once, and samples that are averaged."""
    rng, size = np.random.default_rng(3), 4000
    drawn = family.draw_mean(np.full(size, MEAN), n, rng)
    averaged = family.sample(MEAN, n * size, rng).reshape(size, n).mean(axis=1)
    assert stats.ks_2samp(drawn, averaged).pvalue > 1e-4
    # one that draws from a mean too large by a third does not pass
    assert stats.ks_2samp(family.draw_mean(np.full(size, 0.8), n, rng), averaged).pvalue < 1e-4


@named(ALL)
def test_curvature_is_half_the_second_difference_of_the_variance(family):
    v = family.variance(np.array([0.2, 0.5, 0.8]))
    assert (v[0] - 2 * v[1] + v[2]) / 0.3**2 / 2 == pytest.approx(family.curvature, abs=1e-9)


@named(ALL)
@settings(deadline=None)
@given(size=st.integers(1, 30), k=st.integers(0, 30))
def test_learner_trains_on_means(family, size, k):
    rng = np.random.default_rng(size)
    corpus = family.sample(MEAN, size, rng)
    assert corpus.shape == (size,)
    assert family.fit(corpus) == pytest.approx(corpus.mean())
    assert family.take(corpus, k).tolist() == corpus[:k].tolist()
    both = family.pool([corpus, corpus[:1]])
    assert family.fit(both) == pytest.approx((corpus.sum() + corpus[0]) / (size + 1))


@named([*ALL, families.Gaussian()])
@pytest.mark.parametrize(
    "schedule",
    [
        schedules.FullySynthetic(6),
        schedules.PartiallySynthetic(4, 6),
        schedules.FreshReal(4, 6),
        schedules.MostRecent(6, 2, kept=True),
        schedules.RandomlySampled(6),
        schedules.Accumulating(4, 3),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_every_schedule_runs(family, schedule):
    truth = np.array([MEAN, 1.0]) if isinstance(family, families.Gaussian) else MEAN
    models = list(recursion.run(family, truth, schedule, 5, rng=4))
    again = list(recursion.run(family, truth, schedule, 5, rng=4))
    assert len(models) == 6
    np.testing.assert_array_equal(np.array(models), np.array(again))


@named([ALL[0], ALL[1], ALL[3], ALL[4]])
def test_a_mean_at_the_end_of_its_range_stays_there(family):
    assert family.variance(0) == 0
    assert family.draw_mean(0.0, 5, rng=0) == 0
    assert isinstance(family.draw_mean(0.0, 5, rng=0), float)


def test_bernoulli_at_one_stays():
    assert families.Bernoulli().draw_mean(1.0, 5, rng=0) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: families.Normal(0), "variance must be a finite number above 0, got 0"),
        (lambda: families.Gamma(-1), "shape must be a finite number above 0, got -1"),
        (lambda: families.Bernoulli().variance(1.5), "mean must hold numbers from 0 to 1"),
        (lambda: families.Poisson().draw_mean(-0.1, 2, 0), "mean must hold numbers from 0 to inf"),
        (lambda: families.Poisson().draw_mean(0.1, 0, 0), "n must be an integer of at least 1"),
        (
            lambda: theory.expected_variance(1, 2, 1.0, -3),
            "curvature must be a finite number of at least -2, got -3",
        ),
        (lambda: theory.expected_variance(1, 2, -1.0, 0), "variance must be a finite number of at"),
        (
            lambda: theory.squared_distances(schedules.RandomlySampled(2), 2, 1, 0),
            "schedule must have sizes that are not random, got RandomlySampled",
        ),
        (
            lambda: theory.squared_distances(schedules.FullySynthetic(2), 301, 1, 0),
            "generations must be an integer of at most 300, got 301",
        ),
        (
            lambda: theory.squared_distances(schedules.FullySynthetic(2), 2, -1, 0),
            "variance must be a number from 0 to 1e+100, got -1",
        ),
        (  # by hand: E V(mu_1) = (1 - 3/1) / 4
            lambda: theory.squared_distances(schedules.FullySynthetic(1), 3, 0.25, -3),
            "curvature must keep the variance at least 0, got -3.0 and a variance of -0.5 in gen",
        ),
        (lambda: theory.poisson_extinction(1, 1, 0), "mean must be a finite number above 0"),
        (lambda: theory.gaussian_log_growth(1), "n must be an integer of at least 2, got 1"),
        (lambda: theory.limited_loss(0, 1, 1), "m must be an integer of at least 1, got 0"),
        (lambda: theory.squared_distance_from_first(0, 1, 1, 1, 0), "m must be an integer of at"),
    ],
)
def test_errors_say_what_is_wrong(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


@given(st.integers(0, 40), st.integers(1, 60), st.fractions(0, 1))
def test_curvature_minus_one_is_the_collision_formula(m, n, s0):
    expected = theory.expected_variance(m, n, 1 - s0, Fraction(-1))
    assert expected == 1 - theory.expected_collision(m, n, s0)


@given(
    st.integers(1, 12),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(-1, 3) | st.fractions(-1, 3),
    st.fractions(0, 2),
)
def test_rational_numbers_give_exact_results(m, real, n, v2, v):
    """An int is rational, too; the definitions, generation by generation."""
    left, distance = v, Fraction(0)
    for _ in range(m - 1):
        left = left + v2 * left / n
        distance = Fraction(n, real + n) ** 2 * (distance + v2 * distance / n + v / n)
    for found, exact in (
        (theory.expected_variance(m - 1, n, v, v2), left),
        (theory.squared_distance_from_first(m, real, n, v, v2), distance),
    ):
        assert isinstance(found, Fraction)
        assert found == exact
    found = theory.squared_distance_from_first(m, real, n, float(v), v2)
    assert isinstance(found, float)
    assert found == pytest.approx(float(distance))


def test_a_distance_from_the_first_model_that_grows_evenly():
    """Where the noise of before neither fades nor grows, it adds up: alpha^2 (1 + v2/n) = 1."""
    found = theory.squared_distance_from_first(9, 1, 1, Fraction(1, 3), 3)
    assert found == 8 * Fraction(1, 4) * Fraction(1, 3)


@settings(deadline=None)
@given(st.data(), st.integers(1, 5), st.booleans())
def test_a_curvature_within_the_least_corpus_is_accepted(data, generations, kept):
    """By concavity: a mixture of corpora has at least the mixture of their expected variances."""
    rows = [
        data.draw(st.lists(st.integers(0, 6), min_size=m, max_size=m).filter(any))
        for m in range(1, generations + 1)
    ]
    least = min(size for row in rows for size in row if size)
    schedule = schedules.Explicit(rows, kept=kept)
    found = theory.squared_distances(schedule, generations, 0.3, -least)
    assert (0.3 - least * found >= -1e-12).all()


@pytest.mark.parametrize("n", [2, 30, 1000, 1001, 10**5, 10**8, 10**14, 2**62])
def test_log_growth_keeps_its_digits(n):
    with mpmath.workdps(60):
        exact = mpmath.digamma(mpmath.mpf(n - 1) / 2) + mpmath.log(mpmath.mpf(2) / n)
    assert theory.gaussian_log_growth(n) == pytest.approx(float(exact), rel=1e-11, abs=0)


def test_expected_variance_takes_arrays():
    m = np.arange(4)
    values = theory.expected_variance(m, 4, 2.0, 1)
    np.testing.assert_allclose(values, 2 * 1.25**m)


@given(
    st.integers(1, 12),
    st.integers(1, 9),
    st.integers(0, 9),
    st.fractions(-1, 3),
    st.fractions(0, 2),
)
def test_distance_from_the_first_model_with_nothing_to_draw_or_first_is_zero(m, real, n, v2, v):
    found = theory.squared_distance_from_first(m, real, n, v, v2)
    assert found >= 0
    assert (found == 0) == (m == 1 or n == 0 or v == 0)


@given(st.integers(2, 3000))
def test_the_typical_gaussian_run_loses_more_than_the_average(n):
    growth = theory.gaussian_log_growth(n)
    assert growth < np.log1p(-1 / n)
    assert -2 / n - 10 / n**2 < growth < -2 / n + 1 / n**2 or n < 5
