"""All contexts of a corpus at once, exactly, and artificial corpora of any size to try it on.

If every context j has a fixed number of samples n_j, and tokens are drawn independently across
contexts, no context influences another. `coalescent` gives the exact probability that context j
has collapsed by generation m. The sum of these is the expected number of collapsed contexts;
their product is the probability that all have collapsed (the question of the paper's footnote 1).
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, issparse
from threadpoolctl import threadpool_limits

from collapse_lib import _checks, coalescent

#: Token i of an artificial context has a probability proportional to ``i^-a``. Each context draws
#: its a from these, so that some contexts are hard to predict and others easy.
EXPONENTS = (0.75, 1.0, 1.25, 1.5, 2.0)


class Collapse(NamedTuple):
    """Exact results for all contexts together.

    Attributes
    ----------
    expected : ndarray of shape (generations + 1,)
        Entry m is the expected number of contexts whose p^(m) is a Dirac mass.
    log_all : ndarray of shape (generations + 1,)
        Entry m is the natural logarithm of the probability that all of them are; -inf if that is
        0, or if the probability of some context is below the smallest float.
    """

    expected: np.ndarray
    log_all: np.ndarray


def collapse(counts, generations):
    """Return how many contexts have collapsed, generation by generation, for synthetic data alone.

    The table counts the real data: p^(0) of context j is given by the frequencies in row j, and
    every generation has as many samples of the context as the row.

    Parameters
    ----------
    counts : csr_array or array_like of int, shape (contexts, tokens)
        At least one sample in each context.
    generations : int
        The last m, at least 0.

    Returns
    -------
    Collapse

    Raises
    ------
    ValueError
        If a context has no samples or more than a million, a count or `generations` is negative,
        or contexts times ``generations + 1`` exceeds a hundred million.

    Notes
    -----
    A token with c of the n samples is the only one left by generation m with probability
    ``E[(c/n)^(A_(m-1))]``, where A_t is the number of ancestors as in `coalescent`. This depends
    only on c and n, and is computed once for each pair that occurs. So the cost is linear in the
    number of contexts, apart from ``n^2`` operations per distinct n for the ancestors.

    Examples
    --------
    >>> collapse([[1, 1], [5, 0]], generations=3).expected
    array([1.   , 1.5  , 1.75 , 1.875])
    """
    counts = _table(counts)
    generations = _checks.integer(generations, "generations", 0)
    sizes = counts.sum(axis=1)
    _checks.room((generations + 1) * counts.shape[0], "counts and generations")
    _checks.integer(sizes.max(), "the samples of a context in counts", 1, coalescent.MOST_SAMPLES)
    expected, log_all = np.zeros((2, generations + 1))
    # The matrix products are narrow: with several threads they take five times the processor time,
    # and longer by the clock too where several processes share the cores.
    with threadpool_limits(1, "blas"):
        _add_up(counts, sizes, expected, log_all)
    return Collapse(expected, log_all)


def _add_up(counts, sizes, expected, log_all):
    """Add every context to `expected` and `log_all`, grouped by the number of samples n."""
    generations = expected.size - 1
    for n in np.unique(sizes):
        cdf = _collapsed(counts[sizes == n], int(n), generations)
        expected += cdf.sum(axis=0)
        with np.errstate(divide="ignore"):
            log_all += np.log(cdf).sum(axis=0)


def zipf_sizes(ranks, contexts, largest):
    """Return the sample size of each context from its rank, by the Zipf-Mandelbrot law.

    ``n_j = largest (1 + b) / (j + b)``, rounded; b is chosen so that the last context has one
    sample.

    Parameters
    ----------
    ranks : array_like of int
        From 1 to `contexts`.
    contexts : int
        Number of contexts, more than `largest`.
    largest : int
        Samples of the first context, at least 2.

    Returns
    -------
    ndarray of int64

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> zipf_sizes([1, 10, 100, 1000], contexts=1000, largest=50)
    array([50, 35,  9,  1])
    """
    largest = _checks.integer(largest, "largest", 2)
    contexts = _checks.integer(contexts, "contexts", 1)
    if contexts <= largest:
        raise ValueError(f"contexts must be more than largest = {largest}, got {contexts}")
    ranks = np.atleast_1d(_checks.integers(ranks, "ranks", 1))
    if ranks.size and ranks.max() > contexts:
        raise ValueError(f"ranks must be at most contexts = {contexts}, got {ranks.max()}")
    shift = (contexts - largest) / (largest - 1)
    return np.rint(largest * (1 + shift) / (ranks + shift)).astype(np.int64)


def zipf_counts(sizes, tokens, rng):
    """Draw an artificial corpus: contexts whose next tokens follow Zipf's law, too.

    Parameters
    ----------
    sizes : array_like of int, shape (contexts,)
        Samples of each context, at least 1.
    tokens : int
        Vocabulary size, at least 2.
    rng : numpy.random.Generator or int

    Returns
    -------
    csr_array of int64, shape (contexts, tokens)
        How often token i occurs in context j; token i is the i-th likeliest.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> zipf_counts([3, 5], tokens=4, rng=0).sum(axis=1)
    array([3, 5])
    """
    sizes = np.atleast_1d(_checks.integers(sizes, "sizes", 1))
    if sizes.ndim != 1:
        raise ValueError(f"sizes must have shape (contexts,), got shape {sizes.shape}")
    tokens = _checks.integer(tokens, "tokens", 2, _checks.MOST_ENTRIES)
    _checks.room(sum(sizes.tolist()), "sizes")
    rng = _checks.generator(rng)
    exponent = rng.integers(len(EXPONENTS), size=sizes.size)
    row = np.repeat(np.arange(sizes.size), sizes)
    uniform, drawn = rng.random(row.size), np.empty(row.size, dtype=np.int64)
    for place, a in enumerate(EXPONENTS):
        cumulative = np.cumsum(np.arange(1, tokens + 1) ** -a)
        mine = exponent[row] == place
        drawn[mine] = np.searchsorted(cumulative[:-1], uniform[mine] * cumulative[-1], "right")
    cells, occurrences = np.unique(row * tokens + drawn, return_counts=True)
    where = cells // tokens, cells % tokens
    return csr_array((occurrences, where), shape=(sizes.size, tokens), dtype=np.int64)


def zipf_task(rng, first, step, contexts, largest, tokens, generations):
    """Draw contexts of ranks first, first + step, ... and collapse them: a task for `sweeps.run`.

    The tasks with first = 1, ..., step share out all contexts between them, and each gets its share
    of the large ones.

    Parameters
    ----------
    rng : numpy.random.Generator
    first : int
        The first rank, from 1 to `contexts`.
    step : int
        Distance from one rank to the next, at least 1.
    contexts : int
        Number of contexts in all tasks together, more than `largest`.
    largest : int
        Samples of the context of rank 1, at least 2.
    tokens : int
        Vocabulary size, at least 2.
    generations : int
        The last m, at least 0.

    Returns
    -------
    dict
        "contexts", the number in this task, and "expected" and "log_all" as in `Collapse`.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> found = zipf_task(np.random.default_rng(0), 1, 10, 1000, 50, 200, generations=2)
    >>> found["contexts"]
    100
    """
    contexts = _checks.integer(contexts, "contexts", 1)
    first = _checks.integer(first, "first", 1, contexts)
    step = _checks.integer(step, "step", 1)
    _checks.room((contexts - first) // step + 1, "first, step and contexts")
    ranks = np.arange(first, contexts + 1, step)
    counts = zipf_counts(zipf_sizes(ranks, contexts, largest), tokens, rng)
    return {"contexts": ranks.size} | collapse(counts, generations)._asdict()


def _collapsed(counts, n, generations):
    """Return P(p^(m) is a Dirac mass) for contexts of n samples, one row per context."""
    values, place = np.unique(counts.data, return_inverse=True)
    shape = counts.shape[0], values.size
    occurrences = csr_array((np.ones(place.size), place.reshape(-1), counts.indptr), shape=shape)
    alone = np.zeros((values.size, generations + 1))  # P(only a token with this count is left)
    alone[:, 0] = values == n
    if generations:
        alone[:, 1:] = coalescent.generating_function(values / n, n, generations - 1).T
    return np.minimum(occurrences @ alone, 1)


def _table(counts):
    """Return counts as a csr_array without stored zeros, or raise `ValueError`."""
    if not issparse(counts):
        counts = _checks.array(counts, "counts")
    if counts.ndim != 2 or not counts.shape[0] or counts.dtype.kind not in "iu":
        raise ValueError(
            "counts must be a table of integers with one row per context, "
            f"got shape {counts.shape} of {counts.dtype}"
        )
    counts, most = csr_array(counts), coalescent.MOST_SAMPLES
    if counts.nnz and counts.data.min() < 0:
        raise ValueError(f"counts must not be negative, got {counts.data.min()}")
    if counts.nnz and counts.data.max() > most:
        raise ValueError(f"counts must be at most {most:,}, got {counts.data.max()}")
    if (counts.sum(axis=1) == 0).any():
        empty = np.flatnonzero(counts.sum(axis=1) == 0)[0]
        raise ValueError(f"counts must have a sample in every context, got none in row {empty}")
    counts = counts.astype(np.int64)
    counts.sum_duplicates()
    counts.eliminate_zeros()
    return counts
