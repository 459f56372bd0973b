"""Every schedule and reading: simulated models against the enumeration of all outcomes."""

from collections import defaultdict
from fractions import Fraction
from itertools import product
from math import factorial

import numpy as np
import pytest
from scipy.stats import chisquare

from collapse_lib import distributions, recursion, symbolic, theory
from collapse_lib.schedules import (
    Accumulating,
    FullySynthetic,
    MostRecent,
    PartiallySynthetic,
    RandomlySampled,
)
from tests.verification import enumeration

P = (Fraction(1, 3), Fraction(2, 3))
REPLICATES = 4000
WIDTH = 4.5

# For each schedule its table of sizes, written by hand from the paper, and what is kept.
FIXED = {
    FullySynthetic(3): ([(3,), (0, 3), (0, 0, 3)], lambda t: False),
    PartiallySynthetic(2, 3): ([(2,), (2, 3), (2, 0, 3)], lambda t: t == 0),
    MostRecent(4, 2): ([(2,), (2, 2), (0, 2, 2)], lambda t: False),
    MostRecent(4, 2, kept=True): ([(2,), (2, 2), (0, 2, 2)], lambda t: True),
    Accumulating(2, 2): ([(2,), (2, 2), (2, 2, 2)], lambda t: True),
}


def random_tables(n, generations):
    """Yield (table, probability) for every way to choose n models in each generation."""
    rows = []
    for m in range(1, generations + 1):
        law = {}
        for row in product(range(n + 1), repeat=m):
            if sum(row) == n:
                ways = factorial(n)
                for size in row:
                    ways //= factorial(size)
                law[row] = Fraction(ways, m**n)
        rows.append(law.items())
    for choice in product(*rows):
        probability = Fraction(1)
        for _, weight in choice:
            probability *= weight
        yield [row for row, _ in choice], probability


def randomly_sampled(n, generations, kept):
    law = defaultdict(Fraction)
    for table, probability in random_tables(n, generations):
        for path, weight in enumeration.scheduled(P, table, kept).items():
            law[path] += probability * weight
    return dict(law)


def distribution_of(schedule):
    if isinstance(schedule, RandomlySampled):
        return randomly_sampled(schedule.n, 2, lambda t: schedule.kept)
    return enumeration.scheduled(P, *FIXED[schedule])


SCHEDULES = [*FIXED, RandomlySampled(3), RandomlySampled(3, kept=True)]


def simulated_paths(schedule, generations, seed):
    streams = np.random.default_rng(seed).spawn(REPLICATES)
    p = [float(x) for x in P]
    return np.array([recursion.sample_path(p, schedule, generations, r)[1:] for r in streams])


@pytest.fixture(scope="module", params=SCHEDULES, ids=repr)
def case(request):
    law = distribution_of(request.param)
    generations = len(next(iter(law)))
    return request.param, law, simulated_paths(request.param, generations, seed=generations)


def test_every_generation_is_unbiased_exactly(case):
    _, law, _ = case
    assert sum(law.values()) == 1
    for m in range(len(next(iter(law)))):
        for token, truth in enumerate(P):
            assert enumeration.mean(law, lambda path: path[m][token]) == truth  # noqa: B023


@pytest.mark.paper("(5)", check="independent")
def test_simulated_paths_have_the_enumerated_distribution(case):
    """The joint distribution of all generations, by a chi-square test; rare paths are pooled."""
    _, law, paths = case
    assert path_pvalue(law, paths) > 1e-5


def path_pvalue(law, paths):
    keys = {tuple(float(model[0]) for model in path): float(w) for path, w in law.items()}
    expected = defaultdict(float)
    for key, weight in keys.items():
        expected[tuple(np.round(key, 9))] += weight
    observed = dict.fromkeys(expected, 0)
    unexpected = 0
    for path in np.round(paths[:, :, 0], 9):
        if tuple(path) in observed:
            observed[tuple(path)] += 1
        else:
            unexpected += 1
    if unexpected:
        return 0.0
    common = [key for key, weight in expected.items() if weight * len(paths) >= 8]
    counts = [observed[key] for key in common]
    means = [expected[key] * len(paths) for key in common]
    counts.append(len(paths) - sum(counts))
    means.append(len(paths) - sum(means))
    if means[-1] < 1e-6:
        counts, means = counts[:-1], means[:-1]
    return chisquare(counts, means, sum_check=False).pvalue


@pytest.mark.paper("(5)", check="independent")
@pytest.mark.parametrize(
    "schedule", [MostRecent(4, 2), RandomlySampled(3), PartiallySynthetic(2, 3)], ids=repr
)
def test_the_other_reading_has_another_distribution(schedule):
    if isinstance(schedule, RandomlySampled):
        other = randomly_sampled(schedule.n, 2, lambda t: True)
    else:
        table, kept = FIXED[schedule]
        other = enumeration.scheduled(P, table, lambda t: not kept(t))
    generations = len(next(iter(other)))
    assert path_pvalue(other, simulated_paths(schedule, generations, seed=1)) < 1e-5


LONG = [
    FullySynthetic(20),
    PartiallySynthetic(20, 15),
    MostRecent(20, 4),
    MostRecent(20, 4, kept=True),
    RandomlySampled(20),
    RandomlySampled(20, kept=True),
    Accumulating(20, 10),
]


def largest_deviation(last, p):
    """Return the largest deviation of the mean model from p, in standard errors."""
    error = last.std(axis=0, ddof=1) / np.sqrt(len(last))
    return np.abs((last.mean(axis=0) - p) / error).max()


@pytest.mark.parametrize("schedule", LONG, ids=repr)
def test_models_stay_unbiased_in_simulation(schedule):
    p = distributions.power_law(12, 12, 0.15)
    streams = np.random.default_rng(3).spawn(2000)
    last = np.array([recursion.sample_path(p, schedule, 15, r)[-1] for r in streams])
    assert largest_deviation(last, p) < WIDTH


def test_sizes_that_depend_on_the_samples_are_biased():
    """The negative control: draw until token 0 has come, at most 20 times."""
    p = distributions.power_law(12, 12, 0.15)
    rng = np.random.default_rng(3)
    last = []
    for _ in range(2000):
        model = p
        for _ in range(3):
            tokens = rng.choice(12, size=20, p=model)
            stop = np.flatnonzero(tokens == 0)
            counts = np.bincount(tokens[: stop[0] + 1 if stop.size else 20], minlength=12)
            model = counts / counts.sum()
        last.append(model)
    assert largest_deviation(np.array(last), p) > WIDTH


def test_variance_of_a_token():
    """Symbolic against enumeration, exactly; and (6) is its sum over tokens."""
    variance = symbolic.token_variance()
    p = next(s for s in variance.free_symbols if s.name == "p")
    laws = enumeration.fully_synthetic(P, 3, 4)
    for m, law in enumerate(laws):
        values = {symbolic.m: m, symbolic.n: 3}
        spread = [
            Fraction(str(variance.subs({**values, p: f"{x.numerator}/{x.denominator}"}))) for x in P
        ]
        for token, truth in enumerate(P):
            second = enumeration.mean(law, lambda model: (model[token] - truth) ** 2)  # noqa: B023
            assert spread[token] == second
        s0 = enumeration.collision(P)
        assert s0 + sum(spread) == theory.expected_collision(m, 3, s0)
