"""Who trains on whom: the sample sizes n_t^(m) of the paper's equation (5).

Generation m >= 1 is trained on samples of the models before it, n_t^(m) of model t. For one
context, where training is counting::

    p^(m) = 1/n^(m) * sum_{t<m} (the sum of n_t^(m) one-hot samples of p^(t))

Counting, n-grams and networks all take the same schedules. A schedule has three attributes:

``sizes(generations, rng)``
    the whole table, an array of shape (generations, generations) whose row m - 1 holds n_t^(m)
    for t = 0, ..., m - 1, then zeros;
``is_random``
    whether `rng` is needed for that;
``keeps(t)``
    whether the corpus of model t is **kept**, that is, drawn once, so that later generations
    reuse its first samples. All other corpora are drawn afresh for each generation.

A new schedule is a small class with these three. N is the size of the real corpus, which is
drawn from p^(0); n is the number of samples of a model.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from collapse_lib import _checks

#: The most samples of a source: sums stay exact, in integers and in floats.
MOST = 2**53
#: The most generations of a table: at 8 bytes for each pair of generations, 800 MB.
MOST_GENERATIONS = 10_000


def table(schedule, generations, rng=None):
    """Return the checked table of sample sizes of any schedule.

    Parameters
    ----------
    schedule
        One of this module, or an object of your own with the same three attributes.
    generations : int
        From 0 to `MOST_GENERATIONS`.
    rng : numpy.random.Generator or int, optional
        Needed only if the sizes are random.

    Returns
    -------
    ndarray of int64, shape (generations, generations)

    Raises
    ------
    ValueError
        If the schedule lacks an attribute, or does not return a valid table of sizes.

    Examples
    --------
    >>> table(PartiallySynthetic(real=10, synthetic=5), 3)
    array([[10,  0,  0],
           [10,  5,  0],
           [10,  0,  5]])
    """
    check(schedule)
    generations = _checks.integer(generations, "generations", 0, MOST_GENERATIONS)
    if schedule.is_random:
        rng = _checks.generator(rng)
    sizes = np.asarray(schedule.sizes(generations, rng))
    if sizes.shape != (generations, generations) or not (
        np.issubdtype(sizes.dtype, np.integer) or not generations
    ):
        raise ValueError(
            f"schedule must give sizes of shape ({generations}, {generations}), integers, "
            f"got shape {sizes.shape} of {sizes.dtype} from {schedule!r}"
        )
    sizes = sizes.astype(np.int64)
    wrong = (sizes < 0).any(axis=1) | np.triu(sizes, 1).any(axis=1) | ~sizes.any(axis=1)
    if wrong.any():
        m = int(np.argmax(wrong)) + 1
        raise ValueError(
            f"schedule must give generation {m} sizes of at least 0, not all 0, of the {m} "
            f"models before it, got {sizes[m - 1, : m + 1]} from {schedule!r}"
        )
    large = sizes.sum(axis=1, dtype=float) > MOST
    if large.any():
        raise ValueError(
            f"schedule must give generation {int(np.argmax(large)) + 1} at most {MOST} samples in "
            f"all, got {sizes.sum(axis=1, dtype=float)[np.argmax(large)]:.0f} from {schedule!r}"
        )
    return sizes


def check(schedule):
    """Raise `ValueError` unless `schedule` has the three attributes of a schedule."""
    missing = [
        name
        for name in ("sizes", "is_random", "keeps")
        if not hasattr(schedule, name)
        or (name != "is_random" and not callable(getattr(schedule, name)))
    ]
    if missing or isinstance(schedule, type):
        lacks = f", which has no {' and no '.join(missing)}" if missing else ", a class"
        raise ValueError(
            f"schedule must be one of collapse_lib.schedules, or have sizes, is_random and keeps, "
            f"got {schedule!r}{lacks}"
        )


@dataclass(frozen=True)
class FullySynthetic:
    """Every generation is trained on samples of the one before it (Section 2.2).

    Parameters
    ----------
    n : int
        Samples per generation, at least 1.

    Examples
    --------
    >>> FullySynthetic(10).sizes(3)
    array([[10,  0,  0],
           [ 0, 10,  0],
           [ 0,  0, 10]])
    """

    n: int
    is_random: ClassVar = False

    def __post_init__(self):
        _set(self, "n", _checks.integer(self.n, "n", 1, MOST))

    def sizes(self, generations, rng=None):
        """Return the whole table."""
        return self.n * _zeros(generations, 1)

    def keeps(self, source):
        """Return False: every corpus is drawn afresh."""
        return False


@dataclass(frozen=True)
class PartiallySynthetic:
    """The same real corpus in every generation, and new samples of the last model (Section 2.2).

    Generation 1 sees the real corpus alone.

    Parameters
    ----------
    real : int
        Size of the real corpus, at least 1 (N).
    synthetic : int
        Samples of the last model, at least 0 (n).

    Examples
    --------
    >>> PartiallySynthetic(real=100, synthetic=10).sizes(3)
    array([[100,   0,   0],
           [100,  10,   0],
           [100,   0,  10]])
    """

    real: int
    synthetic: int
    is_random: ClassVar = False

    def __post_init__(self):
        _set(self, "real", _checks.integer(self.real, "real", 1, MOST))
        _set(self, "synthetic", _checks.integer(self.synthetic, "synthetic", 0, MOST))

    def sizes(self, generations, rng=None):
        """Return the whole table."""
        sizes = self.synthetic * _zeros(generations, 1)
        sizes[:, :1] = self.real
        return sizes

    def keeps(self, source):
        """Return whether this is the real corpus."""
        return source == 0


@dataclass(frozen=True)
class FreshReal:
    """New real samples each generation, and new samples of the last model.

    Like `PartiallySynthetic`, except that nothing is kept.

    Parameters
    ----------
    real : int
        Real samples per generation, at least 1 (N).
    synthetic : int
        Samples of the last model, at least 0 (n).

    Examples
    --------
    >>> FreshReal(real=100, synthetic=10).keeps(0)
    False
    """

    real: int
    synthetic: int
    is_random: ClassVar = False

    def __post_init__(self):
        PartiallySynthetic.__post_init__(self)

    def sizes(self, generations, rng=None):
        """Return the whole table."""
        return PartiallySynthetic.sizes(self, generations)

    def keeps(self, source):
        """Return False: every corpus is drawn afresh."""
        return False


@dataclass(frozen=True)
class MostRecent:
    """Equal shares of the `window` most recent models (Appendix 9.2).

    Each source gives ``floor(n / window)`` samples, so the first generations, which have fewer
    sources, are trained on fewer samples. A window of 1 is `FullySynthetic`.

    Parameters
    ----------
    n : int
        Samples per generation, at least `window`.
    window : int
        Number of models drawn from, at least 1 (the paper's K).
    kept : bool, optional
        Whether the samples of a model are drawn once and reused; by default they are drawn
        afresh in each generation.

    Examples
    --------
    >>> MostRecent(n=10, window=2).sizes(3)
    array([[5, 0, 0],
           [5, 5, 0],
           [0, 5, 5]])
    """

    n: int
    window: int
    kept: bool = False
    is_random: ClassVar = False

    def __post_init__(self):
        _set(self, "window", _checks.integer(self.window, "window", 1, MOST))
        _set(self, "n", _checks.integer(self.n, "n", 1, MOST))
        _set(self, "kept", _checks.boolean(self.kept, "kept"))
        if self.n < self.window:
            raise ValueError(f"n must be at least the window {self.window}, got {self.n}")

    def sizes(self, generations, rng=None):
        """Return the whole table."""
        return self.n // self.window * _zeros(generations, self.window)

    def keeps(self, source):
        """Return `kept`."""
        return self.kept


@dataclass(frozen=True)
class RandomlySampled:
    """Samples spread at random over all earlier models (Appendix 9.2).

    Each of the n samples comes from a model chosen uniformly among 0, ..., m - 1.

    Parameters
    ----------
    n : int
        Samples per generation, at least 1.
    kept : bool, optional
        Whether the samples of a model are drawn once and reused; by default they are drawn
        afresh in each generation.

    Examples
    --------
    >>> RandomlySampled(n=10).sizes(3, rng=0)
    array([[10,  0,  0],
           [ 6,  4,  0],
           [ 2,  2,  6]])
    """

    n: int
    kept: bool = False
    is_random: ClassVar = True

    def __post_init__(self):
        _set(self, "n", _checks.integer(self.n, "n", 1, MOST))
        _set(self, "kept", _checks.boolean(self.kept, "kept"))

    def sizes(self, generations, rng):
        """Return the whole table: one multinomial draw per generation."""
        sizes, rng = _zeros(generations, 0), _checks.generator(rng)
        for m, row in enumerate(sizes, start=1):
            row[:m] = rng.multinomial(self.n, np.full(m, 1 / m))
        return sizes

    def keeps(self, source):
        """Return `kept`."""
        return self.kept


@dataclass(frozen=True)
class Accumulating:
    """The real corpus and every synthetic corpus so far, all kept.

    Parameters
    ----------
    real : int
        Size of the real corpus, at least 1.
    synthetic : int
        Samples that each model adds, at least 0.

    Examples
    --------
    >>> Accumulating(real=100, synthetic=10).sizes(3)
    array([[100,   0,   0],
           [100,  10,   0],
           [100,  10,  10]])
    """

    real: int
    synthetic: int
    is_random: ClassVar = False

    def __post_init__(self):
        PartiallySynthetic.__post_init__(self)

    def sizes(self, generations, rng=None):
        """Return the whole table."""
        sizes = self.synthetic * _zeros(generations, generations)
        sizes[:, :1] = self.real
        return sizes

    def keeps(self, source):
        """Return True: every corpus is kept."""
        return True


@dataclass(frozen=True)
class Explicit:
    """Your own table of sample sizes.

    Parameters
    ----------
    rows : sequence of sequences of int
        Row m - 1 holds n_t^(m) for t = 0, ..., m - 1.
    kept : bool or tuple of int, optional
        The sources whose corpora are kept: all (True), none (False), or those listed.

    Examples
    --------
    The real corpus is dropped after generation 2:

    >>> Explicit([[9], [9, 1], [0, 0, 10]], kept=(0,)).sizes(3)
    array([[ 9,  0,  0],
           [ 9,  1,  0],
           [ 0,  0, 10]])
    """

    rows: tuple
    kept: bool | tuple = False
    is_random: ClassVar = False
    _table: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        single = isinstance(self.rows, np.ndarray) and not self.rows.ndim
        if single or not isinstance(self.rows, list | tuple | np.ndarray):
            raise ValueError(f"rows must be a sequence of rows, got {_checks.shown(self.rows)}")
        sizes = np.zeros((len(self.rows), len(self.rows)), dtype=np.int64)
        for m, row in enumerate(self.rows, start=1):
            row = np.atleast_1d(_checks.integers(row, "rows", 0))
            if row.shape not in ((m,), (len(sizes),)) or row[m:].any():
                raise ValueError(f"rows must have {m} entries for generation {m}, got {row}")
            sizes[m - 1, :m] = row[:m]
        _set(self, "_table", sizes)
        _set(self, "rows", tuple(tuple(map(int, row[:m])) for m, row in enumerate(sizes, 1)))
        if not isinstance(self.kept, bool):
            if not isinstance(self.kept, tuple):
                raise ValueError(
                    f"kept must be True, False or a tuple of sources, got {self.kept!r}"
                )
            sources = (_checks.integer(source, "kept", 0) for source in self.kept)
            _set(self, "kept", tuple(sources))

    def sizes(self, generations, rng=None):
        """Return the first `generations` rows of the table, which must not have fewer."""
        generations = _checks.integer(generations, "generations", 0, len(self.rows))
        return self._table[:generations, :generations].copy()

    def keeps(self, source):
        """Return whether the corpus of this model is kept."""
        return self.kept if isinstance(self.kept, bool) else source in self.kept


def _zeros(generations, window):
    """Return a table with a 1 for each of the `window` last sources and 0 elsewhere."""
    generations = _checks.integer(generations, "generations", 0, MOST_GENERATIONS)
    sizes = np.zeros((generations, generations), dtype=np.int64)
    for m in range(1, generations + 1):
        sizes[m - 1, max(0, m - window) : m] = 1
    return sizes


def _set(schedule, name, value):
    """Store a validated field, now a plain int or bool, in a frozen schedule."""
    object.__setattr__(schedule, name, value)
