"""The compiled kernel for synthetic data alone, which visits only the tokens still alive."""

import functools

import numpy as np
from scipy.stats import binom

from collapse_lib._compiled import compiled
from collapse_lib._multinomial import binomial

#: Up to this n, the first binomial draw of a generation is looked up in a table, in a third of the
#: time. At n = 10, where mostly two tokens are left, this covers two thirds of all draws.
LOOKED_UP = 64


@functools.cache
def table(n):
    """Return P(Binomial(n, c/n) <= k) at [c, k], or an empty table if n is too large."""
    if n > LOOKED_UP:
        return np.empty((0, 0))
    k = np.arange(n + 1)
    return binom.cdf(k, n, k[:, None] / n)


@compiled
def _look_up(rng, cumulative, guess):
    """Return the first k whose cumulative probability exceeds a uniform draw; start at `guess`."""
    u, k = rng.random(), guess
    while cumulative[k] <= u:
        k += 1
    while k > 0 and cumulative[k - 1] > u:
        k -= 1
    return k


@compiled
def _resample(rng, n, table, weights, first, alive, total):
    """Replace the first `alive` entries of `weights` by the counts of n samples drawn from them.

    Tokens that survive move to the front, together with their entries in `first`. Return how many
    survive.
    """
    looked_up = table.size > 0 and weights[0] >= 1  # a count, not a probability
    left, survivors = n, 0
    for i in range(alive):
        if left == 0:
            break
        if i == alive - 1:
            drawn = left
        elif i == 0 and looked_up:
            drawn = _look_up(rng, table[int(weights[0])], int(weights[0]))
        else:
            drawn = binomial(rng, left, min(1.0, weights[i] / total))
        total -= weights[i]
        left -= drawn
        if drawn > 0:
            weights[survivors] = drawn
            first[survivors] = first[i]
            survivors += 1
    return survivors


@compiled
def _run(rng, stop, p, n, table, weights, first, collision, l1_from_first, support):
    """Fill the records of one run; return its first generation that is a Dirac mass, or -1."""
    generations, alive = collision.size - 1, p.size
    collision[0], support[0], l1_from_first[0] = np.sum(p * p), alive, np.nan
    for i in range(alive):
        weights[i] = p[i]
        first[i] = i  # the token's place in p; from generation 1 on, its count there
    total = 1.0
    for m in range(1, generations + 1):
        if stop[0]:
            break
        alive = _resample(rng, n, table, weights, first, alive, total)
        total = n
        if m == 1:
            l1_from_first[0] = 1.0  # as if all tokens were lost, each adding p_i; then correct
            for j in range(alive):
                before = p[int(first[j])]
                l1_from_first[0] += abs(before - weights[j] / n) - before
                first[j] = weights[j]
        squares, difference = 0.0, float(n)  # as if all were lost, each adding its first count
        for j in range(alive):
            squares += weights[j] * weights[j]
            difference += abs(weights[j] - first[j]) - first[j]
        collision[m] = squares / n / n
        l1_from_first[m] = difference / n
        support[m] = alive
        if alive == 1:
            collision[m:] = 1.0
            l1_from_first[m:] = difference / n
            support[m:] = 1
            return m
    return -1


@compiled
def run(p, n, table, rng, stop, collision, l1_from_first, support, time):
    """Fill the records of a block of runs, of shape (runs, generations + 1), and the times T.

    All entries of `p` are positive.
    """
    weights, first = np.empty(p.size), np.empty(p.size)
    for r in range(time.size):
        if stop[0]:
            return
        time[r] = _run(
            rng, stop, p, n, table, weights, first, collision[r], l1_from_first[r], support[r]
        )
