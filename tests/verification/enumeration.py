"""Every outcome of a few generations, with exact probabilities.

A distribution, `law` in the code, is a mapping from states to probabilities, all of them
`Fraction`. Nothing here comes from `collapse_lib`: the code knows only what it means to draw
samples.
"""

from collections import defaultdict
from fractions import Fraction
from itertools import product
from math import comb


def outcomes(p, size):
    """Yield (counts, probability) for every possible outcome of `size` draws from p."""
    if len(p) == 1:
        yield (size,), p[0] ** size
        return
    for first in range(size + 1):
        weight = comb(size, first) * p[0] ** first
        for rest, probability in outcomes(p[1:], size - first):
            yield (first, *rest), weight * probability


def fully_synthetic(p, n, generations):
    """Return the distributions of p^(0), p^(1), ...: each maps models to probabilities."""
    laws = [{tuple(p): Fraction(1)}]
    for _ in range(generations):
        after = defaultdict(Fraction)
        for model, weight in laws[-1].items():
            for counts, probability in outcomes(model, n):
                after[tuple(Fraction(k, n) for k in counts)] += weight * probability
        laws.append(dict(after))
    return laws


def partially_synthetic(p, real, synthetic, generations, kept=True):
    """Return the joint distributions of (p^(1), p^(m)) for m = 1, 2, ...

    The real corpus is drawn once and kept, or else drawn afresh for each generation.
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
    """Return the expectation of `value(state)`."""
    return sum(weight * value(state) for state, weight in law.items())


def scheduled(p, sizes, kept):
    """Return the joint distribution of (p^(1), ..., p^(M)) for any table of sample sizes.

    sizes[m - 1][t] samples of model t train generation m. The corpora of the sources for
    which kept(t) holds are written out sample by sample, and each use takes the first ones.
    """
    law = {((tuple(p),), ()): Fraction(1)}
    for row in sizes:
        after = defaultdict(Fraction)
        for (models, corpora), weight in law.items():
            for counts, drawn, probability in _training_sets(
                models, dict(corpora), row, sizes, kept
            ):
                model = tuple(Fraction(k, sum(row)) for k in counts)
                key = (*models, model), tuple(sorted(drawn.items()))
                after[key] += weight * probability
        law = after
    paths = defaultdict(Fraction)
    for (models, _), weight in law.items():
        paths[models[1:]] += weight
    return dict(paths)


def _training_sets(models, corpora, row, sizes, kept, source=0):
    """Yield (counts, corpora, probability) for the samples of models source, source + 1, ..."""
    if source == len(row):
        yield (0,) * len(models[0]), corpora, Fraction(1)
        return
    for own, drawn, probability in _samples(models, corpora, row, sizes, kept, source):
        for rest, all_drawn, more in _training_sets(models, drawn, row, sizes, kept, source + 1):
            counts = tuple(a + b for a, b in zip(own, rest, strict=True))
            yield counts, all_drawn, probability * more


def _samples(models, corpora, row, sizes, kept, source):
    size, p = row[source], models[source]
    if not size or not kept(source):
        for counts, probability in outcomes(p, size):
            yield counts, corpora, probability
        return
    length = max(later[source] for later in sizes if len(later) > source)
    written = [(corpora[source], 1)] if source in corpora else _texts(p, length)
    for text, probability in written:
        counts = tuple(text[:size].count(token) for token in range(len(p)))
        yield counts, {**corpora, source: text}, Fraction(probability)


def _texts(p, length):
    for text in product(range(len(p)), repeat=length):
        probability = Fraction(1)
        for token in text:
            probability *= p[token]
        if probability:
            yield text, probability
