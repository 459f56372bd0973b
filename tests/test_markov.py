import re
from dataclasses import dataclass
from fractions import Fraction
from math import comb

import mpmath
import numpy as np
import pytest
from scipy.stats import binom, multinomial

from collapse_lib import markov, steps
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


STEPS = [
    steps.Temperature(0.7),
    steps.TopK(2),
    steps.Nucleus(0.8),
    steps.MinP(0.4),
    steps.Accept((1, 0.5, 0.25)),
    (steps.Accept((1, 0.5, 0.25)), steps.Temperature(1.5)),
]


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_a_step_processes_every_model_but_not_the_truth(step):
    p, n = [0.6, 0.3, 0.1], 5
    plain, chain = AbsorbingChain(p, n), AbsorbingChain(p, n, step)
    np.testing.assert_array_equal(chain.start, plain.start)
    for counts, row in zip(chain.states, chain.transition_matrix.toarray(), strict=True):
        sampled = steps.apply(step, counts / n)
        expected = [multinomial.pmf(outcome, n, sampled) for outcome in chain.states]
        np.testing.assert_allclose(row, expected, atol=1e-12)
    assert np.abs((chain.transition_matrix - plain.transition_matrix).toarray()).max() > 0.05
    assert chain.absorption_probabilities().sum() == pytest.approx(1)
    assert 1 < chain.expected_collapse_time() < plain.expected_collapse_time() + 2


def test_a_step_with_a_token_that_cannot_occur_and_rational_p():
    exact = [Fraction(3, 5), Fraction(0), Fraction(2, 5)]
    step = steps.Accept((1, 1, 0.5))
    chain = AbsorbingChain(exact, 4, step)
    assert chain.transition_matrix.dtype == float
    survives = chain.absorption_probabilities()
    two = AbsorbingChain([0.6, 0.4], 4, steps.Accept((1, 0.5))).absorption_probabilities()
    np.testing.assert_allclose(survives, [two[0], 0, two[1]])


def held_apart(p, n, tau):
    """Return E[T] and the survival of the first of two tokens, in 60 digits from binomials."""
    with mpmath.workdps(60):

        def row(q):
            return [mpmath.binomial(n, k) * q**k * (1 - q) ** (n - k) for k in range(n + 1)]

        weights = [(mpmath.mpf(k) / n) ** (1 / mpmath.mpf(tau)) for k in range(n + 1)]
        rows = [row(weights[k] / (weights[k] + weights[n - k])) for k in range(1, n)]
        stay = mpmath.matrix([after[1:n] for after in rows])
        right = mpmath.matrix([[1, after[n]] for after in rows])
        start, found = row(mpmath.mpf(p)), mpmath.inverse(mpmath.eye(n - 1) - stay) * right
        time, survives = mpmath.matrix([start[1:n]]) * found
        return float(1 + time), float(start[n] + survives)


@pytest.mark.parametrize(("n", "tau"), [(20, 2), (70, 2), (40, 1e9)])
def test_a_step_that_holds_models_apart(n, tau):
    """E[T] is 2e16 for n = 70: I - Q is singular in doubles, and a solver for it gave noise."""
    time, survives = held_apart(0.9, n, tau)
    chain = AbsorbingChain([0.9, 0.1], n, steps.Temperature(tau))
    assert chain.expected_collapse_time() == pytest.approx(time, rel=1e-11)
    np.testing.assert_allclose(
        chain.absorption_probabilities(), [survives, 1 - survives], rtol=1e-11
    )
    assert 0.5 < survives < 0.9  # it decides, but not alone


def test_equal_tokens_survive_equally_however_long_it_takes():
    chain = AbsorbingChain([0.5, 0.5], 200, steps.Temperature(1.25))
    np.testing.assert_allclose(chain.absorption_probabilities(), 0.5, rtol=1e-11)
    times = chain.expected_times()
    assert 1e22 < times.max() < 1e23
    visits = chain.fundamental_matrix()
    assert (visits > 0).all()
    np.testing.assert_allclose(visits, visits[::-1, ::-1], rtol=1e-10)
    three = AbsorbingChain([0.25, 0.5, 0.25], 35, steps.Temperature(4.0)).absorption_probabilities()
    assert three.sum() == pytest.approx(1, rel=1e-11)
    assert three[0] == pytest.approx(three[2], rel=1e-11)


@pytest.mark.parametrize("size", [1, 2, 63, 64, 65, 130])
def test_a_walk_on_a_line_by_its_closed_form(size):
    """A fair walk: from state i of 1, ..., k it takes i (k + 1 - i) steps to leave at an end."""
    stay = (np.eye(size, k=1) + np.eye(size, k=-1)) / 2
    lower, upper = markov._factors(stay, 1 - stay.sum(axis=1))
    upper = np.triu(upper, 1) + np.eye(size)
    np.testing.assert_allclose(lower @ upper, np.eye(size) - stay, atol=1e-15)
    i = np.arange(1, size + 1)
    times = np.linalg.solve(upper, np.linalg.solve(lower, np.ones(size)))
    np.testing.assert_allclose(times, i * (size + 1 - i), rtol=1e-12)


@dataclass(frozen=True)
class Towards:
    """A toy step that gives some probability to certain tokens."""

    tokens: tuple

    def apply(self, p):
        return 0.9 * p + 0.1 * np.array(self.tokens)


@dataclass(frozen=True)
class Leaks:
    """A toy step that gives the last token what it takes from models that are no Dirac mass."""

    def apply(self, p):
        rest = (p.max(axis=-1, keepdims=True) < 1) * 0.1
        return (1 - rest) * p + rest * np.eye(p.shape[-1])[-1]


@dataclass(frozen=True)
class TwoWells:
    """A toy step: models fall back to even odds, from where a second well is almost never reached.

    Only from there they collapse; for each of the two, a float can hold how long it takes.
    """

    def apply(self, p):
        first = p[..., :1]
        odds = np.where(first > 0.1, 0.5, 0.3)
        return np.where((first == 0) | (first == 1), p, np.concatenate([odds, 1 - odds], axis=-1))


@pytest.mark.parametrize(
    ("n", "step"),
    # 2^-n has few digits, or is 0; in two wells, it is the product that is 0
    [(1070, steps.Temperature(1e9)), (1100, steps.Temperature(1e9)), (1100, TwoWells())],
)
@pytest.mark.parametrize(
    "call", ["fundamental_matrix", "expected_collapse_time", "absorption_probabilities"]
)
def test_what_takes_longer_than_a_float_can_say(n, step, call):
    chain = AbsorbingChain([0.9, 0.1], n, step)
    message = "step must let the models collapse in fewer than 10^300 generations on average"
    with pytest.raises(ValueError, match=re.escape(f"{message}, got {step} with n = {n}")):
        getattr(chain, call)()


@pytest.mark.parametrize(
    ("p", "step", "message"),
    [
        ([0.5, 0.5], Towards((0.5, 0.5)), "step must leave a Dirac mass as it is, got Towards"),
        ([0.5, 0.5, 0], Leaks(), "step must give no probability to tokens that p lacks, got Leaks"),
        ([0.5, 0.5], steps.Accept((1, 0)), "p must have a token that the filter accepts"),
        ([0.5, 0.5], "temperature", "step must be one of collapse_lib.steps"),
    ],
)
def test_steps_that_make_no_absorbing_chain(p, step, message):
    with pytest.raises(ValueError, match=message):
        AbsorbingChain(p, 3, step)


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
