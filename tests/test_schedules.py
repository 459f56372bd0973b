"""The sample sizes of each schedule against the paper's definitions, written out again."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collapse_lib.schedules import (
    Accumulating,
    FullySynthetic,
    MostRecent,
    PartiallySynthetic,
    RandomlySampled,
    is_kept,
)

generations = st.integers(1, 40)
sizes = st.integers(1, 200)


@given(generations, sizes)
def test_fully_synthetic(m, n):
    expected = [n * (t == m - 1) for t in range(m)]
    assert FullySynthetic(n).sample_sizes(m).tolist() == expected


@given(generations, sizes, st.integers(0, 200))
def test_partially_synthetic(m, real, synthetic):
    expected = [real, *[0] * (m - 2), synthetic][:m]
    assert PartiallySynthetic(real, synthetic).sample_sizes(m).tolist() == expected


@given(generations, st.integers(1, 12), st.integers(0, 50))
def test_most_recent(m, window, more):
    n = window + more
    expected = [n // window * (max(0, m - window) <= t <= m - 1) for t in range(m)]
    assert MostRecent(n, window).sample_sizes(m).tolist() == expected


@given(generations, sizes)
def test_a_window_of_one_is_fully_synthetic(m, n):
    one = MostRecent(n, window=1)
    assert one.sample_sizes(m).tolist() == FullySynthetic(n).sample_sizes(m).tolist()


@given(generations, sizes, st.integers(0, 200))
def test_accumulating(m, real, synthetic):
    expected = [real] + [synthetic] * (m - 1)
    assert Accumulating(real, synthetic).sample_sizes(m).tolist() == expected


@given(generations, sizes, st.integers(0, 2**32))
def test_randomly_sampled_spreads_n_samples(m, n, seed):
    drawn = RandomlySampled(n).sample_sizes(m, np.random.default_rng(seed))
    assert drawn.shape == (m,)
    assert drawn.sum() == n
    assert (drawn >= 0).all()


def test_randomly_sampled_is_uniform_over_the_models():
    rng, schedule = np.random.default_rng(4), RandomlySampled(10)
    first = np.array([schedule.sample_sizes(5, rng)[0] for _ in range(3000)])
    error = np.sqrt(10 * (1 / 5) * (4 / 5) / first.size)
    assert abs(first.mean() - 10 / 5) < 4 * error
    assert abs(first.mean() - 10 / 6) > 4 * error


def test_what_is_kept():
    assert FullySynthetic(3).kept is False
    assert PartiallySynthetic(3, 3).kept == (0,)
    assert Accumulating(3, 3).kept is True
    assert MostRecent(3, 2).kept is RandomlySampled(3).kept is False
    assert MostRecent(3, 2, kept=True).kept is RandomlySampled(3, kept=True).kept is True
    assert [is_kept((0,), t) for t in range(3)] == [True, False, False]
    assert [is_kept(True, t) for t in range(2)] == [True, True]
    assert [is_kept(False, t) for t in range(2)] == [False, False]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FullySynthetic(0), "n must be an integer of at least 1, got 0"),
        (lambda: FullySynthetic(2.5), "n must be an integer of at least 1, got 2.5"),
        (lambda: FullySynthetic(True), "n must be an integer of at least 1, got True"),
        (lambda: PartiallySynthetic(0, 1), "real must be an integer of at least 1, got 0"),
        (lambda: PartiallySynthetic(1, -1), "synthetic must be an integer of at least 0, got -1"),
        (lambda: MostRecent(5, 0), "window must be an integer of at least 1, got 0"),
        (lambda: MostRecent(0, 1), "n must be an integer of at least 1, got 0"),
        (lambda: MostRecent(3, 4), "n must be at least the window 4, got 3"),
        (lambda: MostRecent(4, 2, kept=1), "kept must be True or False, got 1"),
        (lambda: RandomlySampled(0), "n must be an integer of at least 1, got 0"),
        (lambda: RandomlySampled(4, kept="no"), "kept must be True or False, got 'no'"),
        (lambda: Accumulating(0, 1), "real must be an integer of at least 1, got 0"),
        (lambda: Accumulating(1, -2), "synthetic must be an integer of at least 0, got -2"),
        (lambda: FullySynthetic(3).sample_sizes(0), "generation must be an integer of at least 1"),
        (lambda: RandomlySampled(3).sample_sizes(0, 0), "generation must be an integer of at"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint64, np.int16])
def test_numpy_integers_become_plain_ones(dtype):
    recent = MostRecent(dtype(4), dtype(2))
    assert recent.sample_sizes(3).tolist() == [0, 2, 2]
    sizes = Accumulating(dtype(5), dtype(2)).sample_sizes(3)
    assert sizes.tolist() == [5, 2, 2]
    assert np.issubdtype(sizes.dtype, np.integer)
    assert type(FullySynthetic(dtype(3)).n) is int


def test_sizes_beyond_exact_sums_are_refused():
    with pytest.raises(ValueError, match="n must be an integer of at most"):
        FullySynthetic(2**63)
    with pytest.raises(ValueError, match="real must be an integer of at most"):
        PartiallySynthetic(2**62, 3)
