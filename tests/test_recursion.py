"""The fast versions of the recursion against the plain loop, and what all of them promise."""

import re

import numpy as np
import pytest

from collapse_lib import _multinomial, distributions, recursion, steps, theory
from collapse_lib.learners.counting import Counting
from collapse_lib.schedules import (
    Accumulating,
    Explicit,
    FreshReal,
    FullySynthetic,
    MostRecent,
    PartiallySynthetic,
    RandomlySampled,
)

SKEWED = distributions.power_law(60, 25, 0.1)
SMALL = np.array([0.5, 0.3, 0.2, 0.0])
EVERY_SCHEDULE = [
    FullySynthetic(7),
    PartiallySynthetic(5, 7),
    PartiallySynthetic(5, 0),
    FreshReal(5, 7),
    MostRecent(9, 3),
    MostRecent(9, 3, kept=True),
    RandomlySampled(8),
    RandomlySampled(8, kept=True),
    Accumulating(6, 4),
    Explicit([[4], [2, 5], [3, 4, 1], [1, 6, 2, 2], [4, 5, 1, 2, 3]], kept=(0, 2)),
]
EVERY_STEP = [
    None,
    steps.Temperature(0.6),
    steps.TopK(2),
    steps.Nucleus(0.7),
    steps.MinP(0.5),
    steps.Accept((0.4, 1, 0.8, 1)),
    (steps.Temperature(2), steps.TopK(3)),
]
WIDTH = 4.8  # standard errors; some 1500 comparisons below


def measures(models):
    """Return what runs are compared by: first and second powers, shape (runs, measures)."""
    models = np.asarray(models)  # (runs, generations + 1, tokens)
    collision = np.square(models).sum(axis=2)
    l1 = np.abs(models - models[:, 1:2]).sum(axis=2)
    support = np.count_nonzero(models, axis=2)
    return np.concatenate([collision, collision**2, l1, l1**2, support, support == 1], axis=1)


def recorded(runs):
    c, l1, s = runs.collision, runs.l1_from_first, runs.support
    return np.concatenate([c, c**2, l1, l1**2, s, s == 1], axis=1)


def agree(one, other):
    """Return whether the means of two samples of rows differ by chance alone."""
    # Pooled, so that an event which the smaller sample lacks does not count as impossible.
    variance = np.concatenate([one, other]).var(axis=0)
    error = np.sqrt(variance * (1 / len(one) + 1 / len(other)))
    return np.all(np.abs(one.mean(axis=0) - other.mean(axis=0)) <= WIDTH * error + 1e-9)


@pytest.fixture(scope="module")
def reference():
    """Return a function that gives runs of the plain loop, and draws each of them once."""
    kept = {}

    def runs(schedule, step=None, pseudocounts=0.0, replicates=300):
        key = schedule, step, pseudocounts, replicates
        if key not in kept:
            rng = np.random.default_rng(len(kept))
            kept[key] = measures(
                [
                    recursion.sample_path(SMALL, schedule, 5, rng, step, pseudocounts)
                    for _ in range(replicates)
                ]
            )
        return kept[key]

    return runs


@pytest.mark.parametrize("step", EVERY_STEP, ids=repr)
@pytest.mark.parametrize("schedule", EVERY_SCHEDULE, ids=repr)
def test_fast_versions_have_the_distribution_of_the_loop(schedule, step, reference):
    runs = recursion.simulate(SMALL, schedule, 5, 3000, rng=1, step=step)
    assert agree(recorded(runs), reference(schedule, step))


@pytest.mark.parametrize("step", [None, steps.Temperature(0.6)], ids=repr)
@pytest.mark.parametrize("schedule", EVERY_SCHEDULE, ids=repr)
def test_fast_versions_with_pseudocounts_do_too(schedule, step, reference):
    runs = recursion.simulate(SMALL, schedule, 5, 3000, rng=1, step=step, pseudocounts=2.0)
    assert agree(recorded(runs), reference(schedule, step, 2.0))


@pytest.mark.parametrize("schedule", EVERY_SCHEDULE, ids=repr)
def test_a_step_that_changes_nothing_is_no_step(schedule):
    """Compiled against vectorised, which share no code, with enough runs to tell them apart."""
    replicates = 2000 if schedule.is_random and schedule.kept else 20_000
    one = recursion.simulate(SMALL, schedule, 5, replicates, rng=2)
    other = recursion.simulate(SMALL, schedule, 5, replicates, rng=3, step=steps.Temperature(1))
    assert agree(recorded(one), recorded(other))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ({"step": steps.Temperature(0.6)}, {"step": steps.Temperature(0.75)}),
        ({"step": steps.TopK(2)}, {"step": steps.TopK(3)}),
        ({"step": steps.Nucleus(0.7)}, {"step": steps.Nucleus(0.85)}),
        ({"step": steps.MinP(0.5)}, {}),
        ({"step": steps.Accept((0.4, 1, 0.8, 1))}, {"step": steps.Accept((0.6, 1, 0.8, 1))}),
        ({"pseudocounts": 2.0}, {"pseudocounts": 1.0}),
        ({}, {"pseudocounts": 0.3}),
    ],
    ids=repr,
)
def test_wrong_steps_are_told_apart(right, wrong, reference):
    schedule = FullySynthetic(7)
    runs = recursion.simulate(SMALL, schedule, 5, 3000, rng=4, **wrong)
    expected = reference(schedule, right.get("step"), right.get("pseudocounts", 0.0))
    assert not agree(recorded(runs), expected)


@pytest.mark.parametrize(
    ("schedule", "wrong"),
    [
        (FullySynthetic(7), FullySynthetic(8)),
        (PartiallySynthetic(5, 7), FreshReal(5, 7)),
        (MostRecent(9, 3, kept=True), MostRecent(9, 3)),
        (Accumulating(6, 4), Accumulating(6, 1)),
    ],
    ids=repr,
)
def test_wrong_schedules_are_told_apart(schedule, wrong, reference):
    runs = recursion.simulate(SMALL, wrong, 5, 20_000, rng=4)
    assert not agree(recorded(runs), reference(schedule, replicates=2000))


def test_the_truth_is_sampled_as_it_is():
    """No step changes real data: on average p^(1) is p, and the kept corpus stays in."""
    runs = [
        recursion.sample_path(SMALL, PartiallySynthetic(50, 50), 2, rng, steps.TopK(1))
        for rng in np.random.default_rng(5).spawn(400)
    ]
    first = np.array(runs)[:, 1]
    error = np.sqrt(SMALL * (1 - SMALL) / 50 / 400)
    assert (np.abs(first.mean(axis=0) - SMALL) <= 4 * error).all()
    second = np.array(runs)[:, 2]
    np.testing.assert_allclose(np.sort(second)[:, :-1], np.sort(first)[:, :-1] / 2, atol=0.01)


@pytest.mark.parametrize(
    ("n", "p"),
    [(1, 0.3), (10, 0.31), (10, 0.69), (40, 0.2), (200, 0.04), (1000, 0.5), (7, 1e-9), (5, 1.0)],
)
def test_the_binomial_kernel_draws_from_the_binomial_distribution(n, p):
    from scipy.stats import binom

    rng = np.random.default_rng(n)
    drawn = np.array([_multinomial.binomial(rng, n, p) for _ in range(20_000)])
    seen = np.bincount(drawn, minlength=n + 1)
    expected = binom.pmf(np.arange(n + 1), n, p) * drawn.size

    def statistic(expected):
        likely = expected >= 5
        cells = np.append(seen[likely], seen[~likely].sum())
        means = np.append(expected[likely], expected[~likely].sum())
        return ((cells - means) ** 2 / np.maximum(means, 1)).sum(), likely.sum()

    found, cells = statistic(expected)
    assert found < cells + 5 * np.sqrt(2 * cells + 2)
    if 0.01 < p < 0.99:
        shifted = binom.pmf(np.arange(n + 1), n, p * 1.05) * drawn.size
        found, cells = statistic(shifted)
        assert found > cells + 5 * np.sqrt(2 * cells + 2)


@pytest.mark.parametrize("n", [1, 2, 10, 64, 65, 400])
def test_kernel_of_synthetic_data_alone_follows_6(n):
    """Whether numbers are looked up or inverted; at m = 1 the truth is not a table of counts."""
    runs = recursion.simulate(SKEWED, FullySynthetic(n), 20, 4000, rng=n)
    for m in (1, 2, 3, 20):
        sample = runs.collision[:, m]
        error = sample.std(ddof=1) / np.sqrt(sample.size)
        right = theory.expected_collision(m, n, float((SKEWED**2).sum()))
        assert abs(sample.mean() - right) <= 4 * error + (1e-3 if right > 0.999 else 1e-12)
        if n > 2:
            wrong = theory.expected_collision(m + 1, n, float((SKEWED**2).sum()))
            assert (abs(sample.mean() - wrong) > 4 * error) or n > 60


@pytest.mark.parametrize("n", [1, 2, 9, 60])
@pytest.mark.parametrize("p", [SMALL, SKEWED], ids=["small", "skewed"])
def test_tracing_back_has_the_distribution_of_running_forward(n, p):
    forward = recursion.simulate(p, FullySynthetic(n), 12 * n + 5, 8000, rng=n)
    back = recursion.collapse_times(p, n, 8000, rng=n + 1)
    horizon = forward.collision.shape[1]
    times = np.where(forward.collapse_time > 0, forward.collapse_time, horizon)
    quantiles = np.unique(np.quantile(times, [0.05, 0.2, 0.5, 0.8, 0.95]))
    one, other = (t[:, None] <= quantiles for t in (times, np.minimum(back, horizon)))
    assert agree(one, other)
    if n > 2:
        assert not agree(one, np.minimum(back + max(1, n // 10), horizon)[:, None] <= quantiles)
    m = n + 1
    last = recursion.sample_models(p, n, m, 8000, rng=n + 2)
    collision, support = np.square(last).sum(axis=1), np.count_nonzero(last, axis=1)
    one = np.stack([forward.collision[:, m], forward.support[:, m]], axis=1)
    assert agree(one, np.stack([collision, support], axis=1))
    if n > 2:
        assert not agree(one, np.stack([collision * 1.1, support * 1.1], axis=1))


def test_models_by_tracing_back_are_unbiased():
    last = recursion.sample_models(SMALL, 12, 5, 20_000, rng=8)
    assert np.allclose(last * 12, np.round(last * 12))
    error = last.std(axis=0, ddof=1) / np.sqrt(len(last))
    assert (np.abs(last.mean(axis=0) - SMALL) <= 4 * error).all()
    first = recursion.sample_models(SMALL, 12, 1, 20_000, rng=8)
    error = first.std(axis=0, ddof=1) / np.sqrt(len(first))
    assert (np.abs(first.var(axis=0) - SMALL * (1 - SMALL) / 12) <= 0.1 / 12).all()


@pytest.mark.parametrize("schedule", EVERY_SCHEDULE, ids=repr)
def test_collapse_time_is_the_first_dirac_generation(schedule):
    generations = 5 if isinstance(schedule, Explicit) else 40
    for step in (None, steps.Temperature(0.8)):
        runs = recursion.simulate([0.7, 0.2, 0.1], schedule, generations, 20, rng=3, step=step)
        for support, time in zip(runs.support, runs.collapse_time, strict=True):
            collapsed = [m for m in range(1, generations + 1) if support[m] == 1]
            assert time == (collapsed[0] if collapsed else -1)


@pytest.mark.parametrize("n", [1, 5])
def test_a_dirac_mass_has_collapsed_at_generation_one(n):
    assert recursion.collapse_times([0, 1], n, 2, rng=0).tolist() == [1, 1]
    for step in (None, steps.TopK(3)):
        runs = recursion.simulate([0.0, 1.0], FullySynthetic(n), 3, 2, rng=0, step=step)
        assert runs.collapse_time.tolist() == [1, 1]
        assert (runs.collision == 1).all()
        assert (runs.l1_from_first == 0).all()


@pytest.mark.parametrize("step", [None, steps.Nucleus(0.9)], ids=repr)
@pytest.mark.parametrize("schedule", EVERY_SCHEDULE, ids=repr)
def test_shapes_ranges_and_seeds(schedule, step):
    m = 5 if isinstance(schedule, Explicit) else 12
    runs = recursion.simulate(SKEWED, schedule, m, 4, rng=9, step=step)
    for record in (runs.collision, runs.l1_from_first, runs.support):
        assert record.shape == (4, m + 1)
    assert runs.collapse_time.shape == (4,)
    np.testing.assert_allclose(runs.collision[:, 0], distributions.collision_probability(SKEWED))
    assert (runs.support[:, 0] == 25).all()
    assert (runs.l1_from_first[:, 1] == 0).all()
    assert (runs.l1_from_first <= 2 + 1e-12).all()
    again = recursion.simulate(SKEWED, schedule, m, 4, rng=np.random.default_rng(9), step=step)
    np.testing.assert_array_equal(runs.collision, again.collision)
    other = recursion.simulate(SKEWED, schedule, m, 4, rng=10, step=step)
    assert (runs.collision != other.collision).any()


@pytest.mark.parametrize("step", [None, steps.TopK(2)], ids=repr)
@pytest.mark.parametrize("schedule", [FullySynthetic(3), PartiallySynthetic(3, 2)], ids=repr)
def test_no_generations(schedule, step):
    runs = recursion.simulate([0.5, 0.5], schedule, 0, 2, rng=0, step=step)
    assert runs.collision.tolist() == [[0.5], [0.5]]
    assert np.isnan(runs.l1_from_first).all()
    assert runs.support.tolist() == [[2], [2]]
    assert runs.collapse_time.tolist() == [-1, -1]


@pytest.mark.parametrize("cores", [1, 3, 64])
@pytest.mark.parametrize("schedule", [FullySynthetic(300), RandomlySampled(9)], ids=repr)
def test_results_do_not_depend_on_the_number_of_cores(cores, schedule, monkeypatch):
    expected = recursion.simulate(SKEWED, schedule, 400, 300, rng=2)
    monkeypatch.setattr(recursion._blocks.os, "cpu_count", lambda: cores)
    runs = recursion.simulate(SKEWED, schedule, 400, 300, rng=2)
    np.testing.assert_array_equal(runs.collision, expected.collision)
    np.testing.assert_array_equal(runs.collapse_time, expected.collapse_time)


@pytest.mark.parametrize("bits", ["PCG64", "MT19937", "Philox", "SFC64", "PCG64DXSM"])
@pytest.mark.parametrize("step", [None, steps.TopK(3)], ids=repr)
def test_every_bit_generator_of_numpy_will_do(bits, step):
    rng = np.random.Generator(getattr(np.random, bits)(5))
    for schedule in (FullySynthetic(9), PartiallySynthetic(5, 4), RandomlySampled(9, kept=True)):
        runs = recursion.simulate(SKEWED, schedule, 4, 500, rng, step)
        error = runs.collision[:, 1].std() / np.sqrt(500)
        n = 5 if isinstance(schedule, PartiallySynthetic) else 9
        expected = theory.expected_collision(1, n, float((SKEWED**2).sum()))
        assert abs(runs.collision[:, 1].mean() - expected) < 4.5 * error
    assert (recursion.collapse_times(SKEWED, 9, 10, rng) > 0).all()


def test_a_generator_that_cannot_spawn_is_refused_by_name():
    rng = np.random.Generator(np.random.RandomState(3)._bit_generator)
    with pytest.raises(ValueError, match="rng must have a seed sequence to spawn generators"):
        recursion.simulate([0.5, 0.5], FullySynthetic(3), 2, 2, rng)


def test_a_lost_token_never_returns():
    path = recursion.sample_path(SKEWED, FullySynthetic(15), 40, rng=1)
    gone = path[:-1] == 0
    assert (path[1:][gone] == 0).all()


def test_no_synthetic_data_is_no_change():
    path = recursion.sample_path(SKEWED, PartiallySynthetic(10, 0), 6, rng=1)
    assert (path[1:] == path[1]).all()


def test_a_kept_real_corpus_is_in_every_generation():
    path = recursion.sample_path(SKEWED, PartiallySynthetic(10, 5), 8, rng=2)
    real = path[1] * 10
    assert (path[2:] * 15 >= real - 1e-9).all()


def test_kept_corpora_accumulate():
    path = recursion.sample_path(SKEWED, Accumulating(10, 5), 8, rng=2)
    totals = np.array([10 + 5 * (m - 1) for m in range(1, 9)])
    counts = np.round(path[1:] * totals[:, None])
    assert (np.diff(counts, axis=0) >= 0).all()
    assert (np.diff(counts, axis=0).sum(axis=1) == 5).all()


def test_some_corpora_are_kept_and_others_not():
    schedule = Explicit([range(2, m + 2) for m in range(1, 7)], kept=(0, 2))
    runs = recursion.simulate(SKEWED, schedule, 6, 4000, 9)
    right, wrong = (
        theory.expected_collisions(Explicit(schedule.rows, kept), 6, float((SKEWED**2).sum()))
        for kept in ((0, 2), (0, 1))
    )
    error = runs.collision[:, 6].std(ddof=1) / np.sqrt(4000)
    assert abs(runs.collision[:, 6].mean() - right[6]) < 4 * error
    assert abs(runs.collision[:, 6].mean() - wrong[6]) > 4 * error


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p": [0.5, 0.6]}, "p must sum to 1 within 1e-09, got a sum of 1.1"),
        ({"p": [1.5, -0.5]}, "p must not be negative, got a smallest entry of -0.5"),
        ({"p": [np.nan, 1]}, "p must not contain NaN, got 1 of 2"),
        ({"p": [[0.5, 0.5]]}, "p must have shape (tokens,), got shape (1, 2)"),
        ({"p": 1.0}, "p must have shape (tokens,), got shape ()"),
        ({"generations": -1}, "generations must be an integer of at least 0, got -1"),
        ({"generations": 2.0}, "generations must be an integer of at least 0, got 2.0"),
        (
            {"generations": 10**9},
            "generations and replicates must ask for at most",
        ),
        ({"replicates": 0}, "replicates must be an integer of at least 1, got 0"),
        ({"rng": None}, "rng must be a numpy.random.Generator or an integer seed"),
        ({"step": 3}, "step must be one of collapse_lib.steps, or have a method apply, got 3"),
        ({"step": (steps.TopK(1), None)}, "step must be one of collapse_lib.steps, or have"),
        ({"step": steps.TopK}, "step must be one of collapse_lib.steps, or have a method apply"),
        ({"step": steps.Accept([1, 1, 0.5])}, "p must have the 3 tokens of the filter, got shape"),
        ({"pseudocounts": -1}, "pseudocounts must be a number from 0 to"),
        ({"pseudocounts": np.nan}, "pseudocounts must be a number from 0 to"),
        ({"schedule": 10}, "schedule must be one of collapse_lib.schedules, or have sizes, is_"),
    ],
)
@pytest.mark.parametrize("schedule", [FullySynthetic(3), PartiallySynthetic(3, 2)], ids=repr)
def test_bad_input(schedule, change, message):
    good = {"p": [0.5, 0.5], "generations": 2, "replicates": 1, "rng": 0, "schedule": schedule}
    with pytest.raises(ValueError, match=re.escape(message)):
        recursion.simulate(**good | change)


def test_bad_input_of_the_others():
    with pytest.raises(ValueError, match="n must be an integer of at least 1, got 0"):
        recursion.collapse_times([0.5, 0.5], 0, 1, 0)
    with pytest.raises(ValueError, match="n must be an integer of at most 100000000, got"):
        recursion.collapse_times([0.5, 0.5], 2**62, 1, 0)
    with pytest.raises(ValueError, match="replicates must be an integer of at least 1, got -1"):
        recursion.collapse_times([0.5, 0.5], 3, -1, 0)
    with pytest.raises(ValueError, match="generation must be an integer of at least 1, got 0"):
        recursion.sample_models([0.5, 0.5], 3, 0, 1, 0)
    with pytest.raises(ValueError, match="generations must be an integer of at least 0"):
        recursion.sample_path([0.5, 0.5], FullySynthetic(3), -2, 0)


class Doubled(FullySynthetic):
    def sizes(self, generations, rng=None):
        return 2 * super().sizes(generations)


def test_a_schedule_of_ones_own_that_extends_a_given_one_is_asked():
    one, other = (
        recursion.simulate(SKEWED, schedule, 12, 3000, 5)
        for schedule in (Doubled(7), FullySynthetic(14))
    )
    assert agree(recorded(one), recorded(other))
    assert not agree(
        recorded(one), recorded(recursion.simulate(SKEWED, FullySynthetic(7), 12, 9, 5))
    )


def test_counting_counts():
    learner = Counting(3, pseudocounts=3)
    np.testing.assert_allclose(learner.fit(np.array([0, 0, 1])), [3 / 6, 2 / 6, 1 / 6])
    assert learner.take(np.array([2, 1, 0]), 2).tolist() == [2, 1]
    assert learner.pool([np.array([2]), np.array([1, 0])]).tolist() == [2, 1, 0]
    with pytest.raises(ValueError, match="tokens must be an integer of at least 1, got 0"):
        Counting(0)
    with pytest.raises(ValueError, match="pseudocounts must be a number from 0 to"):
        Counting(2, -1)


@pytest.mark.parametrize(
    ("pseudocounts", "corpus", "message"),
    [
        (0, [0, 5], "corpus must be below 2, got 5"),
        (4, [0, 5], "corpus must be below 2, got 5"),
        (0, [0, -1], "corpus must hold integers of at least 0, got -1"),
        (0, [[0, 1]], "corpus must have shape (length,), got shape (1, 2)"),
        (0, [], "corpus must hold at least one token without pseudocounts, got none"),
    ],
)
def test_a_corpus_that_cannot_be_counted(pseudocounts, corpus, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Counting(2, pseudocounts).fit(corpus)


def test_pseudocounts_alone_are_uniform():
    assert Counting(4, pseudocounts=1).fit([]).tolist() == [0.25] * 4
