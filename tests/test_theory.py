import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collapse_lib import theory


@given(st.integers(0, 50), st.integers(1, 200), st.fractions(0, 1))
def test_expected_collision_follows_its_recursion_exactly(m, n, s0):
    now, after = (theory.expected_collision(k, n, s0) for k in (m, m + 1))
    assert isinstance(now, Fraction)
    assert after == Fraction(1, n) + (1 - Fraction(1, n)) * now
    assert theory.expected_collision(0, n, s0) == s0


@given(st.integers(0, 3000), st.integers(1, 10**6), st.floats(0, 1))
def test_expected_collision_in_floats(m, n, s0):
    value = theory.expected_collision(m, n, s0)
    exact = 1 - (1 - Fraction(1, n)) ** min(m, 200) * (1 - Fraction(s0))
    assert s0 - 1e-12 <= value <= 1
    if m <= 200:
        assert value == pytest.approx(float(exact), abs=1e-12)


def test_expected_collision_broadcasts():
    m, n = np.arange(4)[:, None], np.array([1, 5, 7])
    table = theory.expected_collision(m, n, 0.3)
    assert table.shape == (4, 3)
    assert table[2, 1] == pytest.approx(theory.expected_collision(2, 5, 0.3))
    assert table[0].tolist() == pytest.approx([0.3] * 3)
    assert table[1, 0] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 3, 0.5), "m must be an integer of at least 0, got -1"),
        ((1.5, 3, 0.5), "m must be an integer of at least 0, got 1.5"),
        (([0, -2], 3, 0.5), "m must hold integers of at least 0, got -2"),
        (([0.5], 3, 0.5), "m must hold integers, got an array of float64"),
        ((1, 0, 0.5), "n must be an integer of at least 1, got 0"),
        ((1, 3, 1.5), "s0 must be a number from 0 to 1, got 1.5"),
        ((1, 3, -0.1), "s0 must be a number from 0 to 1, got -0.1"),
        ((1, 3, np.nan), "s0 must be a number from 0 to 1, got nan"),
        ((1, 3, [0.5]), "s0 must be a number from 0 to 1, got [0.5]"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        theory.expected_collision(*arguments)
