"""Compiled kernels for fully synthetic training, over the surviving tokens only."""

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def resample(rng, p, first, counts, alive, n):
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
def run(rng, p, n, collision, l1_from_first, support):
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
        alive = resample(rng, p, first, counts, alive, n)
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
def until_collapse(rng, p, n):
    """Return the first generation that is a Dirac mass; p holds positive entries only."""
    p, alive, time = p.copy(), p.size, 0
    first, counts = np.zeros(alive, dtype=np.int64), np.zeros(alive, dtype=np.int64)
    while time == 0 or alive > 1:
        alive = resample(rng, p, first, counts, alive, n)
        time += 1
    return time
