"""Bounds on which tokens are left after m generations, for synthetic data alone.

n is the number of samples per generation. A token is alive at generation m if p_i^(m) > 0. With
u = 1 - (1 - 1/n)^m::

    p_i / (p_i + (1 - p_i) u)  <=  P(i alive at m)  <=  p_i L_m,
    E[tokens alive at m]  <=  L_m = 1 / (1 - (1 - 1/n) (1 - 1/(2n))^(m-1))  <=  1 + 2n/(m+1)

So the cutoff between tokens that are still alive and tokens that are gone is near p_i = m/(2n).
"""

import numpy as np

from collapse_lib import _checks
from collapse_lib.theory._core import faded


def tokens_left_bound(m, n):
    """Return a bound on the expected number of tokens left at generation m, for every p.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 1.
    n : int or array_like of int
        Samples per generation, at least 1.

    Returns
    -------
    float or ndarray (the broadcast shape of m and n)
        From n at ``m = 1`` down to 1; it is below ``1 + 2n / (m + 1)``.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> tokens_left_bound(m=[1, 20, 200], n=50).round(2)
    array([50.  ,  5.25,  1.15])
    """
    m, n = _checks.integers(m, "m", 1), _checks.integers(n, "n", 1)
    _checks.broadcast(m=m, n=n)
    return 1 / (1 / n + (1 - 1 / n) * faded(m - 1, 0.5 / n))  # L_m, without cancellation


def alive_bounds(m, n, p):
    """Return lower and upper bounds on the probability that a token is alive at generation m.

    Parameters
    ----------
    m : int or array_like of int
        Generation, at least 1.
    n : int or array_like of int
        Samples per generation, at least 1.
    p : float or array_like of float
        The true probability of the token, from 0 to 1.

    Returns
    -------
    (lower, upper), each a float or ndarray (the broadcast shape of m, n and p)

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> low, high = alive_bounds(m=20, n=50, p=[0.3, 0.01])
    >>> low.round(3), high.round(3)
    (array([0.563, 0.029]), array([1.   , 0.053]))
    """
    m, n = _checks.integers(m, "m", 1), _checks.integers(n, "n", 1)
    p = _checks.within(p, "p", 0, 1)
    _checks.broadcast(m=m, n=n, p=p)
    square = p + (1 - p) * faded(m, 1 / n)  # E x^2 / p_i
    lower = np.divide(p, square, out=np.zeros_like(p * square), where=p > 0)
    upper = np.minimum(1.0, p * tokens_left_bound(m, n))
    return (lower, upper) if lower.ndim else (float(lower), float(upper))
