"""The sample sizes of each schedule against the paper's definitions, written out again."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collapse_lib.schedules import (
    Accumulating,
    Explicit,
    FreshReal,
    FullySynthetic,
    MostRecent,
    PartiallySynthetic,
    RandomlySampled,
    check,
    table,
)


def row(schedule, m, rng=None):
    """Return the sizes of generation m as a list, the last of a table of m."""
    return schedule.sizes(m, rng)[-1].tolist()


generations = st.integers(1, 40)
sizes = st.integers(1, 200)


@given(generations, sizes)
def test_fully_synthetic(m, n):
    expected = [n * (t == m - 1) for t in range(m)]
    assert row(FullySynthetic(n), m) == expected


@given(generations, sizes, st.integers(0, 200))
def test_partially_synthetic(m, real, synthetic):
    expected = [real, *[0] * (m - 2), synthetic][:m]
    assert row(PartiallySynthetic(real, synthetic), m) == expected


@given(generations, st.integers(1, 12), st.integers(0, 50))
def test_most_recent(m, window, more):
    n = window + more
    expected = [n // window * (max(0, m - window) <= t <= m - 1) for t in range(m)]
    assert row(MostRecent(n, window), m) == expected


@given(generations, sizes)
def test_a_window_of_one_is_fully_synthetic(m, n):
    one = MostRecent(n, window=1)
    assert one.sizes(m).tolist() == FullySynthetic(n).sizes(m).tolist()


@given(generations, sizes, st.integers(0, 200))
def test_accumulating(m, real, synthetic):
    expected = [real] + [synthetic] * (m - 1)
    assert row(Accumulating(real, synthetic), m) == expected


@given(generations, sizes, st.integers(0, 2**32))
def test_randomly_sampled_spreads_n_samples(m, n, seed):
    drawn = np.array(row(RandomlySampled(n), m, np.random.default_rng(seed)))
    assert drawn.sum() == n
    assert (drawn >= 0).all()


def test_randomly_sampled_is_uniform_over_the_models():
    rng, schedule = np.random.default_rng(4), RandomlySampled(10)
    first = np.array([row(schedule, 5, rng)[0] for _ in range(3000)])
    error = np.sqrt(10 * (1 / 5) * (4 / 5) / first.size)
    assert abs(first.mean() - 10 / 5) < 4 * error
    assert abs(first.mean() - 10 / 6) > 4 * error


def test_fresh_real_samples_have_the_sizes_of_kept_ones():
    assert (FreshReal(7, 3).sizes(5) == PartiallySynthetic(7, 3).sizes(5)).all()
    assert not any(FreshReal(7, 3).keeps(t) for t in range(4))


def test_what_is_kept():
    def kept(schedule):
        return [bool(schedule.keeps(t)) for t in range(3)]

    assert kept(FullySynthetic(3)) == kept(MostRecent(3, 2)) == kept(RandomlySampled(3))
    assert kept(FullySynthetic(3)) == [False, False, False]
    assert kept(PartiallySynthetic(3, 3)) == [True, False, False]
    assert kept(Accumulating(3, 3)) == [True, True, True]
    assert kept(MostRecent(3, 2, kept=True)) == kept(RandomlySampled(3, kept=True))
    assert kept(MostRecent(3, 2, kept=True)) == [True, True, True]
    assert kept(Explicit([[1]], kept=(0, 2))) == [True, False, True]


def test_only_random_sizes_say_so():
    assert RandomlySampled(3).is_random
    for schedule in (
        FullySynthetic(3),
        PartiallySynthetic(3, 3),
        FreshReal(3, 3),
        MostRecent(3, 2),
        Accumulating(3, 3),
        Explicit([[1]]),
    ):
        assert not schedule.is_random
        assert (schedule.sizes(1) == schedule.sizes(1)).all()


def test_tables_of_ones_own():
    rows = [[2], [2, 2], [0, 2, 2]]
    assert Explicit(rows).sizes(3).tolist() == [[2, 0, 0], [2, 2, 0], [0, 2, 2]]
    assert Explicit(rows).sizes(2).tolist() == [[2, 0], [2, 2]]
    assert Explicit(np.array([[2, 0], [1, 1]])) == Explicit([[2], [1, 1]])
    assert hash(Explicit(rows)) == hash(Explicit(tuple(map(tuple, rows))))


class Toy:
    is_random = False

    def __init__(self, rows):
        self.rows = rows

    def sizes(self, generations, rng=None):
        return self.rows

    def keeps(self, source):
        return False


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (10, "got 10, which has no sizes and no is_random and no keeps"),
        (
            FullySynthetic,
            "schedule must be one of collapse_lib.schedules, or have sizes, is_random",
        ),
        (Toy([[0, 0], [1, 1]]), "schedule must give generation 1 sizes of at least 0, not all 0"),
        (Toy([[1, 1], [1, 1]]), "schedule must give generation 1 sizes of at least 0, not all 0"),
        (Toy([[1, 0], [-1, 4]]), "schedule must give generation 2 sizes of at least 0"),
        (Toy([[1.5, 0], [1, 1]]), "schedule must give sizes of shape (2, 2), integers, got shape"),
        (Toy([[1]]), "schedule must give sizes of shape (2, 2), integers, got shape (1, 1)"),
        (Accumulating(2**53, 2**53), "schedule must give generation 2 at most 9007199254740992"),
    ],
)
def test_what_is_no_schedule_is_refused_by_name(schedule, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        table(schedule, 2)


def test_random_sizes_need_a_generator():
    with pytest.raises(ValueError, match=re.escape("rng must be a numpy.random.Generator")):
        table(RandomlySampled(3), 2)
    check(RandomlySampled(3))


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
        (lambda: FullySynthetic(3).sizes(-1), "generations must be an integer of at least 0"),
        (lambda: FullySynthetic(3).sizes(10**6), "generations must be an integer of at most 10000"),
        (lambda: RandomlySampled(3).sizes(-2, 0), "generations must be an integer of at"),
        (lambda: Explicit([[2], [1]]), "rows must have 2 entries for generation 2, got [1]"),
        (lambda: Explicit([[2, 1], [1, 1]]), "rows must have 1 entries for generation 1"),
        (lambda: Explicit([[-1]]), "rows must hold integers of at least 0, got -1"),
        (lambda: Explicit([[1.5]]), "rows must hold integers, got"),
        (lambda: Explicit([[2]], None), "kept must be True, False or a tuple of sources, got None"),
        (lambda: Explicit([[2]], ("x",)), "kept must be an integer of at least 0, got 'x'"),
        (lambda: Explicit([[2]], (0, -1)), "kept must be an integer of at least 0, got -1"),
        (lambda: Explicit([[2]]).sizes(2), "generations must be an integer of at most 1, got 2"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint64, np.int16])
def test_numpy_integers_become_plain_ones(dtype):
    recent = MostRecent(dtype(4), dtype(2))
    assert row(recent, 3) == [0, 2, 2]
    sizes = Accumulating(dtype(5), dtype(2)).sizes(3)
    assert sizes[2].tolist() == [5, 2, 2]
    assert np.issubdtype(sizes.dtype, np.integer)
    assert type(FullySynthetic(dtype(3)).n) is int


def test_sizes_beyond_exact_sums_are_refused():
    with pytest.raises(ValueError, match="n must be an integer of at most"):
        FullySynthetic(2**63)
    with pytest.raises(ValueError, match="real must be an integer of at most"):
        PartiallySynthetic(2**62, 3)
