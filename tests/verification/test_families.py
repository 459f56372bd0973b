"""The rules of every family and of limited models, by routes that share no code."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import softmax

from collapse_lib import recursion, schedules, symbolic, theory
from collapse_lib.learners import families, features
from tests.verification import enumeration

STARTS = [
    (families.Bernoulli(), 0.3),
    (families.Poisson(), 1.3),
    (families.Normal(variance=1.5), 0.0),
    (families.Gamma(shape=2), 1.0),
    (families.Geometric(), 0.7),
    (families.HyperbolicSecant(), 0.5),
]
every_family = pytest.mark.parametrize(
    ("family", "mean"), STARTS, ids=[type(family).__name__ for family, _ in STARTS]
)


@every_family
def test_average_variance_against_simulation(family, mean):
    n, generations, runs = 7, 8, 400_000
    rng, means = np.random.default_rng(1), np.full(runs, mean)
    for _ in range(generations):
        means = family.draw_mean(means, n, rng)
    v, start = family.variance(means), family.variance(mean)
    error = v.std() / np.sqrt(runs) + 1e-12
    rule, wrong = (
        theory.expected_variance(generations, n, start, family.curvature + c) for c in (0, 0.5)
    )
    assert abs(v.mean() - rule) < 4 * error
    assert abs(v.mean() - wrong) > 6 * error


SCHEDULES = [
    schedules.FullySynthetic(6),
    schedules.PartiallySynthetic(8, 6),
    schedules.FreshReal(8, 6),
    schedules.MostRecent(6, 2),
    schedules.MostRecent(6, 3, kept=True),
    schedules.Accumulating(8, 4),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
@every_family
def test_squared_distances_against_the_loop(family, mean, schedule):
    """The loop is vectorised by hand: a corpus is a matrix of samples, one row a run."""
    runs, generations = 4000, 4
    rng, sizes = np.random.default_rng(2), schedule.sizes(generations)
    models, kept = [np.full(runs, mean)], {}
    for row in sizes:
        parts = []
        for t in np.flatnonzero(row):
            if t not in kept or not schedule.keeps(t):
                size = sizes[:, t].max() if schedule.keeps(t) else row[t]
                columns = [family.draw_mean(models[t], 1, rng) for _ in range(size)]
                kept[t] = np.stack(columns, axis=1)
            parts.append(kept[t][:, : row[t]])
        models.append(np.concatenate(parts, axis=1).mean(axis=1))
    square = (models[-1] - mean) ** 2
    start = family.variance(mean)
    exact = theory.squared_distances(schedule, generations, start, family.curvature)
    error = square.std() / np.sqrt(runs)
    assert abs(square.mean() - exact[-1]) < 4.5 * error
    assert abs(square.mean() - exact[-1] * 2) > 4.5 * error
    v = family.variance(models[-1]).mean()
    rule = start + family.curvature * exact[-1]
    assert abs(v - rule) < 5 * family.variance(models[-1]).std() / np.sqrt(runs) + 1e-12


SIZES = [
    [[2], [1, 2], [1, 1, 1]],
    [[2], [2, 2], [0, 2, 2]],
    [[1], [0, 3], [2, 0, 1]],
    [[3], [1, 2], [2, 1, 2]],
]


@pytest.mark.parametrize("kept", [False, True, (0,)], ids=str)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_curvature_minus_one_is_the_mean_over_all_outcomes(sizes, kept):
    """Both against an enumeration, and against the moments by inner products."""
    schedule = schedules.Explicit(sizes, kept)
    p = [Fraction(1, 3), Fraction(2, 3)]
    paths = enumeration.scheduled(p, sizes, schedule.keeps)
    found = theory.squared_distances(schedule, len(sizes), 2 / 9, -1.0)
    for m in range(len(sizes)):
        listed = sum(weight * (path[m][0] - p[0]) ** 2 for path, weight in paths.items())
        assert found[m + 1] == pytest.approx(float(listed), abs=1e-14)
    by_products = theory.expected_collisions(schedule, len(sizes), 5 / 9) - 5 / 9
    np.testing.assert_allclose(2 * found, by_products, atol=1e-14)


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 9),
    st.fractions(-1, 2, max_denominator=8),
)
def test_kept_real_data_by_both_formulas(real, synthetic, last, v2):
    """Given mu_1 the schedule starts at a point: the distance from mu_0 adds the first noise."""
    schedule = schedules.PartiallySynthetic(real, synthetic)
    whole = theory.squared_distances(schedule, last, 1.0, float(v2))[-1]
    first = 1 / real
    variance_of_first = 1 + float(v2) * first
    later = theory.squared_distance_from_first(last, real, synthetic, variance_of_first, float(v2))
    assert whole == pytest.approx(first + later, rel=1e-12)


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.fractions(0, 1))
def test_kept_real_data_is_the_books_formula_for_tokens(real, n, m, share):
    p = [share, 1 - share]
    of_first = (1 - Fraction(1, real)) * 2 * share * (1 - share)  # expected variety of model 1
    found = theory.squared_distance_from_first(m, real, n, of_first, Fraction(-1))
    assert found == theory.squared_deviation(m, real, n, p)


def test_regression_grows_linearly_or_tends_to_pi_squared_over_six():
    n, last, v2, limit = 5, 60, 0.0, np.pi**2 / 6
    alone = theory.squared_distances(schedules.FullySynthetic(n), last, 1.0, v2)
    np.testing.assert_allclose(alone * n, np.arange(last + 1))
    everything = schedules.Accumulating(n, n)
    kept = n * theory.squared_distances(everything, last, 1.0, v2)
    np.testing.assert_allclose(kept[1:], np.cumsum(1 / np.arange(1, last + 1) ** 2))
    assert limit - 1 / last < kept[-1] < limit


@pytest.mark.parametrize("n", [2, 5, 20])
def test_fitted_gaussian_against_the_loop(n):
    runs, generations = 3000, 5
    truth, schedule = np.array([1.0, 2.0]), schedules.FullySynthetic(n)
    rng = np.random.default_rng(n)
    ends = np.array(
        [
            list(recursion.run(families.Gaussian(), truth, schedule, generations, rng))
            for _ in range(runs)
        ]
    )
    variances = ends[:, :, 1]
    mean, last = variances.mean(axis=0), variances[:, -1]
    expected = theory.expected_variance(generations, n, 2.0, -1)
    assert abs(last.mean() - expected) < 4 * last.std() / np.sqrt(runs)
    assert abs(last.mean() - 2.0) > 4 * last.std() / np.sqrt(runs)  # not with divisor n - 1
    between = (ends[:, -1, 0] - 1) ** 2
    assert abs(between.mean() - (2 - expected)) < 4 * between.std() / np.sqrt(runs)
    logs = np.log(variances[:, 1:] / variances[:, :-1]).ravel()
    error = logs.std() / np.sqrt(logs.size)
    assert abs(logs.mean() - theory.gaussian_log_growth(n)) < 4 * error
    assert abs(logs.mean() - np.log1p(-1 / n)) > 4 * error
    assert mean[0] == 2


def test_log_growth_by_sympy_and_by_quadrature():
    expected = symbolic.log_chi_square()
    (k,) = expected.free_symbols
    for n in (2, 3, 10):
        by_sympy = float(expected.subs(k, n - 1).evalf()) - np.log(n)
        by_quadrature = stats.chi2(n - 1).expect(np.log) - np.log(n)
        assert theory.gaussian_log_growth(n) == pytest.approx(by_sympy, abs=1e-12)
        assert theory.gaussian_log_growth(n) == pytest.approx(by_quadrature, abs=1e-5)


def test_poisson_extinction_against_the_whole_distribution():
    """The distribution of n mu_m, carried forward as a vector, against the one-line recursion."""
    n, mean, top = 3, 0.8, 150
    law = stats.poisson(n * mean).pmf(range(top))
    step = stats.poisson.pmf(np.arange(top), np.arange(top)[:, None])
    for m in range(1, 6):
        assert theory.poisson_extinction(m, n, mean) == pytest.approx(law[0], abs=1e-9)
        law = law @ step


@pytest.mark.parametrize("family", [STARTS[0][0], STARTS[1][0], STARTS[4][0]], ids=str)
def test_runs_of_counts_end_where_the_variance_is_zero(family):
    rng, means = np.random.default_rng(3), np.full(200, 0.5)
    for _ in range(2000):
        means = family.draw_mean(means, 3, rng)
    assert (family.variance(means) == 0).mean() > 0.97


def test_waiting_times_shrink_by_the_mean_logarithm():
    family, n, m = families.Gamma(shape=2), 4, 50
    rng, means = np.random.default_rng(4), np.full(4000, 1.0)
    for _ in range(m):
        means = family.draw_mean(means, n, rng)
    logs = np.log(means)
    exact = m * (stats.gamma(8).expect(np.log) - np.log(8))
    assert abs(logs.mean() - exact) < 4 * logs.std() / np.sqrt(logs.size)
    assert exact < 0


def test_symbolic_variance_functions_are_the_librarys():
    exact = symbolic.variance_functions()
    mu, k, sigma2 = symbolic.families.mu, sp.Symbol("k", positive=True), symbolic.families.variance
    for family, _ in STARTS:
        at = {mu: sp.Rational(3, 5), k: 2, sigma2: sp.Rational(3, 2)}
        name = type(family).__name__
        assert float(exact[name].subs(at)) == pytest.approx(family.variance(0.6))
        curvature = exact[name].coeff(mu, 2).subs(at)
        assert float(curvature) == pytest.approx(family.curvature)


def test_symbolic_rule_is_the_numerical_one():
    factor = symbolic.variance_recursion()
    for v2 in (Fraction(-1), Fraction(0), Fraction(1, 2)):
        exact = factor.subs({symbolic.families.v2: sp.Rational(v2), symbolic.n: 7})
        assert float(exact) == pytest.approx(float(theory.expected_variance(1, 7, 1, v2)))
    within, between = symbolic.gaussian_moments()
    at = {symbolic.n: 7, symbolic.families.variance: 2}
    assert float(within.subs(at)) == pytest.approx(theory.expected_variance(1, 7, 2.0, -1))
    assert float(between.subs(at)) == pytest.approx(2 / 7)


@pytest.mark.paper("Section 5", check="symbolic")
def test_probabilities_that_do_not_sum_to_one_are_refused(monkeypatch):
    module = symbolic.families
    right = module._log_softmax
    monkeypatch.setattr(module, "_log_softmax", lambda w: [2 * y for y in right(w)])
    with pytest.raises(symbolic.DerivationError, match="the derivative and q e"):
        symbolic.projection_condition(2)


@pytest.mark.paper("Section 5", check="symbolic")
@pytest.mark.parametrize("tokens", [2, 3])
def test_symbolic_condition_vanishes_at_the_projection(tokens):
    """Summed over contexts, SymPy's derivative is 0 at the projection, and not elsewhere."""
    condition = symbolic.projection_condition(tokens)
    rng = np.random.default_rng(tokens)
    e, q = features.gaussian(5, 1, rng), rng.dirichlet(np.full(5, 3.0))
    p = softmax(rng.standard_normal((5, tokens)), axis=1)
    best = features.project(e, p, q)
    w = np.log(best[0] / best[0, 0]) / e[0, 0]
    names = {s.name: s for s in condition.free_symbols}

    def total(weights):
        summed = sp.zeros(tokens, 1)
        for j in range(5):
            at = {names["q"]: q[j], names["e"]: e[j, 0]}
            at |= {names[f"w_{k + 1}"]: weights[k] for k in range(tokens)}
            at |= {names[f"p_{k + 1}"]: p[j, k] for k in range(tokens - 1)}
            summed += condition.subs(at)
        return np.array(summed, dtype=float)

    assert abs(total(w)).max() < 1e-10
    assert abs(total(w + np.eye(tokens)[0])).max() > 1e-3


@pytest.mark.paper("Section 5", check="independent")
@pytest.mark.parametrize("in_class", [True, False], ids=["truth in the class", "truth outside"])
def test_statistical_error_is_paid_every_time(in_class):
    rng, runs, samples = np.random.default_rng(5), 500, 40_000
    e, q = features.gaussian(10, 3, rng), rng.dirichlet(np.full(10, 5.0))
    p = softmax(0.7 * e @ rng.standard_normal((3, 3)), axis=1)
    if not in_class:
        p = softmax(np.log(p) + 0.7 * rng.standard_normal(p.shape), axis=1)
    best, first = features.project(e, p, q), features.effective_parameters(e, p, q)
    models = np.broadcast_to(p, (runs, *p.shape))
    for m in range(1, 5):
        joint = (q[:, None] * models).reshape(runs, -1)
        joint /= joint.sum(axis=1, keepdims=True)
        models = features.fit(e, rng.multinomial(samples, joint).reshape(models.shape))
        scaled = 2 * samples * features.divergence(best, models, q)
        error = scaled.std() / np.sqrt(runs)
        expected = 2 * samples * theory.limited_loss(m, samples, 6, first)
        assert abs(scaled.mean() - expected) < 4 * error
        assert abs(scaled.mean() - 20 * m) > 6 * error  # counting has 10 * 2 weights
        if in_class:
            assert stats.kstest(scaled / m, stats.chi2(6).cdf).pvalue > 1e-4
            assert stats.kstest(scaled / m, stats.chi2(7).cdf).pvalue < 1e-3


def test_functional_error_is_paid_once_and_a_wrong_sandwich_is_told_apart():
    e = np.array([[1.0], [3.0]])
    p, q = np.array([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]]), np.array([0.5, 0.5])
    first, runs, samples = features.effective_parameters(e, p, q), 40_000, 4000
    best, rng = features.project(e, p, q), np.random.default_rng(6)
    np.testing.assert_allclose(features.project(e, best, q), best, atol=1e-10)
    counts = rng.multinomial(samples, (q[:, None] * p).ravel(), size=runs).reshape(runs, 2, 3)
    scaled = 2 * samples * features.divergence(best, features.fit(e, counts), q)
    error = scaled.std() / np.sqrt(runs)
    assert abs(scaled.mean() - first) < 4 * error


def test_kept_real_data_bounds_the_statistical_error():
    """The normal family in every direction: 4/3 of the first error with as much real data."""
    rng, runs, samples = np.random.default_rng(7), 400, 20_000
    e, q = features.gaussian(8, 2, rng), np.full(8, 1 / 8)
    p = softmax(0.7 * e @ rng.standard_normal((2, 3)), axis=1)
    schedule = schedules.PartiallySynthetic(samples, samples)
    limit = theory.squared_distances(schedule, 5, 1.0, 0.0)
    models, real = np.broadcast_to(p, (runs, *p.shape)), 0
    for m in range(1, 6):
        joint = (q[:, None] * models).reshape(runs, -1)
        joint /= joint.sum(axis=1, keepdims=True)
        counts = rng.multinomial(samples, joint).reshape(models.shape) + real
        real = counts if m == 1 else real
        models = features.fit(e, counts)
    divergence = features.divergence(p, models, q)
    error = divergence.std() / np.sqrt(runs)
    assert abs(divergence.mean() - 4 * limit[5] / 2) < 4 * error
    assert abs(divergence.mean() - theory.limited_loss(5, samples, 4)) > 6 * error
