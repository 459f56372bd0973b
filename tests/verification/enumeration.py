"""Every outcome of a few generations, with exact probabilities.

A law is a mapping from states to probabilities, all of them `Fraction`. Nothing here comes
from `collapse_lib`: the code knows only what it means to draw samples.
"""

from collections import defaultdict
from fractions import Fraction
from math import comb


def outcomes(p, size):
    """Yield (counts, probability) for every way that `size` draws from p can fall."""
    if len(p) == 1:
        yield (size,), p[0] ** size
        return
    for first in range(size + 1):
        weight = comb(size, first) * p[0] ** first
        for rest, probability in outcomes(p[1:], size - first):
            yield (first, *rest), weight * probability


def fully_synthetic(p, n, generations):
    """Return the laws of p^(0), p^(1), ...: each maps models to probabilities."""
    laws = [{tuple(p): Fraction(1)}]
    for _ in range(generations):
        after = defaultdict(Fraction)
        for model, weight in laws[-1].items():
            for counts, probability in outcomes(model, n):
                after[tuple(Fraction(k, n) for k in counts)] += weight * probability
        laws.append(dict(after))
    return laws


def partially_synthetic(p, real, synthetic, generations, kept=True):
    """Return the laws of (p^(1), p^(m)) for m = 1, 2, ...

    The real corpus is drawn once and kept, or else drawn anew for each generation.
    """
    corpora = dict(outcomes(tuple(p), real))
    first_models = {counts: tuple(Fraction(k, real) for k in counts) for counts in corpora}
    laws = [{(first_models[c], first_models[c]): weight for c, weight in corpora.items()}]
    for _ in range(generations - 1):
        after = defaultdict(Fraction)
        for (first, model), weight in laws[-1].items():
            same = {tuple(int(real * x) for x in first): Fraction(1)}
            for corpus, chance in (same if kept else corpora).items():
                for counts, probability in outcomes(model, synthetic):
                    mixed = tuple(
                        Fraction(x + k, real + synthetic)
                        for x, k in zip(corpus, counts, strict=True)
                    )
                    after[first, mixed] += weight * chance * probability
        laws.append(dict(after))
    return laws


def collision(model):
    return sum(x * x for x in model)


def mean(law, value):
    """Return the expectation of `value` of the state."""
    return sum(weight * value(state) for state, weight in law.items())
