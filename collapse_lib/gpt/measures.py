"""Measures of a generation: distances, losses and the variety of its text."""

import math
import re
import unicodedata
from collections import Counter

import numpy as np
import torch
from scipy.special import rel_entr

TEXT_LENGTH = 500
BANDS = (1, 2, 4, 8, 16)  # least frequency of a word in each band


def draw_contexts(corpus, number, context, generator):
    """Return random windows of `context` tokens of a corpus, shape (number, context)."""
    sequences, length = corpus.shape
    sequence = torch.randint(sequences, (number, 1), generator=generator)
    begin = torch.randint(length - context + 1, (number, 1), generator=generator)
    return corpus[sequence, begin + torch.arange(context)].long()


@torch.inference_mode()
def next_token(model, contexts):
    """Return the next-token distribution after each context, shape (contexts, V)."""
    device = next(model.parameters()).device
    logits = [
        model.hidden(part.to(device))[:, -1] @ model.tokens.weight.T for part in contexts.split(256)
    ]
    return torch.cat(logits).cpu().double().softmax(-1)  # mps has no double


def divergence(p, q):
    """Return the relative entropy D(p || q) of each context, in nats; q has no zeros."""
    return rel_entr(p.numpy(), q.numpy()).sum(-1)


def tokens_left(p):
    """Return in how many contexts 0, 1, ..., V tokens have a positive probability."""
    return torch.bincount((p > 0).sum(-1), minlength=p.shape[-1] + 1).tolist()


def mean_and_error(values):
    """Return the mean over contexts and its standard error, rounded for a JSON file."""
    return [rounded(values.mean()), rounded(np.std(values, ddof=1) / math.sqrt(len(values)))]


def variety(corpus, reference, tokenizer, known=None):
    """Measure the variety of a corpus; return a dict for a JSON file.

    Parameters
    ----------
    corpus : Tensor of shape (sequences, length)
        The corpus to measure.
    reference : Tensor of shape (sequences, length)
        Samples of p^(0), whose words are looked for in the corpus.
    tokenizer : Tokenizer
    known : set of str, optional
        The words that count as known, as `vocabulary` returns them.

    Returns
    -------
    dict
        The number of distinct n-grams by order; how often each character occurs; the number
        of distinct words; the share of the reference's words that occur, by their frequency
        in the reference; how the text begins; and, if it is said which words are
        known, how many are and are not, and which at the beginning are not.
    """
    texts = [tokenizer.decode(sequence) for sequence in corpus]
    frequencies = words(texts)
    wanted = words(tokenizer.decode(sequence) for sequence in reference)
    return {
        "distinct_ngrams": distinct_ngrams(corpus, len(tokenizer)),
        "characters": character_counts(corpus, len(tokenizer)),
        "distinct_words": len(frequencies),
        "surviving_words": surviving(wanted, frequencies),
        "text": texts[0][:TEXT_LENGTH],
        **({} if known is None else recognised(texts, known)),
    }


def recognised(texts, known):
    """Return how many words of the texts are known, and which at the beginning are not.

    The first and the last word of a text are not counted, because they may be cut.

    Examples
    --------
    >>> recognised(["ng, to bee or not to b"], {"to", "be", "or", "not"})
    {'known_words': 4, 'unknown_words': 1, 'unknown_in_text': ['b', 'bee', 'ng']}
    """
    whole = [word for text in texts for word in in_order(text)[1:-1]]
    found = sum(word.casefold() in known for word in whole)
    beginning = {word.casefold() for word in in_order(texts[0][:TEXT_LENGTH])}
    return {
        "known_words": found,
        "unknown_words": len(whole) - found,
        "unknown_in_text": sorted(beginning - known),
    }


def vocabulary(text):
    """Return the distinct words of a text, without regard to case.

    Examples
    --------
    >>> sorted(vocabulary("To be, or not to be"))
    ['be', 'not', 'or', 'to']
    """
    return {word.casefold() for word in in_order(text)}


def distinct_ngrams(corpus, vocabulary_size, orders=(1, 2, 3, 4, 5)):
    """Return how many different n-grams occur in a corpus, one number for each order.

    Examples
    --------
    >>> distinct_ngrams(torch.tensor([[0, 1, 0, 1]]), vocabulary_size=2, orders=(1, 2))
    {'1': 2, '2': 2}
    """
    tokens, found = corpus.long().numpy(), {}
    grams = np.zeros((len(tokens), tokens.shape[1] + 1), dtype=np.int64)
    for order in range(1, max(orders) + 1):
        # Number only the n-grams that occur, so that codes stay small.
        codes = grams[:, :-1] * vocabulary_size + tokens[:, order - 1 :]
        distinct, numbers = np.unique(codes, return_inverse=True)
        grams = numbers.reshape(codes.shape)
        if order in orders:
            found[str(order)] = len(distinct)
        if not grams.size:
            return found | {str(n): 0 for n in orders if n > order}
    return found


def character_counts(corpus, vocabulary_size):
    """Return how often each token occurs."""
    return torch.bincount(corpus.flatten().long(), minlength=vocabulary_size).tolist()


def words(texts):
    """Return how often each word occurs in the texts.

    Combining marks belong to the word of their letter; words are counted in composed form.

    Examples
    --------
    >>> words(["e\u0301, \u00e9"])
    Counter({'é': 2})
    """
    return Counter(word for text in texts for word in in_order(text))


def in_order(text):
    """Return the words of a text, as `words` counts them, one after another."""
    marks = "".join(c for c in set(text) if unicodedata.category(c).startswith("M"))
    return re.findall(rf"[\w{marks}]+", unicodedata.normalize("NFC", text))


def surviving(reference, found):
    """Return the share of the reference's words that are found, by frequency band.

    Parameters
    ----------
    reference : Counter
        How often each word occurs in samples of p^(0).
    found : Counter
        How often each word occurs in the text to be measured.

    Examples
    --------
    >>> surviving(Counter(the=20, king=3, queen=2), Counter(the=1, queen=1))
    {'1': None, '2': 0.5, '4': None, '8': None, '16': 1.0}
    """
    shares = {}
    for least, end in zip(BANDS, (*BANDS[1:], math.inf), strict=True):
        band = [word for word, count in reference.items() if least <= count < end]
        hits = sum(word in found for word in band)
        shares[str(least)] = rounded(hits / len(band)) if band else None
    return shares


def rounded(value):
    """Round to six significant digits; None stays None."""
    return None if value is None else float(f"{float(value):.6g}")
