import re
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy.stats import binom

from collapse_lib import markov
from collapse_lib.markov import AbsorbingChain

HALF = Fraction(1, 2)


def test_two_tokens_and_three_samples_by_hand():
    chain = AbsorbingChain([HALF, HALF], 3)
    assert chain.states.tolist() == [[2, 1], [1, 2], [3, 0], [0, 3]]
    assert chain.transient == 2
    assert (chain.transition_matrix * 27).tolist() == [
        [12, 6, 8, 1],
        [6, 12, 1, 8],
        [0, 0, 27, 0],
        [0, 0, 0, 27],
    ]
    assert chain.start.tolist() == [Fraction(3, 8)] * 2 + [Fraction(1, 8)] * 2
    visits = chain.fundamental_matrix()
    assert (visits * 7).tolist() == [[15, 6], [6, 15]]
    assert chain.expected_times().tolist() == [3, 3, 0, 0]
    assert chain.expected_collapse_time() == Fraction(13, 4)
    assert chain.absorption_probabilities().tolist() == [HALF, HALF]


@pytest.mark.parametrize(
    ("p", "n"), [([0.5, 0.5], 1), ([0.2, 0.8], 30), ([0.6, 0.0, 0.3, 0.1], 9), ([0.25] * 4, 6)]
)
def test_canonical_form(p, n):
    chain = AbsorbingChain(p, n)
    support = np.count_nonzero(p)
    assert chain.states.shape == (comb(n + support - 1, n), len(p))
    assert (chain.states.sum(axis=1) == n).all()
    assert len(np.unique(chain.states, axis=0)) == len(chain.states)
    assert chain.transient == len(chain.states) - support
    tokens = np.flatnonzero(p)
    assert chain.states[chain.transient :].argmax(axis=1).tolist() == tokens.tolist()
    matrix = chain.transition_matrix.toarray()
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-14)
    assert (matrix[chain.transient :, chain.transient :] == np.eye(support)).all()
    assert chain.start.sum() == pytest.approx(1)
    # A token that is gone does not return.
    lost = chain.states == 0
    assert not matrix[(lost.astype(int) @ (chain.states.T > 0)) > 0].any()


@pytest.mark.parametrize("n", [5, 60, 700])
def test_rows_of_two_tokens_are_binomial(n):
    chain = AbsorbingChain([0.3, 0.7], n)
    counts = chain.states[:, 0]
    expected = binom.pmf(counts[None, :], n, counts[:, None] / n)
    np.testing.assert_allclose(chain.transition_matrix.toarray(), expected, rtol=1e-8, atol=1e-300)
    np.testing.assert_allclose(chain.start, binom.pmf(counts, n, 0.3), rtol=1e-9, atol=1e-300)


def test_fundamental_matrix_counts_visits():
    chain = AbsorbingChain([0.6, 0.3, 0.1], 5)
    stay = chain.transition_matrix.toarray()[: chain.transient, : chain.transient]
    visits, power = np.zeros_like(stay), np.eye(chain.transient)
    for _ in range(400):
        visits, power = visits + power, power @ stay
    np.testing.assert_allclose(chain.fundamental_matrix(), visits, atol=1e-12)
    np.testing.assert_allclose(chain.expected_times()[: chain.transient], visits.sum(axis=1))
    assert (chain.expected_times()[chain.transient :] == 0).all()


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_floats_follow_fractions(n):
    p = [Fraction(4, 7), Fraction(0), Fraction(2, 7), Fraction(1, 7)]
    exact, floats = AbsorbingChain(p, n), AbsorbingChain(np.array(p, dtype=float), n)
    assert (exact.states == floats.states).all()
    np.testing.assert_allclose(
        floats.transition_matrix.toarray(), exact.transition_matrix.astype(float), atol=1e-15
    )
    assert isinstance(exact.expected_collapse_time(), Fraction)
    assert floats.expected_collapse_time() == pytest.approx(float(exact.expected_collapse_time()))
    np.testing.assert_allclose(
        floats.collapse_time_cdf(6), exact.collapse_time_cdf(6).astype(float), atol=1e-14
    )
    assert exact.absorption_probabilities().tolist() == p


def test_one_sample_leaves_no_transient_state():
    for p in ([0.5, 0.3, 0.2], [HALF, Fraction(3, 10), Fraction(1, 5)]):
        chain = AbsorbingChain(p, 1)
        assert chain.transient == 0
        assert chain.fundamental_matrix().shape == (0, 0)
        assert chain.expected_collapse_time() == 1
        assert chain.absorption_probabilities().tolist() == list(p)
        assert chain.collapse_time_cdf(2).tolist() == [0, 1, 1]


def test_elimination_solves_a_system_in_fractions():
    matrix = np.array([[2, 1], [1, Fraction(1, 3)]], dtype=object)
    right = np.array([[1], [Fraction(1, 2)]], dtype=object)
    found = markov._eliminate(matrix, right)
    assert (matrix @ found == right).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: AbsorbingChain([1.0, 0.0], 3), "got a Dirac mass"),
        (lambda: AbsorbingChain([Fraction(1), Fraction(0)], 3), "got a Dirac mass"),
        (lambda: AbsorbingChain([0.5, 0.4], 3), "p must sum to 1 within"),
        (lambda: AbsorbingChain([0.5, 0.5], 0), "n must be an integer of at least 1, got 0"),
        (
            lambda: AbsorbingChain([1 / 52] * 52, 10),
            "at most 4000 states in floats, got 90,177,170,226 (n = 10 samples of 52 tokens)",
        ),
        (
            lambda: AbsorbingChain([HALF, HALF], 100),
            "at most 100 states in exact arithmetic, got 101 (n = 100 samples of 2 tokens)",
        ),
        (
            lambda: AbsorbingChain([0.5, 0.5], 3).collapse_time_cdf(-1),
            "generations must be an integer of at least 0, got -1",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
