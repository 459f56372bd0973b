"""The paper's figures at the paper's sizes: simulated as there, compared with exact values.

What the paper does not state (the distributions of Figures 1, 2 and 6, some sizes) is chosen as
in the chapters. A hundred runs leave room for chance, so each test also has a value to reject.
"""

import numpy as np
import pytest

from collapse_lib import coalescent, distributions, recursion, theory
from collapse_lib.schedules import (
    FullySynthetic,
    MostRecent,
    PartiallySynthetic,
    RandomlySampled,
)
from tests.verification import forward

WIDTH = 4.5
P = distributions.power_law(600, 52, 0.1)


def off(sample, expected):
    """Return by how many standard errors the mean of the sample differs."""
    return abs(sample.mean() - expected) / (sample.std(ddof=1) / np.sqrt(sample.size))


@pytest.mark.paper("Figure 1", check="independent")
def test_figure_1_as_many_contexts_collapse_as_the_exact_distribution_says():
    """81 contexts over 3 tokens share 1000 samples in each of 40 generations; 10 such worlds."""
    rng = np.random.default_rng(1)
    truths = [distributions.dirichlet(3, 1.0, rng) for _ in range(81)]
    samples = rng.multinomial(1000, np.full(81, 1 / 81))
    collapsed = np.zeros((10, 41))
    for world in collapsed:
        for truth, n in zip(truths, samples, strict=True):
            path = recursion.sample_path(truth, FullySynthetic(int(n)), 40, rng)
            world += path.max(axis=1) == 1

    def shares(extra):
        rows = zip(truths, samples, strict=True)
        return np.array([coalescent.collapse_time_cdf(p, int(n) + extra, 40) for p, n in rows])

    exact, more = shares(0), shares(3)  # three samples more a context are told apart
    for m in (10, 20, 30, 40):
        error = np.sqrt((exact * (1 - exact))[:, m].sum() / 10)
        assert abs(collapsed[:, m].mean() - exact[:, m].sum()) < WIDTH * error
    error = np.sqrt((more * (1 - more))[:, 10].sum() / 10)
    assert abs(collapsed[:, 10].mean() - more[:, 10].sum()) > WIDTH * error


@pytest.mark.paper("Figure 2", check="independent")
@pytest.mark.parametrize(("support", "collision"), [(600, 0.01), (52, 0.1), (10, 0.5)])
def test_figure_2_means_of_100_runs_rise_like_n_above_the_lower_bound(support, collision):
    p = distributions.power_law(600, support, collision)
    sizes = [10, *range(50, 401, 50)]
    means = []
    for n in sizes:
        times = forward.collapse_times(p, n, 100, rng=n)
        means.append(times.mean())
        assert off(times, coalescent.expected_collapse_time(p, n)) < WIDTH
        lower, upper = theory.collapse_time_bounds(n, collision, support)
        assert lower < means[-1] < upper
    slope = np.polyfit(np.log(sizes), np.log(means), 1)[0]
    assert 0.9 < slope < 1.1  # the upper bound's is 2
    assert off(times, upper) > WIDTH


WINDOWS = [FullySynthetic(10), MostRecent(10, 2), MostRecent(10, 5), RandomlySampled(10)]


def exact_collisions(schedule, generations):
    if isinstance(schedule, RandomlySampled):
        return [
            theory.expected_collision_random(m, schedule.n, 0.1) for m in range(generations + 1)
        ]
    return theory.expected_collisions(schedule, generations, 0.1)


@pytest.mark.paper("Figure 4", check="independent")
@pytest.mark.parametrize("schedule", WINDOWS, ids=repr)
def test_figure_4_means_follow_the_second_moments_of_every_schedule(schedule):
    runs = recursion.simulate(P, schedule, 500, 100, rng=4)
    exact = exact_collisions(schedule, 500)
    for m in (1, 5, 20):
        assert off(runs.collision[:, m], exact[m]) < WIDTH
    collapsed = (runs.collapse_time > 0).mean()
    if isinstance(schedule, RandomlySampled):  # "plateaus very quickly"
        assert collapsed < 0.1
        assert off(runs.collision[:, 500], exact[500]) < WIDTH
    else:  # "delayed but still eventually happens"
        assert collapsed > 0.8
        assert exact[500] > 0.99
    for other in WINDOWS:  # no schedule has the means of another
        if other != schedule:
            assert off(runs.collision[:, 20], exact_collisions(other, 20)[20]) > WIDTH


@pytest.mark.paper("Figure 5", check="independent")
def test_figure_5_collision_stays_and_distance_grows_with_synthetic_data():
    distances = []
    for n in (10, 50, 100, 1000):
        runs = recursion.simulate(P, PartiallySynthetic(100, n), 50, 100, rng=5)
        for m in (1, 2, 10, 50):
            expected = theory.expected_collision_mixed(m, 100, n, 0.1)
            assert off(runs.collision[:, m], expected) < WIDTH
        last = runs.l1_from_first[:, 50]
        distances.append(last.mean())
        assert distances[-1] < theory.deviation_bound_sharp(50, 100, n, P)
        # The same number of samples, but none of them real and kept:
        assert off(runs.collision[:, 50], theory.expected_collision(50, 100 + n, 0.1)) > WIDTH
    assert (np.diff(distances) > 0).all()


@pytest.mark.paper("Figure 6", check="independent")
def test_figure_6_distance_falls_as_the_truth_is_more_concentrated():
    distances = []
    for collision in (0.02, 0.1, 0.3, 0.6):
        p = distributions.power_law(600, 52, collision)
        runs = recursion.simulate(p, PartiallySynthetic(100, 10), 50, 100, rng=6)
        expected = theory.expected_collision_mixed(50, 100, 10, collision)
        assert off(runs.collision[:, 50], expected) < WIDTH
        assert off(runs.collision[:, 50], theory.expected_collision(50, 110, collision)) > WIDTH
        last = runs.l1_from_first[:, 50]
        bound = theory.deviation_bound_sharp(50, 100, 10, p)
        assert bound / 2 < last.mean() < bound
        distances.append(last.mean())
    assert (np.diff(distances) < 0).all()
