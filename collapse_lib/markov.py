"""Total collapse as the absorption of a Markov chain, with all its states.

Synthetic data alone: from generation 1 on, a model is a point of the simplex with denominator
n, and the next one depends on it alone. The Dirac masses of the tokens are absorbing, all other
states are transient. With the transient states first, the transition matrix is in canonical
form (Kemeny and Snell 1960)::

    P = [ Q  R ]        N = (I - Q)^(-1) = I + Q + Q^2 + ...
        [ 0  I ]

The fundamental matrix N holds the expected numbers of visits: N 1 the expected times to
absorption, N R the absorption probabilities. The true distribution p^(0) is no state, as it
need not have the denominator n: the chain starts from the distribution of p^(1).

Rational `p` gives exact results, by elimination in `Fraction`.

With a step, one of `collapse_lib.steps`, every model is processed before it is sampled: selection
beside drift. The states are the models as they were trained. The truth is not processed, so that
the start stays the distribution of p^(1).
"""

from fractions import Fraction
from itertools import combinations
from math import comb, factorial, inf, lcm

import numpy as np
from scipy import sparse
from scipy.linalg import lu_factor, lu_solve

from collapse_lib import _checks, steps

#: In floats a dense matrix takes 8 bytes for each pair of states, 128 MB.
MAX_STATES = 4000
#: Exact elimination takes minutes, as its integers grow to the determinant.
MAX_EXACT_STATES = 100
#: The last generation of a distribution, in floats and exactly.
MAX_GENERATIONS, MAX_EXACT_GENERATIONS = 100_000, 1_000
#: Columns that are solved for at a time, so that an interrupt is soon heard.
COLUMNS = 256


class AbsorbingChain:
    """Fully synthetic training as an absorbing Markov chain.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution, on at least two tokens; a sequence of `Fraction` gives exact
        results.
    n : int
        Samples per generation, at least 1.
    step : step or tuple of steps, optional
        What is done to a model before it is sampled, see `collapse_lib.steps`; the results are
        then floats. It is applied to models, not to the truth: `start`, the distribution of p^(1),
        belongs to unchanged samples. A Dirac mass must stay one.

    Attributes
    ----------
    states : ndarray of int, shape (states, tokens)
        The counts of every model that can occur, which is ``row / n``: the transient ones, then
        the Dirac masses in the order of the tokens.
    transient : int
        How many states are transient.
    start : ndarray of shape (states,)
        The distribution of p^(1), whose samples are real: no step is applied.
    transition_matrix : scipy.sparse.csr_array or ndarray of Fraction, shape (states, states)

    Raises
    ------
    ValueError
        If `p` is no distribution or a Dirac mass, `n` is less than 1, there are more than 4000
        states, 100 if `p` is rational and there is no step, or the step cannot be applied to every
        state or moves a Dirac mass.

    Examples
    --------
    >>> chain = AbsorbingChain([Fraction(1, 3), Fraction(2, 3)], n=3)
    >>> chain.states.tolist()
    [[2, 1], [1, 2], [3, 0], [0, 3]]
    >>> chain.expected_collapse_time()
    Fraction(3, 1)
    >>> chain.absorption_probabilities().tolist()
    [Fraction(1, 3), Fraction(2, 3)]

    A filter that accepts the first token half as often as the second:

    >>> chain = AbsorbingChain([0.5, 0.5], n=10, step=steps.Accept((0.5, 1)))
    >>> chain.absorption_probabilities().round(3)
    array([0.008, 0.992])
    """

    def __init__(self, p, n, step=None):
        steps.check(step)
        self.p = _checks.nontrivial_distribution(p)
        if step is not None:
            self.p = self.p.astype(float)
        self.n = _checks.integer(n, "n", 1)
        self._exact = self.p.dtype == object
        self._support = np.flatnonzero(self.p)
        _check_number_of_states(self.n, self._support.size, self._exact)
        on_support = _compositions(self.n, self._support.size)
        self.transient = len(on_support) - self._support.size
        self.states = np.zeros((len(on_support), self.p.size), dtype=np.int64)
        self.states[:, self._support] = on_support
        one = Fraction(1) if self._exact else 1.0
        means = on_support if step is None else self.n * self._processed(step)
        rows = [
            _multinomial(counts * one, on_support, self.n)
            for counts in [self.n * self.p[self._support], *means]
        ]
        self.start, matrix = rows[0], np.array(rows[1:])
        self.transition_matrix = matrix if self._exact else sparse.csr_array(matrix)

    def fundamental_matrix(self):
        """Return ``N = (I - Q)^(-1)``: the expected numbers of visits to each transient state.

        Returns
        -------
        ndarray of shape (transient, transient)
            Row: where the chain starts; a start counts as a visit.

        Examples
        --------
        >>> AbsorbingChain([0.5, 0.5], n=3).fundamental_matrix()
        array([[2.14285714, 0.85714286],
               [0.85714286, 2.14285714]])
        """
        return self._solve(np.eye(self.transient, dtype=np.int64))

    def expected_times(self):
        """Return the expected number of generations to a Dirac mass, from each state.

        Returns
        -------
        ndarray of shape (states,)
            N 1 for the transient states, then 0 for the Dirac masses.

        Examples
        --------
        >>> AbsorbingChain([0.5, 0.5], n=3).expected_times()
        array([3., 3., 0., 0.])
        """
        ones = np.ones((self.transient, 1), dtype=np.int64)
        return np.append(self._solve(ones)[:, 0], 0 * self.p[self._support])

    def expected_collapse_time(self):
        """Return E[T] from p: one generation to p^(1), and from there `expected_times`.

        Returns
        -------
        float or Fraction (if `p` is rational)

        Examples
        --------
        >>> chain = AbsorbingChain([0.6, 0.3, 0.1], n=2)
        >>> print(f"{chain.expected_collapse_time():.6f}")
        2.080000
        """
        return 1 + self.start @ self.expected_times()

    def absorption_probabilities(self):
        """Return the probability that each token is the one that survives, from p.

        Proposition 1 says that without a step it is p itself; here it comes from N R.

        Returns
        -------
        ndarray of shape (tokens,)

        Examples
        --------
        >>> AbsorbingChain([0.6, 0.3, 0.1], n=4).absorption_probabilities().round(12)
        array([0.6, 0.3, 0.1])
        """
        into = self.transition_matrix[: self.transient, self.transient :]
        into = into if self._exact else into.toarray()
        survives = 0 * self.p
        survives[self._support] = self.start[self.transient :]
        if self.transient:
            survives[self._support] += self.start[: self.transient] @ self._solve(into)
        return survives

    def collapse_time_cdf(self, generations):
        """Return ``P(T <= m)`` for m = 0, 1, ..., by powers of the transition matrix.

        Parameters
        ----------
        generations : int
            The last m, at least 0.

        Returns
        -------
        ndarray of shape (generations + 1,)

        Raises
        ------
        ValueError
            If `generations` is negative, or above 100,000, or 1,000 if `p` is rational.

        Examples
        --------
        >>> AbsorbingChain([0.5, 0.5], n=2).collapse_time_cdf(4)
        array([0.    , 0.5   , 0.75  , 0.875 , 0.9375])
        """
        most = MAX_EXACT_GENERATIONS if self._exact else MAX_GENERATIONS
        generations = _checks.integer(generations, "generations", 0, most)
        cdf, law = np.zeros(generations + 1, dtype=self.p.dtype), self.start
        for m in range(1, generations + 1):
            cdf[m] = law[self.transient :].sum()
            law = law @ self.transition_matrix
        return cdf

    def _processed(self, step):
        """Return the distributions that the states are sampled from, on the support of p."""
        sampled = steps.apply(step, self.states / self.n)
        if not np.array_equal(sampled[self.transient :], self.states[self.transient :] / self.n):
            raise ValueError(f"step must leave a Dirac mass as it is, got {step!r}")
        if not np.isclose(sampled[:, self._support].sum(axis=1), 1).all():
            raise ValueError(f"step must give tokens that p lacks no probability, got {step!r}")
        return sampled[:, self._support]

    def _solve(self, right):
        """Return N @ right, for a matrix of one row a transient state."""
        stay = self.transition_matrix[: self.transient, : self.transient]
        if self._exact:
            return _eliminate(np.eye(self.transient, dtype=np.int64) - stay, right)
        if not self.transient:
            return np.zeros(right.shape)
        factors = lu_factor(np.eye(self.transient) - stay.toarray())
        starts = range(0, right.shape[1], COLUMNS)
        return np.hstack([lu_solve(factors, right[:, i : i + COLUMNS]) for i in starts])


def _check_number_of_states(n, tokens, exact):
    """Raise ValueError if there are too many ways to share n samples among the tokens."""
    most = MAX_EXACT_STATES if exact else MAX_STATES
    fewer = min(n, tokens - 1)
    number = comb(n + tokens - 1, fewer) if fewer <= 20 else inf  # the number would take long
    if number > most:
        arithmetic = "exact arithmetic" if exact else "floats"
        got = f"{number:,}" if number < 10**15 else "over 10^15"
        raise ValueError(
            f"n and p must leave at most {most} states in {arithmetic}, got {got} "
            f"(n = {n} samples of {tokens} tokens)"
        )


def _compositions(n, parts):
    """Return all ways to write n as an ordered sum, those with a single part last.

    Returns
    -------
    ndarray of int, shape (compositions, parts)
    """
    bars = np.array(list(combinations(range(n + parts - 1), parts - 1)))
    walls = np.pad(bars, [(0, 0), (1, 1)], constant_values=((0, 0), (-1, n + parts - 1)))
    counts = np.diff(walls, axis=1)[::-1] - 1
    return counts[np.argsort(counts.max(axis=1) == n, kind="stable")]


def _multinomial(means, outcomes, n):
    """Return the probability of each outcome of n draws with the given mean counts.

    The probability is proportional to prod_j means_j^(k_j) / k_j!.
    """
    weights = 1
    for mean, counts in zip(means, outcomes.T, strict=True):
        weights = weights * _poisson_weights(mean, n)[counts]
    return weights / weights.sum()


def _poisson_weights(mean, n):
    """Return mean^k / k! for k = 0, ..., n, up to a common factor.

    In floats the largest is 1, and the others follow from it by their ratios: nothing
    overflows, and the error stays that of a few roundings.
    """
    if isinstance(mean, Fraction):
        return np.array([mean**k / factorial(k) for k in range(n + 1)])
    top = min(int(mean), n)
    above = np.cumprod(mean / np.arange(top + 1, n + 1))
    below = np.cumprod(np.arange(top, 0, -1) / mean) if top else []
    return np.concatenate([below[::-1], [1.0], above])


def _eliminate(matrix, right):
    """Solve matrix @ x = right exactly, by elimination in integers without fractions (Bareiss).

    Every division below leaves no remainder. A matrix I - Q needs no pivoting.
    """
    table = np.concatenate([matrix, right], axis=1) * Fraction(1)
    scales = [lcm(*(x.denominator for x in row)) for row in table]
    table = (table * np.array(scales, dtype=object)[:, None]) // 1  # rows of integers
    divisor = 1
    for k in range(len(table)):
        pivot, others = table[k, k], np.arange(len(table)) != k
        cleared = pivot * table[others] - np.multiply.outer(table[others, k], table[k])
        table[others] = cleared // divisor
        divisor = pivot
    return table[:, len(table) :] * Fraction(1, divisor)
