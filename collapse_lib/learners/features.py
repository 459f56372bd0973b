"""Softmax models with fixed features, whose size can be chosen freely.

Each context j has a fixed vector of features e_j. A model is a table of weights W, and its
next-token probabilities are ``p_W(. | j) = softmax(W^T e_j)``. Training is maximum likelihood. With
one-hot features, training is counting, as in the rest of this book. Gaussian features of a
dimension below the number of contexts are what the paper's Section 5 proposes.

d is the dimension and s the vocabulary size. The shapes are: features (contexts, dimension);
weights W (dimension, tokens); conditionals (..., contexts, tokens), whose rows are distributions;
counts (..., contexts, tokens); and `weights` (contexts,), the share q_j of the samples that have
context j. Leading axes are independent fits.

The fit
-------
The log-likelihood is concave in W, and Newton's method with step control finds its maximum. If no W
attains it, for instance because some token is never seen, the weights grow without bound, but the
probabilities converge: for a losing token they fall by a constant factor in every step. So the fit
does not wait for the weights. It stops when the sums of features under the model agree with the
data, which is the condition for a maximum.
"""

from dataclasses import dataclass
from math import comb

import numpy as np
from scipy.linalg import orth
from scipy.optimize import linprog
from scipy.special import rel_entr

from collapse_lib import _checks
from collapse_lib._compiled import compiled

#: The most contexts of `half_space_probability`, which then takes a second.
MOST_CONTEXTS = 10_000

#: The most Newton steps; each lowers the probability of a losing token by a factor of about e.
MOST_STEPS = 200
#: The fit stops when sums of (orthonormal) features differ by at most this, relative to the data.
TOLERANCE = 1e-11
#: The most times that a step is halved.
MOST_HALVINGS = 40
#: How far the log-likelihood may fall in a step, to allow for rounding.
ROUNDING = 1e-14


def gaussian(contexts, dimension, rng):
    """Return features that are independent standard normal numbers.

    Parameters
    ----------
    contexts : int
        At least 1.
    dimension : int
        At least 1. The first d columns are features of dimension d, which makes models nested.
    rng : numpy.random.Generator or int

    Returns
    -------
    ndarray of shape (contexts, dimension)

    Examples
    --------
    >>> gaussian(contexts=3, dimension=2, rng=0).shape
    (3, 2)
    """
    contexts = _checks.integer(contexts, "contexts", 1)
    dimension = _checks.integer(dimension, "dimension", 1)
    _checks.room(contexts * dimension, "contexts and dimension")
    return _checks.generator(rng).standard_normal((contexts, dimension))


def fit(features, counts):
    """Return the conditionals of the maximum likelihood model of counted samples.

    If the maximum is not attained, these are the limits of the probabilities as the likelihood
    tends to its supremum, to about 12 digits: a lost token has about 1e-12, not 0. For contexts
    without samples, the features extrapolate from the others.

    Parameters
    ----------
    features : array_like of shape (contexts, dimension)
    counts : array_like of shape (..., contexts, tokens)
        How often each token followed each context, with at least one sample in total. They need
        not be whole numbers.

    Returns
    -------
    ndarray of shape (..., contexts, tokens)

    Raises
    ------
    ValueError
        If the shapes do not fit, an entry is negative or not finite, or there are no samples.

    Examples
    --------
    Two contexts that the model cannot tell apart share their samples:

    >>> fit([[1.0], [1.0]], [[3, 1], [1, 3]]).round(6)
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    features = _features(features)
    counts = _checks.within(counts, "counts", 0, _checks.LARGEST)
    if counts.ndim < 2 or counts.shape[-2] != len(features) or not counts.shape[-1]:
        raise ValueError(
            f"counts must have shape (..., {len(features)}, tokens), got shape {counts.shape}"
        )
    totals = counts.sum(axis=(-2, -1), keepdims=True)
    if not (totals > 0).all():
        raise ValueError("counts must hold at least one sample for each fit, got none")
    return _maximise(features, counts / totals)


def project(features, conditionals, weights):
    """Return the conditionals of the best model of the class, the fit to unlimited samples.

    It minimises ``D(p || p_W) = sum_j q_j KL(p(. | j) || p_W(. | j))`` over all weights W.

    Parameters
    ----------
    features : array_like of shape (contexts, dimension)
    conditionals : array_like of shape (..., contexts, tokens)
        Rows that sum to 1.
    weights : array_like of shape (contexts,)
        The shares q_j of the contexts, above 0 and with sum 1.

    Returns
    -------
    ndarray of shape (..., contexts, tokens)

    Raises
    ------
    ValueError
        If the shapes do not fit, or rows or weights are no distributions.

    Examples
    --------
    >>> project([[1.0], [1.0]], [[0.9, 0.1], [0.5, 0.5]], weights=[0.5, 0.5]).round(6)
    array([[0.7, 0.3],
           [0.7, 0.3]])
    """
    features, conditionals, weights = _arguments(features, conditionals, weights)
    return _maximise(features, weights[:, None] * conditionals)


def divergence(conditionals, other, weights):
    """Return ``D(p || p') = sum_j q_j KL(p(. | j) || p'(. | j))``, in nats.

    If p is the truth, this is the excess loss of p' on real text.

    Parameters
    ----------
    conditionals, other : array_like of shape (..., contexts, tokens)
        p and p', which broadcast.
    weights : array_like of shape (contexts,)
        The shares q_j of the contexts.

    Returns
    -------
    float or ndarray
        Infinite if p' gives probability 0 to a token that p does not, in a context of positive
        share.

    Raises
    ------
    ValueError
        If the shapes do not fit, or rows or weights are no distributions.

    Examples
    --------
    >>> print(f"{divergence([[0.5, 0.5]], [[0.25, 0.75]], [1.0]):.6f}")
    0.143841
    """
    p, other, weights = _compared(conditionals, other, weights)
    entries = np.where(weights[:, None] > 0, rel_entr(p, other), 0)  # 0 times infinity is 0 here
    found = np.einsum("j,...jk->...", weights, entries)
    return found if found.ndim else float(found)


def distance(conditionals, other, weights):
    """Return ``sum_j q_j ||p(. | j) - p'(. | j)||_1``, from 0 to 2.

    Parameters
    ----------
    conditionals, other : array_like of shape (..., contexts, tokens)
        p and p', which broadcast.
    weights : array_like of shape (contexts,)
        The shares q_j of the contexts.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If the shapes do not fit, or rows or weights are no distributions.

    Examples
    --------
    >>> distance([[0.5, 0.5]], [[0.25, 0.75]], [1.0])
    0.5
    """
    p, other, weights = _compared(conditionals, other, weights)
    found = np.einsum("j,...jk->...", weights, np.abs(p - other))
    return found if found.ndim else float(found)


def effective_parameters(features, conditionals, weights):
    """Return tr(I^-1 J), the effective number of parameters of a model class.

    It is 2M times the expected statistical loss of a model trained on M real samples. I is the
    Fisher information of the best model p*, J the covariance of its score under the truth p. If
    p = p*, I and J agree, and the trace is the number of free weights: ``rank(features) (s - 1)``,
    less those that only move probabilities that are 0. If the class does not contain the truth, it
    differs (the "sandwich" formula).

    Parameters
    ----------
    features : array_like of shape (contexts, dimension)
    conditionals : array_like of shape (contexts, tokens)
        The truth p.
    weights : array_like of shape (contexts,)
        The shares q_j of the contexts, from which the contexts of the samples are drawn.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not fit, or rows or weights are no distributions.

    Notes
    -----
    The score of token k in context j is ``(1_k - p*(. | j)) (x) e_j``, with the one-hot vector 1_k
    and the Kronecker product (x). The rows ``sqrt(q_j p*(k | j))`` times this score form a matrix R
    with ``I = R^T R``, so the trace is ``sum_jk h_jk p(k | j) / p*(k | j)``, where h are the
    diagonal entries of the projection on the columns of R. I^-1 is the pseudo-inverse where p* has
    zeros: the samples never have these tokens, so their weights are no part of the loss.

    Examples
    --------
    Two contexts that the model cannot tell apart, and two tokens: one weight.

    >>> print(f"{effective_parameters([[1.0], [1.0]], [[0.9, 0.1], [0.5, 0.5]], [0.5, 0.5]):.6f}")
    1.000000
    """
    features, p, weights = _arguments(features, conditionals, weights)
    if p.ndim != 2:
        raise ValueError(f"conditionals must have shape (contexts, tokens), got shape {p.shape}")
    best, basis = project(features, p, weights), orth(features)
    score = np.eye(p.shape[1]) - best[:, None, :]  # (contexts, tokens, tokens)
    root = np.sqrt(weights[:, None] * best)
    rows = np.einsum("jk,ja,jkl->jkal", root, basis, score)
    columns = orth(rows.reshape(p.size, -1))
    h = (columns**2).sum(axis=1).reshape(p.shape)
    seen = best > 0
    return float((h[seen] * p[seen] / best[seen]).sum())


def contexts_without(features):
    """Return, for each context, whether a token without samples gets probability 0 there.

    In context j it does if some v has ``e_j . v > 0`` and ``e_i . v >= 0`` for all other contexts
    i: moving the token's weights along -v then raises the likelihood in context j and lowers it
    nowhere. A linear program finds such v. In all other contexts the token keeps a positive
    probability, if the likelihood of the tokens that occur has a maximum.

    Parameters
    ----------
    features : array_like of shape (contexts, dimension)
        The features of the contexts that occur.

    Returns
    -------
    ndarray of bool, shape (contexts,)

    Examples
    --------
    >>> contexts_without([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    array([False, False,  True])
    """
    features = _features(features)
    contexts, dimension = features.shape
    scale = np.abs(features).max(axis=1, keepdims=True)
    rows = features / np.where(scale > 0, scale, 1)
    # Maximise sum_j t_j under e_j . v >= t_j and 0 <= t_j <= 1. Sums and multiples of solutions v
    # are solutions, so one v gives t_j = 1 in every context where that is possible.
    problem = {
        "c": np.concatenate([np.zeros(dimension), -np.ones(contexts)]),
        "A_ub": np.hstack([-rows, np.eye(contexts)]),
        "b_ub": np.zeros(contexts),
        "bounds": [(None, None)] * dimension + [(0, 1)] * contexts,
    }
    for method in ("highs", "highs-ipm"):  # the first can fail if the cone is thin
        found = linprog(**problem, method=method)
        if found.success:
            return found.x[dimension:] > 0.5
    raise ArithmeticError(f"the linear program was not solved: {found.message}")


def unseen_vanishes(features):
    """Return whether a token without samples gets probability 0 in every context.

    It does if all features lie on one side of a plane: some v has ``e_j . v > 0`` for all j. A
    constant feature, or one-hot features, ensure this. For features in general position the token
    vanishes in all contexts or in none.

    Parameters
    ----------
    features : array_like of shape (contexts, dimension)
        The features of the contexts that occur.

    Returns
    -------
    bool

    Examples
    --------
    >>> unseen_vanishes([[1.0, 0.0], [0.0, 1.0]]), unseen_vanishes([[1.0], [-1.0]])
    (True, False)
    """
    return bool(contexts_without(features).all())


def half_space_probability(contexts, dimension):
    """Return the probability that random vectors lie on one side of a plane (Wendel 1962).

    It is ``2^(1-c) sum_{k<d} C(c-1, k)`` for c independent vectors in d dimensions, for any
    distribution that is symmetric about 0 and gives every plane through 0 probability 0.

    Parameters
    ----------
    contexts : int
        Number of vectors, at least 1.
    dimension : int
        At least 1.

    Returns
    -------
    float

    Examples
    --------
    >>> half_space_probability(contexts=2, dimension=1)
    0.5
    >>> half_space_probability(contexts=128, dimension=64)
    0.5
    """
    contexts = _checks.integer(contexts, "contexts", 1, MOST_CONTEXTS)
    dimension = _checks.integer(dimension, "dimension", 1)
    ways = sum(comb(contexts - 1, k) for k in range(min(dimension, contexts)))
    return ways / 2 ** (contexts - 1)


@dataclass(frozen=True, eq=False)
class Softmax:
    """A learner of softmax models with fixed features, for `collapse_lib.recursion.run`.

    A model is its conditionals, shape (contexts, tokens). A corpus is an array of shape
    (samples, 2): each row holds a context, drawn with the shares q_j, and the token after it.

    Parameters
    ----------
    features : array_like of shape (contexts, dimension)
    weights : array_like of shape (contexts,)
        The shares q_j.
    tokens : int
        Vocabulary size, at least 1.

    Examples
    --------
    >>> learner = Softmax([[1.0], [1.0]], weights=[0.5, 0.5], tokens=2)
    >>> learner.fit(np.array([[0, 1], [0, 1], [1, 1], [1, 0]])).round(3)
    array([[0.25, 0.75],
           [0.25, 0.75]])
    """

    features: np.ndarray
    weights: np.ndarray
    tokens: int

    def __post_init__(self):
        features = _features(self.features)
        _, _, weights = _arguments(features, np.ones((len(features), 1)), self.weights)
        object.__setattr__(self, "features", features)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "tokens", _checks.integer(self.tokens, "tokens", 1))

    def fit(self, corpus):
        """Return the conditionals of the maximum likelihood model.

        Raises
        ------
        ValueError
            If the corpus is empty, or holds other contexts or tokens than the learner has.
        """
        counts = np.zeros((len(self.features), self.tokens))
        corpus = _checks.integers(corpus, "corpus", 0)
        if np.ndim(corpus) != 2 or corpus.shape[1] != 2 or not corpus.size:
            raise ValueError(
                f"corpus must have shape (samples, 2) and a sample, got shape {np.shape(corpus)}"
            )
        if (corpus >= counts.shape).any():
            raise ValueError(
                f"corpus must hold contexts below {counts.shape[0]} and tokens below "
                f"{counts.shape[1]}, got {corpus.max(axis=0).tolist()}"
            )
        np.add.at(counts, tuple(corpus.T), 1)
        return fit(self.features, counts)

    def sample(self, model, size, rng):
        """Return a corpus of `size` samples, in the order drawn."""
        joint = (self.weights[:, None] * model).ravel()
        drawn = rng.choice(joint.size, size, p=joint / joint.sum())
        return np.stack(np.divmod(drawn, self.tokens), axis=1)

    def pool(self, corpora):
        """Return several corpora as one."""
        return np.concatenate(corpora)

    def take(self, corpus, k):
        """Return the first k samples of a corpus."""
        return corpus[:k]


def _maximise(features, shares):
    """Return the conditionals that maximise sum_jk shares_jk log p(k | j), by Newton's method.

    `shares` has shape (..., contexts, tokens) and sum 1. With as many independent features as
    contexts, every table of logits is possible, so training is counting; so it is with one token.
    """
    basis = orth(features)  # the model depends only on the column space of the features
    if basis.shape[1] == len(features) or shares.shape[-1] == 1:
        return _frequencies(shares)
    batch = shares.reshape(-1, *shares.shape[-2:])
    result = np.empty_like(batch)
    for one, found in zip(batch, result, strict=True):
        _newton(np.ascontiguousarray(basis), np.ascontiguousarray(one), found)
    return result.reshape(shares.shape)


def _frequencies(shares):
    mass = shares.sum(axis=-1, keepdims=True)
    uniform = np.full(shares.shape, 1 / shares.shape[-1])
    return np.divide(shares, mass, out=uniform, where=mass > 0)


@compiled
def _newton(basis, shares, p):
    """Fill in p, of shape (contexts, tokens), by Newton steps, each halved until it helps.

    The last token has logit 0. Plain loops, since at these sizes BLAS loses far more time on
    threads than it gains.
    """
    d, free = basis.shape[1], shares.shape[1] - 1
    w, after = np.zeros((d, free)), np.empty((d, free))
    curvature, slope = np.empty((d * free, d * free)), np.empty((d, free))
    likelihood = _evaluate(basis, shares, w, p)
    for _ in range(MOST_STEPS):
        is_last = _slope(basis, shares, p, slope) <= TOLERANCE
        _curvature(basis, shares, p, curvature)
        step = _solve(curvature, slope.copy().ravel()).reshape(slope.shape)
        promised, length = (slope * step).sum(), 1.0
        for _ in range(MOST_HALVINGS):
            after[:] = w + length * step
            risen = _evaluate(basis, shares, after, p) - likelihood
            # Armijo's rule: accept a small fraction of the rise that the slope promises.
            if risen >= 1e-4 * length * promised - ROUNDING:
                break
            length /= 2
        w[:] = after
        likelihood += risen
        if is_last:  # one extra step squares the error
            return


@compiled
def _evaluate(basis, shares, w, p):
    """Fill in the conditionals p of weights w; return the mean log-likelihood."""
    likelihood = 0.0
    for j in range(p.shape[0]):
        p[j] = 0
        for a in range(w.shape[0]):
            p[j, :-1] += basis[j, a] * w[a]
        p[j] -= p[j].max()
        total = np.log(np.exp(p[j]).sum())
        for k in range(p.shape[1]):
            if shares[j, k] > 0:
                likelihood += shares[j, k] * (p[j, k] - total)
            p[j, k] = np.exp(p[j, k] - total)
    return likelihood


@compiled
def _slope(basis, shares, p, slope):
    """Fill in the derivative of the log-likelihood in w; return its largest absolute entry."""
    slope[:] = 0
    for j in range(p.shape[0]):
        gap = shares[j, :-1] - shares[j].sum() * p[j, :-1]
        for a in range(slope.shape[0]):
            slope[a] += basis[j, a] * gap
    return np.abs(slope).max()


@compiled
def _curvature(basis, shares, p, curvature):
    """Fill in the lower half of minus the second derivative, sum_j q_j e_j e_j^T (x) Cov_j.

    (x) is the Kronecker product, and Cov_j the covariance of the one-hot token in context j.
    """
    d, free = basis.shape[1], p.shape[1] - 1
    curvature[:] = 0
    row = np.empty(d * free)
    for j in range(p.shape[0]):
        mass = shares[j].sum()
        for k in range(free):
            for b in range(d):
                for m in range(free):
                    spread = p[j, k] * ((k == m) - p[j, m])
                    row[b * free + m] = mass * basis[j, b] * spread
            for a in range(d):
                factor = basis[j, a]
                for m in range((a + 1) * free):
                    curvature[a * free + k, m] += factor * row[m]


@compiled
def _solve(matrix, right):
    """Return the solution by Cholesky, in place; it is 0 where the matrix is 0 up to rounding."""
    size = len(right)
    floor = 1e-15 * np.trace(matrix)
    column = np.empty(size)
    for i in range(size):
        pivot = matrix[i, i]
        if pivot <= floor:
            matrix[i:, i] = 0
            matrix[i, i], right[i] = np.inf, 0
            continue
        matrix[i:, i] /= np.sqrt(pivot)
        right[i] /= matrix[i, i]
        column[i + 1 :] = matrix[i + 1 :, i]
        right[i + 1 :] -= right[i] * column[i + 1 :]
        for k in range(i + 1, size):
            factor = column[k]
            for m in range(i + 1, k + 1):
                matrix[k, m] -= factor * column[m]
    for i in range(size - 1, -1, -1):
        right[i] = 0.0 if np.isinf(matrix[i, i]) else right[i] / matrix[i, i]
        right[:i] -= right[i] * matrix[i, :i]
    return right


def _features(features):
    features = _checks.within(features, "features", -_checks.LARGEST, _checks.LARGEST)
    if features.ndim != 2 or not features.size:
        raise ValueError(
            f"features must have shape (contexts, dimension), got shape {features.shape}"
        )
    if not features.any():
        raise ValueError("features must not all be 0")
    return features


def _compared(conditionals, other, weights):
    """Return two tables of conditionals and the shares of their contexts, validated."""
    conditionals = _checks.probabilities(conditionals, "conditionals")
    other = _checks.probabilities(other, "other")
    weights = _checks.distribution(weights, "weights")
    _checks.broadcast(conditionals=conditionals, other=other)
    _one_weight_a_context(weights, conditionals, "conditionals")
    _one_weight_a_context(weights, other, "other")
    return conditionals, other, weights


def _one_weight_a_context(weights, conditionals, name):
    if conditionals.ndim < 2 or conditionals.shape[-2] not in (1, weights.size):
        raise ValueError(
            f"weights must be one for each context of {name}, got {weights.size} "
            f"for shape {conditionals.shape}"
        )


def _arguments(features, conditionals, weights):
    features = _features(features)
    conditionals = _checks.probabilities(conditionals, "conditionals")
    if conditionals.ndim < 2 or conditionals.shape[-2] != len(features):
        raise ValueError(
            f"conditionals must have shape (..., {len(features)}, tokens), "
            f"got shape {conditionals.shape}"
        )
    weights = _checks.distribution(weights, "weights")
    if weights.shape != (len(features),) or not (weights > 0).all():
        raise ValueError(f"weights must hold {len(features)} numbers above 0, got {weights!r}")
    return features, conditionals, weights
