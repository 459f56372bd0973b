"""Texts to train on, their tokens, and n-gram counts of tiny Shakespeare.

The text itself is not shipped: it is downloaded once, checked by its checksum, and kept. The
package does ship how often each sequence of up to six characters occurs in it, in a file that
this command writes:

    python -m collapse_lib.corpora
"""

import lzma
import os
from collections import Counter
from importlib.resources import files
from pathlib import Path

import numpy as np

from collapse_lib import _checks

#: The address of the text, and its SHA-256 checksum.
TINY_SHAKESPEARE = (
    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
)

#: The longest context in the shipped table, in characters.
MAX_ORDER = 5
#: The shipped table, beside this module.
GRAMS = "tiny_shakespeare.grams.xz"


def tiny_shakespeare():
    """Return the tiny Shakespeare text: 1,115,394 characters, 65 of them distinct.

    The file is ``tinyshakespeare.txt`` in the folder named by the environment variable
    ``COLLAPSE_DATA``, or in the user's cache. It is downloaded if it is not there yet. Either way,
    its checksum must be right.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the file has the wrong checksum.
    OSError
        If the file is missing and cannot be downloaded.
    """
    url, checksum = TINY_SHAKESPEARE
    return verified(folder() / "tinyshakespeare.txt", url, checksum).read_text("utf8")


def folder():
    """Return where the texts are kept: ``COLLAPSE_DATA``, or the user's cache.

    Returns
    -------
    pathlib.Path
    """
    import pooch

    return Path(os.environ.get("COLLAPSE_DATA") or pooch.os_cache("collapse_lib"))


def verified(path, url, checksum):
    """Return `path`, downloaded from `url` if it does not exist, with its checksum checked.

    Parameters
    ----------
    path : pathlib.Path
    url : str
    checksum : str
        The SHA-256 of the file, in hexadecimal.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        If the file has a different checksum.
    OSError
        If the file is missing and cannot be downloaded.
    """
    import pooch

    if not path.exists():
        try:
            pooch.retrieve(url, checksum, path.name, path.parent)
        except OSError as error:
            raise OSError(
                f"{path} does not exist and {url} cannot be downloaded ({error}); download it"
                " yourself and set COLLAPSE_DATA to its folder"
            ) from error
    found = pooch.file_hash(str(path))
    if found != checksum:
        raise ValueError(f"{path} must have the SHA-256 {checksum}, got {found}")
    return path


def ngram_counts(order):
    """Return how often each context of tiny Shakespeare is followed by each character.

    The text is read in a circle, so that a character follows every context.

    Parameters
    ----------
    order : int
        Characters in a context, from 1 to 5.

    Returns
    -------
    alphabet : str
        The 65 characters, sorted; character i of it is token i.
    grams : ndarray of int64, shape (grams,)
        Each context with the character after it, as a number in base 65 whose most significant
        digit is the first token; in increasing order.
    counts : ndarray of int64, shape (grams,)
        How often each occurs.

    Raises
    ------
    ValueError
        If `order` is out of range.

    Examples
    --------
    >>> alphabet, grams, counts = ngram_counts(1)
    >>> len(alphabet), grams.size, int(counts.sum())
    (65, 1403, 1115394)
    """
    order = _checks.integer(order, "order", 1, MAX_ORDER)
    with files(__package__).joinpath(GRAMS).open("rb") as packed, lzma.open(packed) as file:
        letters, tokens, counts = (np.load(file) for _ in range(3))
    letters = letters.tobytes().decode("utf8")
    codes = np.zeros(counts.size, dtype=np.int64)
    for column in tokens[-(order + 1) :]:  # in a circle, short grams are ends of long ones
        codes = codes * len(letters) + column
    grams, where = np.unique(codes, return_inverse=True)
    return letters, grams, np.bincount(where.reshape(-1), counts).astype(np.int64)


def letters_after(context):
    """Return which letters follow a context in tiny Shakespeare, and how often.

    After ``" the "``, with both spaces, they are the first letters of the word after *the*.
    Capitals count as small letters; other characters are left out.

    Parameters
    ----------
    context : str
        From 1 to 5 characters.

    Returns
    -------
    letters : tuple of str
        The letters, the most frequent first.
    counts : ndarray of int64, shape (letters,)
        How often each occurs.

    Raises
    ------
    ValueError
        If `context` has another length, or no letter follows it in the text.

    Examples
    --------
    >>> letters, counts = letters_after(" the ")
    >>> len(letters), letters[:3], counts[:3]
    (25, ('s', 'c', 'w'), array([483, 405, 404]))
    """
    if not isinstance(context, str) or not 1 <= len(context) <= MAX_ORDER:
        raise ValueError(
            f"context must be a string of 1 to {MAX_ORDER} characters, got {context!r}"
        )
    characters, grams, numbers = ngram_counts(len(context))
    found = Counter()
    if set(context) <= set(characters):
        code = np.polyval(encode(context, characters), len(characters))
        contexts, followers = np.divmod(grams, len(characters))
        for here in np.flatnonzero(contexts == code):
            character = characters[followers[here]]
            if character.isalpha():
                found[character.lower()] += int(numbers[here])
    if not found:
        raise ValueError(
            f"context must be one that a letter follows in tiny Shakespeare, got {context!r}"
        )
    letters, counts = zip(*found.most_common(), strict=True)
    return letters, np.array(counts)


def alphabet(text):
    """Return the distinct characters of a text, sorted; character i is token i.

    Parameters
    ----------
    text : str
        At least one character.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the text is empty.

    Examples
    --------
    >>> alphabet("abracadabra")
    'abcdr'
    """
    if not isinstance(text, str) or not text:
        raise ValueError(f"text must be a string that is not empty, got {text!r}")
    return "".join(sorted(set(text)))


def encode(text, alphabet):
    """Return a text as tokens.

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
        If the text is empty or has a character that is not in the alphabet, or the alphabet
        repeats a character.

    Examples
    --------
    >>> encode("abba", "ab")
    array([0, 1, 1, 0])
    """
    letters = _code_points(check_alphabet(alphabet))
    if not isinstance(text, str) or not text:
        raise ValueError(f"text must be a string that is not empty, got {text!r}")
    foreign = sorted(set(text) - set(alphabet))
    if foreign:
        raise ValueError(
            "text must hold characters of the alphabet, got"
            f" {', '.join(map(repr, foreign[:5]))}{', ...' * (len(foreign) > 5)}"
        )
    order = np.argsort(letters)
    return order[np.searchsorted(letters[order], _code_points(text))]


def decode(tokens, alphabet):
    """Return tokens as a text.

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
        If a token is not in the alphabet, or the alphabet repeats a character.

    Examples
    --------
    >>> decode([0, 1, 1, 0], "ab")
    'abba'
    """
    letters = _code_points(check_alphabet(alphabet))
    return (
        letters[check_tokens(tokens, len(letters))].tobytes().decode("utf-32-le", "surrogatepass")
    )


def check_alphabet(alphabet, name="alphabet"):
    """Return `alphabet`, or raise `ValueError` unless it is a string of distinct characters.

    Examples
    --------
    >>> check_alphabet("ab")
    'ab'
    """
    if not isinstance(alphabet, str) or not alphabet or len(set(alphabet)) < len(alphabet):
        raise ValueError(
            f"{name} must be a string of at least one character, none repeated, got {alphabet!r}"
        )
    return alphabet


def check_tokens(tokens, size):
    """Return tokens as an array of int64, or raise `ValueError` unless all are below `size`.

    Examples
    --------
    >>> check_tokens([0, 1], size=2)
    array([0, 1])
    """
    return _checks.tokens(tokens, "tokens", _checks.integer(size, "size", 1))


def _code_points(text):
    """Return the characters of a text as numbers, shape (length,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def count_grams(tokens, length, size):
    """Return how often each sequence of `length` tokens occurs in a text, read in a circle.

    Parameters
    ----------
    tokens : ndarray of int, shape (text,)
    length : int
        Tokens in a sequence.
    size : int
        Vocabulary size.

    Returns
    -------
    (ndarray of int64, ndarray of int64)
        The sequences as numbers, as in `ngram_counts`, and how often each occurs.

    Examples
    --------
    >>> count_grams(np.array([0, 1, 1]), length=2, size=2)
    (array([1, 2, 3]), array([1, 1, 1]))
    """
    codes = np.zeros(tokens.size, dtype=np.int64)
    for shift in range(length):
        codes = codes * size + np.roll(tokens, -shift)
    return np.unique(codes, return_counts=True)


def write_counts(path):
    """Count the text and write the file that `ngram_counts` reads."""
    text = tiny_shakespeare()
    letters = alphabet(text)
    tokens = encode(text, letters)
    grams, counts = count_grams(tokens, MAX_ORDER + 1, len(letters))
    places = len(letters) ** np.arange(MAX_ORDER, -1, -1)
    columns = (grams // places[:, None] % len(letters)).astype(np.uint8)
    written = np.frombuffer(letters.encode("utf8"), dtype=np.uint8)
    with lzma.open(path, "wb", preset=9) as file:
        for array in (written, columns, counts.astype(np.uint16)):
            np.save(file, array)


if __name__ == "__main__":
    write_counts(Path(__file__).with_name(GRAMS))
