"""The recursion with a step, vectorised by NumPy over the replicates of a block."""

import numpy as np

from collapse_lib import schedules, steps


def runner(p, schedule, generations, step, pseudocounts):
    """Return ``run(rng, stop, collision, l1_from_first, support, time)`` for blocks of runs."""
    if type(schedule) is schedules.RandomlySampled and not schedule.kept:
        corpora = _Mean(schedule.n)
        return lambda rng, stop, *records: _run(
            rng, stop, p, corpora.begin(), step, pseudocounts, records
        )
    if not schedule.is_random:
        sizes = schedules.table(schedule, generations)
        return lambda rng, stop, *records: _run(
            rng, stop, p, _Corpora(schedule, sizes), step, pseudocounts, records
        )

    def one_by_one(rng, stop, *records):
        for r in range(len(records[0])):
            corpora = _Corpora(schedule, schedules.table(schedule, generations, rng))
            mine = tuple(record[r : r + 1] for record in records)
            _run(rng, stop, p, corpora, step, pseudocounts, mine)

    return one_by_one


def _run(rng, stop, p, corpora, step, pseudocounts, records):
    """Fill the records of a block of runs; models have shape (runs, tokens)."""
    collision, l1_from_first, support, time = records
    model = first = np.tile(p, (time.size, 1))
    corpora.add(model)
    time[:] = -1
    for m in range(collision.shape[1]):
        if stop[0]:
            return
        if m:
            counts, total = corpora.draw(m, rng)
            model = (counts + pseudocounts / p.size) / (total + pseudocounts)
            corpora.add(steps.apply(step, model))
        if m == 1:
            first = model
            l1_from_first[:, 0] = np.abs(p - first).sum(axis=1)
        collision[:, m] = np.square(model).sum(axis=1)
        l1_from_first[:, m] = np.abs(model - first).sum(axis=1) if m else l1_from_first[:, 0]
        support[:, m] = np.count_nonzero(model, axis=1)
        time[(m > 0) & (time < 0) & (support[:, m] == 1)] = m
    if collision.shape[1] == 1:
        l1_from_first[:] = np.nan


class _Corpora:
    """The samples of each source, as a table of sizes asks for them, in all runs of a block."""

    def __init__(self, schedule, sizes):
        self.schedule, self.sizes = schedule, sizes
        self.sampled, self.kept = [], {}

    def add(self, sampled):
        """Add the next source, by the distributions that its samples are drawn from."""
        self.sampled.append(sampled)

    def draw(self, m, rng):
        """Return the token counts of generation m, shape (runs, tokens), and the sample size."""
        row, counts = self.sizes[m - 1], 0
        for t in np.flatnonzero(row):
            if not self.schedule.keeps(int(t)):
                counts = counts + rng.multinomial(row[t], self.sampled[t])
                continue
            if t not in self.kept:
                self.kept[t] = self._prefix_counts(t, np.unique(self.sizes[m - 1 :, t]), rng)
            counts = counts + self.kept[t][row[t]]
        for t in np.flatnonzero((row > 0) & ~(self.sizes[m:] > 0).any(axis=0)):
            self.sampled[t] = self.kept[t] = None  # no later generation needs it
        return counts, row.sum()

    def _prefix_counts(self, t, sizes, rng):
        """Draw one corpus per run; return the counts of its first k samples for each size k."""
        counts, drawn, found = 0, 0, {}
        for size in sizes:
            counts = counts + rng.multinomial(size - drawn, self.sampled[t])
            drawn, found[size] = size, counts
        return found


class _Mean:
    """n samples, each of a randomly chosen source: the same as n samples of the sources' mean."""

    def __init__(self, n):
        self.n = n

    def begin(self):
        """Return a fresh instance, for one block."""
        fresh = _Mean(self.n)
        fresh.total = 0
        return fresh

    def add(self, sampled):
        """Add the next source, by the distributions that its samples are drawn from."""
        self.total = self.total + sampled

    def draw(self, m, rng):
        """Return the token counts of generation m, shape (runs, tokens), and the sample size."""
        return rng.multinomial(self.n, self.total / m), self.n
