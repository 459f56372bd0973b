"""The exact distribution of the collapse time, by tracing samples back to their ancestors.

The setting is synthetic data alone, with n samples per generation. Each sample copies one of the
n samples of the generation before, picked uniformly; generation 1 is drawn from p itself. Follow
the n samples of generation m back in time, and let A_t be the number of distinct ancestors they
have t generations back, ``A_0 = n``. Generation m has collapsed exactly if its A_(m-1) ancestors
in generation 1, which are independent draws from p, are all the same token::

    P(T <= m) = E[ sum_i p_i^(A_(m-1)) ],    m >= 1

The probabilities that token i is the only one left, and that it is still alive, are::

    P(T <= m, i is left) = E[ p_i^(A_(m-1)) ],    P(i alive at m) = 1 - E[ (1 - p_i)^(A_(m-1)) ]

This holds for every p. The numbers A_t form a Markov chain whose transition probabilities solve the
occupancy problem: how many of n boxes are hit by k balls? In population genetics this is the
Wright-Fisher model with its ancestral process (Kingman 1982).

All terms are positive and nothing is subtracted, so floats stay accurate for even the smallest
probabilities; a `p` of `Fraction` gives exact results.
"""

from fractions import Fraction

import numpy as np

from collapse_lib import _checks
from collapse_lib._compiled import compiled

#: Numbers of ancestors less likely than this are dropped. A_t never grows, so dropping them for m
#: generations changes a probability by less than m times n times this.
NEGLIGIBLE = 1e-25
#: Up to this n the whole transition matrix is kept in memory, 32 MB; above, one row at a time.
DENSE = 2000
#: Above `DENSE`, entries below this are dropped from the ends of a row: no sum in floats changes.
UNSEEN = 1e-75
#: The most samples and generations in floats: these take minutes.
MOST_SAMPLES, MOST_GENERATIONS = 1_000_000, 10_000_000
#: The most samples, and samples times generations, in exact arithmetic: these take seconds, as the
#: digits grow.
MOST_EXACT, MOST_EXACT_STEPS = 100, 1000
#: How many powers are computed at once: 80 MB.
BLOCK = 10_000_000


def transition_matrix(n, exact=False):
    """Return the probabilities that k samples have j distinct parents among n.

    Row k + 1 adds one sample to row k: its parent is one of the j found so far with probability
    ``j/n``, and a new one otherwise.

    Parameters
    ----------
    n : int
        Samples per generation, at least 1.
    exact : bool, optional
        Compute with `Fraction`.

    Returns
    -------
    ndarray of shape (n + 1, n + 1)
        Entry [k, j]. Row and column 0, for no samples, let indices be the numbers themselves.

    Raises
    ------
    ValueError
        If `n` is less than 1, or above 9,999, or 100 if `exact`.

    Examples
    --------
    >>> transition_matrix(2, exact=True)[2].tolist()
    [Fraction(0, 1), Fraction(1, 2), Fraction(1, 2)]
    """
    n = _checks.integer(n, "n", 1, MOST_EXACT if _checks.boolean(exact, "exact") else MOST_SAMPLES)
    _checks.room((n + 1) ** 2, "n")
    matrix = np.zeros((n + 1, n + 1), dtype=object if exact else float)
    matrix[0, 0] = 1
    for k, row in enumerate(_parents(n, Fraction(1) if exact else 1.0), start=1):
        matrix[k] = row
    return matrix


def lineages(n, generations):
    """Return the distributions of A_t, the number of ancestors t generations back.

    Parameters
    ----------
    n : int
        Samples per generation, at least 1.
    generations : int
        At least 0.

    Returns
    -------
    ndarray of shape (generations + 1, n + 1)
        Entry [t, j] is ``P(A_t = j)``; every row sums to 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> lineages(2, 3)
    array([[0.   , 0.   , 1.   ],
           [0.   , 0.5  , 0.5  ],
           [0.   , 0.75 , 0.25 ],
           [0.   , 0.875, 0.125]])
    """
    n = _checks.integer(n, "n", 1, MOST_SAMPLES)
    generations = _checks.integer(generations, "generations", 0)
    _checks.room((n + 1) * (generations + 1), "n and generations")
    if n <= DENSE:
        return _lineage_table(n, generations, NEGLIGIBLE)
    table = np.zeros((generations + 1, n + 1))
    for row, probabilities in zip(table, _lineage_distributions(n, generations, 1.0), strict=True):
        row[: probabilities.size] = probabilities
    return table


def generating_function(x, n, generations):
    """Return ``E[x^(A_t)]``, the generating function of the number of ancestors.

    It is the probability that, t + 1 generations after a model gave a set of tokens the total
    probability x, all n samples lie in this set.

    Parameters
    ----------
    x : array_like of shape (shares,)
        Numbers from 0 to 1.
    n : int
        Samples per generation, at least 1.
    generations : int
        The largest t, at least 0.

    Returns
    -------
    ndarray of shape (generations + 1, shares)

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> generating_function([0.5, 1.0], n=2, generations=2)
    array([[0.25  , 1.    ],
           [0.375 , 1.    ],
           [0.4375, 1.    ]])
    """
    x = np.atleast_1d(_checks.within(x, "x", 0, 1))
    if x.ndim != 1:
        raise ValueError(f"x must have shape (shares,), got shape {x.shape}")
    n = _checks.integer(n, "n", 1, MOST_SAMPLES)
    generations = _checks.integer(generations, "generations", 0)
    _checks.room(x.size * (generations + 1), "x and generations")
    if (n + 1) * max(x.size, generations + 1) <= BLOCK:
        means = lineages(n, generations) @ (x ** np.arange(n + 1)[:, None])
    else:
        distributions = _lineage_distributions(n, generations, 1.0)
        means = np.array([_mean_powers(x, probabilities) for probabilities in distributions])
    return np.where(x == 1, 1.0, np.minimum(means, 1))


def collapse_time_cdf(p, n, generations):
    """Return ``P(T <= m)``, the paper's rho_m, exactly, for each m = 0, 1, ..., `generations`.

    T counts generations from p^(0), as in the paper, so ``P(T <= 0) = 0``.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution, with at least two possible tokens; a sequence of `Fraction` gives
        exact results.
    n : int
        Samples per generation, at least 1.
    generations : int
        The largest m, at least 0.

    Returns
    -------
    ndarray of shape (generations + 1,)

    Raises
    ------
    ValueError
        If `p` is no distribution or a Dirac mass, or a number is out of range. The most samples
        are a million; for exact results 100, and ``n * generations`` is at most 1,000.

    Examples
    --------
    >>> collapse_time_cdf([0.5, 0.5], n=2, generations=4)
    array([0.    , 0.5   , 0.75  , 0.875 , 0.9375])
    """
    p = _checks.nontrivial_distribution(p)
    exact = p.dtype == object
    n = _checks.integer(n, "n", 1, MOST_EXACT if exact else MOST_SAMPLES)
    most = MOST_EXACT_STEPS // n if exact else MOST_GENERATIONS
    generations = _checks.integer(generations, "generations", 0, most)
    same = _same(p, n)
    cdf = np.zeros(generations + 1, dtype=p.dtype)
    if generations:
        one = 1 + 0 * p[0]  # of the type of p
        distributions = _lineage_distributions(n, generations - 1, one)
        cdf[1:] = [min(each @ same[: each.size], one) for each in distributions]
    return cdf


def expected_collapse_time(p, n):
    """Return E[T], the expected first generation that is a Dirac mass.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution, with at least two possible tokens; a sequence of `Fraction` gives
        an exact result.
    n : int
        Samples per generation, at least 1.

    Returns
    -------
    float or Fraction (if `p` is rational)
        At least 1, at most ``2n - 1``.

    Raises
    ------
    ValueError
        If `p` is no distribution or a Dirac mass, or `n` is less than 1, or above 1,000,000, or
        100 if `p` is rational.

    Examples
    --------
    >>> weights = 1 / np.arange(1, 53)
    >>> print(f"{expected_collapse_time(weights / weights.sum(), 100):.3f}")
    189.398
    """
    p = _checks.nontrivial_distribution(p)
    n = _checks.integer(n, "n", 1, MOST_EXACT if p.dtype == object else MOST_SAMPLES)
    return 1 + _expected_total(_differ(p, n))


def expected_tmrca(n):
    """Return the expected number of generations back to the common ancestor of n samples.

    T_MRCA, the time to the most recent common ancestor, is the first t with ``A_t = 1``.
    ``1 + E[T_MRCA]`` is E[T] in the limit where all samples of generation 1 are different tokens.

    Parameters
    ----------
    n : int
        Samples per generation, at least 1.

    Returns
    -------
    float
        At most ``2n - 2``.

    Raises
    ------
    ValueError
        If `n` is less than 1 or above 1,000,000.

    Examples
    --------
    >>> expected_tmrca(2)
    2.0
    """
    n = _checks.integer(n, "n", 1, MOST_SAMPLES)
    return float(_expected_total((np.arange(n + 1) >= 2).astype(float)))


def winner_cdf(p, n, generations):
    """Return ``P(T <= m, only token i is left)`` for each m = 0, 1, ... and each token.

    The sum over the tokens is `collapse_time_cdf`. As m grows, the entry of token i tends to p_i,
    the probability that it wins.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution, with at least two possible tokens; a sequence of `Fraction` gives
        exact results.
    n : int
        Samples per generation, at least 1.
    generations : int
        The largest m, at least 0.

    Returns
    -------
    ndarray of shape (generations + 1, tokens)

    Raises
    ------
    ValueError
        If `p` is no distribution or a Dirac mass, or a number is out of range, as in
        `collapse_time_cdf`.

    Examples
    --------
    >>> winner_cdf([0.75, 0.25], n=2, generations=2).round(4)
    array([[0.    , 0.    ],
           [0.5625, 0.0625],
           [0.6562, 0.1562]])
    """
    p = _checks.nontrivial_distribution(p)
    return _expected_by_token(lambda k: p**k, p, n, generations, first=0 * p)


def alive_probabilities(p, n, generations):
    """Return the probability that each token is still alive at generation m = 0, 1, ...

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution, with at least two possible tokens; a sequence of `Fraction` gives
        exact results.
    n : int
        Samples per generation, at least 1.
    generations : int
        The largest m, at least 0.

    Returns
    -------
    ndarray of shape (generations + 1, tokens)
        The sum of row m is the expected number of tokens left.

    Raises
    ------
    ValueError
        If `p` is no distribution or a Dirac mass, or a number is out of range, as in
        `collapse_time_cdf`.

    Examples
    --------
    >>> alive_probabilities([0.75, 0.25], n=2, generations=2).round(2)
    array([[1.  , 1.  ],
           [0.94, 0.44],
           [0.84, 0.34]])
    """
    p = _checks.nontrivial_distribution(p)
    first = np.where(p > 0, 1 + 0 * p, 0 * p)
    return _expected_by_token(lambda k: _not_all(1 - p, p, k), p, n, generations, first)


def expected_collapse_time_by_winner(p, n):
    """Return ``E[T | token i is the only one left]`` for each token.

    It is ``1 + sum_m E[1 - p_i^(A_m - 1)]``. The rarer the winner, the longer it takes, up to
    nearly 2n generations.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution, with at least two possible tokens; a sequence of `Fraction` gives
        exact results.
    n : int
        Samples per generation, at least 1.

    Returns
    -------
    ndarray of shape (tokens,)
        NaN for tokens of probability 0, which never win.

    Raises
    ------
    ValueError
        If `p` is no distribution or a Dirac mass, or `n` is less than 1, or too large as in
        `expected_collapse_time`.

    Examples
    --------
    >>> expected_collapse_time_by_winner([0.9, 0.1], n=30).round(2)
    array([14.26, 55.07])
    """
    p = _checks.nontrivial_distribution(p)
    n = _checks.integer(n, "n", 1, MOST_EXACT if p.dtype == object else MOST_SAMPLES)
    _checks.room((n + 1) * p.size, "n and p")
    others_differ = np.array([_not_all(p, 1 - p, max(k - 1, 0)) for k in range(n + 1)])
    return np.where(p > 0, 1 + _expected_total(others_differ), np.nan)


def expected_collapse_time_range(n, s0):
    """Return lower and upper bounds on E[T] that need only S_0.

    For ``k >= 2``, ``S_0^(k-1) <= sum_i p_i^k <= S_0^(k/2)``. Replacing these sums by their lower
    bounds makes E[T] larger; replacing them by their upper bounds makes it smaller.

    Parameters
    ----------
    n : int
        Samples per generation, at least 1.
    s0 : float or Fraction
        Collision probability of the true distribution, from 0 to below 1.

    Returns
    -------
    (lower, upper), floats; the upper one a Fraction if `s0` is one
        Equally likely tokens attain the upper bound.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> low, high = expected_collapse_time_range(n=100, s0=0.1)
    >>> print(f"{low:.1f} {high:.1f}")
    186.5 187.4
    """
    s0 = _checks.unit_interval(s0, "s0")
    n = _checks.integer(n, "n", 1, MOST_EXACT if isinstance(s0, Fraction) else MOST_SAMPLES)
    if s0 >= 1:
        raise ValueError(f"s0 must be below 1, got {s0!r}")
    base = s0 if isinstance(s0, Fraction) else float(s0)
    low = np.array([1 - float(s0) ** (k / 2) if k >= 2 else 0.0 for k in range(n + 1)])
    high = np.array([1 - base ** max(k - 1, 0) for k in range(n + 1)])
    return float(1 + _expected_total(low)), 1 + _expected_total(high)


def tail_constant(n):
    """Return the limit of ``P(T > m) / ((1 - S_0) (1 - 1/n)^m)`` as m grows, for every p.

    It is ``h(n) n / (n - 1)``, where h is the right eigenvector of the chain A_t for its second
    eigenvalue ``1 - 1/n``, scaled so that ``h(1) = 0`` and ``h(2) = 1``.

    Parameters
    ----------
    n : int
        Samples per generation, at least 2.

    Returns
    -------
    float
        Exactly 2 at ``n = 2``, and always at most ``3n / (n + 1)``, so below 3.

    Raises
    ------
    ValueError
        If `n` is less than 2 or above 1,000,000.

    Examples
    --------
    >>> print(f"{tail_constant(2):.3f} {tail_constant(100):.3f}")
    2.000 2.944
    """
    n = _checks.integer(n, "n", 2, MOST_SAMPLES)
    eigenvalue = 1 - 1 / n
    h = np.zeros(n + 1)
    h[2] = 1
    for k, (low, row) in enumerate(_bands(n), start=1):
        if k > 2:  # solve row k of the eigenvalue equation for h(k)
            leave, stay = row[: k - low], row[k - low :].sum()
            h[k] = leave @ h[low : low + leave.size] / (eigenvalue - stay)
    return float(h[n] / eigenvalue)


def _parents(n, one):
    """Yield rows 1, ..., n of `transition_matrix`, each of shape (n + 1,)."""
    j = np.arange(n + 1)
    stay, grow = j * one / n, (n - j[:-1]) * one / n  # the next parent is known already, or new
    row = np.where(j == 0, one, 0 * one)
    for k in range(1, n + 1):
        after = row * stay
        after[1 : k + 1] += row[:k] * grow[:k]
        row = after
        yield row


def _lineage_distributions(n, generations, one):
    """Yield the distributions of A_0, ..., A_generations, each cut off above its likely values."""
    exact = isinstance(one, Fraction)
    matrix = transition_matrix(n, exact) if exact or n <= DENSE else None
    least = 0 if exact else NEGLIGIBLE
    probabilities = np.zeros(n + 1, dtype=object if exact else float) * one
    probabilities[n] = one
    for _ in range(generations):
        yield probabilities
        size = probabilities.size
        if size > 2:  # a single ancestor remains one
            if matrix is not None:
                probabilities = probabilities @ matrix[:size, :size]
            else:
                probabilities = _row_by_row(probabilities, n)
        while probabilities[-1] <= least:
            probabilities = probabilities[:-1]
    yield probabilities


@compiled
def _lineage_table(n, generations, least):
    """Return what `_lineage_distributions` yields, in floats, as one table.

    Compiled, since a corpus has many contexts with small n, for which NumPy would spend nearly all
    of the time on the overhead of its calls.
    """
    matrix = np.zeros((n + 1, n + 1))
    matrix[0, 0] = 1
    for k in range(1, n + 1):
        for j in range(1, k + 1):
            matrix[k, j] = matrix[k - 1, j] * j / n + matrix[k - 1, j - 1] * (n - j + 1) / n
    table = np.zeros((generations + 1, n + 1))
    table[0, n], largest = 1, n
    for g in range(1, generations + 1):
        for k in range(1, largest + 1):
            for j in range(1, k + 1):
                table[g, j] += table[g - 1, k] * matrix[k, j]
        while table[g, largest] <= least:
            table[g, largest] = 0
            largest -= 1
    return table


def _row_by_row(probabilities, n):
    """Return probabilities @ transition_matrix(n) without holding the whole matrix in memory."""
    after = np.zeros(probabilities.size)
    for probability, (low, row) in zip(probabilities[1:], _bands(n), strict=False):
        if probability:
            after[low : low + row.size] += probability * row
    return after


def _bands(n):
    """Yield the rows of `_parents` without the tiny entries at their ends, and where they begin.

    What remains is a band around the mean, a few dozen times sqrt(n) wide.
    """
    shares, low, row = np.arange(n + 1) / n, 0, np.ones(1)
    for _ in range(n):
        stay = row * shares[low : low + row.size]
        row = np.append(stay, 0) + np.insert(row - stay, 0, 0)
        while row[-1] < UNSEEN:
            row = row[:-1]
        while row[0] < UNSEEN:
            low, row = low + 1, row[1:]
        yield low, row


def _mean_powers(x, probabilities):
    """Return sum_k probabilities_k x^k for each x, in blocks that fit into memory."""
    likely = np.flatnonzero(probabilities)
    size = max(1, BLOCK // likely.size)
    blocks = [x[start : start + size] for start in range(0, x.size, size)]
    weights = probabilities[likely]
    return np.concatenate([block[:, None] ** likely @ weights for block in blocks])


def _same(p, n):
    """Return the probability that k draws from p are all equal, for k = 0, ..., n."""
    p = p[p > 0]
    if p.dtype == object:
        return np.array([Fraction(1)] + [sum(p**k) for k in range(1, n + 1)])
    same = _sum_over_tokens(p, n, lambda p, k: p**k)
    same[:2] = 1  # no draw or one: exactly 1, without rounding
    return same


def _differ(p, n):
    """Return the probability that k draws from p are not all equal, for k = 0, ..., n."""
    p = p[p > 0]
    if p.dtype == object:
        return np.array([Fraction(0)] + [1 - sum(p**k) for k in range(1, n + 1)])
    # 1 - sum_i p_i^k, written as sum_i p_i (1 - p_i^(k-1)), is accurate even where it is small.
    return _sum_over_tokens(p, n, lambda p, k: -p * np.expm1(np.log(p) * np.maximum(k - 1, 0)))


def _sum_over_tokens(p, n, term):
    """Return sum_i term(p_i, k) for k = 0, ..., n, in blocks of tokens that fit into memory."""
    values, times = np.unique(p, return_counts=True)
    total, k, size = np.zeros(n + 1), np.arange(n + 1), max(1, BLOCK // (n + 1))
    for start in range(0, values.size, size):
        block = slice(start, start + size)
        total += times[block] @ term(values[block, None], k)
    return total


def _not_all(p, rest, k):
    """Return 1 - p^k, accurate even where p = 1 - rest is close to 1."""
    if p.dtype == object:
        return 1 - p**k
    with np.errstate(divide="ignore"):
        return -np.expm1(k * np.log1p(-rest)) if k else 0 * p


def _expected_by_token(value, p, n, generations, first):
    """Return rows over the tokens: `first`, then E[value(A_(m-1))] for m = 1, 2, ..."""
    exact = p.dtype == object
    n = _checks.integer(n, "n", 1, MOST_EXACT if exact else MOST_SAMPLES)
    most = MOST_EXACT_STEPS // n if exact else MOST_GENERATIONS
    generations = _checks.integer(generations, "generations", 0, most)
    _checks.room((n + generations + 2) * p.size, "n, generations and p")
    table = np.array([value(k) for k in range(n + 1)])
    rows = np.zeros((generations + 1, p.size), dtype=p.dtype)
    rows[0] = first
    if generations:
        distributions = _lineage_distributions(n, generations - 1, 1 + 0 * p[0])
        rows[1:] = [each @ table[: each.size] for each in distributions]
    return rows


def _expected_total(cost):
    """Return E[sum_t cost(A_t)] from A_0 = n, where cost(0) = cost(1) = 0.

    The totals from all starting values solve a triangular system, from the smallest upwards:
    total(k) = cost(k) + sum_j P(k -> j) total(j). Further axes of `cost` are separate systems.
    """
    n = len(cost) - 1
    total = 0 * cost
    exact = cost.dtype == object
    rows = ((0, row) for row in _parents(n, Fraction(1))) if exact else _bands(n)
    for k, (low, row) in enumerate(rows, start=1):
        leave = row[: k - low]  # to j < k; its sum is 1 - row[k] without cancellation
        if k > 1:
            total[k] = (cost[k] + leave @ total[low : low + leave.size]) / leave.sum()
    return total[n]
