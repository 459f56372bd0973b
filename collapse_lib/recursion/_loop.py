"""The general loop: sample earlier models as the schedule says, train on the samples, repeat.

It defines recursive training for every learner, and is the reference for all faster versions.
"""

import numpy as np

from collapse_lib import _checks, schedules, steps


def run(learner, truth, schedule, generations, rng, step=None):
    """Yield the models of one run of recursive training.

    Parameters
    ----------
    learner
        How models are trained and sampled. It has four methods: ``fit(corpus)`` returns a model,
        ``sample(model, size, rng)`` a corpus, ``pool(corpora)`` several corpora merged into one,
        and ``take(corpus, k)`` its first k samples. If models are not arrays of distributions, a
        step needs a fifth method: ``process(model, step)`` returns the model that is sampled.
    truth
        A model of the learner: p^(0).
    schedule
        One of `collapse_lib.schedules`.
    generations : int
        Number of generations after p^(0), at least 0.
    rng : numpy.random.Generator or int
    step : step or tuple of steps, optional
        Applied to each model before it is sampled; see `collapse_lib.steps`. The truth itself is
        sampled unchanged.

    Yields
    ------
    model
        The models of generations 0 (the truth), 1, ..., `generations`. The corpus of a model is
        drawn when it is first needed.

    Raises
    ------
    ValueError
        If an argument lacks an attribute, or a number is out of range. It is raised by the call
        itself, not later by the iterator. What the learner or the step raises comes later, from
        the iterator.

    Examples
    --------
    >>> from collapse_lib.learners.counting import Counting
    >>> from collapse_lib.schedules import PartiallySynthetic
    >>> for p in run(Counting(2), [0.5, 0.5], PartiallySynthetic(real=4, synthetic=4), 2, rng=0):
    ...     print(p)
    [0.5, 0.5]
    [0.75 0.25]
    [0.625 0.375]
    """
    missing = [
        name
        for name in ("fit", "sample", "pool", "take")
        if not callable(getattr(learner, name, None))
    ]
    if missing or isinstance(learner, type):
        lacks = f", which has no {' and no '.join(missing)}" if missing else ", a class"
        raise ValueError(
            f"learner must have the methods fit, sample, pool and take, got {learner!r}{lacks}"
        )
    steps.check(step)
    if step is not None and not _is_array(truth) and not hasattr(learner, "process"):
        raise ValueError(
            "step must be None for a learner whose models are no arrays and that has no method "
            f"process, got {step!r} for {learner!r}"
        )
    schedules.check(schedule)
    generations = _checks.integer(generations, "generations", 0)
    rng = _checks.generator(rng)
    # The whole table comes first: it says how long a kept corpus must be.
    sizes = schedules.table(schedule, generations, rng)
    return _models(learner, truth, schedule, sizes, rng, step)


def _models(learner, truth, schedule, sizes, rng, step):
    """Yield the models of a run with validated arguments."""
    models, kept = [truth], {}
    yield truth
    for m, row in enumerate(sizes, start=1):
        corpora = []
        for t in map(int, np.flatnonzero(row)):
            if not schedule.keeps(t):
                corpora.append(_sample(learner, models[t], t, int(row[t]), rng, step))
                continue
            if t not in kept:
                most = int(sizes[m - 1 :, t].max())
                kept[t] = _sample(learner, models[t], t, most, rng, step)
            corpora.append(learner.take(kept[t], int(row[t])))
        models.append(learner.fit(learner.pool(corpora) if len(corpora) > 1 else corpora[0]))
        for t in np.flatnonzero((sizes[m - 1] > 0) & ~(sizes[m:] > 0).any(axis=0)):
            models[t] = kept[int(t)] = None  # no later generation samples it
        yield models[m]


def _sample(learner, model, source, size, rng, step):
    """Return a corpus of a model after the step, which is not applied to the truth."""
    if step is not None and source > 0:
        process = getattr(learner, "process", None)
        model = process(model, step) if process else steps.apply(step, model)
    return learner.sample(model, size, rng)


def _is_array(model):
    return isinstance(model, list | tuple) or hasattr(model, "__array__")
