"""The recursion itself: train, sample, retrain, in many independent replicates.

For one context the trained model is the empirical distribution of its samples, so a
generation is a multinomial draw (the paper's equation (5)). `sample_path` is plain NumPy and
the reference. Compiled kernels stand beside it: one for every schedule, and one for
`FullySynthetic`, where a lost token never returns and a generation costs one binomial draw
for each surviving token. From one seed all draw the same samples, which the tests check.

Every replicate owns a generator spawned from `rng`, so results do not depend on the
number of threads.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from collapse_lib import _checks, schedules
from collapse_lib.learners.counting import Counting
from collapse_lib.recursion import _fully_synthetic, _scheduled
from collapse_lib.recursion._loop import run
from collapse_lib.schedules import FullySynthetic

__all__ = ["Trajectories", "collapse_times", "run", "sample_path", "simulate"]


@dataclass(frozen=True)
class Trajectories:
    """What `simulate` records; generation 0 is the true distribution.

    Attributes
    ----------
    collision : ndarray of shape (replicates, generations + 1)
        The collision probability ``sum_i (p_i^(m))^2`` (the paper's sigma_m).
    l1_from_first : ndarray of shape (replicates, generations + 1)
        The 1-norm ``||p^(m) - p^(1)||_1``, from 0 to 2; NaN if there is no generation 1.
    support : ndarray of int, shape (replicates, generations + 1)
        The number of tokens with positive probability.
    collapse_time : ndarray of int, shape (replicates,)
        The first generation ``m >= 1`` that is a Dirac mass (the paper's T), -1 where none was.
    """

    collision: np.ndarray
    l1_from_first: np.ndarray
    support: np.ndarray
    collapse_time: np.ndarray


def simulate(p, schedule, generations, replicates, rng):
    """Run independent replicates of recursive training.

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

    Returns
    -------
    Trajectories

    Raises
    ------
    ValueError
        If `p` is no distribution, or a number is out of range.

    Examples
    --------
    >>> from collapse_lib.schedules import FullySynthetic
    >>> runs = simulate([0.6, 0.3, 0.1], FullySynthetic(10), 50, replicates=4, rng=1)
    >>> runs.collision.shape
    (4, 51)
    >>> runs.support[:, -1]
    array([1, 1, 1, 1])
    """
    p = _checks.distribution(p)
    schedules.check(schedule)
    generations = _checks.integer(generations, "generations", 0)
    replicates = _checks.integer(replicates, "replicates", 1)
    streams = _checks.generator(rng).spawn(replicates)
    runs = _empty(replicates, generations)
    if type(schedule) is FullySynthetic:
        _run_fully_synthetic(p[p > 0], schedule.n, streams, runs)
    else:
        _run_scheduled(p[p > 0], schedule, generations, streams, runs)
    return runs


def collapse_times(p, n, replicates, rng):
    """Run fully synthetic training until it collapses; return when it did.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution p^(0).
    n : int
        Samples per generation, at least 1.
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
    n = _checks.integer(n, "n", 1)
    streams = _checks.generator(rng).spawn(_checks.integer(replicates, "replicates", 1))
    on_support = p[p > 0]
    return np.array(
        _in_threads(lambda rng: _fully_synthetic.until_collapse(rng, on_support, n), streams)
    )


def sample_path(p, schedule, generations, rng, step=None, pseudocounts=0.0):
    """Return the models of one run, drawn by the loop of `run` with the counting learner.

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
        What is done to a model before it is sampled, see `run`.
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
    return np.array(list(run(learner, p, schedule, generations, rng, step)))


def _empty(replicates, generations):
    """Return records to fill in, which hold what a Dirac mass has already."""
    shape = replicates, generations + 1
    return Trajectories(
        collision=np.ones(shape),
        l1_from_first=np.full(shape, np.nan),
        support=np.ones(shape, dtype=np.int64),
        collapse_time=np.empty(replicates, dtype=np.int64),
    )


def _run_fully_synthetic(p, n, streams, runs):
    """Fill in one run for each generator; p holds positive entries only."""

    def one(r):
        runs.collapse_time[r] = _fully_synthetic.run(
            streams[r], p, n, runs.collision[r], runs.l1_from_first[r], runs.support[r]
        )

    _in_threads(one, range(len(streams)))


def _run_scheduled(p, schedule, generations, streams, runs):
    """Fill in one run for each generator; p holds positive entries only."""
    # The sizes come first: a kept corpus must know which of its beginnings are asked for.
    plan = _scheduled.plan(schedule, generations, streams[0])
    shared = not schedule.is_random

    def one(r):
        mine = plan if shared or r == 0 else _scheduled.plan(schedule, generations, streams[r])
        runs.collapse_time[r] = _scheduled.run(
            streams[r], p, mine, runs.collision[r], runs.l1_from_first[r], runs.support[r]
        )

    _in_threads(one, range(len(streams)))


def _in_threads(run, tasks):
    """Apply `run`, which must release the GIL, to every task; return the results in order.

    One share a core: a thread for each task costs more in hand-overs than it gains.
    """
    share = -(-len(tasks) // (os.cpu_count() or 1))
    shares = [tasks[start : start + share] for start in range(0, len(tasks), share)]
    with ThreadPoolExecutor(len(shares)) as pool:
        done = pool.map(lambda mine: [run(task) for task in mine], shares)
        return [result for results in done for result in results]
