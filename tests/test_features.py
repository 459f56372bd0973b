"""Softmax models of limited size: the fit, its limits, and what unseen tokens get."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from collapse_lib import recursion, schedules
from collapse_lib.learners import features


@st.composite
def worlds(draw, most_contexts=8):
    """Features, true conditionals and shares; d < c."""
    contexts = draw(st.integers(2, most_contexts))
    dimension, tokens = draw(st.integers(1, contexts - 1)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    e = features.gaussian(contexts, dimension, rng)
    p = softmax(rng.standard_normal((contexts, tokens)), axis=1)
    return e, p, rng.dirichlet(np.full(contexts, 3.0)), rng


def moments(e, conditionals, weights):
    return np.einsum("j,jd,...jk->...dk", weights, e, conditionals)


@settings(deadline=None, max_examples=60)
@given(worlds())
def test_projection_matches_the_moments_and_is_of_the_class(world):
    e, p, q, _ = world
    best = features.project(e, p, q)
    np.testing.assert_allclose(moments(e, best, q), moments(e, p, q), atol=1e-10)
    logits = np.log(best)
    logits -= logits[:, :1]
    left = logits - e @ np.linalg.lstsq(e, logits, rcond=None)[0]
    np.testing.assert_allclose(left, 0, atol=1e-8)


@pytest.mark.paper("Section 5", check="independent")
@settings(deadline=None, max_examples=60)
@given(worlds(), st.sampled_from([0.01, 0.1, 1.0, 5.0]))
def test_pythagoras_on_random_models(world, scale):
    e, p, q, rng = world
    best = features.project(e, p, q)
    model = softmax(scale * e @ rng.standard_normal((e.shape[1], p.shape[1])), axis=1)
    whole = features.divergence(p, model, q)
    parts = features.divergence(p, best, q) + features.divergence(best, model, q)
    assert abs(whole - parts) < 1e-12 * max(1, whole)


def test_pythagoras_fails_for_another_model_than_the_best():
    rng = np.random.default_rng(0)
    e, q = features.gaussian(6, 2, rng), np.full(6, 1 / 6)
    p = softmax(rng.standard_normal((6, 3)), axis=1)
    model, other = (softmax(e @ rng.standard_normal((2, 3)), axis=1) for _ in range(2))
    parts = features.divergence(p, other, q) + features.divergence(other, model, q)
    assert abs(features.divergence(p, model, q) - parts) > 1e-3


@settings(deadline=None, max_examples=40)
@given(worlds())
def test_projection_of_a_projection_is_itself(world):
    e, p, q, _ = world
    best = features.project(e, p, q)
    np.testing.assert_allclose(features.project(e, best, q), best, atol=1e-9)
    assert features.divergence(p, best, q) > 0


@pytest.mark.parametrize("seed", range(4))
def test_fit_is_the_maximum_that_scipy_finds(seed):
    rng = np.random.default_rng(seed)
    e, counts = features.gaussian(7, 3, rng), rng.integers(1, 9, (7, 4))

    def loss(flat):
        return -(counts * log_softmax(e @ flat.reshape(3, 4), axis=1)).sum()

    found = minimize(loss, np.zeros(12), method="BFGS", options={"gtol": 1e-6})
    np.testing.assert_allclose(
        features.fit(e, counts), softmax(e @ found.x.reshape(3, 4), axis=1), atol=1e-5
    )


@pytest.mark.paper("Section 5", check="independent")
@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.integers(2, 5), st.integers(0, 2**32))
def test_as_many_features_as_contexts_are_counting(contexts, tokens, seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 9, (contexts, tokens)) + np.eye(tokens)[0]
    e = features.gaussian(contexts, contexts, rng)
    frequencies = counts / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(features.fit(e, counts), frequencies, atol=1e-12)
    np.testing.assert_allclose(features.fit(np.eye(contexts), counts), frequencies, atol=1e-12)
    # Newton's method, which fit passes over here, comes to the same
    by_steps, shares = np.empty(counts.shape), counts / counts.sum()
    features._newton(np.linalg.qr(e)[0], shares, by_steps)
    np.testing.assert_allclose(by_steps, frequencies, atol=1e-9)


def test_a_context_without_samples_is_uniform_under_counting():
    model = features.fit(np.eye(2), [[0, 0], [1, 3]])
    assert model.tolist() == [[0.5, 0.5], [0.25, 0.75]]


def test_a_batch_is_its_fits_one_by_one():
    rng = np.random.default_rng(5)
    e, counts = features.gaussian(6, 3, rng), rng.integers(0, 9, (2, 3, 6, 4))
    batch = features.fit(e, counts)
    for i in np.ndindex(2, 3):
        np.testing.assert_array_equal(batch[i], features.fit(e, counts[i]))


@pytest.mark.parametrize("seed", range(6))
def test_predictions_converge_where_the_maximum_is_not_attained(seed):
    """The likelihood reaches the supremum of ever better models, and the moments match."""
    rng = np.random.default_rng(seed)
    e = np.hstack([features.gaussian(8, 3, rng), np.ones((8, 1))])
    counts = rng.integers(0, 3, (8, 4))
    counts[:, 2], counts[0] = 0, [0, 0, 0, 50]
    model = features.fit(e, counts)
    assert np.isfinite(model).all()
    assert model[:, 2].max() < 1e-9
    share = counts.sum(axis=1) / counts.sum()
    gap = moments(e, model, share) - np.einsum("jd,jk->dk", e, counts) / counts.sum()
    assert abs(gap).max() < 1e-10

    def loss(flat):
        return -(counts * log_softmax(e @ flat.reshape(4, 4), axis=1)).sum() / counts.sum()

    rough = minimize(loss, np.zeros(16), method="L-BFGS-B", options={"maxiter": 5000}).fun
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(counts > 0, np.log(model), 0)
    reached = -(counts * logs).sum() / counts.sum()
    assert reached <= rough + 1e-9


def test_units_of_features_do_not_matter():
    rng = np.random.default_rng(6)
    e, counts = features.gaussian(6, 3, rng), rng.integers(1, 9, (6, 4))
    for mixed in (1e6 * e, e @ rng.standard_normal((3, 3)), np.hstack([e, e])):
        np.testing.assert_allclose(features.fit(mixed, counts), features.fit(e, counts), atol=1e-9)


@pytest.mark.parametrize("seed", range(30))
def test_half_space_criterion_against_the_fit(seed):
    rng = np.random.default_rng(seed)
    contexts = int(rng.integers(4, 11))
    e = features.gaussian(contexts, int(rng.integers(2, contexts)), rng)
    counts = rng.integers(3, 15, (contexts, 4))
    counts[:, 3] = 0
    unseen = features.fit(e, counts)[:, 3]
    if features.unseen_vanishes(e):
        assert unseen.max() < 1e-9
    else:
        assert unseen.min() > 1e-7


def test_both_outcomes_of_the_criterion_occur():
    rng = np.random.default_rng(7)
    seen = {features.unseen_vanishes(features.gaussian(8, 4, rng)) for _ in range(20)}
    assert seen == {True, False}


def test_without_general_position_there_is_a_middle_way():
    e = [[1, 0], [-1, 0], [0, 1]]
    assert features.contexts_without(e).tolist() == [False, False, True]
    assert not features.unseen_vanishes(e)
    unseen = features.fit(e, [[3, 4, 0], [2, 5, 0], [6, 1, 0]])[:, 2]
    assert (unseen < 1e-9).tolist() == [False, False, True]


@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 2**32))
@settings(deadline=None, max_examples=30)
def test_a_constant_feature_makes_unseen_tokens_vanish(contexts, dimension, seed):
    e = features.gaussian(contexts, dimension, seed)
    assert features.unseen_vanishes(np.hstack([e, np.full((contexts, 1), 0.5)]))
    assert not features.unseen_vanishes(np.vstack([e, -e[:1]]))


@pytest.mark.parametrize(("contexts", "dimension"), [(5, 2), (8, 4), (9, 6), (3, 5)])
def test_wendels_probability_against_random_features(contexts, dimension):
    rng, tries = np.random.default_rng(8), 400
    free = np.mean(
        [
            features.unseen_vanishes(features.gaussian(contexts, dimension, rng))
            for _ in range(tries)
        ]
    )
    chance = features.half_space_probability(contexts, dimension)
    assert abs(free - chance) <= 4 * np.sqrt(chance * (1 - chance) / tries)
    if dimension < contexts:  # not the formula with one term too few
        wrong = features.half_space_probability(contexts, dimension - 1)
        assert abs(free - wrong) > 4 * np.sqrt(chance * (1 - chance) / tries)


@given(st.integers(1, 60))
def test_wendels_probability_is_a_half_at_half_as_many_features(dimension):
    assert features.half_space_probability(2 * dimension, dimension) == 0.5
    assert features.half_space_probability(dimension, dimension) == 1


def test_effective_parameters_of_a_truth_in_the_class_are_the_weights():
    rng = np.random.default_rng(9)
    e = features.gaussian(8, 3, rng)
    p = softmax(e @ rng.standard_normal((3, 4)), axis=1)
    q = rng.dirichlet(np.full(8, 3.0))
    assert features.effective_parameters(e, p, q) == pytest.approx(9)


def sandwich(e, p, q):
    """Return tr(I^-1 J) written out, with all s d weights, for the p* that SciPy finds."""
    tokens = p.shape[1]

    def loss(flat):
        logs = log_softmax(e @ flat.reshape(-1, tokens), axis=1)
        return -(q[:, None] * p * logs).sum()

    found = minimize(loss, np.zeros(e.shape[1] * tokens), options={"gtol": 1e-10})
    best = softmax(e @ found.x.reshape(-1, tokens), axis=1)
    information, spread = 0, 0
    for j, row in enumerate(e):
        for k in range(tokens):
            score = np.outer(row, np.eye(tokens)[k] - best[j]).ravel()
            information = information + q[j] * best[j, k] * np.outer(score, score)
            spread = spread + q[j] * p[j, k] * np.outer(score, score)
    return np.trace(np.linalg.pinv(information, rcond=1e-6, hermitian=True) @ spread)


@pytest.mark.parametrize(
    "p",
    [
        [[0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]],
        [[0.8, 0.2, 0.0], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]],
        [[0.5, 0.5, 0.0], [0.3, 0.7, 0.0], [0.9, 0.1, 0.0]],  # p* gives the third token something
    ],
)
def test_effective_parameters_are_the_sandwich_formula(p):
    e, p, q = np.array([[1.0], [3.0], [-1.0]]), np.array(p), np.array([0.5, 0.3, 0.2])
    expected = sandwich(e, p, q)
    assert features.effective_parameters(e, p, q) == pytest.approx(expected, abs=1e-5)
    assert abs(expected - 2) > 1e-3  # not just the number of weights


@pytest.mark.parametrize(
    ("e", "p", "expected"),
    [
        (np.eye(2), [[1, 0], [0.5, 0.5]], 1),  # nothing to learn in the first context
        (np.eye(2), [[0.5, 0.5, 0], [0.3, 0.3, 0.4]], 3),
        (np.eye(2), [[0.5, 0.5, 0], [0.3, 0.7, 0]], 2),
        (np.eye(2), [[0, 1], [0, 1]], 0),
        ([[1.0], [1.0]], [[0.7, 0.3, 0], [0.7, 0.3, 0]], 1),
        ([[1.0], [1.0]], [[0.9, 0.1, 0], [0.5, 0.5, 0]], 1),
        ([[1, 0, 0], [0, 1, 1]], [[0.9, 0.1], [0.5, 0.5]], 2),  # the rank counts, not 3 features
        ([[1, 0], [0, 1], [1, 1]], [[1.0]] * 3, 0),
    ],
)
def test_weights_of_what_never_occurs_are_not_effective(e, p, expected):
    """Counted by hand: a context of one token has no free weight, one of k tokens k - 1."""
    q = np.full(len(p), 1 / len(p))
    assert features.effective_parameters(e, p, q) == pytest.approx(expected, abs=1e-9)


def test_effective_parameters_of_rare_tokens_count_in_full():
    p = [[1 - 1e-13, 1e-13], [0.5, 0.5]]
    assert features.effective_parameters(np.eye(2), p, [0.5, 0.5]) == pytest.approx(2, abs=1e-9)


def test_one_token_is_certain():
    for e in ([[1.0], [1.0]], np.eye(2)):
        assert features.fit(e, [[3], [1]]).tolist() == [[1], [1]]
        assert features.project(e, [[1.0], [1.0]], [0.5, 0.5]).tolist() == [[1], [1]]
        learner = features.Softmax(e, [0.5, 0.5], tokens=1)
        assert learner.fit(learner.sample(np.ones((2, 1)), 5, np.random.default_rng(0))).min() == 1


def test_a_context_of_share_0_adds_nothing():
    p, other, q = [[1, 0], [0.5, 0.5]], [[1, 0], [1, 0]], [1.0, 0.0]
    assert features.divergence(p, other, q) == 0
    assert features.divergence(p, other, [0.5, 0.5]) == np.inf
    p, other, q = [[0.5, 0.5], [1, 0]], [[0.25, 0.75], [0, 1]], [1.0, 0.0]
    by_hand = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    assert features.divergence([p, p], other, q) == pytest.approx([by_hand, by_hand])
    assert features.distance(p, other, q) == 0.5


def test_learner_runs_every_schedule_and_counts_with_one_hot_features():
    rng = np.random.default_rng(10)
    p = softmax(rng.standard_normal((4, 3)), axis=1)
    q = np.array([0.4, 0.3, 0.2, 0.1])
    learner = features.Softmax(features.gaussian(4, 2, rng), q, tokens=3)
    for schedule in (
        schedules.FullySynthetic(50),
        schedules.PartiallySynthetic(40, 20),
        schedules.Accumulating(30, 10),
    ):
        models = list(recursion.run(learner, p, schedule, 4, rng=11))
        assert len(models) == 5
        np.testing.assert_allclose(np.array(models).sum(axis=2), 1)
    counting = features.Softmax(np.eye(4), q, tokens=3)
    corpus = counting.sample(p, 5000, rng)
    table = np.zeros((4, 3))
    np.add.at(table, tuple(corpus.T), 1)
    np.testing.assert_allclose(
        counting.fit(corpus), table / table.sum(axis=1, keepdims=True), atol=1e-12
    )
    assert abs(table / 5000 - q[:, None] * p).max() < 4 * 0.5 / np.sqrt(5000)


E22 = np.eye(2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: features.gaussian(0, 1, 0), "contexts must be an integer of at least 1, got 0"),
        (lambda: features.fit([1.0], [[1]]), "features must have shape (contexts, dimension)"),
        (lambda: features.fit(0 * E22, [[1, 1]] * 2), "features must not all be 0"),
        (lambda: features.fit(E22, [[1, 1]]), "counts must have shape (..., 2, tokens), got"),
        (lambda: features.fit(E22, [[0, 0]] * 2), "counts must hold at least one sample"),
        (lambda: features.fit(E22, [[-1, 1]] * 2), "counts must hold numbers from 0"),
        (lambda: features.project(E22, [[1.0]], [1.0]), "conditionals must have shape (..., 2,"),
        (lambda: features.project(E22, [[0.5, 0.5]] * 2, [1.0, 0.0]), "weights must hold 2 num"),
        (lambda: features.project(E22, [[0.5, 0.6]] * 2, [0.5, 0.5]), "conditionals must sum to"),
        (lambda: features.half_space_probability(1, 0), "dimension must be an integer of at"),
        (lambda: features.Softmax(E22, [0.5, 0.5], tokens=0), "tokens must be an integer of at"),
        (
            lambda: features.effective_parameters(E22, [[[1.0]] * 2], [0.5, 0.5]),
            "conditionals must have shape (contexts, tokens), got shape (1, 2, 1)",
        ),
        *(
            (
                lambda f=f: f([[0.5, 0.5]], [[0.5, 0.5]] * 5, [1 / 3] * 3),
                "weights must be one for each context of other, got 3 for shape (5, 2)",
            )
            for f in (features.divergence, features.distance)
        ),
        (  # the share of one context is no share for each of three
            lambda: features.divergence([[0.5, 0.5]], [[0.25, 0.75]] * 3, [1.0]),
            "weights must be one for each context of other, got 1 for shape (3, 2)",
        ),
        (
            lambda: features.Softmax(E22, [0.5, 0.5], 3).fit([[0, 3], [1, 2]]),
            "corpus must hold contexts below 2 and tokens below 3, got [1, 3]",
        ),
        (
            lambda: features.Softmax(E22, [0.5, 0.5], 3).fit([[0, -1]]),
            "corpus must hold integers of at least 0, got -1",
        ),
        (
            lambda: features.Softmax(E22, [0.5, 0.5], 3).fit([0, 1]),
            "corpus must have shape (samples, 2) and a sample, got shape (2,)",
        ),
    ],
)
def test_errors_say_what_is_wrong(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()
