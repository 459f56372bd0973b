"""Windows of the K most recent models: two lines traced back, against all outcomes.

A line is a draw from a model, traced back through its samples to generation 0. The joint
distribution of two lines follows a recursion; nothing here knows inner products of models.
"""

from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from tests.verification import enumeration


def not_met(m, window, k, kept):
    """Return the probability that two draws from p^(m) are traced to different samples."""

    @cache
    def apart(t, first, second):
        """...if the lines are at generations t - first and t - second, all else unknown."""
        if min(first, second) > 0:
            step = min(first, second)
            return apart(t - step, first - step, second - step)
        if t == 0:  # both at the truth: two samples of one corpus, or two separate ones
            return 1 - Fraction(1, k) if kept and m > 0 else Fraction(1)
        back = range(1, min(window, t) + 1)
        one = Fraction(1, len(back))
        if first or second:
            other = max(first, second)
            return sum(one * apart(t, a, other) for a in back)
        same = Fraction(0)
        if kept and t < m:  # two samples of the corpus of model t
            same = Fraction(1, k)
        apart_ = sum(
            (one**2 - (0 if kept else (a == b) * one / (k * len(back)))) * apart(t, a, b)
            for a in back
            for b in back
        )
        return (1 - same) * apart_

    return start(apart, m, window, k, kept)


def start(apart, m, window, k, kept):
    """The two draws from p^(m) itself are of one generation, and may be the same sample."""
    back = range(1, min(window, m) + 1)
    one = Fraction(1, len(back))
    if not kept:
        return apart(m, 0, 0)
    return sum(one**2 * apart(m, a, b) for a in back for b in back)


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize(("window", "k"), [(1, 2), (2, 1), (2, 2), (3, 1)])
def test_two_lines_give_the_variety(window, k, kept):
    p = (Fraction(1, 3), Fraction(2, 3))
    generations = 4 if k == 1 else 3
    sizes = [[k if m - t <= window else 0 for t in range(m)] for m in range(1, generations + 1)]
    law = enumeration.scheduled(p, sizes, lambda t: kept)
    for m in range(1, generations + 1):
        listed = sum(w * (1 - enumeration.collision(path[m - 1])) for path, w in law.items())
        lines = not_met(m, window, k, kept) * (1 - enumeration.collision(p))
        assert listed == lines, m


def decay(window, n, kept):
    """Return the time constant of the variety: 1/x where each generation loses the share x."""
    states = [(a, b) for a in range(window) for b in range(window)]
    index = {state: i for i, state in enumerate(states)}
    step = np.zeros((len(states), len(states)))
    for (a, b), i in index.items():
        for x in range(1, window + 1) if a == 0 else (a,):
            for y in range(1, window + 1) if b == 0 else (b,):
                chance = (1 / window if a == 0 else 1) * (1 / window if b == 0 else 1)
                if a == b == 0:
                    chance *= 1 - window / n if kept else 1
                    chance -= 0 if kept else (x == y) / (window * n)
                step[i, index[x - 1, y - 1]] += chance
    return 1 / (1 - max(abs(np.linalg.eigvals(step))))


@pytest.mark.parametrize("window", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("kept", [False, True])
def test_decay_time_for_many_samples(window, kept):
    """Tends to n (K+1)^2 / 4, or a K-th of it where corpora are kept."""
    for n, tolerance in ((100 * window, 0.06), (10_000 * window, 0.0006)):
        limit = n * (window + 1) ** 2 / 4 / (window if kept else 1)
        time = decay(window, n, kept)
        assert time == pytest.approx(limit, rel=tolerance)
        assert time != pytest.approx(n * window, rel=tolerance) or window == 1


@pytest.mark.parametrize("kept", [False, True])
def test_a_row_of_dirac_masses_is_not_too_rare(kept):
    """K = 2: given any first model, generations 3 and 4 are equal Dirac masses often enough."""
    p, k = (Fraction(1, 2), Fraction(1, 2)), 2 if kept else 1
    sizes = [[k if m - t <= 2 else 0 for t in range(m)] for m in range(1, 5)]
    law = enumeration.scheduled(p, sizes, lambda t: kept)
    for first in {path[0] for path in law}:
        mine = {path: w for path, w in law.items() if path[0] == first}
        trapped = sum(w for path, w in mine.items() if path[2] == path[3] and max(path[3]) == 1)
        assert trapped >= Fraction(1, 2 * k) ** (2 * k * 3) * sum(mine.values())
        assert kept or trapped < Fraction(9, 10) * sum(mine.values())
