"""Model collapse for a next-token model that can be solved exactly.

A model is trained on samples of earlier models, generation after generation. For one
context, a model is a distribution over the vocabulary, and training is counting. The modules
below follow Seddik, Chen, Hayou, Youssef and Debbah, "How bad is training on synthetic
data?" (COLM 2024, arXiv:2404.05090). "The paper" is always this one, and a number
in brackets is one of its equations.

======================  ==================================================================
`distributions`         families of next-token distributions, and measures of variety
`schedules`             who trains on whom: the sample sizes of equation (5)
`corpora`               texts to train on
`softmax`               training as a minimisation, whose result is counting
`steps`                 what is done to a model before it is sampled
`learners`              what is trained: counting, n-grams, families, models with features
`recursion`             train, sample, retrain: the loop, and fast replicates of counting
`sweeps`                many independent tasks, on any executor, kept on disk
`theory`                closed forms, on plain numbers
`markov`                total collapse as absorption of a Markov chain, with all its states
`coalescent`            the exact distribution of the collapse time, by tracing samples back
`symbolic`              the same closed forms, derived by SymPy
`ngram`                 the same recursion for every context of a real text
`contexts`              all contexts of a corpus at once, exactly, up to a million
`gpt`                   the same recursion with a real language model
`plotting`              drawing on given axes
`explorers`             figures with sliders, in a live kernel and in the built book
======================  ==================================================================

Array axes are always (replicates, generations, tokens). Generation 0 is the true
distribution p^(0). Randomness comes from a `numpy.random.Generator` or an integer seed,
and results depend on the seed alone.

Modules load when they are first used, so ``import collapse_lib`` is quick.
"""

from importlib import import_module

__version__ = "0.1.0"
__all__ = [
    "coalescent",
    "contexts",
    "corpora",
    "distributions",
    "explorers",
    "gpt",
    "learners",
    "markov",
    "plotting",
    "recursion",
    "schedules",
    "softmax",
    "steps",
    "sweeps",
    "symbolic",
    "theory",
]


def __getattr__(name):
    if name == "ngram":  # so that a chapter's imports read like a table of contents
        return import_module("collapse_lib.learners.ngram")
    if name in __all__:
        return import_module(f"collapse_lib.{name}")
    raise AttributeError(f"module 'collapse_lib' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
