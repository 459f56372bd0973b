import re
from math import inf

import mpmath
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from collapse_lib import distributions, markov, steps, theory
from collapse_lib.theory import selection

POWER_LAW = distributions.power_law(size=52, support=52, collision=0.1)
SHARES = st.floats(0.01, 0.98)


def simplex(tokens):
    weights = st.lists(st.floats(0.01, 1), min_size=tokens, max_size=tokens)
    return weights.map(lambda w: np.array(w) / sum(w))


TRUTHS = st.integers(2, 6).flatmap(simplex)


def rounds(p, step, share, number, start=None):
    """Repeat one round by the steps of the library, which the closed forms do not use."""
    q = p if start is None else start
    for _ in range(number):
        q = (1 - share) * p + share * steps.apply(step, q)
    return q


def favourite(tokens, mass):
    q = np.full(tokens, (1 - mass) / (tokens - 1))
    q[0] = mass
    return q


# The house of cards


@given(st.data(), TRUTHS, SHARES)
def test_the_house_of_cards_reproduces_itself(data, p, share):
    f = np.array(data.draw(st.lists(st.floats(0.05, 1), min_size=p.size, max_size=p.size)))
    q = theory.house_of_cards(p, f, share)
    np.testing.assert_allclose(rounds(p, steps.Accept(f), share, 1, q), q, atol=1e-12)
    assert q.sum() == pytest.approx(1)
    assert share * f.max() < f @ q + 1e-12  # the mean acceptance is above alpha max f


@pytest.mark.parametrize("share", [0.3, 0.9, 0.99])
def test_the_house_of_cards_is_where_the_rounds_end(share):
    f = np.linspace(0.2, 1, 52)
    q = theory.house_of_cards(POWER_LAW, f, share)
    for start in (POWER_LAW, np.full(52, 1 / 52), favourite(52, 0.9)):
        end = rounds(POWER_LAW, steps.Accept(f), share, 4000, start)
        np.testing.assert_allclose(end, q, atol=1e-10)
    # a share in place of the odds is another formula
    wrong = (1 - share) * POWER_LAW / (1 - share * f)
    assert np.abs(wrong / wrong.sum() - q).sum() > 0.01


def test_two_kinds_of_tokens_solve_a_quadratic():
    right, leak, share = 0.7, 0.4, 0.8
    q = theory.house_of_cards([right, 1 - right], [1, leak], share)
    # x = (1-a) r + a x / (x + e (1 - x)), times the denominator
    b = leak - share - (1 - share) * right * (1 - leak)
    c = -(1 - share) * right * leak
    roots = np.roots([1 - leak, b, c])
    assert q[0] == pytest.approx(max(roots))


def test_the_house_of_cards_at_its_ends():
    p = np.array([0.5, 0.3, 0.2, 0.0])
    assert theory.house_of_cards(p, [0.1, 0.2, 0.3, 1], 0).tolist() == p.tolist()
    best = theory.house_of_cards(p, [0.5, 0.9, 0.9, 1], 1)
    np.testing.assert_allclose(best, [0, 0.6, 0.4, 0])
    np.testing.assert_allclose(theory.house_of_cards(p, [0.4] * 4, 0.9), p, atol=1e-12)
    np.testing.assert_allclose(theory.house_of_cards([1.0, 0], [0.4, 1], 0.9), [1, 0])
    almost = theory.house_of_cards(p, [0.5, 0.9, 0.9, 1], 1 - 1e-9)
    np.testing.assert_allclose(almost, best, atol=1e-7)


# Temperature


@pytest.mark.parametrize(("share", "distance"), [(0.5, 0.143), (0.9, 1.125), (0.99, 1.454)])
def test_known_distances_at_temperature_nine_tenths(share, distance):
    q = theory.temperature_limit(POWER_LAW, 0.9, share)
    assert np.abs(q - POWER_LAW).sum() == pytest.approx(distance, abs=5e-4)
    np.testing.assert_allclose(q, rounds(POWER_LAW, steps.Temperature(0.9), share, 3000), atol=1e-9)


@given(TRUTHS, st.floats(0.3, 3), SHARES)
@settings(deadline=None)
def test_the_limit_reproduces_itself(p, tau, share):
    assume(abs(share - tau) > 0.02)
    q = theory.temperature_limit(p, tau, share)
    np.testing.assert_allclose(rounds(p, steps.Temperature(tau), share, 1, q), q, atol=1e-12)


@given(st.data(), TRUTHS, st.floats(0.3, 3), SHARES)
def test_every_round_climbs_by_the_relative_entropy_at_least(data, p, tau, share):
    q = data.draw(simplex(p.size))
    after = rounds(p, steps.Temperature(tau), share, 1, q)

    def hill(q):
        return (1 - share) * p @ np.log(q) + share * tau * np.log((q ** (1 / tau)).sum())

    climbed, entropy = hill(after) - hill(q), after @ np.log(after / q)
    assert climbed >= entropy - 1e-12


@given(st.floats(0.01, 0.99), st.floats(0.2, 0.99), st.floats(0.02, 0.999))
@example(0.5, 0.9, 0.999)
@settings(deadline=None)
def test_two_tokens_have_one_limit_where_the_share_is_below_the_temperature(x, tau, below):
    p, share = np.array([x, 1 - x]), tau * below
    ends = [theory.temperature_limit(p, tau, share, favourite(2, y))[0] for y in (1e-9, 1 - 1e-9)]
    assert ends[0] == pytest.approx(ends[1], abs=1e-8)


@pytest.mark.parametrize("tokens", [2, 3, 10, 52])
@pytest.mark.parametrize("tau", [0.6, 0.9])
def test_the_uniform_distribution_holds_below_the_threshold_and_not_above(tokens, tau):
    even = np.full(tokens, 1 / tokens)
    pushed = favourite(tokens, 1 / tokens + 1e-6)
    take_over, _ = theory.temperature_threshold(tokens, tau)
    held = theory.temperature_limit(even, tau, take_over - 0.02, pushed)
    lost = theory.temperature_limit(even, tau, take_over + 0.02, pushed)
    assert np.abs(held - even).max() < 1e-9
    assert lost[0] > 1.15 / tokens
    # neither the share of real data nor the square root of tau is where it happens
    for wrong in (1 - take_over, np.sqrt(take_over)):
        grows = rounds(even, steps.Temperature(tau), wrong, 1, pushed)[0] > pushed[0]
        assert grows == (wrong > take_over)


@pytest.mark.parametrize("tokens", [3, 10, 52])
@pytest.mark.parametrize("tau", [0.6, 0.9])
def test_a_favourite_stays_above_the_second_threshold_and_not_below(tokens, tau):
    even = np.full(tokens, 1 / tokens)
    take_over, recover = theory.temperature_threshold(tokens, tau)
    assert recover < take_over
    start = favourite(tokens, 0.99) + np.random.default_rng(1).uniform(0, 1e-3, tokens)
    start /= start.sum()  # beside the line of models with one favourite, on which the formula looks
    back = theory.temperature_limit(even, tau, recover - 1e-3, start)
    assert np.abs(back - even).max() < 1e-8
    stays = theory.temperature_limit(even, tau, recover + 1e-3, start)
    assert stays[0] > 1.15 / tokens


def test_thresholds_at_their_ends():
    assert theory.temperature_threshold(2, 0.7) == (0.7, 0.7)
    assert theory.temperature_threshold(9, 1) == (1, 1)
    take_over, recover = theory.temperature_threshold(1000, 0.05)
    assert 0 < recover < take_over == 0.05


@pytest.mark.parametrize("tau", [5e-4, 1e-4, 1e-8])
def test_the_second_threshold_of_a_low_temperature(tau):
    """A favourite needs odds of about exp(tau) only, which a fixed grid did not see."""
    even, step = np.full(3, 1 / 3), steps.Temperature(tau)
    take_over, recover = theory.temperature_threshold(3, tau)
    assert take_over == tau
    below, above = (rounds(even, step, recover * x, 1000, favourite(3, 0.9)) for x in (0.99, 1.01))
    assert np.abs(below - even).max() < 1e-4 * tau
    assert above[0] - 1 / 3 > 0.1 * tau


def test_synthetic_data_alone_ends_on_the_likeliest_tokens_or_on_all():
    p = [0.4, 0.4, 0.2, 0.0]
    assert theory.temperature_limit(p, 0.9, 1).tolist() == [0.5, 0.5, 0, 0]
    np.testing.assert_allclose(theory.temperature_limit(p, 1.1, 1), [1 / 3, 1 / 3, 1 / 3, 0])
    np.testing.assert_allclose(theory.temperature_limit(p, 1, 1), p)
    end = rounds(np.array(p), steps.Temperature(0.9), 1, 300)
    np.testing.assert_allclose(end, [0.5, 0.5, 0, 0], atol=1e-9)


def test_at_the_threshold_patience_ends(monkeypatch):
    monkeypatch.setattr(selection, "MOST_ROUNDS", 100)
    with pytest.raises(RuntimeError, match="no limit was reached in 100 rounds"):
        theory.temperature_limit([0.5, 0.5], 0.9, 0.9, start=[0.9, 0.1])


# Nucleus


@pytest.mark.parametrize(("mass", "left"), [(0.9, 4), (0.95, 6), (0.99, 22)])
def test_known_numbers_of_tokens_that_nucleus_sampling_leaves(mass, left):
    q = theory.nucleus_limit(POWER_LAW, mass)
    assert np.count_nonzero(q) == left
    end = rounds(POWER_LAW, steps.Nucleus(mass), 1, 60)
    np.testing.assert_allclose(q, end, atol=1e-12)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(1, 99))
def test_nucleus_sampling_ends_at_its_limit_and_below_its_bound(weights, percent):
    p, mass = np.array(weights) / sum(weights), percent / 100
    q = theory.nucleus_limit(p, mass)
    np.testing.assert_allclose(rounds(p, steps.Nucleus(mass), 1, 40), q, atol=1e-9)
    left = np.count_nonzero(q)
    assert left == 1 or left * (1 - mass) < 1 + 1e-9


def test_a_nucleus_of_everything_leaves_everything():
    assert theory.nucleus_limit([0.2, 0.8], 1).tolist() == [0.2, 0.8]


@pytest.mark.parametrize("p", [[1 - 1e-14, 5e-15, 5e-15], [0.3, 1e-300, 0.7]])
def test_a_nucleus_of_everything_keeps_the_rarest(p):
    assert theory.nucleus_limit(p, 1).tolist() == list(steps.Nucleus(1).apply(p)) == p


# Survival of two tokens


@pytest.mark.parametrize("advantage", [0.005, -0.005, 0.02, 0.0])
def test_kimura_is_near_the_chain(advantage):
    n = 400
    accept = (1.0, 1 / (1 + advantage)) if advantage >= 0 else (1 + advantage, 1.0)
    chain = markov.AbsorbingChain([0.05, 0.95], n, step=steps.Accept(accept))
    exact = from_model(chain)
    x = chain.states[: chain.transient, 0] / n
    kimura = theory.survival_with_filter(x, n, advantage)
    assert np.abs(kimura - exact).max() < 0.008
    assert theory.survival_with_filter(1.0, n, advantage) == 1
    if advantage:  # one gene copy for each sample, not two
        assert np.abs(theory.survival_with_filter(x, 2 * n, advantage) - exact).max() > 0.03


def test_kimura_for_a_slightly_favoured_token():
    assert theory.survival_with_filter(0.05, 400, 0.005) == pytest.approx(0.1847, abs=5e-5)
    chain = markov.AbsorbingChain([0.05, 0.95], 400, step=steps.Accept((1, 1 / 1.005)))
    at = np.flatnonzero(chain.states[:, 0] == 20)[0]
    assert from_model(chain)[at] == pytest.approx(0.1843, abs=5e-5)


@pytest.mark.parametrize("c", [1, 3, -1])
def test_survival_with_a_temperature_is_near_the_chain(c):
    n = 400
    tau = 1 / (1 + c / n)
    chain = markov.AbsorbingChain([0.05, 0.95], n, step=steps.Temperature(tau))
    exact = from_model(chain)
    x = chain.states[: chain.transient, 0] / n
    found = np.array([theory.survival_with_temperature(y, n, tau) for y in x])
    assert np.abs(found - exact).max() < 0.002
    assert np.abs(x - exact).max() > 0.03  # what survives without the temperature


def from_model(chain):
    """Return how likely token 0 is to survive, from each transient model."""
    into = chain.transition_matrix.toarray()[: chain.transient, chain.transient]
    return chain.fundamental_matrix() @ into


@given(st.floats(0, 1), st.floats(-0.9, 50))
def test_survival_is_a_probability_and_increases(x, advantage):
    low, high = theory.survival_with_filter(np.array([x / 2, x]), 300, advantage)
    assert 0 <= low <= high <= 1


@pytest.mark.parametrize("advantage", [-0.5, -1e-3, -5.96e-8, 5.96e-8, 1e-3, 0.5])
@pytest.mark.parametrize("p", [1e-9, 0.3, 1 - 1e-9, 1.0])
def test_survival_loses_no_digits_to_a_small_advantage(p, advantage):
    with mpmath.workdps(60):
        strength = 2 * 400 * mpmath.mpf(advantage)
        exact = float(mpmath.expm1(-strength * p) / mpmath.expm1(-strength))
    assert theory.survival_with_filter(p, 400, advantage) == pytest.approx(exact, rel=1e-12)
    assert theory.survival_with_filter(1.0, 400, advantage) == 1


def test_strong_temperatures_do_not_overflow():
    assert theory.survival_with_temperature(0.4, 10**5, 0.5) == pytest.approx(0, abs=1e-12)
    assert theory.survival_with_temperature(0.5, 10**5, 0.5) == pytest.approx(0.5)


def survival(p, c):
    """Integrate in many digits over pieces that shrink towards both ends."""
    with mpmath.workdps(30):
        p, c = mpmath.mpf(p), mpmath.mpf(c)

        def density(x):
            entropy = -x * mpmath.log(x) - (1 - x) * mpmath.log1p(-x) if 0 < x < 1 else 0
            return mpmath.exp(2 * c * entropy - max(2 * c * mpmath.log(2), 0))

        cuts = {mpmath.mpf(2) ** -k for k in range(2, 31, 4)}
        cuts |= {end + sign * x for x in cuts for end, sign in ((p, -1), (p, 1), (1, -1), (0.5, 1))}
        cuts |= {1 - x for x in cuts} | {0, p, 0.5, 1}
        cuts = sorted(x for x in cuts if 0 <= x <= 1)
        left, right = [x for x in cuts if x <= p], [x for x in cuts if x >= p]
        below, above = (mpmath.quad(density, x, maxdegree=4) for x in (left, right))
        return float(below / (below + above))


@pytest.mark.parametrize(
    ("p", "n", "tau"),
    [
        (0.05, 10**4, 1.1),
        (1e-5, 3000, 2),
        (0.9999, 10**4, 3),
        (0.3, 300, 0.9),
        (0.4999, 10**6, 0.9),
    ],
)
def test_strong_temperatures_lose_no_digits(p, n, tau):
    c = n * (1 / mpmath.mpf(tau) - 1)
    found = theory.survival_with_temperature(p, n, tau)
    assert found == pytest.approx(survival(p, c), rel=1e-10)
    assert theory.survival_with_temperature(1 - p, n, tau) == pytest.approx(1 - found, abs=1e-12)


@pytest.mark.parametrize("n", [1, 3000, 10**4, 10**6, 2**62])
@pytest.mark.parametrize("tau", [5e-324, 0.5, 2, 1e300])
def test_survival_is_even_by_symmetry(n, tau):
    survives = [theory.survival_with_temperature(p, n, tau) for p in (0, 0.3, 0.5, 0.7, 1)]
    assert [survives[i] for i in (0, 2, 4)] == [0, 0.5, 1]
    assert 0 <= survives[1] <= 0.5 <= survives[3] <= 1
    assert survives[1] + survives[3] == pytest.approx(1)
    if n > 1000:  # all is decided; held apart, the models forget who was ahead
        assert survives[1] == pytest.approx(0.5 if tau > 1 else 0, abs=1e-9)


@pytest.mark.parametrize("p", [0.0, 1e-9, 0.5, 1.0])
def test_survival_with_the_largest_advantage(p):
    assert theory.survival_with_filter(p, 2**62, 1e300) == (p > 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.house_of_cards([0.5, 0.5], [1], 0.5), "accept must have shape (2,)"),
        (lambda: theory.house_of_cards([1.0, 0], [0, 1], 0.5), "accept a token that occurs"),
        (lambda: theory.house_of_cards([1.0], [1], 1.5), "share must be a number from 0 to 1"),
        (lambda: theory.house_of_cards([1.0], [2], 0.5), "accept must hold numbers from 0 to 1"),
        (lambda: theory.temperature_limit([1.0], 0, 0.5), "tau must be a finite number above 0"),
        (lambda: theory.temperature_limit([1.0], 1, 2), "share must be a number from 0 to 1"),
        (lambda: theory.temperature_limit([1.0], 1, 1, [0.5, 0.5]), "start must have shape (1,)"),
        (lambda: theory.temperature_threshold(1, 0.5), "tokens must be an integer of at least 2"),
        (lambda: theory.temperature_threshold(2, 0), "tau must be above 0"),
        (lambda: theory.temperature_threshold(2, 1.5), "tau must be a number from 0 to 1"),
        (lambda: theory.nucleus_limit([1.0], 0), "mass must be above 0"),
        (lambda: theory.nucleus_limit([1.0], 1.1), "mass must be a number from 0 to 1"),
        (lambda: theory.survival_with_filter(2, 5, 0.1), "p must hold numbers from 0 to 1"),
        (lambda: theory.survival_with_filter(0.5, 5, -inf), "advantage must be a number from -1"),
        (
            lambda: theory.survival_with_filter(0.5, 10, -1),
            "advantage must be finite and above -1, got -1.0",
        ),
        (
            lambda: theory.survival_with_filter(0, 10, inf),
            "advantage must be finite and above -1, got inf",
        ),
        (lambda: theory.survival_with_temperature(0.5, 0, 1), "n must be an integer of at least 1"),
        (lambda: theory.survival_with_temperature(1.5, 2, 1), "p must be a number from 0 to 1"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
