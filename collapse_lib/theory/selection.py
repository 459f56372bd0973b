"""Choosing what to keep: the limits of models whose output is processed before it is used again.

Unless a function says otherwise, samples are so many that training reproduces their distribution
exactly. A share alpha of every training set is text of the last model, which is processed; the rest
is real and never processed. Synthetic data alone is alpha = 1: then p^(1) is the truth, and p^(m)
is the truth processed m - 1 times.
"""

from math import inf

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import xlog1py, xlogy

from collapse_lib import _checks

#: The most rounds of `temperature_limit`.
MOST_ROUNDS = 1_000_000
#: Nodes and weights of Gauss and Legendre's rule on [0, 1].
NODES, WEIGHTS = (np.polynomial.legendre.leggauss(16) + np.array([[1], [0]])) / 2
#: A strength of selection at which all is decided, small enough not to overflow.
STRONGEST = 1e300


def house_of_cards(p, accept, share):
    """Return the limit of models that learn from real data and from the output a filter accepts.

    A share alpha of the data is written by the last model, and token i is accepted with probability
    f_i. The models tend to Kingman's house of cards,

        q_i = (1 - alpha) p_i / (1 - alpha f_i / F),   F = sum_i f_i q_i.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution.
    accept : array_like of shape (tokens,)
        The f_i, from 0 to 1; above 0 for a token of positive probability.
    share : float
        The share alpha of synthetic data, from 0 to 1.

    Returns
    -------
    ndarray of shape (tokens,)
        If alpha is 1, `p` restricted to the tokens accepted most often, and rescaled.

    Raises
    ------
    ValueError
        If an argument is out of range or `p` is no distribution.

    Examples
    --------
    >>> house_of_cards([0.5, 0.5], accept=[1, 0.5], share=0.5).round(4)
    array([0.6404, 0.3596])
    """
    p, share = _checks.distribution(p), float(_checks.unit_interval(share, "share"))
    f = _checks.within(accept, "accept", 0, 1)
    if f.shape != p.shape or not (f * p).any():
        raise ValueError(
            f"accept must have shape {p.shape} and accept a token that occurs, got {accept!r}"
        )
    top = f[p > 0].max()
    f = np.minimum(f, top)  # tokens that do not occur might have more
    if share == 0:
        return p.copy()
    if share == 1:
        best = np.where(f == top, p, 0)
        return best / best.sum()

    def models(ratio):  # the ratio of F to the largest f, between alpha and 1
        return (1 - share) * p / (1 - share * f / top / ratio)

    # At `low` the best tokens alone have mass 1, so the sum is at least 1; at 1, it is at most 1.
    low = share / (1 - (1 - share) * p[f == top].sum())
    excess = [models(ratio).sum() - 1 for ratio in (low, 1.0)]
    if excess[0] * excess[1] >= 0:  # one of them is the root, up to rounding
        ratio = (low, 1.0)[int(np.argmin(np.abs(excess)))]
    else:
        ratio = brentq(lambda x: models(x).sum() - 1, low, 1, xtol=1e-16)
    q = models(ratio)
    return q / q.sum()


def temperature_limit(p, tau, share, start=None):
    """Return the limit of models that learn from real data and from text of temperature tau.

    The map ``q -> (1 - alpha) p + alpha q^(1/tau) / sum(q^(1/tau))`` is repeated until it no longer
    changes q. Every round increases a certain function (see `collapse_lib.symbolic.hill`), so the
    models cannot cycle.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution.
    tau : float
        The temperature, above 0.
    share : float
        The share alpha of synthetic data, from 0 to 1.
    start : array_like of shape (tokens,), optional
        The first model; by default `p`. If there are several limits, it decides which is reached.
        A uniform `p` never moves, even if the smallest push would make it: to see that, start near
        it.

    Returns
    -------
    ndarray of shape (tokens,)
        If alpha is 1, the limit is the first model at tau = 1; otherwise it is uniform on some of
        that model's tokens: on the likeliest for a temperature below 1, on all that occur for one
        above 1.

    Raises
    ------
    ValueError
        If an argument is out of range or no distribution.
    RuntimeError
        If a million rounds are not enough, which may happen right at the threshold.

    Examples
    --------
    >>> temperature_limit([0.6, 0.4], tau=0.5, share=0.3).round(4)
    array([0.6547, 0.3453])
    >>> temperature_limit([0.6, 0.4], tau=0.5, share=0.9).round(4)
    array([0.9583, 0.0417])
    """
    p, tau = _checks.distribution(p), _checks.positive(tau, "tau")
    share = float(_checks.unit_interval(share, "share"))
    q = p if start is None else _checks.distribution(start, "start")
    if q.shape != p.shape:
        raise ValueError(f"start must have shape {p.shape}, got {q.shape}")
    if share == 1 and tau != 1:
        left = (q == q.max()) if tau < 1 else (q > 0)
        return left / left.sum()
    for _ in range(MOST_ROUNDS):
        after = (1 - share) * p + share * _sharpened(q, 1 / tau)
        if np.abs(after - q).sum() < 1e-14:
            return after
        q = after
    raise RuntimeError(f"no limit was reached in {MOST_ROUNDS:,} rounds")


def temperature_threshold(tokens, tau):
    """Return the shares alpha at which one token takes over, and at which the models recover.

    The truth is uniform on s tokens, and the temperature is below 1. From alpha = tau on, the
    smallest advantage lets one token take over. After that, the models recover only if alpha falls
    below the second threshold, the smallest alpha for which some model ``(x, (1-x)/(s-1), ...)``
    with a favourite reproduces itself. For two tokens both thresholds are equal.

    Parameters
    ----------
    tokens : int
        The number s, at least 2.
    tau : float
        The temperature, above 0 and at most 1.

    Returns
    -------
    (float, float)
        The share at which a token takes over, and the share below which none can stay on top.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> take_over, recover = temperature_threshold(tokens=52, tau=0.9)
    >>> print(f"{take_over:.3f} {recover:.3f}")
    0.900 0.784
    """
    s = _checks.integer(tokens, "tokens", 2)
    tau = _checks.number(tau, "tau", 0, 1)
    if tau == 0:
        raise ValueError(f"tau must be above 0, got {tau!r}")
    if s == 2 or tau == 1:
        return tau, tau

    def above(odds):  # how far a favourite of odds exp(odds) is above 1/s, times s / (s - 1)
        return -np.expm1(-odds) / (1 + (s - 1) * np.exp(-odds))

    def share(sharp):  # the alpha for which the odds do not change: exp(sharp) after the step
        return above(tau * sharp) / above(sharp)

    grid = np.linspace(1e-3, 2 * np.log(s) + 10, 2001)
    least = int(np.argmin(share(grid)))
    ends = grid[max(least - 1, 0)], grid[min(least + 1, grid.size - 1)]
    found = minimize_scalar(share, bounds=ends, method="bounded", options={"xatol": 1e-12})
    return tau, min(float(found.fun), tau)


def nucleus_limit(p, mass):
    """Return the limit of repeated nucleus sampling, for synthetic data alone.

    In decreasing order of probability, the first k tokens survive, where k is the largest number
    for which token k has more than a fraction ``1 - mass`` of the total probability of the first k.
    Fewer than ``1 / (1 - mass)`` tokens survive.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution; among equally likely tokens, the lower index comes first.
    mass : float
        The nucleus, above 0 and at most 1, where nothing changes.

    Returns
    -------
    ndarray of shape (tokens,)

    Raises
    ------
    ValueError
        If an argument is out of range or `p` is no distribution.

    Examples
    --------
    >>> nucleus_limit([0.5, 0.3, 0.15, 0.05], mass=0.9).round(4)
    array([0.5263, 0.3158, 0.1579, 0.    ])
    """
    p = _checks.distribution(p)
    mass = _checks.number(mass, "mass", 0, 1)
    if mass == 0:
        raise ValueError(f"mass must be above 0, got {mass!r}")
    if mass == 1:
        return p.copy()
    order = np.argsort(-p, kind="stable")
    ranked = p[order]
    stays = ranked > (1 - mass + 1e-14) * np.cumsum(ranked)
    left = order[: np.flatnonzero(stays).max(initial=0) + 1]
    q = np.zeros_like(p)
    q[left] = p[left] / p[left].sum()
    return q


def survival_with_filter(p, n, advantage):
    """Return the probability that a favoured token is the last one left, by Kimura's formula.

    There are two tokens, synthetic data alone and n samples per generation. A step multiplies the
    odds of the favoured token by ``1 + a`` in every generation, where a is the advantage. The
    result is the diffusion limit for large n and small a,
    ``(1 - exp(-2 n a p)) / (1 - exp(-2 n a))``.

    Parameters
    ----------
    p : float or array_like of float
        Probability of the favoured token, from 0 to 1.
    n : int
        Samples per generation, at least 1.
    advantage : float
        The advantage a, finite and above -1. It is ``1/f - 1`` for a filter that always accepts
        this token and the other one with probability f.

    Returns
    -------
    float or ndarray

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> round(survival_with_filter(0.05, n=400, advantage=0.005), 4)
    0.1847
    """
    p, n = _checks.within(p, "p", 0, 1), _checks.integer(n, "n", 1)
    advantage = _checks.number(advantage, "advantage", -1, inf)
    if advantage in (-1, inf):
        raise ValueError(f"advantage must be finite and above -1, got {advantage!r}")
    strength = min(2 * n * advantage, STRONGEST)
    if abs(strength) < 1e-12:
        survives = p.copy()
    elif strength > 0:
        survives = np.expm1(-strength * p) / np.expm1(-strength)
    else:  # the same, without overflow or a difference of numbers close to 1
        low = np.exp(strength * (1 - p)) * np.expm1(strength * p)
        survives = low / np.expm1(strength)
    return float(survives) if survives.ndim == 0 else survives


def survival_with_temperature(p, n, tau):
    """Return the probability that a token is the last one left at a given temperature.

    There are two tokens, synthetic data alone and n samples per generation. With
    ``1 / tau = 1 + c / n``, the result is the diffusion limit for large n and fixed c,
    ``int_0^p e^(2 c H) / int_0^1 e^(2 c H)``, where H is the entropy of a coin in nats.

    Parameters
    ----------
    p : float
        Probability of the token, from 0 to 1.
    n : int
        Samples per generation, at least 1.
    tau : float
        The temperature, above 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> round(survival_with_temperature(0.05, n=400, tau=400 / 401), 4)
    0.0218
    """
    p, n = _checks.number(p, "p", 0, 1), _checks.integer(n, "n", 1)
    c = min(n * (1 / _checks.positive(tau, "tau") - 1), STRONGEST)
    if p > 0.5:  # H is symmetric
        return 1 - _coin_integral(1 - p, c) / (2 * _coin_integral(0.5, c))
    return _coin_integral(p, c) / (2 * _coin_integral(0.5, c))


def _coin_integral(end, c):
    """Return the integral of ``e^(2 c H)`` from 0 to `end`, at most 1/2, up to a common factor.

    The integrand may be narrow at either end, so the pieces halve in length towards both.
    """
    halves = 0.5 ** np.arange(90, 0, -1)
    cuts = end * np.concatenate([[0], halves, 1 - halves[-2::-1], [1]])
    lengths = np.diff(cuts)
    x = cuts[:-1, None] + lengths[:, None] * NODES
    if c < 0:
        exponent = -2 * c * (xlogy(x, x) + xlog1py(1 - x, -x))
    else:  # H - ln 2, without cancellation near its maximum
        u = 1 - 2 * x
        exponent = -c * (xlog1py(1 + u, u) + xlog1py(1 - u, -u))
    return float(lengths @ np.exp(np.minimum(exponent, 0)) @ WEIGHTS)


def _sharpened(q, power):
    """Return the distribution proportional to q^power, without underflow to 0 everywhere."""
    weights = (q / q.max()) ** power
    return weights / weights.sum()
