"""Total collapse as absorption in a Markov chain, computed with all its states.

The setting is synthetic data alone, with n samples per generation. From generation 1 on, a model is
a row of n counts divided by n, and the next model depends only on it. The Dirac masses are
absorbing, all other states are transient. With the transient states first, the transition matrix
is in canonical form (Kemeny and Snell 1960)::

    P = [ Q  R ]        N = (I - Q)^(-1) = I + Q + Q^2 + ...
        [ 0  I ]

The fundamental matrix N (no sample size here) holds the expected numbers of visits. N 1 gives the
expected times to absorption, N R the absorption probabilities. The true distribution p^(0) need not
be a multiple of 1/n, so it is not a state: the chain starts from the distribution of p^(1).

Rational `p` gives exact results, by elimination in exact integers. Floats are eliminated without a
subtraction (Grassmann, Taksar and Heyman 1985): a step that holds models apart makes collapse so
rare that I - Q is singular in floats, yet the expected times keep all but their last few digits.

With a step from `collapse_lib.steps`, every model is processed before it is sampled, which adds
selection to drift. The states are the models as trained, before the step. The truth is not
processed, so p^(1) has the same distribution as without a step.
"""

from fractions import Fraction
from itertools import combinations
from math import comb, factorial, inf, lcm

import numpy as np
from scipy import sparse
from scipy.linalg import solve_triangular

from collapse_lib import _checks, steps

#: The most states in floats: a dense matrix takes 8 bytes for each pair, 128 MB.
MAX_STATES = 4000
#: The most states in exact arithmetic: minutes, since integers grow to the size of the determinant.
MAX_EXACT_STATES = 100
#: The most generations of `AbsorbingChain.collapse_time_cdf`, in floats and exactly.
MAX_GENERATIONS, MAX_EXACT_GENERATIONS = 100_000, 1_000
#: Columns solved for and states eliminated at a time: an interrupt takes effect between batches.
COLUMNS, BLOCK = 256, 64
#: The longest expected time, beyond which the probabilities in floats lose digits.
LONGEST = 1e300


class AbsorbingChain:
    """Training on synthetic data alone, as an absorbing Markov chain.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution, with at least two possible tokens; a sequence of `Fraction` gives
        exact results.
    n : int
        Samples per generation, at least 1.
    step : step or tuple of steps, optional
        Applied to each model before it is sampled, but not to the truth; see
        `collapse_lib.steps`. It must leave Dirac masses unchanged. The results are then floats.

    Attributes
    ----------
    states : ndarray of int, shape (states, tokens)
        Each row holds the counts of a possible model, ``row / n``: first the transient ones, then
        the Dirac masses in the order of the tokens.
    transient : int
        Number of transient states.
    start : ndarray of shape (states,)
        The distribution of p^(1), which is trained on real samples.
    transition_matrix : scipy.sparse.csr_array or ndarray of Fraction, shape (states, states)

    Raises
    ------
    ValueError
        If `p` is no distribution or a Dirac mass, `n` is less than 1, the step cannot be applied
        to every state or changes a Dirac mass, or there are too many states: more than 4000, or
        more than 100 if `p` is rational and there is no step.

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
        self.n, self._step = _checks.integer(n, "n", 1), step
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
            Row: the state in which the chain starts, which counts as a visit.

        Raises
        ------
        ValueError
            If the step delays collapse for 10^300 generations or more.

        Examples
        --------
        >>> AbsorbingChain([0.5, 0.5], n=3).fundamental_matrix()
        array([[2.14285714, 0.85714286],
               [0.85714286, 2.14285714]])
        """
        return self._solve(np.eye(self.transient, dtype=np.int64))

    def expected_times(self):
        """Return the expected number of generations until a Dirac mass, from each state.

        Returns
        -------
        ndarray of shape (states,)
            N 1 for the transient states, followed by 0 for the Dirac masses.

        Raises
        ------
        ValueError
            If the step delays collapse for 10^300 generations or more.

        Examples
        --------
        >>> AbsorbingChain([0.5, 0.5], n=3).expected_times()
        array([3., 3., 0., 0.])
        """
        ones = np.ones((self.transient, 1), dtype=np.int64)
        return np.append(self._solve(ones)[:, 0], 0 * self.p[self._support])

    def expected_collapse_time(self):
        """Return E[T]: one generation from p to p^(1), then `expected_times` from there.

        Returns
        -------
        float or Fraction (if `p` is rational)

        Raises
        ------
        ValueError
            If the step delays collapse for 10^300 generations or more.

        Examples
        --------
        >>> chain = AbsorbingChain([0.6, 0.3, 0.1], n=2)
        >>> print(f"{chain.expected_collapse_time():.6f}")
        2.080000
        """
        return 1 + self.start @ self.expected_times()

    def absorption_probabilities(self):
        """Return the probability that each token is the survivor, starting from p.

        Without a step this is p itself, by Proposition 1; here it is computed from N R.

        Returns
        -------
        ndarray of shape (tokens,)

        Raises
        ------
        ValueError
            If the step delays collapse for 10^300 generations or more.

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
        """Return ``P(T <= m)`` for each m = 0, 1, ..., by powers of the transition matrix.

        Parameters
        ----------
        generations : int
            The largest m, at least 0.

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
        cdf, probabilities = np.zeros(generations + 1, dtype=self.p.dtype), self.start
        for m in range(1, generations + 1):
            cdf[m] = probabilities[self.transient :].sum()
            probabilities = probabilities @ self.transition_matrix
        return cdf

    def _processed(self, step):
        """Return what each state is sampled from, after the step, on the support of p."""
        sampled = steps.apply(step, self.states / self.n)
        if not np.array_equal(sampled[self.transient :], self.states[self.transient :] / self.n):
            raise ValueError(f"step must leave a Dirac mass as it is, got {step!r}")
        if not np.isclose(sampled[:, self._support].sum(axis=1), 1).all():
            raise ValueError(f"step must give no probability to tokens that p lacks, got {step!r}")
        return sampled[:, self._support]

    def _solve(self, right):
        """Return N @ right, for a matrix with one row per transient state."""
        stay = self.transition_matrix[: self.transient, : self.transient]
        if self._exact:
            return _eliminate(np.eye(self.transient, dtype=np.int64) - stay, right)
        if not self.transient:
            return np.zeros(right.shape)
        leave = self.transition_matrix[: self.transient, self.transient :].sum(axis=1)
        ones = np.ones((self.transient, 1))  # whose solution is the expected times
        found = _substitute(*_factors(stay.toarray(), leave), np.hstack([right, ones]))
        if not (found[:, -1] < LONGEST).all():
            raise ValueError(
                "step must let the models collapse in fewer than 10^300 generations on average, "
                f"got {self._step!r} with n = {self.n}"
            )
        return found[:, :-1]


def _check_number_of_states(n, tokens, exact):
    """Raise `ValueError` if there are too many ways to share n samples among the tokens."""
    most = MAX_EXACT_STATES if exact else MAX_STATES
    fewer = min(n, tokens - 1)
    number = comb(n + tokens - 1, fewer) if fewer <= 20 else inf  # slow to compute
    if number > most:
        arithmetic = "exact arithmetic" if exact else "floats"
        got = f"{number:,}" if number < 10**15 else "over 10^15"
        raise ValueError(
            f"n and p must leave at most {most} states in {arithmetic}, got {got} "
            f"(n = {n} samples of {tokens} tokens)"
        )


def _compositions(n, parts):
    """Return all ways to write n as an ordered sum of `parts`, the one-token ones last.

    Returns
    -------
    ndarray of int, shape (compositions, parts)
    """
    # Stars and bars: parts - 1 bars among n stars; the gaps between the bars are the counts.
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

    In floats the largest weight is set to 1 and the others follow from it by ratios: nothing
    overflows, and only a few roundings accumulate.
    """
    if isinstance(mean, Fraction):
        return np.array([mean**k / factorial(k) for k in range(n + 1)])
    top = min(int(mean), n)
    above = np.cumprod(mean / np.arange(top + 1, n + 1))
    below = np.cumprod(np.arange(top, 0, -1) / mean) if top else []
    return np.concatenate([below[::-1], [1.0], above])


def _factors(stay, leave):
    """Return a lower and an upper triangular matrix with the product I - Q, without a subtraction.

    States are eliminated one by one: then the chain is watched only while it is in a later state.
    Its diagonal entry of I - Q is the probability to go anywhere else, so it is summed rather than
    subtracted from 1, and every entry keeps a small relative error.

    Parameters
    ----------
    stay : ndarray of shape (transient, transient)
        Q.
    leave : ndarray of shape (transient,)
        The probabilities of absorption from each transient state in one generation.

    Returns
    -------
    (ndarray, ndarray), each of shape (transient, transient)
        The second has ones on its diagonal; its entries there and below stand for nothing.
    """
    table, size = np.column_stack([stay, leave]), len(stay)
    for start in range(0, size, BLOCK):
        end = min(start + BLOCK, size)
        for k in range(start, end):
            table[k, k] = table[k, k + 1 :].sum()
            table[k, k + 1 :] /= table[k, k] or 1
            table[k + 1 : end, k + 1 :] += np.outer(table[k + 1 : end, k], table[k, k + 1 :])
            table[end:, k + 1 : end] += np.outer(table[end:, k], table[k, k + 1 : end])
        table[end:, end:] += table[end:, start:end] @ table[start:end, end:]
    upper = -table[:, :-1]
    lower = np.tril(upper)
    np.fill_diagonal(lower, -lower.diagonal())
    return lower, upper


def _substitute(lower, upper, right):
    """Return x with lower @ upper @ x = right; infinite where a probability to leave is 0."""
    found = np.full(right.shape, inf)
    if lower.diagonal().all():
        for i in range(0, right.shape[1], COLUMNS):
            y = solve_triangular(lower, right[:, i : i + COLUMNS], lower=True)
            x = solve_triangular(upper, y, unit_diagonal=True, check_finite=False)
            found[:, i : i + COLUMNS] = x
    return found


def _eliminate(matrix, right):
    """Return x with matrix @ x = right, exactly, by Bareiss's fraction-free elimination.

    No division below leaves a remainder. A matrix I - Q needs no pivoting.
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
