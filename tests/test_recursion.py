"""The compiled kernel against the NumPy reference, and the contracts of both."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collapse_lib import distributions, recursion, theory
from collapse_lib.schedules import (
    Accumulating,
    FullySynthetic,
    MostRecent,
    PartiallySynthetic,
    RandomlySampled,
)

SKEWED = distributions.power_law(60, 25, 0.1)
EVERY_SCHEDULE = [
    FullySynthetic(7),
    PartiallySynthetic(5, 7),
    PartiallySynthetic(5, 0),
    MostRecent(9, 3),
    MostRecent(9, 3, kept=True),
    RandomlySampled(8),
    RandomlySampled(8, kept=True),
    Accumulating(6, 4),
]


def reference(p, schedule, generations, replicates, seed):
    """Run `sample_path` on the generators that `simulate` spawns."""
    streams = np.random.default_rng(seed).spawn(replicates)
    return np.array([recursion.sample_path(p, schedule, generations, r) for r in streams])


def assert_measured(runs, paths):
    """Compare the records of `simulate` with what is measured on the reference's models."""
    np.testing.assert_array_equal(runs.support, distributions.support_size(paths))
    collision = distributions.collision_probability(paths)
    np.testing.assert_allclose(runs.collision, collision, rtol=1e-12)
    if paths.shape[1] > 1:
        expected = distributions.l1_distance(paths, paths[:, 1:2])
        np.testing.assert_allclose(runs.l1_from_first, expected, atol=1e-12)


@settings(deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(1, 300),
    st.integers(1, 40),
    st.sampled_from([0.05, 0.3, 1, 10]),
    st.integers(0, 30),
)
def test_kernel_draws_what_the_reference_draws(seed, n, size, concentration, generations):
    p = distributions.dirichlet(size, concentration, seed)
    runs = recursion.simulate(p, FullySynthetic(n), generations, 3, seed)
    assert_measured(runs, reference(p, FullySynthetic(n), generations, 3, seed))


@settings(deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(EVERY_SCHEDULE),
    st.integers(1, 40),
    st.sampled_from([0.05, 0.3, 1, 10]),
    st.integers(0, 30),
)
def test_kernel_of_every_schedule_draws_what_the_reference_draws(
    seed, schedule, size, concentration, generations
):
    p = distributions.dirichlet(size, concentration, seed)
    runs = recursion.simulate(p, schedule, generations, 3, seed)
    assert_measured(runs, reference(p, schedule, generations, 3, seed))


def test_kernel_keeps_beginnings_of_several_lengths():
    """Every model's corpus is asked for in three lengths, the longest not the last."""

    class Uneven:
        kept = True

        def sample_sizes(self, generation, rng=None):
            return np.array([3 + 2 * ((generation + t) % 3) for t in range(generation)])

    paths = reference(SKEWED, Uneven(), 12, 4, 9)
    assert_measured(recursion.simulate(SKEWED, Uneven(), 12, 4, 9), paths)


def test_random_sizes_differ_from_run_to_run():
    runs = recursion.simulate(SKEWED, RandomlySampled(8), 30, 5, 3)
    assert_measured(runs, reference(SKEWED, RandomlySampled(8), 30, 5, 3))
    assert len({tuple(row) for row in runs.collision}) == 5


@pytest.mark.parametrize("n", [1, 2, 17, 400, 10_000, 10**6])
def test_kernel_and_reference_agree_on_the_paper_distribution(n):
    p = distributions.power_law(600, 52, 0.1)
    runs = recursion.simulate(p, FullySynthetic(n), 60, 5, 12)
    assert_measured(runs, reference(p, FullySynthetic(n), 60, 5, 12))


@pytest.mark.parametrize("schedule", EVERY_SCHEDULE, ids=repr)
def test_collapse_time_is_the_first_dirac_generation(schedule):
    runs = recursion.simulate([0.7, 0.2, 0.1], schedule, 40, 20, rng=3)
    for support, time in zip(runs.support, runs.collapse_time, strict=True):
        collapsed = [m for m in range(1, 41) if support[m] == 1]
        assert time == (collapsed[0] if collapsed else -1)


def test_collapse_times_match_the_trajectories():
    runs = recursion.simulate(SKEWED, FullySynthetic(20), 400, 50, rng=5)
    times = recursion.collapse_times(SKEWED, 20, 50, rng=5)
    assert (runs.collapse_time > 0).all()
    np.testing.assert_array_equal(times, runs.collapse_time)


@pytest.mark.parametrize("n", [1, 5])
def test_a_dirac_mass_has_collapsed_at_generation_one(n):
    assert recursion.collapse_times([0, 1], n, 2, rng=0).tolist() == [1, 1]
    runs = recursion.simulate([0.0, 1.0], FullySynthetic(n), 3, 2, rng=0)
    assert runs.collapse_time.tolist() == [1, 1]
    assert (runs.collision == 1).all()
    assert (runs.l1_from_first == 0).all()


@pytest.mark.parametrize("schedule", EVERY_SCHEDULE, ids=repr)
def test_shapes_ranges_and_seeds(schedule):
    runs = recursion.simulate(SKEWED, schedule, 12, 4, rng=9)
    for record in (runs.collision, runs.l1_from_first, runs.support):
        assert record.shape == (4, 13)
    assert runs.collapse_time.shape == (4,)
    np.testing.assert_allclose(runs.collision[:, 0], distributions.collision_probability(SKEWED))
    assert (runs.support[:, 0] == 25).all()
    assert (runs.l1_from_first[:, 1] == 0).all()
    assert (runs.l1_from_first <= 2 + 1e-12).all()
    again = recursion.simulate(SKEWED, schedule, 12, 4, rng=np.random.default_rng(9))
    np.testing.assert_array_equal(runs.collision, again.collision)
    other = recursion.simulate(SKEWED, schedule, 12, 4, rng=10)
    assert (runs.collision != other.collision).any()


@pytest.mark.parametrize("schedule", [FullySynthetic(3), PartiallySynthetic(3, 2)], ids=repr)
def test_no_generations(schedule):
    runs = recursion.simulate([0.5, 0.5], schedule, 0, 2, rng=0)
    assert runs.collision.tolist() == [[0.5], [0.5]]
    assert np.isnan(runs.l1_from_first).all()
    assert runs.support.tolist() == [[2], [2]]
    assert runs.collapse_time.tolist() == [-1, -1]


@pytest.mark.parametrize("cores", [1, 3, 64])
def test_results_do_not_depend_on_the_number_of_cores(cores, monkeypatch):
    expected = recursion.simulate(SKEWED, FullySynthetic(30), 40, 10, rng=2)
    monkeypatch.setattr(recursion.os, "cpu_count", lambda: cores)
    runs = recursion.simulate(SKEWED, FullySynthetic(30), 40, 10, rng=2)
    np.testing.assert_array_equal(runs.collision, expected.collision)
    np.testing.assert_array_equal(runs.collapse_time, expected.collapse_time)


def test_a_lost_token_never_returns():
    path = recursion.sample_path(SKEWED, FullySynthetic(15), 40, rng=1)
    gone = path[:-1] == 0
    assert (path[1:][gone] == 0).all()


def test_no_synthetic_data_is_no_change():
    path = recursion.sample_path(SKEWED, PartiallySynthetic(10, 0), 6, rng=1)
    assert (path[1:] == path[1]).all()


@pytest.mark.parametrize("schedule", EVERY_SCHEDULE, ids=repr)
def test_models_are_frequencies_of_their_samples(schedule):
    path = recursion.sample_path(SKEWED, schedule, 8, rng=0)
    rng = np.random.default_rng(0)
    for m in range(1, 9):
        total = schedule.sample_sizes(m, rng).sum()
        np.testing.assert_allclose(path[m] * total, np.round(path[m] * total), atol=1e-9)


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
        ({"replicates": 0}, "replicates must be an integer of at least 1, got 0"),
        ({"rng": None}, "rng must be a numpy.random.Generator or an integer seed"),
    ],
)
@pytest.mark.parametrize("schedule", [FullySynthetic(3), PartiallySynthetic(3, 2)], ids=repr)
def test_bad_input(schedule, change, message):
    good = {"p": [0.5, 0.5], "generations": 2, "replicates": 1, "rng": 0}
    with pytest.raises(ValueError, match=re.escape(message)):
        recursion.simulate(schedule=schedule, **good | change)


def test_bad_input_of_the_others():
    with pytest.raises(ValueError, match="n must be an integer of at least 1, got 0"):
        recursion.collapse_times([0.5, 0.5], 0, 1, 0)
    with pytest.raises(ValueError, match="replicates must be an integer of at least 1, got -1"):
        recursion.collapse_times([0.5, 0.5], 3, -1, 0)
    with pytest.raises(ValueError, match="generations must be an integer of at least 0"):
        recursion.sample_path([0.5, 0.5], FullySynthetic(3), -2, 0)


class Custom:
    kept = (0, 2)

    def __init__(self, row):
        self.row = row

    def sample_sizes(self, generation, rng=None):
        return self.row(generation)


def test_some_corpora_are_kept_and_others_not():
    plan = Custom(lambda m: np.arange(2, m + 2))
    paths = reference(SKEWED, plan, 6, 400, 9)
    assert_measured(recursion.simulate(SKEWED, plan, 6, 400, 9), paths)
    expected = theory.expected_collisions(
        [plan.sample_sizes(m) for m in range(1, 7)], (0, 2), float((SKEWED**2).sum())
    )
    sample = distributions.collision_probability(paths)[:, 6]
    error = sample.std(ddof=1) / 20
    assert abs(sample.mean() - expected[6]) < 4.5 * error


def test_a_schedule_of_ones_own_that_extends_a_given_one_is_asked():
    class Doubled(FullySynthetic):
        def sample_sizes(self, generation, rng=None):
            return 2 * super().sample_sizes(generation)

    runs = recursion.simulate(SKEWED, Doubled(7), 12, 3, 5)
    assert_measured(runs, reference(SKEWED, Doubled(7), 12, 3, 5))
    assert (runs.support != recursion.simulate(SKEWED, FullySynthetic(7), 12, 3, 5).support).any()


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (10, "schedule must be one of collapse_lib.schedules, got 10"),
        (FullySynthetic, "schedule must be one of collapse_lib.schedules"),
        (Custom(lambda m: np.zeros(m, dtype=int)), "schedule must give 1 sizes for generation 1"),
        (Custom(lambda m: [1.5] * m), "schedule must give 1 sizes for generation 1, integers"),
        (Custom(lambda m: [4] if m == 1 else [-1, 4]), "schedule must give 2 sizes for generation"),
        (Custom(lambda m: [4]), "schedule must give 2 sizes for generation 2"),
    ],
)
def test_bad_schedules(schedule, message):
    for function in (recursion.sample_path, lambda *rest: recursion.simulate(*rest[:3], 2, 0)):
        with pytest.raises(ValueError, match=re.escape(message)):
            function(SKEWED, schedule, 3, 0)
