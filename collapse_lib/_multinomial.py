"""The one multinomial kernel, compiled: every fast simulation draws its samples with it."""

import math

from collapse_lib._compiled import compiled

#: Below this many expected successes a binomial is inverted, above it NumPy's rejection is quicker.
INVERTED_BELOW = 10


@compiled
def binomial(rng, n, p):
    """Return one binomial number; exact in distribution, quicker than NumPy's where it is small."""
    if p > 0.5:
        return n - binomial(rng, n, 1 - p)
    if n * p >= INVERTED_BELOW:
        return rng.binomial(n, p)
    odds, none = p / (1 - p), math.exp(n * math.log1p(-p))
    while True:
        left, probability, k = rng.random(), none, 0
        while left >= probability and k < n:
            left -= probability
            k += 1
            probability *= odds * (n - k + 1) / k
        if left < probability:  # always, but for rounding at the far end
            return k


@compiled
def add(rng, size, weights, counts):
    """Add to `counts` how often each entry of `weights` is hit by `size` independent draws.

    One binomial an entry, given those before it. Weights need not sum to 1; where they are
    whole numbers, no conditional probability carries an earlier rounding.
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
