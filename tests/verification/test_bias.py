"""Smoothing: closed forms, all outcomes, SymPy and simulation of the same few generations."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from scipy.special import logsumexp, softmax

from collapse_lib import recursion, symbolic, theory
from collapse_lib.learners import features
from collapse_lib.learners.counting import Counting
from collapse_lib.schedules import FullySynthetic, PartiallySynthetic
from tests.verification import enumeration

P = (Fraction(3, 5), Fraction(3, 10), Fraction(1, 10))
FLOATS = [float(x) for x in P]
REPLICATES = 3000
WIDTH = 4.5


def smoothed(counts, a):
    """Return the model of a corpus, with a / s made-up counts added to every token."""
    return tuple((k + Fraction(a, len(counts))) / (sum(counts) + a) for k in counts)


def alone(p, n, a, generations):
    """Return the distributions of p^(1), p^(2), ... with smoothing."""
    laws, law = [], {tuple(p): Fraction(1)}
    for _ in range(generations):
        after = {}
        for model, weight in law.items():
            for counts, probability in enumeration.outcomes(model, n):
                key = smoothed(counts, a)
                after[key] = after.get(key, 0) + weight * probability
        law = after
        laws.append(law)
    return laws


def mixed(p, real, synthetic, a, generations):
    """Return the distributions of (counts of the kept corpus, p^(m)) for m = 1, 2, ..."""
    law = {(c, smoothed(c, a)): weight for c, weight in enumeration.outcomes(tuple(p), real)}
    laws = [law]
    for _ in range(generations - 1):
        after = {}
        for (corpus, model), weight in law.items():
            for counts, probability in enumeration.outcomes(model, synthetic):
                key = corpus, smoothed([x + y for x, y in zip(corpus, counts, strict=True)], a)
                after[key] = after.get(key, 0) + weight * probability
        law = after
        laws.append(law)
    return laws


@pytest.mark.parametrize("a", [1, 3, Fraction(1, 2)])
def test_collision_probability_of_all_outcomes_alone(a):
    solution = symbolic.expected_collision_smoothed()
    for m, law in enumerate(alone(P, 4, a, 3), start=1):
        exact = enumeration.mean(law, enumeration.collision)
        assert theory.expected_collision_smoothed(m, 4, P, a) == exact
        numbers = {
            symbolic.lam: sp.Rational(a.numerator, a.denominator) / (4 + a),
            symbolic.S0: sp.Rational(46, 100),
            symbolic.support: 3,
            symbolic.n: 4,
            symbolic.m: m,
        }
        assert solution.subs(numbers) == sp.Rational(exact.numerator, exact.denominator)
        lam = Fraction(a) / (4 + a)
        for i, p in enumerate(P):
            mean = Fraction(1, 3) + (1 - lam) ** m * (p - Fraction(1, 3))
            assert enumeration.mean(law, lambda model, i=i: model[i]) == mean


@pytest.mark.parametrize(("real", "synthetic", "a"), [(3, 2, 1), (2, 3, 3)])
def test_all_outcomes_with_a_kept_corpus(real, synthetic, a):
    weight = Fraction(a, real + a)
    for m, law in enumerate(mixed(P, real, synthetic, a, 3), start=1):
        exact = enumeration.mean(law, lambda state: enumeration.collision(state[1]))
        assert theory.expected_collision_mixed_smoothed(m, real, synthetic, P, a) == exact
        # The weight of the uniform distribution stays exactly that of generation 1.
        for corpus in {state[0] for state in law}:
            given = {state[1]: w for state, w in law.items() if state[0] == corpus}
            total = sum(given.values())
            for i, count in enumerate(corpus):
                mean = sum(w * model[i] for model, w in given.items()) / total
                assert mean == (1 - weight) * Fraction(count, real) + weight / 3


@pytest.mark.parametrize("schedule", [FullySynthetic(4), PartiallySynthetic(3, 2)], ids=str)
def test_simulation(schedule):
    runs = recursion.simulate(FLOATS, schedule, 3, 20_000, rng=5, pseudocounts=3)
    collision = runs.collision[:, 3]
    error = stats.sem(collision)
    if schedule == FullySynthetic(4):
        exact = theory.expected_collision_smoothed(3, 4, FLOATS, 3)
        wrong = theory.expected_collision_smoothed(3, 4, FLOATS, 2)
    else:
        exact = theory.expected_collision_mixed_smoothed(3, 3, 2, FLOATS, 3)
        wrong = theory.expected_collision_mixed_smoothed(3, 3, 2, FLOATS, 2)
    assert abs(collision.mean() - exact) < WIDTH * error
    assert abs(collision.mean() - wrong) > WIDTH * error


def test_after_many_generations_the_truth_is_forgotten():
    """Two starts that share all randomness but the first corpus end in one distribution."""
    n, a, m = 6, 3, 25
    models = np.arange(n + 1) / n * (n / (n + a)) + a / (n + a) / 2
    step = stats.binom.pmf(np.arange(n + 1), n, models[:, None])
    laws = [stats.binom.pmf(np.arange(n + 1), n, x) for x in (0.999, 0.1)]
    keep = n / (n + a)
    for generation in range(1, m + 1):
        apart = np.abs(laws[0] - laws[1]).sum() / 2
        assert apart <= n * keep ** (generation - 1) + 1e-12
        laws = [law @ step for law in laws]
    assert apart < 1e-3
    level = (laws[0] * (models**2 + (1 - models) ** 2)).sum()
    lam = symbolic.smoothed_limit().subs({symbolic.lam: sp.Rational(1, 3), symbolic.n: 6})
    assert level == pytest.approx(float(lam.subs(symbolic.support, 2)), abs=1e-4)


def test_models_drawn_from_their_posterior_end_at_the_prior():
    """They have the stationary distribution Dirichlet(A q), whatever n; posterior means do not."""
    n, prior, runs = 5, np.array([1.5, 0.5]), 20_000
    rng = np.random.default_rng(3)
    model, mean = np.full(runs, 0.95), np.full(runs, 0.95)
    for _ in range(60):
        counts = rng.binomial(n, model)
        model = rng.beta(prior[0] + counts, prior[1] + n - counts)
        mean = (prior[0] + rng.binomial(n, mean)) / (n + prior.sum())
    assert stats.kstest(model, stats.beta(*prior).cdf).pvalue > 0.001
    assert stats.kstest(mean, stats.beta(*prior).cdf).pvalue < 1e-9


@pytest.mark.parametrize(("n", "a"), [(10, 2)])
def test_entropies_that_rise(n, a):
    """Add-one smoothing, truth (.9, .1): the expected entropy grows in every generation."""
    models = (np.arange(n + 1) + a / 2) / (n + a)
    step = stats.binom.pmf(np.arange(n + 1), n, models[:, None])
    law, found = stats.binom.pmf(np.arange(n + 1), n, 0.9), []
    for _ in range(10):
        found.append(law @ stats.entropy([models, 1 - models]))
        law = law @ step
    assert found[:3] == pytest.approx([0.4287, 0.4911, 0.5293], abs=5e-5)
    assert found[9] == pytest.approx(0.5902, abs=5e-5)
    assert np.all(np.diff(found) > 0)
    learner = Counting(2, pseudocounts=a)
    runs = [
        list(recursion.run(learner, [0.9, 0.1], FullySynthetic(n), 3, rng))[3]
        for rng in np.random.default_rng(8).spawn(REPLICATES)
    ]
    entropies = stats.entropy(np.array(runs), axis=1)
    error = entropies.std(ddof=1) / np.sqrt(REPLICATES)
    assert abs(entropies.mean() - found[2]) < WIDTH * error


@dataclass(frozen=True)
class Push:
    """A step with exactly this bias: probability goes from the first token to the second."""

    bias: float

    def apply(self, q):
        moved = np.minimum(q[..., 0], self.bias / 2)[..., None]
        return q + moved * np.array([-1.0, 1.0, 0.0])


@pytest.mark.parametrize(("real", "synthetic"), [(20, 20), (50, 100), (1000, 4000)])
def test_finite_samples_add_their_noise_to_the_ceiling(real, synthetic):
    bias, replicates = 0.05, 2000
    schedule = PartiallySynthetic(real, synthetic)
    runs = recursion.simulate(FLOATS, schedule, 40, replicates, 3, Push(bias))
    noise = np.sqrt(2 / synthetic)  # three tokens
    ceiling = theory.bias_ceiling(bias, real, synthetic)
    assert runs.l1_from_first.mean(axis=0)[1:].max() <= ceiling + synthetic / real * noise
    if real == 1000:  # the bias alone explains the distance, and a half of it does not
        far = runs.l1_from_first[:, 40].mean()
        assert far == pytest.approx(ceiling, rel=0.1)


# Weight decay


def decayed(target, decay):
    """Return the logits of training on a target with weight decay, by a general minimiser."""

    def loss(w):
        return logsumexp(w) - target @ w + decay / 2 * w @ w

    def slope(w):
        return softmax(w) + decay * w - target

    start = np.zeros(target.size)
    return optimize.minimize(loss, start, jac=slope, method="BFGS", options={"gtol": 1e-9}).x


WEIGHTS = st.lists(st.floats(0.02, 1), min_size=2, max_size=4)


@given(WEIGHTS, st.data(), st.floats(0.02, 0.5), st.floats(0.05, 0.95))
def test_weight_decay_is_a_contraction_to_training_once(weights, data, decay, share):
    p = np.array(weights) / sum(weights)
    other = np.array(data.draw(st.lists(st.floats(0.02, 1), min_size=p.size, max_size=p.size)))
    end = softmax(decayed(p, decay / (1 - share)))
    again = softmax(decayed((1 - share) * p + share * end, decay))
    np.testing.assert_allclose(again, end, atol=1e-6)
    q = other / other.sum()
    after = softmax(decayed((1 - share) * p + share * q, decay))
    assert np.linalg.norm(after - end) <= share * np.linalg.norm(q - end) + 1e-6
    plain = softmax(decayed(p, decay))  # training once without more decay is another model
    if share > 0.5 and np.ptp(p) > 0.2:
        assert np.abs(plain - end).max() > 1e-3


@pytest.mark.parametrize("decay", [0.05, 0.5])
def test_close_to_the_uniform_distribution_all_logits_shrink_alike(decay):
    w = np.array([3e-4, 1e-4, -4e-4])
    after = decayed(softmax(w), decay)
    np.testing.assert_allclose(after, w / (1 + 3 * decay), rtol=2e-3)


def test_weight_decay_alone_ends_in_the_uniform_distribution():
    q = np.array([0.7, 0.2, 0.1])
    for _ in range(200):
        q = softmax(decayed(q, 0.1))
    np.testing.assert_allclose(q, 1 / 3, atol=1e-4)


@pytest.mark.parametrize(("share", "weight"), [(0.5, 0.1), (0.9, 0.1), (0.9, 0.01)])
def test_a_fixed_weight_of_smoothing_is_paid_in_every_generation(share, weight):
    p, even = np.array(FLOATS), np.full(3, 1 / 3)
    q = (1 - weight) * p + weight * even
    for _ in range(2000):
        q = (1 - weight) * ((1 - share) * p + share * q) + weight * even
    found = (q - p)[0] / (even - p)[0]
    assert found == pytest.approx(weight / (1 - share * (1 - weight)))
    assert found > 1.8 * weight


# Too few weights


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_too_few_weights_raise_the_entropy_once(seed, samples):
    """All outcomes for three contexts and two features: on average the entropy falls."""
    rng = np.random.default_rng(seed)
    table = features.gaussian(3, 2, rng)
    truth = rng.dirichlet([0.6, 0.6], size=3)
    first = features.project(table, truth, [1 / 3] * 3)

    def entropy(p):
        return stats.entropy(p, axis=-1).mean(axis=-1)

    lost = features.divergence(truth, first, [1 / 3] * 3)
    assert entropy(first) - entropy(truth) == pytest.approx(lost, abs=1e-6)
    counts = np.array(list(product(range(samples + 1), repeat=3)))
    chances = stats.binom.pmf(counts, samples, first[:, 0]).prod(axis=1)
    models = features.fit(table, np.stack([counts, samples - counts], axis=-1))
    assert chances @ entropy(models) <= entropy(first) + 1e-9
    # each model has the largest entropy among all tables with its moments: that of the counts
    assert (entropy(models) >= entropy(np.stack([counts, samples - counts], -1)) - 1e-6).all()
    # smoothing is another training, and raises it where models are peaked
    smoothed = (models + 9 / 2) / 10
    assert chances @ entropy(smoothed) > entropy(first)
