"""What is measured on a generation: distances, losses, and the variety of its text."""

import math
import re
from collections import Counter

import torch

WORD = re.compile(r"\w+")
TEXT_LENGTH = 500
BANDS = (1, 2, 4, 8, 16)  # a word that is this frequent, and less so than the next band


def draw_contexts(corpus, number, context, generator):
    """Return random windows of `context` tokens of a corpus, shape (number, context)."""
    streams, length = corpus.shape
    stream = torch.randint(streams, (number, 1), generator=generator)
    begin = torch.randint(length - context + 1, (number, 1), generator=generator)
    return corpus[stream, begin + torch.arange(context)].long()


@torch.inference_mode()
def next_token(model, contexts):
    """Return the next-token distribution after each context, shape (contexts, V)."""
    device = next(model.parameters()).device
    logits = [
        model.hidden(part.to(device))[:, -1] @ model.tokens.weight.T for part in contexts.split(256)
    ]
    return torch.cat(logits).double().softmax(-1).cpu()


def l1(p, q):
    """Return the 1-norm ||p - q||_1 of each context, from 0 to 2."""
    return (p - q).abs().sum(-1)


def entropy(p):
    """Return the entropy of each context's distribution, in nats."""
    return torch.special.entr(p).sum(-1)


def mean_and_error(values):
    """Return the mean over contexts and its standard error, rounded for a JSON file."""
    return [rounded(values.mean()), rounded(values.std() / math.sqrt(len(values)))]


def variety(corpus, reference, tokenizer):
    """Return what a corpus is like, for a JSON file.

    Parameters
    ----------
    corpus : Tensor of shape (streams, length)
        What is to be measured.
    reference : Tensor of shape (streams, length)
        Samples of p^(0), whose words are looked for in the corpus.
    tokenizer : Tokenizer

    Returns
    -------
    dict
        The number of distinct n-grams by order; how often each character occurs; the number
        of distinct words; the share of the reference's words that occur, by their frequency
        in the reference; and how the text begins.
    """
    texts = [tokenizer.decode(stream) for stream in corpus]
    frequencies = words(texts)
    wanted = words(tokenizer.decode(stream) for stream in reference)
    return {
        "distinct_ngrams": distinct_ngrams(corpus, len(tokenizer)),
        "characters": character_counts(corpus, len(tokenizer)),
        "distinct_words": len(frequencies),
        "surviving_words": surviving(wanted, frequencies),
        "text": texts[0][:TEXT_LENGTH],
    }


def distinct_ngrams(corpus, vocabulary, orders=(1, 2, 3, 4, 5)):
    """Return how many different n-grams occur in a corpus, one number an order.

    Examples
    --------
    >>> distinct_ngrams(torch.tensor([[0, 1, 0, 1]]), vocabulary=2, orders=(1, 2))
    {'1': 2, '2': 2}
    """
    found = {}
    for order in orders:
        # An n-gram as one number in base V; it fits 64 bits up to V = 6000 at order 5.
        begins = max(0, corpus.shape[1] - order + 1)
        grams = torch.zeros((len(corpus), begins), dtype=torch.int64)
        for i in range(order):
            grams = grams * vocabulary + corpus[:, i:].long()[:, :begins]
        found[str(order)] = len(grams.unique())
    return found


def character_counts(corpus, vocabulary):
    """Return how often each token occurs."""
    return torch.bincount(corpus.flatten().long(), minlength=vocabulary).tolist()


def words(texts):
    """Return how often each word occurs in the texts."""
    return Counter(word for text in texts for word in WORD.findall(text))


def surviving(reference, found):
    """Return the share of the reference's words that are found, by frequency band.

    Parameters
    ----------
    reference : Counter
        How often each word occurs in samples of p^(0).
    found : Counter
        The same of the text that is measured.

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
    """Return a float of six significant digits; None stays None."""
    return None if value is None else float(f"{float(value):.6g}")
