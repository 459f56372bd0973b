"""Families of models that can be trained on their own output, one module per family.

A learner has four methods, which `collapse_lib.recursion.run` calls: ``fit(corpus)`` returns a
model, ``sample(model, size, rng)`` a corpus, ``pool(corpora)`` several corpora merged into one, and
``take(corpus, k)`` its first k samples. If a model is not an array of distributions, a step needs a
fifth method: ``process(model, step)`` returns the model that is sampled. A new learner needs no
more than this.
"""

from importlib import import_module

__all__ = ["counting", "families", "features", "ngram"]


def __getattr__(name):
    if name in __all__:
        return import_module(f"collapse_lib.learners.{name}")
    raise AttributeError(f"module 'collapse_lib.learners' has no attribute {name!r}")
