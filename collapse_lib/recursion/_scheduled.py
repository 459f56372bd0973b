"""Compiled kernels for every schedule; each call computes a block of runs."""

import numpy as np

from collapse_lib import _multinomial, schedules
from collapse_lib._compiled import compiled

_add = _multinomial.add


def layout(schedule, sizes):
    """Return the sample sizes of one run as flat arrays without zeros, for `run`.

    Entry e of generation m, where start[m - 1] <= e < start[m], asks for size[e] samples of model
    source[e]. If the corpus of that model is kept, row beginning[e] will hold the counts of its
    first size[e] samples. Rows first[t] to first[t + 1] - 1 belong to model t. Each counts
    length[row] samples, in increasing order.

    Returns
    -------
    tuple of ndarray
        start, source, size, kept, beginning, length, first.
    """
    generations = len(sizes)
    generation, source = np.nonzero(sizes)
    size = sizes[generation, source]
    start = np.searchsorted(generation, np.arange(generations + 1))
    kept = np.array([bool(schedule.keeps(t)) for t in range(generations)], dtype=bool)
    pairs = np.stack([source, np.where(kept[source], size, 0)], axis=1)
    rows, beginning = np.unique(pairs, axis=0, return_inverse=True)
    first = np.searchsorted(rows[:, 0], np.arange(generations + 1))
    length = np.ascontiguousarray(rows[:, 1])
    return start, source, size, kept, beginning.reshape(-1), length, first


def runner(p, schedule, generations, pseudocounts):
    """Return ``run(rng, stop, collision, l1_from_first, support, time)`` for blocks of runs."""
    added = pseudocounts / p.size
    if type(schedule) is schedules.RandomlySampled and not schedule.kept:
        return lambda rng, stop, *records: run_random(rng, stop, p, schedule.n, added, *records)
    if not schedule.is_random:
        shared = layout(schedule, schedules.table(schedule, generations))
        return lambda rng, stop, *records: run(rng, stop, p, shared, added, *records)

    def one_by_one(rng, stop, *records):
        for r in range(len(records[0])):
            mine = layout(schedule, schedules.table(schedule, generations, rng))
            run(rng, stop, p, mine, added, *(record[r : r + 1] for record in records))

    return one_by_one


@compiled
def _draw_corpus(rng, p, length, rows):
    """Fill row k with the counts of the first length[k] samples of one corpus."""
    rows[:] = 0
    for k in range(length.size):
        size = length[k]
        if k > 0:
            rows[k] = rows[k - 1]
            size -= length[k - 1]
        _add(rng, size, p, rows[k])


@compiled
def _measure(model, first, m, collision, l1_from_first, support):
    """Record the collision probability, the distance from `first` and the support of a model."""
    squares, difference, alive = 0.0, 0.0, 0
    for i in range(model.size):
        squares += model[i] ** 2
        difference += abs(model[i] - first[i])
        alive += model[i] > 0.0
    collision[m], l1_from_first[m], support[m] = squares, difference, alive


@compiled
def run(rng, stop, p, layout, added, collision, l1_from_first, support, time):
    """Fill the records of a block of runs; each token gets `added` pseudo-counts."""
    start, source, size, kept, beginning, length, first = layout
    generations = start.size - 1
    # Weights are counts, so whole numbers: rounding errors do not pass from model to model.
    weights = np.zeros((generations + 1, p.size))
    model, model_1 = np.empty(p.size), np.empty(p.size)
    corpora = np.zeros((length.size, p.size), dtype=np.int64)
    drawn = np.zeros(generations, dtype=np.bool_)
    counts = np.zeros(p.size, dtype=np.int64)
    weights[0] = p
    for r in range(time.size):
        drawn[:], time[r] = False, -1
        for m in range(1, generations + 1):
            if stop[0]:
                return
            counts[:], total = 0, 0
            for e in range(start[m - 1], start[m]):
                t = source[e]
                total += size[e]
                if not kept[t]:
                    _add(rng, size[e], weights[t], counts)
                    continue
                if not drawn[t]:
                    rows = corpora[first[t] : first[t + 1]]
                    _draw_corpus(rng, weights[t], length[first[t] : first[t + 1]], rows)
                    drawn[t] = True
                counts += corpora[beginning[e]]
            weights[m] = counts + added
            model[:] = weights[m] / (total + p.size * added)
            if m == 1:
                model_1[:] = model
            _measure(model, model_1, m, collision[r], l1_from_first[r], support[r])
            if time[r] < 0 and support[r, m] == 1:
                time[r] = m
        _measure(p, model_1, 0, collision[r], l1_from_first[r], support[r])
        if generations == 0:
            l1_from_first[r, 0] = np.nan


@compiled
def run_random(rng, stop, p, n, added, collision, l1_from_first, support, time):
    """Fill the records of a block of runs whose samples come from randomly chosen sources.

    A sample of a uniformly chosen source is a sample of the mean of the sources.
    """
    generations = collision.shape[1] - 1
    model, model_1, mean = np.empty(p.size), np.empty(p.size), np.empty(p.size)
    counts = np.zeros(p.size, dtype=np.int64)
    for r in range(time.size):
        time[r] = -1
        mean[:] = p
        for m in range(1, generations + 1):
            if stop[0]:
                return
            counts[:] = 0
            _add(rng, n, mean, counts)
            model[:] = (counts + added) / (n + p.size * added)
            mean += model  # the sum, in fact: weights need not sum to 1
            if m == 1:
                model_1[:] = model
            _measure(model, model_1, m, collision[r], l1_from_first[r], support[r])
            if time[r] < 0 and support[r, m] == 1:
                time[r] = m
        _measure(p, model_1, 0, collision[r], l1_from_first[r], support[r])
        if generations == 0:
            l1_from_first[r, 0] = np.nan
