"""The expected entropy of the models, in the list of all outcomes of a few generations."""

from fractions import Fraction
from itertools import pairwise
from math import log

import pytest

from tests.verification import enumeration

P = (Fraction(3, 5), Fraction(3, 10), Fraction(1, 10))
HALF = (Fraction(1, 2), Fraction(1, 2))


def entropy(model):
    return -sum(x * log(x) for x in model if x)


def expected(laws):
    """Return E H(p^(m)) for the distributions of (p^(1), p^(m)), m = 1, 2, ..."""
    return [enumeration.mean(law, lambda state: entropy(state[1])) for law in laws]


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_it_falls_with_synthetic_data_alone(n):
    laws = enumeration.fully_synthetic(P, n, 4)
    entropies = [enumeration.mean(law, entropy) for law in laws]
    for before, after in pairwise(entropies):
        assert after < before or before == after == 0  # one sample: collapsed at once


@pytest.mark.parametrize(("real", "synthetic"), [(2, 3), (3, 1), (4, 6)])
def test_it_stays_below_the_first_models_where_the_corpus_is_kept(real, synthetic):
    first, *later = expected(enumeration.partially_synthetic(P, real, synthetic, 3))
    assert all(entropy < first for entropy in later)


@pytest.mark.parametrize("real", [1, 2, 3])
def test_it_can_rise_where_real_data_is_new_each_time(real):
    """The claim needs the corpus to be kept; one sample of each gives ln(2) / 2 from 0."""
    first, second = expected(enumeration.partially_synthetic(HALF, real, real, 2, kept=False))
    assert second > first
    if real == 1:
        assert (first, second) == (0, pytest.approx(log(2) / 2))
