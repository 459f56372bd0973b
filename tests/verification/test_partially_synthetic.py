"""Simulated partially synthetic training against the enumeration of all outcomes."""

from fractions import Fraction

import numpy as np
import pytest

from collapse_lib import recursion
from collapse_lib.schedules import PartiallySynthetic
from tests.verification import enumeration

P = (Fraction(3, 5), Fraction(3, 10), Fraction(1, 10))
REPLICATES = 4000
WIDTH = 4.5


def expected_l1(law):
    return enumeration.mean(law, lambda state: sum(abs(x - y) for x, y in zip(*state, strict=True)))


@pytest.fixture(scope="module", params=[(4, 6), (3, 1), (2, 3)], ids=str)
def case(request):
    real, synthetic = request.param
    laws = enumeration.partially_synthetic(P, real, synthetic, 3)
    schedule = PartiallySynthetic(real, synthetic)
    runs = recursion.simulate([float(x) for x in P], schedule, 3, REPLICATES, rng=real)
    return schedule, laws, runs


def close(sample, expected):
    error = sample.std(ddof=1) / np.sqrt(sample.size)
    return abs(sample.mean() - expected) <= WIDTH * error + 1e-12


def test_collision_probability(case):
    _, laws, runs = case
    for m, law in enumerate(laws, start=1):
        expected = float(enumeration.mean(law, lambda state: enumeration.collision(state[1])))
        assert close(runs.collision[:, m], expected)


def test_deviation_from_the_first_model(case):
    _, laws, runs = case
    for m, law in enumerate(laws, start=1):
        assert close(runs.l1_from_first[:, m], float(expected_l1(law)))


def test_known_values():
    """N = 4, n = 6: exact values that are known to five digits."""
    laws = enumeration.partially_synthetic(P, 4, 6, 3)
    found = [
        float(enumeration.mean(law, lambda state: enumeration.collision(state[1]))) for law in laws
    ]
    assert found == pytest.approx([0.595, 0.6193, 0.62659], abs=5e-6)


def test_fresh_real_data_is_another_process(case):
    """The negative control: with a fresh real corpus for generation 2 its mean differs."""
    schedule, _, runs = case
    fresh = enumeration.partially_synthetic(P, schedule.real, schedule.synthetic, 2, kept=False)
    expected = float(enumeration.mean(fresh[1], lambda state: enumeration.collision(state[1])))
    assert not close(runs.collision[:, 2], expected)
