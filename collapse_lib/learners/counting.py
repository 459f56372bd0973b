"""Training as counting: the paper's model of one context, equation (2).

A model is a distribution, a corpus an array of tokens. The maximum likelihood model consists of the
token frequencies; pseudo-counts pull it towards the uniform distribution.
"""

from dataclasses import dataclass

import numpy as np

from collapse_lib import _checks


@dataclass(frozen=True)
class Counting:
    """A learner that counts tokens, for `collapse_lib.recursion.run`.

    Parameters
    ----------
    tokens : int
        Vocabulary size, at least 1 (the paper's s).
    pseudocounts : float, optional
        How many samples the smoothing is worth: A in total, spread evenly over the vocabulary,
        ``p_i = (count_i + A/s) / (samples + A)``. The default is none; add-one smoothing is A = s.

    Examples
    --------
    >>> Counting(tokens=2).fit(np.array([0, 0, 0, 1]))
    array([0.75, 0.25])
    >>> Counting(tokens=2, pseudocounts=4).fit(np.array([0, 0, 0, 1]))
    array([0.625, 0.375])
    """

    tokens: int
    pseudocounts: float = 0.0

    def __post_init__(self):
        object.__setattr__(self, "tokens", _checks.integer(self.tokens, "tokens", 1))
        a = _checks.number(self.pseudocounts, "pseudocounts", 0, _checks.LARGEST)
        object.__setattr__(self, "pseudocounts", a)

    def fit(self, corpus):
        """Return the model of a corpus, shape (tokens,).

        Raises
        ------
        ValueError
            If the corpus holds a token outside the vocabulary, or is empty and there are no
            pseudo-counts.
        """
        corpus = _checks.tokens(corpus, "corpus", self.tokens)
        if not corpus.size and not self.pseudocounts:
            raise ValueError("corpus must hold at least one token without pseudocounts, got none")
        counts = np.bincount(corpus, minlength=self.tokens)
        return (counts + self.pseudocounts / self.tokens) / (len(corpus) + self.pseudocounts)

    def sample(self, model, size, rng):
        """Return `size` samples of a model, in the order drawn.

        Raises
        ------
        ValueError
            If the model is no distribution over the vocabulary.
        """
        _checks.room(size, "schedule and size")
        p = _checks.probabilities(model, "model")
        if p.shape != (self.tokens,):
            raise ValueError(f"model must have shape ({self.tokens},), got {p.shape}")
        return rng.choice(self.tokens, size, p=p)

    def pool(self, corpora):
        """Return several corpora as one."""
        return np.concatenate(corpora)

    def take(self, corpus, k):
        """Return the first k samples of a corpus."""
        return corpus[:k]
