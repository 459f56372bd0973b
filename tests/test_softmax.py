import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.special import softmax as softmax_of

from collapse_lib import softmax


@st.composite
def corpora(draw):
    """Contexts, tokens, weights; some contexts and tokens are often missing."""
    contexts, tokens = draw(st.integers(1, 5)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    size = draw(st.integers(1, 60))
    x, y = rng.integers(0, contexts, size), rng.integers(0, tokens, size)
    return x, y, 2 * rng.standard_normal((contexts, tokens))


@pytest.mark.paper("(1)", check="independent")
@given(corpora())
def test_loss_is_the_mean_over_samples(corpus):
    x, y, w = corpus
    by_sample = [-np.log(np.exp(w[j, k]) / np.exp(w[j]).sum()) for j, k in zip(x, y, strict=True)]
    assert softmax.loss(w, x, y) == pytest.approx(np.mean(by_sample))


@given(corpora())
def test_gradient_is_that_of_finite_differences(corpus):
    x, y, w = corpus
    numeric = approx_fprime(w.ravel(), lambda flat: softmax.loss(flat.reshape(w.shape), x, y), 1e-6)
    np.testing.assert_allclose(softmax.gradient(w, x, y).ravel(), numeric, atol=1e-5)


def test_finite_differences_reject_a_wrong_gradient():
    """The gradient of the summed, not the mean, loss of a context differs where M > N_j."""
    x, y, w = [0, 0, 1], [0, 1, 1], np.array([[0.3, -0.2], [0.1, 0.4]])
    numeric = approx_fprime(w.ravel(), lambda flat: softmax.loss(flat.reshape(2, 2), x, y), 1e-6)
    frequencies = softmax.empirical_conditionals(x, y)
    assert np.abs(numeric - (softmax_of(w, axis=1) - frequencies).ravel()).max() > 1e-2


@pytest.mark.paper("(2)", check="independent")
@settings(deadline=None)
@given(corpora())
def test_the_optimum_is_counting(corpus):
    x, y, w = corpus
    fitted = softmax.fit(x, y, shape=w.shape)
    for j in range(w.shape[0]):
        here = y[x == j]
        if here.size:
            counts = np.bincount(here, minlength=w.shape[1])
            np.testing.assert_allclose(fitted.probabilities[j], counts / here.size, atol=2e-6)
            # Unseen tokens are left behind, ever lower; they never reach zero.
            assert (fitted.probabilities[j] > 0).all()
        else:
            np.testing.assert_allclose(fitted.probabilities[j], 1 / w.shape[1])
            assert (fitted.weights[j] == 0).all()
    assert (np.diff(fitted.loss) <= 1e-12).all()


@pytest.mark.paper("(2)", check="independent")
@given(corpora())
def test_no_weights_beat_the_frequencies(corpus):
    x, y, w = corpus
    frequencies = softmax.empirical_conditionals(x, y, shape=w.shape)
    least = -np.mean(np.log(frequencies[x, y]))
    assert softmax.loss(w, x, y) >= least - 1e-12


@given(corpora(), st.floats(-50, 50))
def test_a_constant_for_each_context_changes_nothing(corpus, constant):
    x, y, w = corpus
    shifted = w + constant * np.arange(w.shape[0])[:, None]
    assert softmax.loss(shifted, x, y) == pytest.approx(softmax.loss(w, x, y))
    np.testing.assert_allclose(
        softmax.gradient(shifted, x, y), softmax.gradient(w, x, y), atol=1e-12
    )


@pytest.mark.paper("(2)", check="independent")
def test_unattained_infimum_pushes_weights_apart():
    """Counts (5, 5, 0): the longer the fit, the lower the third weight, without end."""
    y = [0] * 5 + [1] * 5
    gaps = []
    for iterations in (2, 5, 10, 20):
        w = softmax.fit([0] * 10, y, shape=(1, 3), iterations=iterations).weights[0]
        gaps.append(w[0] - w[2])
    assert (np.diff(gaps) > 0).all()
    attained = softmax.fit([0] * 12, [*y, 2, 2]).weights[0]
    assert attained[0] - attained[2] == pytest.approx(np.log(5 / 2), abs=1e-6)


@pytest.mark.paper("(4)", check="independent")
@given(corpora())
def test_frequencies_are_counted(corpus):
    x, y, w = corpus
    table = softmax.empirical_conditionals(x, y, shape=w.shape)
    for j in range(w.shape[0]):
        here = [k for i, k in zip(x, y, strict=True) if i == j]
        for k in range(w.shape[1]):
            expected = here.count(k) / len(here) if here else np.nan
            np.testing.assert_equal(table[j, k], expected)


def test_extreme_weights_do_not_overflow():
    w = [[1e4, -1e4]]
    assert softmax.loss(w, [0], [1]) == pytest.approx(2e4)
    assert np.isfinite(softmax.gradient(w, [0], [1])).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: softmax.loss([0.0], [0], [0]),
            "w must have shape (contexts, tokens), got shape (1,)",
        ),
        (lambda: softmax.loss([[np.inf, 0.0]], [0], [0]), "w must be finite, got inf"),
        (lambda: softmax.loss([["a"]], [0], [0]), "w must be an array of numbers, got [['a']]"),
        (
            lambda: softmax.loss([[0.0, 0.0]], [1], [0]),
            "the shape of w must hold the contexts and tokens, at least (2, 1), got (1, 2)",
        ),
        (lambda: softmax.gradient([[0.0, 0.0]], [0], [2]), "the shape of w must hold the contexts"),
        (lambda: softmax.fit([0, 1], [0]), "x and y must have the same shape (samples,), not"),
        (lambda: softmax.fit([[0]], [[0]]), "got (1, 1) and (1, 1)"),
        (lambda: softmax.fit([-1], [0]), "x must hold integers of at least 0, got -1"),
        (lambda: softmax.fit([0], [0.5]), "y must hold integers, got an array of float64"),
        (lambda: softmax.fit([0], [0], iterations=0), "iterations must be an integer of at least"),
        (
            lambda: softmax.empirical_conditionals([0], [3], shape=(1, 2)),
            "shape must hold the contexts and tokens, at least (1, 4), got (1, 2)",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
