"""Second moments of every schedule: against all outcomes, closed forms and simulation."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collapse_lib import distributions, recursion, symbolic, theory
from collapse_lib.schedules import (
    Accumulating,
    Explicit,
    FreshReal,
    FullySynthetic,
    MostRecent,
    PartiallySynthetic,
    RandomlySampled,
)
from tests.verification import enumeration

THIRD = Fraction(1, 3)


def listed(p, sizes, kept):
    """Return S_1, ..., S_M from all outcomes."""
    paths = enumeration.scheduled(p, [list(map(int, row)) for row in sizes], kept)
    moments = [0] * len(sizes)
    for path, weight in paths.items():
        for m, model in enumerate(path):
            moments[m] += weight * enumeration.collision(model)
    return moments


SIZES = [
    [[2], [1, 2], [1, 1, 1]],
    [[2], [2, 2], [0, 2, 2]],
    [[3], [3, 0], [2, 1, 0]],
    [[1], [0, 3], [2, 0, 1]],
    [[3], [1, 2], [2, 1, 2]],
    [[2], [2, 1], [2, 1, 1], [1, 1, 0, 1]],
]


@pytest.mark.parametrize("kept", [False, True, (0,), (1,), (0, 2)], ids=str)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_moments_are_the_means_over_all_outcomes(sizes, kept):
    p = [THIRD, 1 - THIRD]
    s0 = enumeration.collision(p)
    found = theory.expected_collisions(Explicit(sizes, kept), len(sizes), s0)
    assert found[0] == s0
    assert list(found[1:]) == listed(p, sizes, Explicit(sizes, kept).keeps)
    in_floats = theory.expected_collisions(Explicit(sizes, kept), len(sizes), float(s0))
    np.testing.assert_allclose(in_floats, found.astype(float), rtol=1e-12)


def test_the_two_readings_are_told_apart():
    sizes = [[2], [2, 2], [0, 2, 2]]
    p = [THIRD, 1 - THIRD]
    s0 = enumeration.collision(p)
    fresh, kept = (theory.expected_collisions(Explicit(sizes, k), 3, s0)[2:] for k in (False, True))
    assert list(fresh) != listed(p, sizes, lambda t: True)[1:]
    assert list(kept) != listed(p, sizes, lambda t: False)[1:]


small = st.integers(1, 9)


@settings(deadline=None)
@given(small, small, st.integers(1, 8), st.fractions(0, 1))
def test_special_cases_are_the_closed_forms(real, synthetic, generations, s0):
    fully = theory.expected_collisions(FullySynthetic(synthetic), generations, s0)
    assert list(fully) == [
        theory.expected_collision(m, synthetic, s0) for m in range(generations + 1)
    ]
    mixed = theory.expected_collisions(PartiallySynthetic(real, synthetic), generations, s0)
    assert list(mixed[1:]) == [
        theory.expected_collision_mixed(m, real, synthetic, s0) for m in range(1, generations + 1)
    ]
    fresh = theory.expected_collisions(FreshReal(real, synthetic), generations, s0)
    beta = Fraction(synthetic * (synthetic - 1), (real + synthetic) ** 2)
    limit = Fraction(real + synthetic, real**2 + (2 * real + 1) * synthetic)
    for m in range(1, generations + 1):
        share = limit + beta ** (m - 1) * (Fraction(1, real) - limit)
        assert fresh[m] - s0 == share * (1 - s0)


@settings(deadline=None)
@given(small, st.integers(0, 9), st.integers(1, 9), st.fractions(0, 1))
def test_accumulating_has_its_closed_form(real, synthetic, generations, s0):
    found = theory.expected_collisions(Accumulating(real, synthetic), generations, s0)
    for m in range(1, generations + 1):
        assert theory.expected_collision_accumulating(m, real, synthetic, s0) == found[m]
        assert found[m] - found[1] <= (1 - found[1]) / real


@pytest.mark.parametrize("n", [1, 2, 3])
def test_random_samples_are_the_means_over_all_outcomes(n):
    """The samples of a generation are drawn from the average of all models so far."""
    p = (THIRD, 1 - THIRD)
    s0 = enumeration.collision(p)
    law = {(p,): Fraction(1)}
    for m in range(1, 4):
        after = {}
        for path, weight in law.items():
            average = tuple(sum(column) / m for column in zip(*path, strict=True))
            for counts, probability in enumeration.outcomes(average, n):
                key = (*path, tuple(Fraction(k, n) for k in counts))
                after[key] = after.get(key, 0) + weight * probability
        law = after
        moment = enumeration.mean(law, lambda path: enumeration.collision(path[-1]))
        assert theory.expected_collision_random(m, n, s0) == moment
        assert moment != theory.expected_collision_random(m + 1, n, s0) or n == 1


def test_simulation_follows_the_product_for_random_samples():
    p = distributions.power_law(60, 52, 0.1)
    runs = recursion.simulate(p, RandomlySampled(10), 100, 2000, rng=3)
    kept = recursion.simulate(p, RandomlySampled(10, kept=True), 100, 2000, rng=3)
    for m in (1, 2, 10, 100):
        expected = theory.expected_collision_random(m, 10, 0.1)
        for sample, follows in ((runs.collision[:, m], True), (kept.collision[:, m], m == 1)):
            error = sample.std(ddof=1) / np.sqrt(sample.size)
            assert (abs(sample.mean() - expected) < 4.5 * error) == follows


def test_products_tend_to_the_sine():
    for n in (2, 10, 50):
        limit = symbolic.random_limit().subs(symbolic.n, n).evalf()
        for value in (
            theory.expected_collision_random(100_000, n, 0.1),
            theory.expected_collision_accumulating(100_000, n, n, 0.1),
        ):
            assert 1 - value == pytest.approx(0.9 * float(limit), rel=2e-5)


def test_symbolic_steps_are_those_of_the_products():
    accumulating, random = symbolic.accumulating_step(), symbolic.random_step()
    for n in (1, 3, 10):
        for m in (1, 2, 7):
            before, after = (
                1 - theory.expected_collision_accumulating(k, 5, n, Fraction(1, 3))
                for k in (m, m + 1)
            )
            factor = accumulating.subs({symbolic.T: 5 + (m - 1) * n, symbolic.n: n})
            assert before * Fraction(str(factor)) == after
            before, after = (
                1 - theory.expected_collision_random(k, n, Fraction(1, 3)) for k in (m, m + 1)
            )
            factor = random.subs({symbolic.m: m, symbolic.n: n})
            assert before * Fraction(str(factor)) == after


EVERY = [
    (FullySynthetic(10), "fully synthetic"),
    (MostRecent(10, 2), "two most recent"),
    (MostRecent(10, 5), "five most recent"),
    (MostRecent(10, 2, kept=True), "two most recent, kept"),
    (MostRecent(10, 5, kept=True), "five most recent, kept"),
    (PartiallySynthetic(10, 10), "partially synthetic"),
    (Accumulating(10, 10), "accumulating"),
]


@pytest.mark.parametrize(("schedule", "name"), EVERY, ids=lambda value: str(value))
def test_simulation_follows_the_moments(schedule, name):
    p = distributions.power_law(60, 52, 0.1)
    generations = 40
    expected = theory.expected_collisions(schedule, generations, 0.1)
    runs = recursion.simulate(p, schedule, generations, 2000, rng=len(name))
    for m in (1, 2, 3, 10, 40):
        sample = runs.collision[:, m]
        error = sample.std(ddof=1) / np.sqrt(sample.size)
        assert abs(sample.mean() - expected[m]) < 4.5 * error


def test_simulation_rejects_the_other_reading():
    schedule = MostRecent(10, 5, kept=True)
    runs = recursion.simulate(distributions.power_law(60, 52, 0.1), schedule, 40, 2000, rng=1)
    wrong = theory.expected_collisions(MostRecent(10, 5), 40, s0=0.1)
    for m in (10, 40):
        sample = runs.collision[:, m]
        error = sample.std(ddof=1) / np.sqrt(sample.size)
        assert abs(sample.mean() - wrong[m]) > 4.5 * error


def decay_time(window, kept):
    """Return 1/x if each generation loses the share x of the variety 1 - S_m that is left."""
    schedule = MostRecent(10, window, kept=kept)
    left = 1 - theory.expected_collisions(schedule, 120, 0.1)
    return 1 / (1 - left[120] / left[119])


def test_decay_times_of_the_two_readings():
    found = [decay_time(window, kept) for window in (2, 5) for kept in (False, True)]
    assert [round(time) for time in found] == [23, 11, 95, 17]
