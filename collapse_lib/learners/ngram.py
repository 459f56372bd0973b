"""Character n-gram models of real text, in which every context follows the recursion.

A model of order k predicts a character from the k before it. Its table holds, for every context
that occurs, how often each character followed. The frequencies in a row are the maximum likelihood
model of that context, equation (2). Text is read in a circle, so that a character follows every
context: a model that writes never gets to a context that is not in its table.

Contexts are numbered in the order of the alphabet, the first character most significant.

`Ngram` is a learner for `collapse_lib.recursion.run`. Its models are tables; its corpora are tuples
of token arrays, each read in its own circle.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array
from scipy.special import entr

from collapse_lib import _checks, _multinomial, corpora, steps
from collapse_lib._compiled import compiled
from collapse_lib.corpora import decode, encode

#: The most rows to which a step is applied at once: they are dense, and must fit into memory.
ROWS = 10_000


@dataclass(frozen=True)
class Table:
    """How often each character follows each context of a text.

    Attributes
    ----------
    order : int
        Characters in a context, at least 1.
    alphabet : str
        The characters, sorted; character i is token i.
    contexts : ndarray of int64, shape (contexts,)
        The numbers of the contexts that occur, in increasing order.
    counts : csr_array of int64, shape (contexts, tokens)
        Row j counts what follows context j. After a step (`Ngram.process`) the entries are
        floats, and the sums are unchanged.
    """

    order: int
    alphabet: str
    contexts: np.ndarray
    counts: csr_array

    @property
    def sizes(self):
        """Return the sizes n_j, how often each context occurs, shape (contexts,)."""
        return np.asarray(self.counts.sum(axis=1)).ravel()

    @property
    def collapsed(self):
        """Return whether only one character follows each context, shape (contexts,)."""
        return np.diff(self.counts.indptr) == 1

    def entropy(self):
        """Return the entropy of the next character in nats, averaged over the text.

        Examples
        --------
        >>> print(f"{count('aab', 1).entropy():.3f}")  # a is 2/3 of the text, and leaves log 2
        0.462
        """
        sizes = np.repeat(self.sizes, np.diff(self.counts.indptr))
        return float(sizes @ entr(self.counts.data / sizes) / self.sizes.sum())

    def name(self, j):
        """Return the text of context j.

        Examples
        --------
        >>> count("abab", 2).name(0)
        'ab'
        """
        return decode(_digits(self.contexts[j], self.order, len(self.alphabet)), self.alphabet)


def count(text, order, alphabet=None):
    """Return the table of a text, which is read in a circle.

    Parameters
    ----------
    text : str
        At least one character.
    order : int
        Characters in a context, at least 1; the number of a context must fit into 63 bits.
    alphabet : str, optional
        The characters, each once; by default the characters of the text, sorted.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If the text is empty or has a character that is not in the alphabet, the alphabet repeats
        a character, or `order` is out of range.

    Examples
    --------
    >>> table = count("abab", 1)
    >>> table.counts.toarray()
    array([[0, 2],
           [2, 0]])
    """
    alphabet = corpora.alphabet(text) if alphabet is None else alphabet
    return count_tokens(encode(text, alphabet), order, alphabet)


def count_tokens(tokens, order, alphabet):
    """Return the table of a text that is given as tokens.

    Parameters
    ----------
    tokens : array_like of int, shape (length,)
        At least one token.
    order : int
        Characters in a context, at least 1; the number of a context must fit into 63 bits.
    alphabet : str
        The characters, each once, in the order of their tokens.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If there are no tokens, one is not in the alphabet, the alphabet repeats a character, or
        `order` is out of range.

    Examples
    --------
    >>> count_tokens([0, 1, 0, 1], 1, "ab").counts.toarray()
    array([[0, 2],
           [2, 0]])
    """
    tokens = corpora.check_tokens(tokens, len(corpora.check_alphabet(alphabet)))
    order = _order(order, alphabet)
    if not tokens.size:
        raise ValueError("tokens must hold at least one token, got none")
    grams, occurrences = corpora.count_grams(tokens, order + 1, len(alphabet))
    return _table(grams, occurrences, order, alphabet)


def tiny_shakespeare(order):
    """Return the table of tiny Shakespeare, from the shipped counts.

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
    """Return a text, as tokens, written by the maximum likelihood model of a table.

    The first context is drawn in proportion to how often it occurs, and the text begins with its
    characters. When the text is counted in a circle, its end is joined to its beginning. This join
    is the only place where a new context can arise.

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
    'bcabcab'
    """
    _check_table(table)
    length = _checks.integer(length, "length", table.order, _checks.MOST_ENTRIES)
    rng = _checks.generator(rng)
    size = len(table.alphabet)
    sizes = np.cumsum(table.sizes)
    start = np.searchsorted(sizes[:-1], rng.random() * sizes[-1], side="right")
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
    """Return the table of the next generation if every context keeps its size.

    Context j gets n_j new samples of its maximum likelihood model, independently of the others.
    This is synthetic data alone with fixed n_j, as in the paper.

    Parameters
    ----------
    table : Table
    rng : numpy.random.Generator or int

    Returns
    -------
    Table
        It has the same contexts and sizes; characters that were lost are gone from its rows.

    Examples
    --------
    >>> resample(count("aabb", 1), rng=0).sizes
    array([2, 2])
    """
    _check_table(table)
    rng = _checks.generator(rng)
    drawn = np.empty_like(table.counts.data)
    _resample(rng, table.counts.indptr, table.counts.data, drawn)
    arrays = drawn, table.counts.indices, table.counts.indptr
    counts = csr_array(arrays, shape=table.counts.shape, copy=True)
    counts.eliminate_zeros()
    return Table(table.order, table.alphabet, table.contexts, counts)


@dataclass(frozen=True)
class Ngram:
    """A learner of character n-grams, for `collapse_lib.recursion.run`.

    The size of a context is random here: it is how often the context occurs in the text that a
    model writes. A context that no longer occurs is lost. The sizes of a schedule count characters;
    each must be 0 or at least `order`, since a text begins with a context.

    Parameters
    ----------
    order : int
        Characters in a context, at least 1.
    alphabet : str
        The characters, each once, in the order of their tokens.

    Examples
    --------
    >>> from collapse_lib.recursion import run
    >>> from collapse_lib.schedules import FullySynthetic
    >>> truth = count("abracadabra", 1)
    >>> tables = list(run(Ngram(1, truth.alphabet), truth, FullySynthetic(11), 3, rng=1))
    >>> [int(table.sizes.sum()) for table in tables]
    [11, 11, 11, 11]
    """

    order: int
    alphabet: str

    def __post_init__(self):
        corpora.check_alphabet(self.alphabet)
        object.__setattr__(self, "order", _order(self.order, self.alphabet))

    def fit(self, corpus):
        """Return the table of a corpus, the sum of the tables of its texts."""
        found = [count_tokens(tokens, self.order, self.alphabet) for tokens in corpus]
        return found[0] if len(found) == 1 else _sum(found)

    def sample(self, model, size, rng):
        """Return a corpus: one text of `size` characters, written by the model.

        Raises
        ------
        ValueError
            If `size` is less than the order.
        """
        if size < self.order:
            raise ValueError(
                f"size must be at least the order {self.order} in a schedule, got {size}"
            )
        return (write(model, size, rng),)

    def pool(self, corpora):
        """Return several corpora as one."""
        return tuple(tokens for corpus in corpora for tokens in corpus)

    def take(self, corpus, k):
        """Return the first k characters of a corpus."""
        ends = np.cumsum([0, *(tokens.size for tokens in corpus)])
        pieces = zip(ends, corpus, strict=False)
        return tuple(tokens[: k - start] for start, tokens in pieces if start < k)

    def process(self, model, step):
        """Return the table after a step, from which texts are then written.

        Raises
        ------
        ValueError
            If the step gives probability to characters that a context lacks: what follows them
            is not in the table.
        """
        dense = model.counts.astype(float)
        sizes = model.sizes
        for first in range(0, len(sizes), ROWS):  # `where` holds the row of each stored entry
            rows = slice(first, first + ROWS)
            begin, end = model.counts.indptr[first], model.counts.indptr[min(rows.stop, len(sizes))]
            p = model.counts[rows].toarray() / sizes[rows, None]
            where = np.repeat(
                np.arange(len(p)), np.diff(model.counts.indptr[: rows.stop + 1])[rows]
            )
            after = steps.apply(step, p) * sizes[rows, None]
            dense.data[begin:end] = after[where, model.counts.indices[begin:end]]
        dense.eliminate_zeros()
        after = replace(model, counts=dense)
        if not np.isclose(after.sizes, sizes).all():
            raise ValueError(
                "step must give no probability to characters that a context lacks, "
                f"got {_checks.shown(step)}"
            )
        return after


_add = _multinomial.add


@compiled
def _resample(rng, start, counts, drawn):
    """Draw new counts for every row, with the same sum."""
    drawn[:] = 0
    for row in range(start.size - 1):
        weights, mine = counts[start[row] : start[row + 1]], drawn[start[row] : start[row + 1]]
        if weights.size == 1:
            mine[0] = weights[0]
        else:
            _add(rng, np.sum(weights), weights, mine)


@compiled
def _write(rng, tokens, order, row, start, token, cumulative, following):
    """Fill in the tokens after the first `order`, with one uniform draw for each."""
    # `cumulative` runs over all rows, so the entry is found between the limits of this row.
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


def _sum(tables):
    """Return the table of several texts."""
    order, alphabet = tables[0].order, tables[0].alphabet
    grams = np.concatenate([_grams(table) for table in tables])
    counts = np.concatenate([table.counts.data for table in tables])
    grams, where = np.unique(grams, return_inverse=True)
    return _table(grams, np.bincount(where.reshape(-1), counts), order, alphabet)


def _grams(table):
    """Return the number of each context with the character after it, in the order of `counts`."""
    rows = np.repeat(np.arange(table.contexts.size), np.diff(table.counts.indptr))
    return table.contexts[rows] * len(table.alphabet) + table.counts.indices


def _digits(code, order, size):
    return [int(code) // size**place % size for place in reversed(range(order))]


def _order(order, alphabet):
    # The number of a context with the character after it must fit into 63 bits.
    most = int(63 / np.log2(max(2, len(alphabet)))) - 1
    while max(2, len(alphabet)) ** (most + 1) >= 2**63:
        most -= 1
    return _checks.integer(order, "order", 1, most)


def _check_table(table):
    if not isinstance(table, Table):
        raise ValueError(
            f"table must be a Table, such as count returns, got {_checks.shown(table)}"
        )
