"""Next-token distributions, and measures of their variety and distance.

A distribution is an array of shape (..., tokens): entry i is the probability of token i.
The families put their mass on the first `support` of `size` tokens, most likely first.
"""

import numpy as np
from scipy.optimize import brentq
from scipy.special import entr

from collapse_lib import _checks


def power_law(size, support, collision):
    """Return the power law with a given collision probability.

    p_i is proportional to ``i^(-a)`` on the first `support` tokens and 0 on the rest; the
    exponent ``a >= 0`` is solved so that ``sum_i p_i^2`` is `collision`.

    Parameters
    ----------
    size : int
        Vocabulary size (the paper's s).
    support : int
        Number of tokens with positive probability (the paper's s~).
    collision : float
        Collision probability ``sum_i p_i^2`` (the paper's S_0), from ``1/support``, which gives
        the uniform distribution, to below 1; exactly 1 for a single token.

    Returns
    -------
    ndarray of shape (size,)

    Raises
    ------
    ValueError
        If no power law has this size, support and collision probability.

    Examples
    --------
    The distribution of the paper's Figures 4 and 5:

    >>> p = power_law(size=600, support=52, collision=0.1)
    >>> print(f"{(p**2).sum():.12f}", support_size(p))
    0.100000000000 52
    """
    size, support = _size_and_support(size, support)
    collision = _checks.unit_interval(collision, "collision")
    # The uniform distribution may miss 1/support by a rounding error, as may the caller.
    if abs(collision * support - 1) < 1e-12:
        return uniform(size, support)
    if collision < 1 / support or collision == 1 or support == 1:
        allowed = "exactly 1" if support == 1 else f"from 1/{support} to below 1"
        raise ValueError(f"collision must be {allowed} for support {support}, got {collision!r}")
    log_rank = np.log(np.arange(1, support + 1))

    def on_support(exponent):
        weights = np.exp(-exponent * log_rank)
        return weights / weights.sum()

    def excess(exponent):
        return np.square(on_support(exponent)).sum() - collision

    # At exponent 64 the second token is 2^-64 times as likely as the first: in floats, the sum of
    # squares is 1, so the root lies below.
    return _pad(on_support(brentq(excess, 0, 64, xtol=1e-14)), size)


def uniform(size, support):
    """Return the uniform distribution on the first `support` of `size` tokens.

    Parameters
    ----------
    size : int
        Vocabulary size (the paper's s).
    support : int
        Number of tokens with positive probability (the paper's s~).

    Returns
    -------
    ndarray of shape (size,)

    Raises
    ------
    ValueError
        If not ``1 <= support <= size``.

    Examples
    --------
    >>> uniform(size=4, support=2)
    array([0.5, 0.5, 0. , 0. ])
    """
    size, support = _size_and_support(size, support)
    return _pad(np.full(support, 1 / support), size)


def dirichlet(size, concentration, rng):
    """Return one random distribution, drawn from the symmetric Dirichlet distribution.

    Parameters
    ----------
    size : int
        Vocabulary size.
    concentration : float
        Parameter of every token, above 0: 1 draws uniformly from the simplex, smaller values
        concentrate the mass on few tokens.
    rng : numpy.random.Generator or int

    Returns
    -------
    ndarray of shape (size,)

    Raises
    ------
    ValueError
        If `size` is less than 1 or `concentration` is not positive and finite.

    Examples
    --------
    >>> dirichlet(size=3, concentration=1.0, rng=0).round(3)
    array([0.395, 0.593, 0.012])
    """
    size = _checks.integer(size, "size", 1, _checks.MOST_ENTRIES)
    concentration = _checks.positive(concentration, "concentration")
    p = _checks.generator(rng).dirichlet(np.full(size, concentration))
    if not np.isclose(p.sum(), 1):
        raise ValueError(f"concentration must be a number that can be summed, got {concentration}")
    return p


def collision_probability(p, axis=-1):
    """Return ``sum_i p_i^2``, the probability that two independent tokens are equal.

    This is the paper's sigma_m (Section 3), also known as Simpson index and as homozygosity.
    It is 1 for a Dirac mass and ``1/s`` for the uniform distribution on s tokens.

    Parameters
    ----------
    p : array_like
        Distributions along `axis`.
    axis : int, optional
        The axis of the tokens; by default the last.

    Returns
    -------
    float or ndarray
        The shape of `p` without `axis`.

    Raises
    ------
    ValueError
        If an entry is negative or NaN, or a distribution does not sum to 1.

    Examples
    --------
    >>> collision_probability([[0.5, 0.5], [1.0, 0.0]])
    array([0.5, 1. ])
    """
    return np.square(_checks.probabilities(p, "p", axis)).sum(axis=axis)


def l1_distance(p, q, axis=-1):
    """Return ``sum_i |p_i - q_i|``, twice the total variation distance; at most 2.

    Parameters
    ----------
    p : array_like
        Distributions along `axis`.
    q : array_like
        Distributions along `axis`; the other axes must broadcast with those of `p`.
    axis : int, optional
        The axis of the tokens in both arrays; by default the last.

    Returns
    -------
    float or ndarray
        The broadcast shape without `axis`.

    Raises
    ------
    ValueError
        If `p` or `q` does not hold distributions, or their shapes do not fit.

    Examples
    --------
    >>> float(l1_distance([1.0, 0.0, 0.0], [0.5, 0.5, 0.0]))
    1.0
    """
    p, q = _checks.probabilities(p, "p", axis), _checks.probabilities(q, "q", axis)
    if p.shape[axis] != q.shape[axis]:
        raise ValueError(f"q must have as many tokens as p, {p.shape[axis]}, got {q.shape[axis]}")
    try:
        return np.abs(np.moveaxis(p, axis, -1) - np.moveaxis(q, axis, -1)).sum(axis=-1)
    except ValueError:
        raise ValueError(f"q must have a shape that fits {p.shape}, got {q.shape}") from None


def support_size(p, axis=-1):
    """Return the number of tokens with positive probability (the paper's s~).

    Parameters
    ----------
    p : array_like
        Distributions along `axis`.
    axis : int, optional
        The axis of the tokens; by default the last.

    Returns
    -------
    int or ndarray of int
        The shape of `p` without `axis`.

    Raises
    ------
    ValueError
        If `p` does not hold distributions along `axis`.

    Examples
    --------
    >>> int(support_size([0.5, 0.5, 0.0]))
    2
    """
    return np.count_nonzero(_checks.probabilities(p, "p", axis), axis=axis)


def entropy(p, axis=-1):
    """Return the Shannon entropy ``-sum_i p_i log p_i``, in nats.

    Parameters
    ----------
    p : array_like
        Distributions along `axis`.
    axis : int, optional
        The axis of the tokens; by default the last.

    Returns
    -------
    float or ndarray
        The shape of `p` without `axis`.

    Raises
    ------
    ValueError
        If `p` does not hold distributions along `axis`.

    Examples
    --------
    >>> float(entropy([0.25] * 4) / np.log(4))
    1.0
    """
    return entr(_checks.probabilities(p, "p", axis)).sum(axis=axis)


def _size_and_support(size, support):
    size = _checks.integer(size, "size", 1, _checks.MOST_ENTRIES)
    support = _checks.integer(support, "support", 1)
    if support > size:
        raise ValueError(f"support must be at most size {size}, got {support}")
    return size, support


def _pad(on_support, size):
    return np.concatenate([on_support, np.zeros(size - on_support.size)])
