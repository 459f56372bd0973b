"""The steps of the proofs about the collapse time, one by one, by exact enumeration.

W, psi and phi are the functions of the chapter on the collapse time; K is the number of
parents of k samples among n, and x' the model after x.
"""

from fractions import Fraction
from functools import cache
from itertools import product
from math import comb, log

import pytest

from tests.verification import enumeration


@cache
def parents(k, n):
    """Return the distribution of K by listing who picks whom, up to the names of parents."""
    law = {0: Fraction(1)}
    for _ in range(k):
        after = {}
        for j, weight in law.items():
            for value, chance in ((j, Fraction(j, n)), (j + 1, 1 - Fraction(j, n))):
                after[value] = after.get(value, 0) + weight * chance
        law = after
    return {j: weight for j, weight in law.items() if weight}


def test_distribution_of_the_parents_by_listing_all_picks():
    for k, n in product(range(1, 5), range(1, 5)):
        listed = {}
        for picks in product(range(n), repeat=k):
            j = len(set(picks))
            listed[j] = listed.get(j, 0) + Fraction(1, n**k)
        assert listed == parents(k, n)


def mean(law, value):
    return sum(weight * value(j) for j, weight in law.items())


def harmonic(k):
    return sum(Fraction(1, j) for j in range(1, k + 1))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10, 25])
def test_reciprocal_of_the_parents(n):
    for k in range(2, n + 1):
        value = mean(parents(k, n), lambda j: Fraction(1, j))
        assert value == Fraction(sum(j ** (k - 1) for j in range(1, n + 1)), n**k)
        assert value >= Fraction(1, k) + Fraction(1, 2 * n)
        assert value <= Fraction(1, k) + Fraction(1, 2 * n) + Fraction(k - 1, 12 * n**2)
        shifted = mean(parents(k, n), lambda j: Fraction(1, j + 1))
        assert shifted == Fraction(sum(j**k for j in range(n + 1)), (n + 1) * n**k)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10, 25])
def test_ancestors_become_fewer(n):
    for k in range(2, n + 1):
        law = parents(k, n)
        assert k - mean(law, lambda j: j) >= Fraction(k * (k - 1), 3 * n)
        drop = harmonic(k) - mean(law, harmonic)
        assert drop >= Fraction(k - 1, 3 * n)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10, 25])
def test_phi_shrinks_by_the_factor_of_variety(n):
    def phi(k):
        return Fraction(3 * (k - 1), k + 1)

    for k in range(2, n + 1):
        assert mean(parents(k, n), phi) <= (1 - Fraction(1, n)) * phi(k)
        powers = Fraction(n ** (k - 1) * (n + 1) * (2 * n + k - 1), 2 * (k + 1))
        assert sum(j**k for j in range(1, n + 1)) >= powers


@pytest.mark.parametrize("p", [(Fraction(1, 2),) * 2, (Fraction(9, 10), Fraction(1, 10))])
def test_psi_drops_by_no_more_than_its_bound(p):
    def differ(k):
        return 1 - sum(x**k for x in p)

    for n in (2, 3, 7, 20):

        def psi(k, n=n):
            return 2 * n * sum(differ(j) / (j * (j - 1)) for j in range(2, k + 1))

        for k in range(2, n + 1):
            drop = psi(k) - mean(parents(k, n), psi)
            assert drop <= differ(k) * (1 + Fraction(k - 1, 6 * n))


def w(x):
    """Return W for a model given as counts."""
    n = sum(x)
    return 2 * sum(
        (n - count) * (harmonic(n - 1) - harmonic(n - count - 1)) for count in x if count < n
    )


@pytest.mark.parametrize(("tokens", "n"), [(2, 2), (2, 3), (2, 12), (3, 2), (3, 7), (4, 5)])
def test_w_drops_by_more_than_one(tokens, n):
    uniform = (Fraction(1, tokens),) * tokens
    for counts, _ in enumeration.outcomes(uniform, n):
        x = tuple(Fraction(count, n) for count in counts)
        after = mean(dict(enumeration.outcomes(x, n)), w)
        closed = 2 * n * sum((1 - y) * y**k / k for y in x for k in range(1, n))
        assert after == closed
        if max(counts) == n:
            assert w(counts) == 0
        else:
            collapse = sum(y**n for y in x)
            assert w(counts) - after >= 1 + collapse
            # Half of W would not do: the constant is needed.
            assert (w(counts) - after) / 2 < 1 + collapse


def w_of(count, n):
    """The part of W that belongs to one token."""
    return 2 * (n - count) * (harmonic(n - 1) - harmonic(n - count - 1)) if count < n else 0


@pytest.mark.parametrize("n", [2, 3, 7, 12])
def test_the_part_of_each_token_drops_by_its_probability(n):
    """W_i - E W_i' >= x_i + x_i^n while 0 < x_i < 1, which bounds the time of each winner."""
    for count in range(1, n):
        x = Fraction(count, n)
        law = dict(enumeration.outcomes((x, 1 - x), n))
        after = mean({counts[0]: weight for counts, weight in law.items()}, lambda c: w_of(c, n))
        assert after == 2 * n * (1 - x) * sum(x**k / k for k in range(1, n))
        drop = w_of(count, n) - after
        assert drop >= x + x**n
        assert drop / 2 < x + x**n  # half of W would not do
    assert w_of(0, n) == w_of(n, n) == 0


@pytest.mark.parametrize("n", [2, 3, 5, 10, 40])
def test_reciprocal_ancestors_grow_at_least_like_the_share(n):
    """g(a) = n (1 - (1 - 1/n)^a) has 1 - 1/g(a) <= (1 - 1/(2n)) (1 - 1/a); equality at a = 1."""
    for a in range(1, n + 1):
        g = n * (1 - (1 - Fraction(1, n)) ** a)
        assert mean(parents(a, n), lambda j: j) == g
        bound = (1 - Fraction(1, 2 * n)) * (1 - Fraction(1, a))
        assert 1 - 1 / g <= bound
        if a == n > 2:  # a faster rate would be too much to ask
            assert 1 - 1 / g > (1 - Fraction(2, n)) * (1 - Fraction(1, a))


def test_the_last_inequality_of_the_tail():
    """(1 - cu) ((1 + u)/(1 - u))^c <= 1 + cu at u = 1/(2n - 1); not with a smaller right side."""
    for n, c in product(range(2, 30), range(0, 60)):
        u = Fraction(1, 2 * n - 1)
        left = (1 - c * u) * ((1 + u) / (1 - u)) ** c
        assert left <= 1 + c * u
        if c == 1:
            assert left == 1 + c * u


def test_sums_behind_the_diffusion_limit():
    x = 0.3
    series = sum(x**j / (j * (j - 1)) for j in range(2, 200))
    assert series == pytest.approx(x + (1 - x) * log(1 - x), abs=1e-14)
    for n in (1, 4, 9):
        tail = 1 - sum(Fraction(1, j * (j - 1)) for j in range(2, n + 1))
        assert tail == Fraction(1, n)  # the terms with j > n
    for size, x in product(range(1, 7), (Fraction(1, 3), Fraction(4, 5))):
        gap = sum(
            comb(size, left)
            * (1 - x) ** left
            * x ** (size - left)
            * (harmonic(size) - harmonic(left))
            for left in range(size + 1)
        )
        assert gap == sum(x**k / k for k in range(1, size + 1))
