"""The compiled kernel for synthetic data alone, over the tokens that are left."""

import functools

import numpy as np
from scipy.stats import binom

from collapse_lib._compiled import compiled
from collapse_lib._multinomial import binomial

#: Up to this n the first binomial of a generation is looked up: two thirds of all are of this
#: kind at n = 10, where mostly two tokens are left, and a look-up takes a third of the time.
LOOKED_UP = 64


@functools.cache
def table(n):
    """Return P(Binomial(n, c/n) <= k) at [c, k], or an empty table where n is too large."""
    if n > LOOKED_UP:
        return np.empty((0, 0))
    k = np.arange(n + 1)
    return binom.cdf(k, n, k[:, None] / n)


@compiled
def _look_up(rng, cumulative, guess):
    """Return the first k whose cumulative probability is above a uniform number."""
    u, k = rng.random(), guess
    while cumulative[k] <= u:
        k += 1
    while k > 0 and cumulative[k - 1] > u:
        k -= 1
    return k


@compiled
def _resample(rng, n, table, weights, first, alive, total):
    """Draw a generation in place: n samples of the first `alive` entries of `weights`.

    The tokens that are left move to the front with their counts, and `first` with them;
    returns how many there are.
    """
    looked_up = table.size > 0 and weights[0] >= 1  # whole counts, no probability
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
    """Fill the records of one run; return the generation that is a Dirac mass first, or -1."""
    generations, alive = collision.size - 1, p.size
    collision[0], support[0], l1_from_first[0] = np.sum(p * p), alive, np.nan
    for i in range(alive):
        weights[i] = p[i]
        first[i] = i  # until generation 1 stands: where each token was
    total = 1.0
    for m in range(1, generations + 1):
        if stop[0]:
            break
        alive = _resample(rng, n, table, weights, first, alive, total)
        total = n
        if m == 1:
            l1_from_first[0] = 1.0  # the tokens that were lost at once differ by p_i
            for j in range(alive):
                before = p[int(first[j])]
                l1_from_first[0] += abs(before - weights[j] / n) - before
                first[j] = weights[j]
        squares, difference = 0.0, float(n)  # a lost token differs by all it had, first / n
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
    """Fill the records of a block of runs, of shape (runs, generations + 1), and their T.

    `p` holds positive entries only.
    """
    weights, first = np.empty(p.size), np.empty(p.size)
    for r in range(time.size):
        if stop[0]:
            return
        time[r] = _run(
            rng, stop, p, n, table, weights, first, collision[r], l1_from_first[r], support[r]
        )
