"""Who trains on whom: the sample sizes n_t^(m) of the paper's equation (5).

Generation m, from 1 on, is the empirical distribution of the samples it is trained on::

    p^(m) = 1/n^(m) * sum_{t<m} (the sum of n_t^(m) one-hot samples of p^(t))

A schedule says how many samples come from which earlier model t, and which of these
models' corpora are **kept**: drawn once, so that later generations reuse them whole. All
others are drawn anew for each generation. `kept` is False where no corpus is kept, True
where all are, or the tuple of the sources that are.

A new schedule needs one method, ``sample_sizes``, and the attribute ``kept``.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from collapse_lib import _checks

#: The most samples of a source, so that their sums stay exact, in integers and in floats.
MOST = 2**53


def is_kept(kept, source):
    """Return whether the corpus of model `source` is drawn once and reused.

    Parameters
    ----------
    kept : bool or tuple of int
        As schedules have it: True, False or the sources that are kept.
    source : int
        The generation of the model, from 0.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_kept((0,), 0), is_kept((0,), 3), is_kept(True, 3)
    (True, False, True)
    """
    return kept if isinstance(kept, bool) else source in kept


@dataclass(frozen=True)
class FullySynthetic:
    """Every generation is trained on samples of the one before it (Section 2.2).

    Parameters
    ----------
    n : int
        Samples per generation, at least 1.

    Examples
    --------
    >>> FullySynthetic(10).sample_sizes(3)
    array([ 0,  0, 10])
    """

    n: int
    kept: ClassVar = False

    def __post_init__(self):
        _set(self, "n", _checks.integer(self.n, "n", 1, MOST))

    def sample_sizes(self, generation, rng=None):
        """Return n_t^(m) for the sources t = 0, ..., m - 1, as an array of shape (m,)."""
        return _only(generation, last=self.n)


@dataclass(frozen=True)
class PartiallySynthetic:
    """The real corpus, kept, and new samples of the last model (Section 2.2).

    Generation 1 sees the real corpus alone.

    Parameters
    ----------
    real : int
        Size of the real corpus, at least 1 (the paper's N).
    synthetic : int
        Samples of the last model, at least 0 (the paper's n).

    Examples
    --------
    >>> PartiallySynthetic(real=100, synthetic=10).sample_sizes(3)
    array([100,   0,  10])
    """

    real: int
    synthetic: int
    kept: ClassVar = (0,)

    def __post_init__(self):
        _set(self, "real", _checks.integer(self.real, "real", 1, MOST))
        _set(self, "synthetic", _checks.integer(self.synthetic, "synthetic", 0, MOST))

    def sample_sizes(self, generation, rng=None):
        """Return n_t^(m) for the sources t = 0, ..., m - 1, as an array of shape (m,)."""
        sizes = _only(generation, last=self.synthetic)
        sizes[0] = self.real
        return sizes


@dataclass(frozen=True)
class MostRecent:
    """Equal shares of the `window` most recent models (Appendix 9.2).

    Each source gives ``floor(n / window)`` samples, so that the first generations, which have
    fewer sources, are trained on fewer samples. A window of 1 is `FullySynthetic`.

    Parameters
    ----------
    n : int
        Samples per generation, at least `window`.
    window : int
        Number of models drawn from, at least 1 (the paper's K).
    kept : bool, optional
        Whether the samples of a model are drawn once and reused, or anew each generation.

    Examples
    --------
    >>> MostRecent(n=10, window=2).sample_sizes(4)
    array([0, 0, 5, 5])
    """

    n: int
    window: int
    kept: bool = False

    def __post_init__(self):
        _set(self, "window", _checks.integer(self.window, "window", 1, MOST))
        _set(self, "n", _checks.integer(self.n, "n", 1, MOST))
        _set(self, "kept", _checks.boolean(self.kept, "kept"))
        if self.n < self.window:
            raise ValueError(f"n must be at least the window {self.window}, got {self.n}")

    def sample_sizes(self, generation, rng=None):
        """Return n_t^(m) for the sources t = 0, ..., m - 1, as an array of shape (m,)."""
        sizes = _only(generation)
        sizes[-self.window :] = self.n // self.window
        return sizes


@dataclass(frozen=True)
class RandomlySampled:
    """Samples spread at random over all earlier models (Appendix 9.2).

    Each of the n samples comes from a model chosen uniformly among 0, ..., m - 1.

    Parameters
    ----------
    n : int
        Samples per generation, at least 1.
    kept : bool, optional
        Whether the samples of a model are drawn once and reused, or anew each generation.

    Examples
    --------
    >>> RandomlySampled(n=10).sample_sizes(4, rng=0)
    array([3, 2, 1, 4])
    """

    n: int
    kept: bool = False

    def __post_init__(self):
        _set(self, "n", _checks.integer(self.n, "n", 1, MOST))
        _set(self, "kept", _checks.boolean(self.kept, "kept"))

    def sample_sizes(self, generation, rng):
        """Return n_t^(m) for the sources t = 0, ..., m - 1, as an array of shape (m,)."""
        generation = _checks.integer(generation, "generation", 1)
        return _checks.generator(rng).multinomial(self.n, np.full(generation, 1 / generation))


@dataclass(frozen=True)
class Accumulating:
    """The real corpus and every synthetic corpus so far, all of them kept.

    Parameters
    ----------
    real : int
        Size of the real corpus, at least 1.
    synthetic : int
        Samples that each model adds, at least 0.

    Examples
    --------
    >>> Accumulating(real=100, synthetic=10).sample_sizes(3)
    array([100,  10,  10])
    """

    real: int
    synthetic: int
    kept: ClassVar = True

    def __post_init__(self):
        _set(self, "real", _checks.integer(self.real, "real", 1, MOST))
        _set(self, "synthetic", _checks.integer(self.synthetic, "synthetic", 0, MOST))

    def sample_sizes(self, generation, rng=None):
        """Return n_t^(m) for the sources t = 0, ..., m - 1, as an array of shape (m,)."""
        sizes = _only(generation) + self.synthetic
        sizes[0] = self.real
        return sizes


def _only(generation, last=0):
    """Return zeros for the sources of a generation, except for the last one."""
    sizes = np.zeros(_checks.integer(generation, "generation", 1), dtype=np.int64)
    sizes[-1] = last
    return sizes


def _set(schedule, name, value):
    """Store a validated field of a frozen schedule: a plain int or bool, whatever came."""
    object.__setattr__(schedule, name, value)
