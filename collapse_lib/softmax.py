"""The next-token model with one weight per context and token: a softmax classifier.

Contexts and tokens are numbered from 0. With one-hot contexts the logits of context j are
row j of the weights. So the weights have shape (contexts, tokens), the transpose of W in the
paper's equation (1), which is the loss to minimise::

    loss(W) = -1/M * sum_l log softmax(W[x_l])[y_l]

over the M samples (x_l, y_l) of contexts and their next tokens.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from collapse_lib import _checks


def loss(w, x, y):
    """Return the mean cross-entropy of the samples, in nats: equation (1).

    Parameters
    ----------
    w : array_like of shape (contexts, tokens)
        Weights: row j holds the logits of the next token after context j.
    x : array_like of int, shape (samples,)
        The context of each sample.
    y : array_like of int, shape (samples,)
        The token after it.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not fit, or a context or token lies outside `w`.

    Examples
    --------
    >>> print(f"{loss([[0.0, 0.0]], x=[0, 0, 0], y=[0, 1, 1]):.6f}")  # log 2
    0.693147
    """
    w = _weights(w)
    return _loss(w, _counts(x, y, w.shape, "the shape of w"))


def gradient(w, x, y):
    """Return the gradient of `loss` with respect to the weights (Appendix 8.1).

    Row j is ``N_j / M * (softmax(w_j) - f_j)``: the share of context j among the samples, times
    the difference between the model and the frequencies f_j.

    Parameters
    ----------
    w : array_like of shape (contexts, tokens)
        Weights: row j holds the logits of the next token after context j.
    x : array_like of int, shape (samples,)
        The context of each sample.
    y : array_like of int, shape (samples,)
        The token after it.

    Returns
    -------
    ndarray of shape (contexts, tokens)

    Raises
    ------
    ValueError
        If the shapes do not fit, or a context or token lies outside `w`.

    Examples
    --------
    >>> gradient([[0.0, 0.0]], x=[0, 0, 0, 0], y=[0, 1, 1, 1])
    array([[ 0.25, -0.25]])
    """
    w = _weights(w)
    return _gradient(w, _counts(x, y, w.shape, "the shape of w"))


def empirical_conditionals(x, y, shape=None):
    """Return how frequent each token is after each context: equation (2).

    Parameters
    ----------
    x : array_like of int, shape (samples,)
        The context of each sample.
    y : array_like of int, shape (samples,)
        The token after it.
    shape : tuple of int, optional
        (contexts, tokens); by default just large enough for the samples.

    Returns
    -------
    ndarray of shape (contexts, tokens)
        Row j sums to 1; it is NaN where context j was never seen.

    Raises
    ------
    ValueError
        If `x` and `y` differ in shape, or a context or token lies outside `shape`.

    Examples
    --------
    >>> empirical_conditionals(x=[0, 0, 0, 0, 1], y=[0, 1, 1, 1, 0])
    array([[0.25, 0.75],
           [1.  , 0.  ]])
    """
    counts = _counts(x, y, shape)
    seen = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, seen, out=np.full(counts.shape, np.nan), where=seen > 0)


@dataclass(frozen=True)
class Fit:
    """The result of `fit`.

    Attributes
    ----------
    weights : ndarray of shape (contexts, tokens)
    probabilities : ndarray of shape (contexts, tokens)
        The fitted model, softmax of the weights; uniform for a context that was never seen.
    loss : ndarray of shape (iterations + 1,)
        The loss at the start, where all weights are 0, and after each iteration.
    """

    weights: np.ndarray
    probabilities: np.ndarray
    loss: np.ndarray


def fit(x, y, shape=None, iterations=1000):
    """Minimise `loss` numerically, starting from weights 0, by SciPy's L-BFGS.

    If every context that occurs is followed by every token, the minimum exists and the fit equals
    (2) to the precision of the optimiser. Otherwise there is only an infimum: the weights of
    missing tokens fall for as long as the optimiser runs.

    Parameters
    ----------
    x : array_like of int, shape (samples,)
        The context of each sample.
    y : array_like of int, shape (samples,)
        The token after it.
    shape : tuple of int, optional
        (contexts, tokens); by default just large enough for the samples.
    iterations : int, optional
        The most iterations, at least 1.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If `x` and `y` differ in shape, a context or token lies outside `shape`, or
        `iterations` < 1.

    Examples
    --------
    >>> fit(x=[0, 0, 0, 0], y=[0, 1, 1, 1]).probabilities.round(6)
    array([[0.25, 0.75]])
    """
    counts = _counts(x, y, shape)
    iterations = _checks.integer(iterations, "iterations", 1)
    losses = [_loss(np.zeros(counts.shape), counts)]
    found = minimize(
        lambda w: _loss_and_gradient(w, counts),
        np.zeros(counts.size),
        jac=True,
        method="L-BFGS-B",
        callback=lambda intermediate_result: losses.append(intermediate_result.fun),
        # The loss is flat around its minimum, so only the gradient can tell when to stop.
        options={"maxiter": iterations, "maxfun": 4 * iterations, "ftol": 0, "gtol": 1e-9},
    )
    weights = found.x.reshape(counts.shape)
    return Fit(weights, softmax(weights, axis=1), np.array(losses))


def _loss(w, counts):
    # A token that was never seen adds nothing, however small its probability is.
    return float(-np.sum(log_softmax(w, axis=1) * counts, where=counts > 0) / counts.sum())


def _gradient(w, counts):
    return (counts.sum(axis=1, keepdims=True) * softmax(w, axis=1) - counts) / counts.sum()


def _loss_and_gradient(flat, counts):
    w = flat.reshape(counts.shape)
    return _loss(w, counts), _gradient(w, counts).ravel()


def _weights(w):
    w = _checks.numbers(w, "w")
    if w.ndim != 2 or 0 in w.shape:
        raise ValueError(f"w must have shape (contexts, tokens), got shape {w.shape}")
    if not np.isfinite(w).all():
        raise ValueError(f"w must be finite, got {w[~np.isfinite(w)][0]}")
    return w


def _counts(x, y, shape, name="shape"):
    """Return the number of samples of each context and token, shape (contexts, tokens)."""
    x, y = (np.atleast_1d(_checks.integers(v, name, 0)) for v, name in ((x, "x"), (y, "y")))
    if x.ndim != 1 or x.shape != y.shape or not x.size:
        raise ValueError(
            f"x and y must have the same shape (samples,), not empty, got {x.shape} and {y.shape}"
        )
    needed = int(x.max()) + 1, int(y.max()) + 1
    shape = needed if shape is None else shape
    fits = isinstance(shape, tuple | list) and len(shape) == 2
    if not fits or not all(
        _checks.is_whole(k) and k >= n for k, n in zip(shape, needed, strict=True)
    ):
        raise ValueError(
            f"{name} must hold the contexts and tokens, at least {needed}, got {shape}"
        )
    _checks.room(math.prod(map(int, shape)), name)
    counts = np.zeros(shape, dtype=np.int64)
    np.add.at(counts, (x, y), 1)
    return counts
