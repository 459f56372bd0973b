"""Character n-gram models: every context of a text, and the recursion on real text.

A model of order k predicts a character from the k before it. Its table holds, for every
context that was seen, how often each character followed; the maximum likelihood model is
their frequencies, equation (2) for each context. Text is read in a circle, so that every
context that occurs is followed by something: what a model writes never leaves its table.

Contexts are numbered in the order of the alphabet, the first character most significant.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.sparse import csr_array

from collapse_lib import _checks, corpora


@dataclass(frozen=True)
class Table:
    """How often each character follows each context of a text.

    Attributes
    ----------
    order : int
        Characters in a context, at least 1.
    alphabet : str
        The characters, sorted; character i of it is token i.
    contexts : ndarray of int64, shape (contexts,)
        The numbers of the contexts that occur, increasing.
    counts : csr_array of int64, shape (contexts, tokens)
        Row j counts what follows context j.
    """

    order: int
    alphabet: str
    contexts: np.ndarray
    counts: csr_array

    @property
    def sizes(self):
        """Return n_j, how often each context occurs, shape (contexts,)."""
        return np.asarray(self.counts.sum(axis=1)).ravel()

    def name(self, j):
        """Return the text of context j.

        Examples
        --------
        >>> count("abab", 2).name(0)
        'ab'
        """
        return decode(_digits(self.contexts[j], self.order, len(self.alphabet)), self.alphabet)


def encode(text, alphabet):
    """Return the tokens of a text.

    Parameters
    ----------
    text : str
        At least one character.
    alphabet : str
        The characters, each once, in the order of their tokens.

    Returns
    -------
    ndarray of int64, shape (length,)

    Raises
    ------
    ValueError
        If the text is empty, has a character that is not in the alphabet, or the alphabet has
        one twice.

    Examples
    --------
    >>> encode("abba", "ab")
    array([0, 1, 1, 0])
    """
    _check_alphabet(alphabet)
    if not isinstance(text, str) or not text:
        raise ValueError(f"text must be a text that is not empty, got {text!r}")
    foreign = sorted(set(text) - set(alphabet))
    if foreign:
        raise ValueError(f"text must hold characters of the alphabet, got {foreign[0]!r}")
    letters = np.array(list(alphabet))
    order = np.argsort(letters)
    return order[np.searchsorted(letters[order], np.array(list(text)))]


def decode(tokens, alphabet):
    """Return the text of tokens.

    Parameters
    ----------
    tokens : array_like of int, shape (length,)
    alphabet : str
        The characters, each once, in the order of their tokens.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If a token is not in the alphabet, or the alphabet has a character twice.

    Examples
    --------
    >>> decode([0, 1, 1, 0], "ab")
    'abba'
    """
    return "".join(alphabet[token] for token in _tokens(tokens, alphabet))


def count(text, order, alphabet=None):
    """Count what follows every context of a text, which is read in a circle.

    Parameters
    ----------
    text : str
        At least one character.
    order : int
        Characters in a context, at least 1; the numbers of contexts must fit 63 bits.
    alphabet : str, optional
        The characters, each once; by default those of the text, sorted.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If the text is empty or has foreign characters, the alphabet has one twice, or `order`
        is out of range.

    Examples
    --------
    >>> table = count("abab", 1)
    >>> table.counts.toarray()
    array([[0, 2],
           [2, 0]])
    """
    alphabet = "".join(sorted(set(text))) if alphabet is None else alphabet
    return count_tokens(encode(text, alphabet), order, alphabet)


def count_tokens(tokens, order, alphabet):
    """Count what follows every context of a text that is given by its tokens.

    Parameters
    ----------
    tokens : array_like of int, shape (length,)
        At least one token.
    order : int
        Characters in a context, at least 1; the numbers of contexts must fit 63 bits.
    alphabet : str
        The characters, each once, in the order of their tokens.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If there are no tokens, one is not in the alphabet, the alphabet has a character twice,
        or `order` is out of range.

    Examples
    --------
    >>> count_tokens([0, 1, 0, 1], 1, "ab").counts.toarray()
    array([[0, 2],
           [2, 0]])
    """
    tokens, order = _tokens(tokens, alphabet), _order(order, alphabet)
    if not tokens.size:
        raise ValueError("tokens must hold at least one token, got none")
    grams, occurrences = corpora.count_grams(tokens, order + 1, len(alphabet))
    return _table(grams, occurrences, order, alphabet)


def tiny_shakespeare(order):
    """Return the table of tiny Shakespeare, from the counts that are shipped.

    Parameters
    ----------
    order : int
        Characters in a context, from 1 to 5.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If `order` is out of range.

    Examples
    --------
    >>> table = tiny_shakespeare(2)
    >>> table.contexts.size, table.name(1000)
    (1403, 'k;')
    """
    alphabet, grams, occurrences = corpora.ngram_counts(order)
    return _table(grams, occurrences, order, alphabet)


def write(table, length, rng):
    """Return tokens that the maximum likelihood model of a table writes.

    The first context is drawn in proportion to how often it occurs, and its characters are the
    first that are written. The last characters are followed by the first where the text is
    counted in a circle; such a join is the only place where a new context can arise.

    Parameters
    ----------
    table : Table
    length : int
        Characters to write, at least the order.
    rng : numpy.random.Generator or int

    Returns
    -------
    ndarray of int64, shape (length,)

    Raises
    ------
    ValueError
        If `length` is too small.

    Examples
    --------
    >>> decode(write(count("abc", 1), 7, rng=0), "abc")
    'cabcabc'
    """
    length = _checks.integer(length, "length", table.order)
    rng = _checks.generator(rng)
    size = len(table.alphabet)
    start = np.searchsorted(np.cumsum(table.sizes), rng.integers(table.sizes.sum()), side="right")
    after = (_grams(table) % size**table.order).astype(np.int64)
    following = np.searchsorted(table.contexts, after)
    tokens = np.empty(length, dtype=np.int64)
    tokens[: table.order] = _digits(table.contexts[start], table.order, size)
    cumulative = np.cumsum(table.counts.data)
    _write(
        rng,
        tokens,
        table.order,
        start,
        table.counts.indptr,
        table.counts.indices,
        cumulative,
        following,
    )
    return tokens


def resample(table, rng):
    """Return the table of the next generation where every context keeps its size.

    Context j gets n_j new samples of its maximum likelihood model: fully synthetic training
    with the paper's fixed n_j, independently for all contexts.

    Parameters
    ----------
    table : Table
    rng : numpy.random.Generator or int

    Returns
    -------
    Table
        With the same contexts and sizes; characters that were lost are gone from its rows.

    Examples
    --------
    >>> resample(count("aabb", 1), rng=0).sizes
    array([2, 2])
    """
    rng = _checks.generator(rng)
    drawn = np.empty_like(table.counts.data)
    _resample(rng, table.counts.indptr, table.counts.data, drawn)
    arrays = drawn, table.counts.indices, table.counts.indptr
    counts = csr_array(arrays, shape=table.counts.shape, copy=True)
    counts.eliminate_zeros()
    return Table(table.order, table.alphabet, table.contexts, counts)


def recursion(table, generations, length, rng):
    """Yield the tables of models that really write: each is counted on the last one's text.

    How often a context occurs is then itself a matter of chance, and contexts that no longer
    occur are gone with all that followed them.

    Parameters
    ----------
    table : Table
        Of the real text: generation 1 is trained on it.
    generations : int
        Tables to yield after the first, at least 0.
    length : int
        Characters that each model writes.
    rng : numpy.random.Generator or int

    Yields
    ------
    Table
        Those of generations 1, 2, ..., generations + 1.

    Examples
    --------
    >>> tables = list(recursion(count("abracadabra", 1), 3, length=11, rng=1))
    >>> [int(table.sizes.sum()) for table in tables]
    [11, 11, 11, 11]
    """
    generations = _checks.integer(generations, "generations", 0)
    rng = _checks.generator(rng)
    yield table
    for _ in range(generations):
        table = count_tokens(write(table, length, rng), table.order, table.alphabet)
        yield table


@njit(nogil=True, cache=True)
def _resample(rng, start, counts, drawn):
    """Draw the counts of every row anew, with the same sum: one binomial an entry."""
    for row in range(start.size - 1):
        left = mass = 0
        for entry in range(start[row], start[row + 1]):
            mass += counts[entry]
        left = mass
        for entry in range(start[row], start[row + 1]):
            if left == 0 or counts[entry] == mass:  # the last one takes the rest, undrawn
                drawn[entry] = left
            else:
                drawn[entry] = rng.binomial(left, counts[entry] / mass)
            left -= drawn[entry]
            mass -= counts[entry]


@njit(nogil=True, cache=True)
def _write(rng, tokens, order, row, start, token, cumulative, following):
    """Fill in the tokens after the first `order`, each by one uniform draw."""
    for position in range(order, tokens.size):
        low, high = start[row], start[row + 1]
        before = cumulative[low - 1] if low > 0 else 0
        drawn = before + rng.random() * (cumulative[high - 1] - before)
        entry = low + np.searchsorted(cumulative[low : high - 1], drawn, side="right")
        tokens[position] = token[entry]
        row = following[entry]


def _table(grams, occurrences, order, alphabet):
    size = len(alphabet)
    contexts, row = np.unique(grams // size, return_inverse=True)
    shape = contexts.size, size
    counts = csr_array((occurrences, (row.reshape(-1), grams % size)), shape=shape, dtype=np.int64)
    return Table(order, alphabet, contexts, counts)


def _grams(table):
    """Return the numbers of all contexts with one character after, as they stand in counts."""
    rows = np.repeat(np.arange(table.contexts.size), np.diff(table.counts.indptr))
    return table.contexts[rows] * len(table.alphabet) + table.counts.indices


def _digits(code, order, size):
    return [int(code) // size**place % size for place in reversed(range(order))]


def _tokens(tokens, alphabet):
    """Return tokens of the alphabet as an array of int64."""
    _check_alphabet(alphabet)
    tokens = _checks.integers(tokens, "tokens", 0)
    if np.ndim(tokens) != 1:
        raise ValueError(f"tokens must have shape (length,), got shape {np.shape(tokens)}")
    if tokens.size and tokens.max() >= len(alphabet):
        raise ValueError(f"tokens must be below {len(alphabet)}, got {tokens.max()}")
    return tokens


def _check_alphabet(alphabet):
    if not isinstance(alphabet, str) or len(set(alphabet)) < len(alphabet):
        raise ValueError(f"alphabet must be a text with no character twice, got {alphabet!r}")


def _order(order, alphabet):
    order = _checks.integer(order, "order", 1)
    if len(alphabet) ** (order + 1) >= 2**63:
        raise ValueError(f"order must be less for {len(alphabet)} characters, got {order}")
    return order
