"""The compiled multinomial kernel with which every fast simulation draws its samples."""

import math

from collapse_lib._compiled import compiled

#: Below this many expected successes, inversion is faster than NumPy's rejection sampling.
INVERTED_BELOW = 10


@compiled
def binomial(rng, n, p):
    """Return one binomial draw, exact in distribution and faster than NumPy's for small means."""
    if p > 0.5:
        return n - binomial(rng, n, 1 - p)
    if n * p >= INVERTED_BELOW:
        return rng.binomial(n, p)
    # Inversion: walk up from k = 0 until the cumulative probability exceeds a uniform draw.
    odds, none = p / (1 - p), math.exp(n * math.log1p(-p))
    while True:
        left, probability, k = rng.random(), none, 0
        while left >= probability and k < n:
            left -= probability
            k += 1
            probability *= odds * (n - k + 1) / k
        if left < probability:  # otherwise rounding has left a rest beyond k = n: draw again
            return k


@compiled
def add(rng, size, weights, counts):
    """Draw `size` tokens in proportion to `weights`, and add how often each occurs to `counts`.

    Each entry takes one binomial draw, given the entries before it. Weights need not sum to 1. If
    they are whole numbers, `total` stays exact, so rounding errors do not accumulate.
    """
    last = weights.size - 1
    while weights[last] <= 0:
        last -= 1
    total = 0.0
    for i in range(last + 1):
        total += weights[i]
    left = size
    for i in range(last):
        if left == 0:
            return
        if weights[i] > 0:
            drawn = binomial(rng, left, min(1.0, weights[i] / total))
            total -= weights[i]
            left -= drawn
            counts[i] += drawn
    counts[last] += left
