"""Families of models that can be trained on their own output: one module a family.

A learner has four methods, which `collapse_lib.recursion.run` calls: ``fit(corpus)`` returns a
model, ``sample(model, size, rng)`` a corpus, ``pool(corpora)`` one corpus of several, and
``take(corpus, k)`` its first k samples. Where a model is no array of distributions, a fifth,
``process(model, step)``, returns the model that is sampled when a step is taken. A new learner
needs nothing else.
"""

from importlib import import_module

__all__ = ["counting", "families", "features", "ngram"]


def __getattr__(name):
    if name in __all__:
        return import_module(f"collapse_lib.learners.{name}")
    raise AttributeError(f"module 'collapse_lib.learners' has no attribute {name!r}")
