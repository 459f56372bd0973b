"""From text to tokens, and from tokens to batches.

A corpus is a tensor of shape (sequences, length) and type uint8 (int64 for more than 256
tokens): separate pieces of text, none of which continues in the next. A model is trained on
windows within a sequence: T tokens as inputs, and the window one token later as targets.
"""

import hashlib

import torch

from collapse_lib import _checks, corpora


class Tokenizer:
    """Turn text into tokens, one per character, and back.

    Parameters
    ----------
    characters : str
        The vocabulary, in the order of its tokens.

    Examples
    --------
    >>> tokenizer = Tokenizer.of("to be")
    >>> tokenizer.characters
    ' beot'
    >>> tokenizer.decode(tokenizer.encode("bet"))
    'bet'
    """

    def __init__(self, characters):
        self.characters = corpora.check_alphabet(characters, "characters")

    @classmethod
    def of(cls, text):
        """Return the tokenizer whose vocabulary is the characters of `text`, sorted."""
        return cls(corpora.alphabet(text))

    def __len__(self):
        return len(self.characters)

    def encode(self, text):
        """Return the tokens of `text`, a tensor of shape (characters,)."""
        tokens = torch.from_numpy(corpora.encode(text, self.characters))
        return tokens.to(token_type(len(self)))

    def decode(self, tokens):
        """Return the text of a tensor of tokens, shape (characters,)."""
        return corpora.decode(tokens.numpy(), self.characters)

    @property
    def start(self):
        """The token that sampled text follows: the end of a line, if the vocabulary has one."""
        return max(0, self.characters.find("\n"))


def token_type(vocabulary_size):
    """Return the smallest type that holds all tokens."""
    return torch.uint8 if vocabulary_size <= 256 else torch.int64


def split(text, context, held_out=0.1):
    """Return the tokenizer of `text`, its beginning and its held-out end, each as one sequence.

    Parameters
    ----------
    text : str
    context : int
        Context of the model to be trained, T.
    held_out : float
        Share of the text that is held out, at its end.
    """
    tokenizer = Tokenizer.of(text)
    tokens = tokenizer.encode(text)
    kept = round(len(tokens) * (1 - held_out))
    if min(kept, len(tokens) - kept) <= context:
        least = int((context + 1) / min(held_out, 1 - held_out)) + 1
        raise ValueError(
            f"text must have at least {least} characters, so that both its parts hold more than"
            f" the context of {context}, got {len(text)}"
        )
    return tokenizer, tokens[None, :kept], tokens[None, kept:]


def check_corpus(corpus, config, name="corpus"):
    """Raise a `ValueError` unless a model of this `GPTConfig` can be trained on `corpus`."""
    if corpus.ndim != 2 or corpus.numel() == 0 or corpus.shape[1] <= config.context:
        raise ValueError(
            f"{name} must have shape (sequences, more than the context of {config.context}),"
            f" got {tuple(corpus.shape)}"
        )
    check_tokens(corpus, config, name)


def check_tokens(tokens, config, name):
    """Raise a `ValueError` unless all `tokens` are in the vocabulary of this `GPTConfig`."""
    least, most = (int(end) for end in tokens.aminmax())
    if least < 0 or most >= config.vocabulary_size:
        raise ValueError(
            f"{name} must hold tokens from 0 to {config.vocabulary_size - 1}, got {least} to {most}"
        )


def checksum(corpus):
    """Return the SHA-256 of a corpus, in hexadecimal."""
    return hashlib.sha256(corpus.contiguous().numpy().tobytes()).hexdigest()


def batch(corpus, size, context, generator):
    """Return random windows: inputs and targets, each of shape (size, context).

    Parameters
    ----------
    corpus : Tensor of shape (sequences, length)
    size : int
        Number of windows, B.
    context : int
        Length of a window, T.
    generator : torch.Generator
        A generator on the CPU.
    """
    sequences, length = corpus.shape
    sequence = torch.randint(sequences, (size, 1), generator=generator)
    begin = torch.randint(length - context, (size, 1), generator=generator)
    window = corpus[sequence, begin + torch.arange(context + 1)].long()  # (B, T + 1)
    return window[:, :-1], window[:, 1:]


def windows(corpus, context, tokens=None):
    """Return consecutive windows that predict every token once: inputs and targets.

    Parameters
    ----------
    corpus : Tensor of shape (sequences, length)
    context : int
    tokens : int, optional
        Soft limit on the number of tokens; by default, use all.
    """
    pieces = corpus.unfold(1, context + 1, context).flatten(0, 1).long()
    if tokens is not None:
        pieces = pieces[: max(1, _checks.integer(tokens, "tokens", 1) // context)]
    return pieces[:, :-1], pieces[:, 1:]
