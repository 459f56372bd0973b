"""Lemma 1, (17) to (20): the steps to the bounds on the deviation, against all outcomes.

The bounds are written out again here, as the paper prints them.
"""

import math
from fractions import Fraction

import pytest

from tests.verification import enumeration
from tests.verification.test_deviation import distance, split

CASES = [
    ([(3, 5), (3, 10), (1, 10)], 4, 6, 3),
    ([(1, 3), (2, 3)], 1, 2, 4),
    ([(1, 3), (2, 3)], 5, 1, 4),
    ([(1, 2), (1, 2)], 3, 3, 5),
    ([(1, 6)] * 6, 5, 1, 2),
    ([(1, 16)] * 16, 3, 1, 2),
]


def phi(x):
    if x in (0, Fraction(1, 2)):
        return math.inf if x == 0 else 2
    return math.log((1 - x) / x) / (1 - 2 * x)


def factor(n, size):
    """Return G_n(s), the (10) of the paper."""
    c0, c1 = math.e**3 / (2 * math.pi), 6 * math.e / math.pi**1.5
    if c0 / math.e * n + 2 <= size:
        return c1 * size * math.exp(c0 * n / (2 * math.e))
    if c0 / 4 * n + 2 <= size:
        return c1 * size * (c0 * n / size) ** (size / 2)
    return 2**size - 2


CORPORA = [
    ([(1, 2), (1, 2)], 2),
    ([(1, 2), (1, 2)], 9),
    ([(9, 10), (1, 10)], 6),
    ([(3, 5), (3, 10), (1, 10)], 5),
    ([(1, 4)] * 4, 6),
    ([(1, 8)] * 8, 2),
]


def tails(p, n):
    """Yield (t, P(||q - p||_1 >= t)) for every possible distance t > 0."""
    law = {}
    for counts, probability in enumeration.outcomes(p, n):
        t = distance([Fraction(count, n) for count in counts], p)
        law[t] = law.get(t, 0) + probability
    for t in filter(None, law):
        yield t, sum(probability for far, probability in law.items() if far >= t)


@pytest.mark.paper("Lemma 1", "(13)", check="independent")
@pytest.mark.parametrize(("p", "n"), CORPORA, ids=str)
def test_lemma_1_holds_at_every_distance(p, n):
    p = [Fraction(*entry) for entry in p]
    for t, tail in tails(p, n):
        exponent = n * phi(split(p)) * float(t) ** 2 / 4
        assert tail <= factor(n, len(p)) * math.exp(-exponent)


@pytest.mark.paper("Lemma 1", check="independent")
def test_lemma_1_needs_its_factor_and_no_larger_exponent():
    coins = dict(tails([Fraction(1, 2)] * 2, 2))
    assert coins[1] > math.exp(-2 * 2 / 4)  # without G_n(s)
    # phi is the best constant where the rare token takes the share of the frequent one.
    p, n, t = [Fraction(1, 10), Fraction(9, 10)], 200, Fraction(8, 5)
    tail = dict(tails(p, n))[t]
    exponent = n * phi(p[0]) * float(t) ** 2 / 4
    assert tail <= 2 * math.exp(-exponent)
    assert tail > 2 * math.exp(-1.05 * exponent)


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request):
    p, real, synthetic, generations = request.param
    p = [Fraction(*entry) for entry in p]
    laws = enumeration.partially_synthetic(p, real, synthetic, generations)
    return p, real, synthetic, laws


def deviations(laws):
    """Return E ||p^(m) - p^(1)||_1 for m = 1, 2, ..."""
    return [enumeration.mean(law, lambda state: distance(*state)) for law in laws]


def noises(laws, n):
    """Return E ||q^(j) - p^(j)||_1 for j = 1, 2, ..., q^(j) the frequencies of n samples."""

    def noise(state):
        model = state[1]
        return sum(
            probability * distance([Fraction(count, n) for count in counts], model)
            for counts, probability in enumeration.outcomes(model, n)
        )

    return [enumeration.mean(law, noise) for law in laws]


def damped_sum(terms, alpha):
    """Return sum_j alpha^(k + 1 - j) terms[j - 1] over j = 1, ..., k."""
    return sum(alpha ** (len(terms) - j) * term for j, term in enumerate(terms))


def possible(law):
    return {state: weight for state, weight in law.items() if weight}


@pytest.mark.paper("(17)", check="independent")
@pytest.mark.parametrize(("real", "synthetic"), [(2, 3), (3, 1), (1, 2)])
def test_the_mixture_is_the_recursion_of_every_schedule(real, synthetic):
    """(17) mixes p^(1) and new frequencies; (5) trains on a table of samples of all models."""
    p = (Fraction(1, 3), Fraction(2, 3))
    sizes = [(real,), (real, synthetic), (real, 0, synthetic)]
    paths = enumeration.scheduled(p, sizes, lambda source: source == 0)
    by_table = {}
    for path, weight in paths.items():
        state = path[0], path[2]
        by_table[state] = by_table.get(state, 0) + weight
    mixed, fresh = (
        enumeration.partially_synthetic(p, real, synthetic, 3, kept=kept)[2]
        for kept in (True, False)
    )
    assert possible(mixed) == possible(by_table)
    assert possible(fresh) != possible(by_table)


@pytest.mark.paper("(18)", check="independent")
def test_the_noises_of_all_steps_bound_the_deviation(case):
    _, real, synthetic, laws = case
    alpha = Fraction(synthetic, real + synthetic)
    found, noise = deviations(laws), noises(laws[:-1], synthetic)
    for k in range(1, len(laws)):
        assert found[k] <= damped_sum(noise[:k], alpha)
    assert found[1] == alpha * noise[0]  # nothing smaller would do: one power more, say
    assert real == 1 or found[1] > alpha * damped_sum(noise[:1], alpha)


@pytest.mark.paper("(19)", check="independent")
def test_concentration_bounds_the_deviation(case):
    p, real, synthetic, laws = case
    alpha = Fraction(synthetic, real + synthetic)
    splits = [enumeration.mean(law, lambda state: split(state[1])) for law in laws]
    terms = [1 / math.sqrt(phi(x)) for x in splits]
    for k in range(1, len(laws)):
        noise = math.sqrt(math.pi / synthetic) * damped_sum(terms[:k], float(alpha))
        assert deviations(laws)[k] <= noise * factor(synthetic, len(p))
        if len(p) == 6:  # without G_n(s) it would be false
            assert deviations(laws)[k] > noise


@pytest.mark.paper("(20)", "(16)", check="independent")
def test_both_inequalities_of_20_hold(case):
    """Though not for the printed reason: E[pi_j] <= zeta is false in the last case."""
    p, real, synthetic, laws = case
    alpha = synthetic / (real + synthetic)
    product = enumeration.mean(laws[0], lambda state: split(state[1]) * (1 - split(state[1])))
    zeta = Fraction(1, 2) - (Fraction(1, 2) - 2 * product) * Fraction(real, real + synthetic) ** 2
    step = math.sqrt(math.pi / (synthetic * phi(zeta))) * factor(synthetic, len(p))
    last = step * synthetic / real
    assert last == pytest.approx(
        math.sqrt(synthetic * math.pi / phi(zeta)) * factor(synthetic, len(p)) / real
    )
    found = deviations(laws)
    for k in range(1, len(laws)):
        assert found[k] <= step * damped_sum([1] * k, alpha) < last
    if len(p) == 6:  # without G_n(s) it would be false
        assert found[1] > step * alpha / factor(synthetic, len(p))
    if len(p) == 16:
        assert enumeration.mean(laws[1], lambda state: split(state[1])) > zeta
