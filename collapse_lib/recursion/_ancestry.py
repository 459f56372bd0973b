"""Compiled kernels for synthetic data alone, which trace samples back to their ancestors.

Each of the n samples of a generation copies one of the n samples before it, picked uniformly. A
family is the set of final samples with the same ancestor. Going back, families whose ancestors pick
the same parent merge. Once few families remain, most generations change nothing and are skipped.
The results have the same distribution as the forward recursion, but cost about n log n picks
instead of 2n generations.
"""

import math

import numpy as np

from collapse_lib._compiled import compiled


@compiled
def _meet(rng, n, families, k, meeting):
    """Move k families one generation back, in place; return how many are left.

    Families pick their parents one after the other. Number the parents so that those already taken
    come first: a uniform pick below their number then joins a family. If ``meeting > 0``, the first
    picks are known: each family before number `meeting` picks a free parent, and this one a taken
    parent.
    """
    found = 0
    for i in range(k):
        if i < meeting:
            pick = found
        elif i == meeting > 0:
            pick = int(rng.random() * found)
        else:
            pick = int(rng.random() * n)
        if pick < found:
            families[pick] += families[i]
        else:
            families[found] = families[i]
            found += 1
    return found


@compiled
def _back(rng, n, families, k, most):
    """Go back to the next merger, at most `most` generations; return (generations, families)."""
    if k * (k - 1.0) > n:  # mergers are frequent: skipping would save little
        return 1, _meet(rng, n, families, k, 0)
    stays = 0.0  # the logarithm of the probability that no families merge in a generation
    for j in range(1, k):
        stays += math.log1p(-j / n)
    # The number of generations up to the first merger is geometric.
    gone = 1 + math.floor(math.log1p(-rng.random()) / stays)
    if gone > most:
        return most, k
    # Given that a merger happens, find the first family that picks a taken parent.
    u, apart = -math.expm1(stays) * rng.random(), 1.0
    for meeting in range(1, k):
        u -= apart * meeting / n
        if u < 0:
            break
        apart *= 1 - meeting / n
    return int(gone), _meet(rng, n, families, k, meeting)


@compiled
def collapse_times(rng, stop, n, alike, time):
    """Fill in T, the first m whose ancestors in generation 1 are all the same token.

    ``alike[k]`` is the probability that k draws from p are the same token. It decreases with k, so
    one uniform draw decides for all generations at once.
    """
    families = np.ones(n)
    for r in range(time.size):
        if stop[0]:
            return
        u, k, m = rng.random(), n, 1
        while k > 1 and alike[k] <= u and not stop[0]:
            gone, k = _back(rng, n, families, k, 2**62)
            m += gone
        time[r] = m


@compiled
def samples(rng, stop, p, n, generation, counts):
    """Fill in the token counts of p^(generation), generation >= 1, shape (runs, tokens)."""
    families = np.empty(n, dtype=np.int64)
    cumulative = np.cumsum(p)
    for r in range(len(counts)):
        if stop[0]:
            return
        families[:] = 1
        k, left = n, generation - 1
        while left > 0 and k > 1 and not stop[0]:
            gone, k = _back(rng, n, families, k, left)
            left -= gone
        counts[r] = 0
        for i in range(k):
            u = rng.random() * cumulative[-1]
            counts[r, np.searchsorted(cumulative[:-1], u, side="right")] += families[i]
