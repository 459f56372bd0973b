"""From text to tokens, and from tokens to batches.

A corpus is a tensor of shape (streams, length) and type uint8 (int64 for more than 256
tokens): pieces of text side by side, none of which goes on in the next. What a model is
trained on are windows within a stream, T tokens and the same moved on by one.
"""

import hashlib

import torch

from collapse_lib import _checks


class Tokenizer:
    """One token a character.

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
        if not characters or len(set(characters)) < len(characters):
            raise ValueError(f"characters must be distinct, at least one, got {characters!r}")
        self.characters = characters
        self._tokens = {character: token for token, character in enumerate(characters)}

    @classmethod
    def of(cls, text):
        """Return the tokenizer whose vocabulary are the characters of `text`, sorted."""
        if not text:
            raise ValueError("text must not be empty")
        return cls("".join(sorted(set(text))))

    def __len__(self):
        return len(self.characters)

    def encode(self, text):
        """Return the tokens of `text`, a tensor of shape (characters,)."""
        foreign = sorted(set(text) - set(self.characters))
        if foreign:
            raise ValueError(
                "text must consist of characters of the vocabulary, got"
                f" {', '.join(map(repr, foreign[:5]))}{', ...' * (len(foreign) > 5)}"
            )
        small = len(self) <= 256
        return torch.tensor(
            [self._tokens[character] for character in text],
            dtype=torch.uint8 if small else torch.int64,
        )

    def decode(self, tokens):
        """Return the text of a tensor of tokens, shape (characters,)."""
        return "".join(self.characters[token] for token in tokens.tolist())

    @property
    def start(self):
        """The token that sampled text starts after: the end of a line, where there is one."""
        return self._tokens.get("\n", 0)


def split(text, context, held_out=0.1):
    """Return the tokenizer of `text`, and its beginning and its end as corpora of one stream.

    Parameters
    ----------
    text : str
    context : int
        The context of the model that is meant to be trained, T.
    held_out : float
        Share of the text, its end, that is kept from training.
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
    """Raise a `ValueError` where a model of this `GPTConfig` cannot be trained on `corpus`."""
    if corpus.ndim != 2 or corpus.numel() == 0 or corpus.shape[1] <= config.context:
        raise ValueError(
            f"{name} must have shape (streams, more than the context of {config.context}),"
            f" got {tuple(corpus.shape)}"
        )
    check_tokens(corpus, config, name)


def check_tokens(tokens, config, name):
    """Raise a `ValueError` where `tokens` are not all in the vocabulary of this `GPTConfig`."""
    least, most = (int(end) for end in tokens.aminmax())
    if least < 0 or most >= config.vocabulary:
        raise ValueError(
            f"{name} must hold tokens from 0 to {config.vocabulary - 1}, got {least} to {most}"
        )


def checksum(corpus):
    """Return the SHA-256 of a corpus, in hexadecimal."""
    return hashlib.sha256(corpus.contiguous().numpy().tobytes()).hexdigest()


def batch(corpus, size, context, generator):
    """Return random windows: inputs and what is to be predicted, each (size, context).

    Parameters
    ----------
    corpus : Tensor of shape (streams, length)
    size : int
        Number of windows, B.
    context : int
        Length of a window, T.
    generator : torch.Generator
        A generator on the CPU.
    """
    streams, length = corpus.shape
    stream = torch.randint(streams, (size, 1), generator=generator)
    begin = torch.randint(length - context, (size, 1), generator=generator)
    window = corpus[stream, begin + torch.arange(context + 1)].long()  # (B, T + 1)
    return window[:, :-1], window[:, 1:]


def windows(corpus, context, tokens=None):
    """Return consecutive windows that predict every token once: inputs and targets.

    Parameters
    ----------
    corpus : Tensor of shape (streams, length)
    context : int
    tokens : int, optional
        Stop at about as many tokens; by default, use all.
    """
    pieces = corpus.unfold(1, context + 1, context).flatten(0, 1).long()
    if tokens is not None:
        pieces = pieces[: max(1, _checks.integer(tokens, "tokens", 1) // context)]
    return pieces[:, :-1], pieces[:, 1:]
