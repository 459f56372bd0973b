"""The exact distribution of the collapse time: samples traced back to their ancestors.

Synthetic data alone: each of the n samples of a generation is a copy of one of the n
samples of the generation before, picked uniformly (generation 1 copies p itself). Follow
the n samples of generation m back in time. Let A_t be the number of distinct ancestors they
have t generations back, ``A_0 = n``. Generation m has collapsed exactly if its A_(m-1) ancestors
in generation 1, which are independent draws from p, are all the same token::

    P(T <= m) = E[ sum_i p_i^(A_(m-1)) ],    m >= 1

and token i is the one that is left, and alive, with probabilities::

    P(T <= m, i is left) = E[ p_i^(A_(m-1)) ],    P(i alive at m) = 1 - E[ (1 - p_i)^(A_(m-1)) ]

This holds for every p. The numbers A_t form a Markov chain whose transition probabilities are
those of the occupancy problem: how many of n boxes are hit by k balls. This is the Wright-Fisher
model of population genetics and its ancestral process (Kingman 1982).

All terms are positive and nothing is subtracted, so floats keep their digits however small a
probability is; a `p` of `Fraction` gives exact results.
"""

from fractions import Fraction

import numpy as np

from collapse_lib import _checks
from collapse_lib._compiled import compiled

#: Numbers of ancestors that are less likely than this are dropped. A_t never grows, so what is
#: dropped in m generations changes a probability by less than m times this times n.
NEGLIGIBLE = 1e-25
#: Up to so many samples the transition matrix is held in memory, 32 MB; above, one row at a time.
DENSE = 2000
#: What is dropped from the ends of a row above that: it cannot be seen beside any float.
UNSEEN = 1e-75
#: The most samples and generations, in floats: minutes.
MOST_SAMPLES, MOST_GENERATIONS = 1_000_000, 10_000_000
#: The most samples, and samples times generations, in exact arithmetic: seconds, as digits grow.
MOST_EXACT, MOST_EXACT_STEPS = 100, 1000
#: How many powers are computed at a time: 80 MB.
BLOCK = 10_000_000


def transition_matrix(n, exact=False):
    """Return the probability that k samples have j distinct parents among n.

    Row k + 1 follows from row k by one more sample, whose parent is one of the j that are
    there already with probability ``j/n``, and a new one otherwise.

    Parameters
    ----------
    n : int
        Samples per generation, at least 1.
    exact : bool, optional
        Compute with `Fraction`.

    Returns
    -------
    ndarray of shape (n + 1, n + 1)
        Entry [k, j]; row and column 0 stand for no samples and make indices readable.

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
    """Return the distribution of A_t, the number of ancestors of n samples t generations back.

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
        return _float_laws(n, generations, NEGLIGIBLE)
    laws = np.zeros((generations + 1, n + 1))
    for k, law in enumerate(_lineage_laws(n, generations, 1.0)):
        laws[k, : law.size] = law
    return laws


def generating_function(x, n, generations):
    """Return ``E[x^(A_t)]``, the generating function of the number of ancestors.

    It is the probability that n samples, t + 1 generations after a model that gives a set of
    tokens the share x, are all of this set.

    Parameters
    ----------
    x : array_like of shape (shares,)
        Numbers from 0 to 1.
    n : int
        Samples per generation, at least 1.
    generations : int
        The last t, at least 0.

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
        means = np.array([_mean_powers(x, law) for law in _lineage_laws(n, generations, 1.0)])
    return np.where(x == 1, 1.0, np.minimum(means, 1))


def collapse_time_cdf(p, n, generations):
    """Return ``P(T <= m)`` for m = 0, 1, ..., fully synthetic: the paper's rho_m, exactly.

    T counts generations from p^(0), as in the paper, so ``P(T <= 0) = 0``.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution, on at least two tokens; a sequence of `Fraction` gives exact
        results.
    n : int
        Samples per generation, at least 1.
    generations : int
        The last m, at least 0.

    Returns
    -------
    ndarray of shape (generations + 1,)

    Raises
    ------
    ValueError
        If `p` is no distribution or a Dirac mass, or a number is out of range: at most a million
        samples, and for exact results 100, with a product of samples and generations of 1,000.

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
        laws = _lineage_laws(n, generations - 1, 1 + 0 * p[0])
        cdf[1:] = [min(law @ same[: law.size], 1 + 0 * p[0]) for law in laws]
    return cdf


def expected_collapse_time(p, n):
    """Return E[T], fully synthetic: the expected first generation that is a Dirac mass.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution, on at least two tokens; a sequence of `Fraction` gives an exact
        result.
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

    T_MRCA is the first k with ``A_t = 1`` (time to the most recent common ancestor), in a
    population of n. ``1 + E[T_MRCA]`` is E[T] in the limit where all samples of generation 1 are
    different tokens.

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
    """Return ``P(T <= m, token i is left)`` for m = 0, 1, ... and each token, fully synthetic.

    Summed over the tokens it is `collapse_time_cdf`; it grows to p_i, with which token i wins.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution, on at least two tokens; a sequence of `Fraction` gives exact
        results.
    n : int
        Samples per generation, at least 1.
    generations : int
        The last m, at least 0.

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
    """Return the probability that each token is left at generation m = 0, 1, ..., fully synthetic.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution, on at least two tokens; a sequence of `Fraction` gives exact
        results.
    n : int
        Samples per generation, at least 1.
    generations : int
        The last m, at least 0.

    Returns
    -------
    ndarray of shape (generations + 1, tokens)
        Row sums are the expected numbers of tokens left.

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
    """Return E[T | token i is the one left] for each token, fully synthetic.

    ``1 + sum_m E[1 - p_i^(A_m - 1)]``: the rarer the winner, the longer it takes, up to nearly 2n.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution, on at least two tokens; a sequence of `Fraction` gives exact
        results.
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
    """Return bounds on E[T] from S_0 alone, fully synthetic.

    As ``S_0^(k-1) <= sum_i p_i^k <= S_0^(k/2)`` for ``k >= 2``, the powers of S_0 in the place of
    these sums bound E[T] from above and from below.

    Parameters
    ----------
    n : int
        Samples per generation, at least 1.
    s0 : float or Fraction
        Collision probability of the true distribution, from 0 to below 1.

    Returns
    -------
    (lower, upper), floats; the upper one a Fraction if `s0` is one
        Equally likely tokens attain the upper one.

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

    It is ``h(n) n / (n - 1)``, with the right eigenvector h of the chain A_t for its second
    eigenvalue ``1 - 1/n``, scaled so that ``h(1) = 0`` and ``h(2) = 1``.

    Parameters
    ----------
    n : int
        Samples per generation, at least 2.

    Returns
    -------
    float
        From 2 at ``n = 2`` up to below 3: at most ``3n / (n + 1)``.

    Raises
    ------
    ValueError
        If `n` is less than 2.

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
        if k > 2:
            leave, stay = row[: k - low], row[k - low :].sum()
            h[k] = leave @ h[low : low + leave.size] / (eigenvalue - stay)
    return float(h[n] / eigenvalue)


def _parents(n, one):
    """Yield the distribution of the number of parents of 1, ..., n samples, shape (n + 1,)."""
    j = np.arange(n + 1)
    stay, grow = j * one / n, (n - j[:-1]) * one / n
    row = np.where(j == 0, one, 0 * one)
    for k in range(1, n + 1):
        after = row * stay
        after[1 : k + 1] += row[:k] * grow[:k]
        row = after
        yield row


def _lineage_laws(n, generations, one):
    """Yield the distributions of A_0, ..., A_generations, each up to its largest likely value."""
    exact = isinstance(one, Fraction)
    matrix = transition_matrix(n, exact) if exact or n <= DENSE else None
    least = 0 if exact else NEGLIGIBLE
    law = np.zeros(n + 1, dtype=object if exact else float) * one
    law[n] = one
    for _ in range(generations):
        yield law
        if law.size > 2:  # a single ancestor remains one
            few = matrix is not None
            law = law @ matrix[: law.size, : law.size] if few else _row_by_row(law, n)
        while law[-1] <= least:
            law = law[:-1]
    yield law


@compiled
def _float_laws(n, generations, least):
    """Return what `_lineage_laws` yields as one table: few steps each, where n is small.

    For a corpus with many contexts, what NumPy takes to begin a step would be nearly all.
    """
    matrix = np.zeros((n + 1, n + 1))
    matrix[0, 0] = 1
    for k in range(1, n + 1):
        for j in range(1, k + 1):
            matrix[k, j] = matrix[k - 1, j] * j / n + matrix[k - 1, j - 1] * (n - j + 1) / n
    laws = np.zeros((generations + 1, n + 1))
    laws[0, n], largest = 1, n
    for g in range(1, generations + 1):
        for k in range(1, largest + 1):
            for j in range(1, k + 1):
                laws[g, j] += laws[g - 1, k] * matrix[k, j]
        while laws[g, largest] <= least:
            laws[g, largest] = 0
            largest -= 1
    return laws


def _row_by_row(law, n):
    """Return law @ transition_matrix(n), from rows that are made and forgotten one by one."""
    after = np.zeros(law.size)
    for probability, (low, row) in zip(law[1:], _bands(n), strict=False):
        if probability:
            after[low : low + row.size] += probability * row
    return after


def _bands(n):
    """Yield the rows of `_parents` without what is `UNSEEN` at their ends, and where they begin.

    What is left is a band around the mean, a few dozen times sqrt(n) wide.
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


def _mean_powers(x, law):
    """Return sum_k law_k x^k of many x, a few at a time."""
    likely = np.flatnonzero(law)
    size = max(1, BLOCK // likely.size)
    blocks = [x[start : start + size] for start in range(0, x.size, size)]
    return np.concatenate([block[:, None] ** likely @ law[likely] for block in blocks])


def _same(p, n):
    """Return the probability that k draws from p are all equal, k = 0, ..., n."""
    p = p[p > 0]
    if p.dtype == object:
        return np.array([Fraction(1)] + [sum(p**k) for k in range(1, n + 1)])
    same = _sum_over_tokens(p, n, lambda p, k: p**k)
    same[:2] = 1  # of one draw without rounding
    return same


def _differ(p, n):
    """Return the probability that k draws from p are not all equal, k = 0, ..., n."""
    p = p[p > 0]
    if p.dtype == object:
        return np.array([Fraction(0)] + [1 - sum(p**k) for k in range(1, n + 1)])
    # 1 - sum_i p_i^k = sum_i p_i (1 - p_i^(k-1)) keeps its digits where it is small.
    return _sum_over_tokens(p, n, lambda p, k: -p * np.expm1(np.log(p) * np.maximum(k - 1, 0)))


def _sum_over_tokens(p, n, term):
    """Return sum_i term(p_i, k) for k = 0, ..., n, over a few tokens at a time."""
    values, times = np.unique(p, return_counts=True)
    total, k, size = np.zeros(n + 1), np.arange(n + 1), max(1, BLOCK // (n + 1))
    for start in range(0, values.size, size):
        block = slice(start, start + size)
        total += times[block] @ term(values[block, None], k)
    return total


def _not_all(p, rest, k):
    """Return 1 - p^k, with its digits where p = 1 - rest is close to 1."""
    if p.dtype == object:
        return 1 - p**k
    with np.errstate(divide="ignore"):
        return -np.expm1(k * np.log1p(-rest)) if k else 0 * p


def _expected_by_token(value, p, n, generations, first):
    """Return E[value(A_(m-1))], an array over the tokens, for m = 1, 2, ..., below a first row."""
    exact = p.dtype == object
    n = _checks.integer(n, "n", 1, MOST_EXACT if exact else MOST_SAMPLES)
    most = MOST_EXACT_STEPS // n if exact else MOST_GENERATIONS
    generations = _checks.integer(generations, "generations", 0, most)
    _checks.room((n + generations + 2) * p.size, "n, generations and p")
    table = np.array([value(k) for k in range(n + 1)])
    rows = np.zeros((generations + 1, p.size), dtype=p.dtype)
    rows[0] = first
    if generations:
        laws = _lineage_laws(n, generations - 1, 1 + 0 * p[0])
        rows[1:] = [law @ table[: law.size] for law in laws]
    return rows


def _expected_total(cost):
    """Return E[sum_k cost(A_t)] from A_0 = n, where cost(0) = cost(1) = 0.

    Its value from each start j solves a triangular system, row by row; further axes of `cost`
    are systems of their own.
    """
    n = len(cost) - 1
    total = 0 * cost
    exact = cost.dtype == object
    rows = ((0, row) for row in _parents(n, Fraction(1))) if exact else _bands(n)
    for k, (low, row) in enumerate(rows, start=1):
        leave = row[: k - low]  # that some samples share a parent; 1 - row[k] with all its digits
        if k > 1:
            total[k] = (cost[k] + leave @ total[low : low + leave.size]) / leave.sum()
    return total[n]
