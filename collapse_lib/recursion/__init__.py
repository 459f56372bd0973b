"""The recursion itself: train, sample, retrain.

`run` is the general loop, for every learner, schedule and step. For one context, a model is the
empirical distribution of its samples and a generation is a multinomial draw (the paper's equation
(5)). The other functions exploit this: they are faster, and their results have the same
distribution:

===================  ======================================================================
`simulate`           many replicates, compiled; with a step, vectorised
`collapse_times`     when synthetic data alone collapses, by tracing samples back in time
`sample_models`      p^(m) for synthetic data alone, without the generations before it
`sample_path`        all models of one run, by `run` and the counting learner
===================  ======================================================================

Replicates are computed in blocks, each with its own generator spawned from `rng`, so results
depend on the seed and not on the number of threads.
"""

import functools
from dataclasses import dataclass

import numpy as np

from collapse_lib import _checks, schedules, steps
from collapse_lib.learners.counting import Counting
from collapse_lib.recursion import _alone, _ancestry, _blocks, _scheduled, _stepped
from collapse_lib.recursion._loop import run

__all__ = [
    "Trajectories",
    "collapse_times",
    "run",
    "sample_models",
    "sample_path",
    "simulate",
]

#: The most samples that are traced back one by one: they fill one array.
MOST_TRACED = _checks.MOST_ENTRIES


@dataclass(frozen=True)
class Trajectories:
    """The records of `simulate`; generation 0 is the true distribution.

    Attributes
    ----------
    collision : ndarray of shape (replicates, generations + 1)
        The collision probability ``sum_i (p_i^(m))^2`` (the paper's sigma_m).
    l1_from_first : ndarray of shape (replicates, generations + 1)
        The distance ``||p^(m) - p^(1)||_1``, from 0 to 2; NaN if there is no generation 1.
    support : ndarray of int, shape (replicates, generations + 1)
        The number of tokens with positive probability.
    collapse_time : ndarray of int, shape (replicates,)
        The first generation ``m >= 1`` that is a Dirac mass (the paper's T), or -1 if none is.
    """

    collision: np.ndarray
    l1_from_first: np.ndarray
    support: np.ndarray
    collapse_time: np.ndarray


def simulate(p, schedule, generations, replicates, rng, step=None, pseudocounts=0.0):
    """Simulate independent replicates of recursive training, for one context.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution p^(0).
    schedule
        A schedule of `collapse_lib.schedules`.
    generations : int
        Number of generations after p^(0), at least 0.
    replicates : int
        Number of independent runs, at least 1.
    rng : numpy.random.Generator or int
    step : step or tuple of steps, optional
        Applied to each model before it is sampled; see `collapse_lib.steps`. The truth itself is
        sampled unchanged.
    pseudocounts : float, optional
        Additive smoothing: A, the sum of the pseudo-counts, which are spread evenly over the
        tokens; see `collapse_lib.learners.counting.Counting`.

    Returns
    -------
    Trajectories

    Raises
    ------
    ValueError
        If `p` is no distribution, the schedule or step lacks an attribute, a number is out of
        range, or the records would not fit into memory.

    Examples
    --------
    >>> from collapse_lib.schedules import FullySynthetic
    >>> runs = simulate([0.6, 0.3, 0.1], FullySynthetic(10), 50, replicates=4, rng=1)
    >>> runs.collision.shape
    (4, 51)
    >>> runs.support[:, -1]
    array([1, 1, 1, 1])

    A low temperature makes collapse faster:

    >>> from collapse_lib.steps import Temperature
    >>> colder = simulate([0.6, 0.3, 0.1], FullySynthetic(10), 50, 4, 1, Temperature(0.5))
    >>> bool(colder.collapse_time.mean() < runs.collapse_time.mean())
    True
    """
    p = _checks.distribution(p)
    schedules.check(schedule)
    steps.check(step)
    generations = _checks.integer(generations, "generations", 0)
    replicates = _checks.integer(replicates, "replicates", 1)
    pseudocounts = _checks.number(pseudocounts, "pseudocounts", 0, _checks.LARGEST)
    _checks.room(replicates * (generations + 1), "generations and replicates")
    rng = _checks.generator(rng)
    kernel, draws = _kernel(p, schedule, generations, step, pseudocounts)
    shape = replicates, generations + 1
    runs = Trajectories(
        collision=np.empty(shape),
        l1_from_first=np.empty(shape),
        support=np.empty(shape, dtype=np.int64),
        collapse_time=np.empty(replicates, dtype=np.int64),
    )
    records = runs.collision, runs.l1_from_first, runs.support, runs.collapse_time
    _blocks.run(
        lambda rng, stop, block: kernel(rng, stop, *(record[block] for record in records)),
        draws,
        replicates,
        rng,
        generations * p.size,
    )
    return runs


def _kernel(p, schedule, generations, step, pseudocounts):
    """Return a function that runs a block, and about how many token draws a replicate takes."""
    if step is not None:
        kernel = _stepped.runner(p, schedule, generations, step, pseudocounts)
        return kernel, generations * p.size // 10  # vectorised: cheap, but large in memory
    if not pseudocounts:
        p = p[p > 0]
        if type(schedule) is schedules.FullySynthetic:
            kernel = functools.partial(_alone.run, p, schedule.n, _alone.table(schedule.n))
            return kernel, min(generations, 2 * schedule.n) * min(p.size, 8)
    return _scheduled.runner(p, schedule, generations, pseudocounts), generations * p.size


def collapse_times(p, n, replicates, rng):
    """Return collapse times for synthetic data alone, one per independent replicate.

    Samples are traced back to their common ancestors (Kingman's coalescent). This is much faster
    than running forward until a Dirac mass appears, and the distribution is the same.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution p^(0).
    n : int
        Samples per generation, from 1 to `MOST_TRACED`.
    replicates : int
        Number of independent runs, at least 1.
    rng : numpy.random.Generator or int

    Returns
    -------
    ndarray of int, shape (replicates,)
        The first generation ``m >= 1`` at which p^(m) is a Dirac mass (the paper's T).

    Raises
    ------
    ValueError
        If `p` is no distribution, or a number is out of range.

    Examples
    --------
    >>> collapse_times([0.5, 0.5], n=1, replicates=3, rng=0)
    array([1, 1, 1])
    """
    p = _checks.distribution(p)
    n = _checks.integer(n, "n", 1, MOST_TRACED)
    times = np.empty(
        _checks.integer(replicates, "replicates", 1, _checks.MOST_ENTRIES), dtype=np.int64
    )
    alike = _alike(p[p > 0], n)
    _blocks.run(
        lambda rng, stop, block: _ancestry.collapse_times(rng, stop, n, alike, times[block]),
        10 * n,
        times.size,
        _checks.generator(rng),
    )
    return times


def sample_models(p, n, generation, replicates, rng):
    """Return p^(m) for synthetic data alone, without simulating the generations before it.

    Samples are traced back to their ancestors, as in `collapse_times`.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution p^(0).
    n : int
        Samples per generation, from 1 to `MOST_TRACED`.
    generation : int
        The generation m, at least 1.
    replicates : int
        Number of independent runs, at least 1.
    rng : numpy.random.Generator or int

    Returns
    -------
    ndarray of shape (replicates, tokens)
        One p^(m) per independent run.

    Raises
    ------
    ValueError
        If `p` is no distribution, or a number is out of range.

    Examples
    --------
    >>> sample_models([0.6, 0.3, 0.1], n=10, generation=5, replicates=2, rng=0).sum(axis=1)
    array([1., 1.])
    """
    p = _checks.distribution(p)
    n = _checks.integer(n, "n", 1, MOST_TRACED)
    generation = _checks.integer(generation, "generation", 1, _checks.LARGEST)
    replicates = _checks.integer(replicates, "replicates", 1)
    _checks.room(replicates * p.size, "p and replicates")
    counts = np.empty((replicates, p.size), dtype=np.int64)
    _blocks.run(
        lambda rng, stop, block: _ancestry.samples(rng, stop, p, n, generation, counts[block]),
        10 * n,
        replicates,
        _checks.generator(rng),
    )
    return counts / n


def sample_path(p, schedule, generations, rng, step=None, pseudocounts=0.0):
    """Return all models of one run, by `run` with the counting learner.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution p^(0).
    schedule
        A schedule of `collapse_lib.schedules`.
    generations : int
        Number of generations after p^(0), at least 0.
    rng : numpy.random.Generator or int
    step : step or tuple of steps, optional
        Applied to each model before it is sampled; see `run`.
    pseudocounts : float, optional
        See `collapse_lib.learners.counting.Counting`.

    Returns
    -------
    ndarray of shape (generations + 1, tokens)
        Row m is p^(m).

    Raises
    ------
    ValueError
        If `p` is no distribution, or a number is out of range.

    Examples
    --------
    >>> from collapse_lib.schedules import PartiallySynthetic
    >>> sample_path([0.5, 0.5], PartiallySynthetic(real=4, synthetic=4), 3, rng=0)
    array([[0.5  , 0.5  ],
           [0.75 , 0.25 ],
           [0.625, 0.375],
           [0.625, 0.375]])
    """
    p = _checks.distribution(p)
    learner = Counting(p.size, pseudocounts)
    schedules.check(schedule)
    return np.array(list(run(learner, p, schedule, generations, rng, step)))


def _alike(p, n):
    """Return the probability that k draws from p are all the same token, for k = 0, ..., n."""
    alike, power = np.zeros(n + 1), np.ones(p.size)
    for k in range(1, n + 1):
        power = power * p
        alike[k] = power.sum()
        if alike[k] < 2.0**-54:  # no uniform draw but 0 is smaller
            break
    return alike
