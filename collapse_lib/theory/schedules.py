"""Second moments under any schedule whose sample sizes are fixed in advance.

Generation m is the weighted mean p^(m) = sum_t w_t x_t of the frequencies x_t of its samples
of the models t = 0, ..., m - 1, with weights w_t = n_t^(m) / n^(m). So the expected inner products
M_ab = E <p^(a), p^(b)> follow from the expected inner products of frequencies:

- Two different models, t < u: given everything up to p^(u), the frequencies of model u have mean
  p^(u), so E <x_t, x_u> = E <x_t, p^(u)>, and p^(u) is again a weighted mean.
- The same model t, whose samples are drawn afresh each time: M_tt, since two draws are independent
  given p^(t). A draw of k samples with itself gives M_tt + (1 - M_tt) / k.
- The same model t, whose corpus is kept: the first k and the first l samples overlap, which gives
  M_tt + (1 - M_tt) / max(k, l).
"""

from fractions import Fraction

import numpy as np

from collapse_lib import _checks, schedules
from collapse_lib.theory._core import one_like

#: The most generations of a product, in floats and exactly, which take a second or two.
MOST, MOST_EXACT = 10_000_000, 10_000
#: How many factors are multiplied at once.
BLOCK = 1_000_000


def expected_collisions(schedule, generations, s0):
    """Return S_0, ..., S_M, the expected collision probabilities under any non-random schedule.

    Parameters
    ----------
    schedule
        A schedule whose sizes are not random, from `collapse_lib.schedules` or your own;
        `Explicit` takes any table.
    generations : int
        The last generation M, at least 0.
    s0 : float or Fraction
        Collision probability of the true distribution, from 0 to 1.

    Returns
    -------
    ndarray of shape (M + 1,)
        Of `Fraction` if `s0` is one. The cost grows like ``M^3``, or like ``M^4`` if a kept
        corpus is used in M different lengths.

    Raises
    ------
    ValueError
        If an argument is out of range, or the sizes are random.

    Examples
    --------
    Two samples of each of the last two models:

    >>> from collapse_lib.schedules import MostRecent
    >>> expected_collisions(MostRecent(4, window=2), 3, s0=0.5).round(4)
    array([0.5   , 0.75  , 0.6562, 0.7383])
    """
    schedules.check(schedule)
    if schedule.is_random:
        raise ValueError(f"schedule must have sizes that are not random, got {schedule!r}")
    sizes = schedules.table(schedule, generations)
    s0 = _checks.unit_interval(s0, "s0")
    kept = np.array([bool(schedule.keeps(t)) for t in range(len(sizes))], dtype=bool)
    return _Moments(sizes, kept, s0).run()


class _Moments:
    """The table of inner products, one generation after the other.

    Row r stands for the first `count[r]` samples of model `source[r]` if its corpus is kept, and
    for any samples drawn afresh from it if `count[r]` is 0. `inner[r, b]` is E <row r, p^(b)>,
    where the samples of a fresh row are not the ones that generation b uses. `second[t]` is M_tt.
    """

    def __init__(self, sizes, kept, s0):
        self.sizes = sizes
        self.exact = isinstance(s0, Fraction)
        generation, source = np.nonzero(sizes)
        count = np.where(kept[source], sizes[generation, source], 0)
        rows, which = np.unique(np.stack([source, count], axis=1), axis=0, return_inverse=True)
        self.source, self.count = rows.T
        self.row = np.full(sizes.shape, -1)
        self.row[generation, source] = which.reshape(-1)
        shape = len(rows), len(sizes) + 1
        self.inner = np.zeros(shape, dtype=object if self.exact else float)
        self.second = np.zeros(shape[1], dtype=self.inner.dtype)
        self._settle(0, s0, np.zeros(0, dtype=self.inner.dtype))

    def run(self):
        for m in range(1, len(self.sizes) + 1):
            self._generation(m)
        return self.second

    def _generation(self, m):
        """Compute M_mm, M_mb for b < m, and the inner products of p^(m) with all rows."""
        used = np.flatnonzero(self.sizes[m - 1])
        size = self.sizes[m - 1, used]
        if self.exact:
            size = np.array([self.second[0] * 0 + int(k) for k in size])
        weight, rows = size / size.sum(), self.row[m - 1, used]
        inner = self.inner[rows]
        later = np.triu(inner[:, used], 1)  # of each row with later models
        own = self.second[used]
        square = 2 * (weight @ later @ weight) + (weight**2 * (own + (1 - own) / size)).sum()
        with_rows = self._with_rows(m, used, size, weight, inner)
        self._settle(m, square, weight @ inner[:, :m], with_rows)

    def _with_rows(self, m, used, size, weight, inner):
        """Return E <row, p^(m)> for all rows of models before m."""
        old = np.flatnonzero(self.source < m)
        source, count = self.source[old, None], self.count[old, None]
        # A pair of sources: the used one is the earlier, the later, or the same as the row's.
        before = np.where(used < source, inner[:, self.source[old]].T, 0 * self.second[0])
        after = np.where(used > source, self.inner[old][:, used], 0 * self.second[0])
        own = self.second[used]
        overlap = np.where(count > 0, (1 - own) / np.maximum(size, count), 0 * own)
        same = np.where(used == source, own + overlap, 0 * self.second[0])
        return (before + after + same) @ weight

    def _settle(self, m, square, with_earlier, with_rows=None):
        """Store the inner products of p^(m), which on average are also those of its samples."""
        self.second[m] = square
        if with_rows is not None:
            self.inner[self.source < m, m] = with_rows
        mine = self.source == m
        self.inner[mine, :m] = with_earlier
        self.inner[mine, m] = square


def expected_collision_accumulating(m, real, synthetic, s0):
    """Return S_m if every corpus so far is kept and each model adds n samples.

    ``1 - S_m = (1 - S_0) (1 - 1/N) prod_{j=2}^m (1 - n / (N + (j-1) n)^2)``.

    Parameters
    ----------
    m : int
        Generation, at least 1.
    real : int
        Size of the real corpus, at least 1 (N).
    synthetic : int
        Samples that each model adds, at least 0 (n).
    s0 : float or Fraction
        Collision probability of the true distribution, from 0 to 1.

    Returns
    -------
    float or Fraction (if `s0` is one)

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> from fractions import Fraction
    >>> expected_collision_accumulating(m=2, real=2, synthetic=2, s0=Fraction(1, 2))
    Fraction(25, 32)
    """
    s0 = _checks.unit_interval(s0, "s0")
    m = _generation(m, 1, s0)
    real = _checks.integer(real, "real", 1)
    synthetic = _checks.integer(synthetic, "synthetic", 0)
    one = one_like(s0)

    def shares(j):
        return one * synthetic / (real + (j - 1) * one * synthetic) ** 2

    return s0 + (1 - s0) * _lost(one / real, shares, 2, m)


def expected_collision_random(m, n, s0):
    """Return S_m if each of n fresh samples comes from a randomly chosen earlier model.

    ``1 - S_m = (1 - S_0) prod_{j=1}^m (1 - 1 / (n j^2))``, under the schedule `RandomlySampled`
    with fresh samples, which come from the average of all models so far. ``1 - S_m`` tends to
    ``(1 - S_0) sin(pi / sqrt(n)) / (pi / sqrt(n))``.

    Parameters
    ----------
    m : int
        Generation, at least 0.
    n : int
        Samples per generation, at least 1.
    s0 : float or Fraction
        Collision probability of the true distribution, from 0 to 1.

    Returns
    -------
    float or Fraction (if `s0` is one)

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> from fractions import Fraction
    >>> expected_collision_random(m=2, n=2, s0=Fraction(1, 2))
    Fraction(25, 32)
    """
    s0 = _checks.unit_interval(s0, "s0")
    m = _generation(m, 0, s0)
    n = _checks.integer(n, "n", 1)
    one = one_like(s0)
    return s0 + (1 - s0) * _lost(0 * one, lambda j: one / n / j**2, 1, m)


def _generation(m, minimum, s0):
    return _checks.integer(m, "m", minimum, MOST_EXACT if isinstance(s0, Fraction) else MOST)


def _lost(first, shares, start, m):
    """Return 1 - (1 - first) prod_{j=start}^m (1 - shares(j)), without cancellation in floats."""
    if isinstance(first, Fraction):
        left = 1 - first
        for j in range(start, m + 1):
            left *= 1 - shares(j)
        return 1 - left
    with np.errstate(divide="ignore"):  # all may be lost at once
        logarithm = np.log1p(-first)
        for begin in range(start, m + 1, BLOCK):
            j = np.arange(begin, min(begin + BLOCK, m + 1), dtype=float)
            logarithm += np.log1p(-shares(j)).sum()
    return float(-np.expm1(logarithm))
