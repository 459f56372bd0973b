"""A compiled kernel for every schedule: draws what `sample_path` draws, sample by sample."""

import numpy as np
from numba import njit

from collapse_lib import schedules


def plan(schedule, generations, rng):
    """Return the sample sizes of one run as flat arrays, zeros left out, for `run`.

    Entry e of generation m (start[m - 1] <= e < start[m]) asks for size[e] samples of model
    source[e]. If that model's corpus is kept, beginning[e] is the row where the counts of its
    first size[e] samples will stand; the rows first[t] to first[t + 1] belong to model t, in
    increasing order of how many samples they count, which is length[row].

    Returns
    -------
    tuple of ndarray
        start, source, size, kept, beginning, length, first.
    """
    sizes = schedules.table(schedule, generations, rng)
    used = [np.flatnonzero(row) for row in sizes]
    none = np.zeros(0, dtype=np.int64)
    start = np.cumsum([0, *(sources.size for sources in used)])
    source = np.concatenate([none, *used])
    size = np.concatenate([none, *(row[t] for row, t in zip(sizes, used, strict=True))])
    kept = np.array([schedule.keeps(t) for t in range(generations)], dtype=bool)
    pairs = np.stack([source, size], axis=1)
    rows, beginning = np.unique(pairs, axis=0, return_inverse=True)
    first = np.searchsorted(rows[:, 0], np.arange(generations + 1))
    length = np.ascontiguousarray(rows[:, 1])
    return start, source, size, kept, beginning.reshape(-1), length, first


@njit(nogil=True, cache=True)
def _add_samples(rng, p, size, counts):
    """Add the token counts of `size` samples of p, drawn as NumPy draws a multinomial."""
    last = p.size - 1
    while p[last] == 0.0:
        last -= 1
    left, mass = size, 1.0
    for i in range(last + 1):
        if left == 0:
            break
        if p[i] > 0.0:
            drawn = left if i == last else rng.binomial(left, p[i] / mass)
            mass -= p[i]
            left -= drawn
            counts[i] += drawn


@njit(nogil=True, cache=True)
def _draw_corpus(rng, p, length, rows):
    """Fill the rows with the counts of the first length[0], length[1], ... samples of p."""
    for k in range(length.size):
        size = length[k]
        if k > 0:
            rows[k] = rows[k - 1]
            size -= length[k - 1]
        _add_samples(rng, p, size, rows[k])


@njit(nogil=True, cache=True)
def _measure(models, m, collision, l1_from_first, support):
    squares, difference, alive = 0.0, 0.0, 0
    for i in range(models.shape[1]):
        squares += models[m, i] ** 2
        difference += abs(models[m, i] - models[1, i])
        alive += models[m, i] > 0.0
    collision[m], l1_from_first[m], support[m] = squares, difference, alive


@njit(nogil=True, cache=True)
def run(rng, p, plan, collision, l1_from_first, support):
    """Fill the records of one run; return the first generation that is a Dirac mass, or -1."""
    start, source, size, kept, beginning, length, first = plan
    generations, time = start.size - 1, -1
    models = np.zeros((generations + 1, p.size))
    models[0] = p
    corpora = np.zeros((length.size, p.size), dtype=np.int64)
    drawn = np.zeros(generations, dtype=np.bool_)
    counts = np.zeros(p.size, dtype=np.int64)
    for m in range(1, generations + 1):
        counts[:], total = 0, 0
        for e in range(start[m - 1], start[m]):
            t = source[e]
            total += size[e]
            if not kept[t]:
                _add_samples(rng, models[t], size[e], counts)
                continue
            if not drawn[t]:
                rows = corpora[first[t] : first[t + 1]]
                _draw_corpus(rng, models[t], length[first[t] : first[t + 1]], rows)
                drawn[t] = True
            counts += corpora[beginning[e]]
        models[m] = counts / total
        _measure(models, m, collision, l1_from_first, support)
        if time < 0 and support[m] == 1:
            time = m
    if generations > 0:
        _measure(models, 0, collision, l1_from_first, support)
    else:
        collision[0], support[0] = np.sum(p * p), p.size
    return time
