"""The recursion itself: train, sample, retrain, in many independent replicates.

For one context the trained model is the empirical distribution of its samples, so a
generation is a multinomial draw (the paper's equation (5)). Two implementations stand
side by side: `sample_path` is plain NumPy, serves every schedule and is the reference; a
compiled kernel serves `FullySynthetic`, where a lost token never returns and a generation
costs one binomial draw for each surviving token. From one seed both draw the same
samples, which the tests check.

Every replicate owns a generator spawned from `rng`, so results do not depend on the
number of threads.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numba import njit

from collapse_lib import _checks
from collapse_lib.distributions import collision_probability, l1_distance, support_size
from collapse_lib.schedules import FullySynthetic, is_kept


@dataclass(frozen=True)
class Trajectories:
    """What `simulate` records; generation 0 is the true distribution.

    Attributes
    ----------
    collision : ndarray of shape (replicates, generations + 1)
        The collision probability sum_i (p_i^(m))^2 (the paper's sigma_m).
    l1_from_first : ndarray of shape (replicates, generations + 1)
        The 1-norm ||p^(m) - p^(1)||_1, from 0 to 2; NaN if there is no generation 1.
    support : ndarray of int, shape (replicates, generations + 1)
        The number of tokens with positive probability.
    collapse_time : ndarray of int, shape (replicates,)
        The first generation m >= 1 that is a Dirac mass (the paper's T), -1 where none was.
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
    generations = _checks.integer(generations, "generations", 0)
    replicates = _checks.integer(replicates, "replicates", 1)
    streams = _checks.generator(rng).spawn(replicates)
    if isinstance(schedule, FullySynthetic):
        return _simulate_compiled(p[p > 0], schedule.n, generations, streams)
    records = [_run_path(p, schedule, generations, rng) for rng in streams]
    return Trajectories(*(np.array(column) for column in zip(*records, strict=True)))


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
        The first generation m >= 1 at which p^(m) is a Dirac mass (the paper's T).

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
    return np.array(_in_threads(lambda rng: _until_collapse(rng, on_support, n), streams))


def sample_path(p, schedule, generations, rng):
    """Return the models of one run: the reference implementation, for every schedule.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution p^(0).
    schedule
        A schedule of `collapse_lib.schedules`.
    generations : int
        Number of generations after p^(0), at least 0.
    rng : numpy.random.Generator or int

    Returns
    -------
    ndarray of shape (generations + 1, tokens)
        Row m is p^(m).

    Raises
    ------
    ValueError
        If `p` is no distribution, or `generations` is negative.

    Examples
    --------
    >>> from collapse_lib.schedules import PartiallySynthetic
    >>> sample_path([0.5, 0.5], PartiallySynthetic(real=4, synthetic=4), 3, rng=0)
    array([[0.5  , 0.5  ],
           [0.5  , 0.5  ],
           [0.375, 0.625],
           [0.25 , 0.75 ]])
    """
    p = _checks.distribution(p)
    generations = _checks.integer(generations, "generations", 0)
    rng = _checks.generator(rng)
    # The sizes come first: a kept corpus must know which of its beginnings will be asked for.
    sizes = [schedule.sample_sizes(m, rng) for m in range(1, generations + 1)]
    models, corpora = [p], {}
    for m, size in enumerate(sizes, start=1):
        counts = np.zeros(p.size, dtype=np.int64)
        for t in np.flatnonzero(size):
            if not is_kept(schedule.kept, t):
                counts += _draw(models[t], size[t], rng)
                continue
            if t not in corpora:
                corpora[t] = _kept_corpus(models[t], {later[t] for later in sizes[m - 1 :]}, rng)
            counts += corpora[t][size[t]]
        models.append(counts / size.sum())
    return np.array(models)


def _kept_corpus(p, sizes, rng):
    """Draw one corpus; return the token counts of its first k samples, for each k asked for."""
    counts, drawn, beginnings = np.zeros(p.size, dtype=np.int64), 0, {}
    for size in sorted(sizes):
        counts = counts + _draw(p, size - drawn, rng)
        drawn, beginnings[size] = size, counts
    return beginnings


def _draw(p, size, rng):
    """Return the token counts of `size` samples, shape (tokens,)."""
    counts = np.zeros(p.size, dtype=np.int64)
    alive = np.flatnonzero(p)
    counts[alive] = rng.multinomial(size, p[alive])
    return counts


def _run_path(p, schedule, generations, rng):
    """Measure one run of the reference implementation."""
    path = sample_path(p, schedule, generations, rng)
    support = support_size(path)
    collapsed = np.flatnonzero(support[1:] == 1)
    l1_from_first = l1_distance(path, path[1]) if generations else np.array([np.nan])
    time = collapsed[0] + 1 if collapsed.size else -1
    return collision_probability(path), l1_from_first, support, time


def _simulate_compiled(p, n, generations, streams):
    """Run the compiled kernel once for each generator; p holds positive entries only."""
    shape = len(streams), generations + 1
    # The kernel fills a row up to its collapse; what a Dirac mass has stands there already.
    runs = Trajectories(
        collision=np.ones(shape),
        l1_from_first=np.full(shape, np.nan),
        support=np.ones(shape, dtype=np.int64),
        collapse_time=np.empty(len(streams), dtype=np.int64),
    )

    def run(r):
        runs.collapse_time[r] = _fully_synthetic(
            streams[r], p, n, runs.collision[r], runs.l1_from_first[r], runs.support[r]
        )

    _in_threads(run, range(len(streams)))
    return runs


def _in_threads(run, tasks):
    """Apply `run`, which must release the GIL, to every task; return the results in order.

    One share a core: a thread for each task costs more in hand-overs than it gains.
    """
    share = -(-len(tasks) // (os.cpu_count() or 1))
    shares = [tasks[start : start + share] for start in range(0, len(tasks), share)]
    with ThreadPoolExecutor(len(shares)) as pool:
        done = pool.map(lambda mine: [run(task) for task in mine], shares)
        return [result for results in done for result in results]


@njit(nogil=True, cache=True)
def _resample(rng, p, first, counts, alive, n):
    """Draw a generation in place: n samples of the first `alive` entries of p.

    The survivors are moved to the front, `first` (their counts in generation 1) with them;
    returns how many there are. One binomial a token, conditional on those before it, is
    how NumPy draws a multinomial, so the streams agree.
    """
    left, mass, survivors = n, 1.0, 0
    for i in range(alive):
        if left == 0:
            break
        drawn = left if i == alive - 1 else rng.binomial(left, p[i] / mass)
        mass -= p[i]
        left -= drawn
        if drawn > 0:
            p[survivors] = drawn / n
            first[survivors] = first[i]
            counts[survivors] = drawn
            survivors += 1
    return survivors


@njit(nogil=True, cache=True)
def _fully_synthetic(rng, p, n, collision, l1_from_first, support):
    """Fill the records of one run, which come filled for a Dirac mass; return T or -1."""
    generations = collision.size - 1
    truth, p, alive, time = p, p.copy(), p.size, -1
    collision[0] = np.sum(p * p)
    support[0] = alive
    if generations == 0:
        return time
    first = np.arange(alive)  # until generation 1 stands: where each token was
    counts = np.zeros(alive, dtype=np.int64)
    for m in range(1, generations + 1):
        alive = _resample(rng, p, first, counts, alive, n)
        if m == 1:
            l1_from_first[0] = 1.0  # the tokens that were lost at once differ by p_i
            for j in range(alive):
                l1_from_first[0] += abs(truth[first[j]] - p[j]) - truth[first[j]]
                first[j] = counts[j]
        squares, difference = 0.0, n  # n: a lost token differs by all it had, first / n
        for j in range(alive):
            squares += p[j] * p[j]
            difference += abs(counts[j] - first[j]) - first[j]
        collision[m] = squares
        l1_from_first[m] = difference / n
        support[m] = alive
        if alive == 1:
            l1_from_first[m:] = l1_from_first[m]
            return m
    return time


@njit(nogil=True, cache=True)
def _until_collapse(rng, p, n):
    """Return the first generation that is a Dirac mass; p holds positive entries only."""
    p, alive, time = p.copy(), p.size, 0
    first, counts = np.zeros(alive, dtype=np.int64), np.zeros(alive, dtype=np.int64)
    while time == 0 or alive > 1:
        alive = _resample(rng, p, first, counts, alive, n)
        time += 1
    return time
