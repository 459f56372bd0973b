"""The one loop takes a schedule, a step and a learner that it has never seen."""

import itertools
import re
from dataclasses import dataclass

import numpy as np
import pytest

from collapse_lib import recursion, steps, theory
from collapse_lib.learners import counting, ngram
from collapse_lib.schedules import Accumulating, FullySynthetic, PartiallySynthetic, RandomlySampled


@dataclass(frozen=True)
class EveryOther:
    """All samples come from the model two generations back, as soon as there is one."""

    n: int
    is_random = False

    def sizes(self, generations, rng=None):
        return self.n * np.eye(generations, k=-1, dtype=int) + self.n * np.diag(
            np.arange(generations) == 0
        )

    def keeps(self, source):
        return source == 1


@dataclass(frozen=True)
class Halve:
    """Every token but the likeliest loses half of its probability."""

    def apply(self, p):
        top = p == p.max(-1, keepdims=True)
        q = p * np.where(top, 1, 0.5)
        return q / q.sum(-1, keepdims=True)


class Mean:
    """A model is the mean of its samples, drawn with standard deviation 1."""

    def fit(self, corpus):
        return sum(corpus) / len(corpus)

    def sample(self, model, size, rng):
        return [model + rng.standard_normal() for _ in range(size)]

    def pool(self, corpora):
        return [x for corpus in corpora for x in corpus]

    def take(self, corpus, k):
        return corpus[:k]


P = np.array([0.5, 0.3, 0.2])
TABLE = ngram.count("abracadabra" * 5, 2)
LEARNERS = {
    "counting": (counting.Counting(3), P),
    "n-grams": (ngram.Ngram(2, TABLE.alphabet), TABLE),
    "toy": (Mean(), 1.5),
}
SCHEDULES = [
    EveryOther(30),
    FullySynthetic(30),
    PartiallySynthetic(30, 20),
    RandomlySampled(30),
    RandomlySampled(30, kept=True),
    Accumulating(30, 10),
]
STEPS = [None, Halve(), steps.Temperature(0.8), (Halve(), steps.TopK(2))]


@pytest.mark.parametrize("step", STEPS, ids=repr)
@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
@pytest.mark.parametrize("name", LEARNERS)
def test_every_combination_runs_or_is_refused_by_name(name, schedule, step):
    learner, truth = LEARNERS[name]
    if name == "toy" and step is not None:
        with pytest.raises(ValueError, match="step must be None for a learner whose models are no"):
            recursion.run(learner, truth, schedule, 5, 1, step)
        return
    models = list(recursion.run(learner, truth, schedule, 5, 1, step))
    again = list(recursion.run(learner, truth, schedule, 5, 1, step))
    assert len(models) == 6
    assert models[0] is truth
    for one, other in itertools.chain(zip(models, again, strict=True)):
        assert np.array_equal(as_array(one), as_array(other))


def as_array(model):
    return model.counts.toarray() if isinstance(model, ngram.Table) else np.asarray(model)


@pytest.mark.parametrize("step", [None, Halve()], ids=repr)
def test_the_fast_versions_take_them_as_well(step):
    runs = recursion.simulate(P, EveryOther(12), 5, 4000, rng=2, step=step)
    paths = [
        recursion.sample_path(P, EveryOther(12), 5, rng, step)
        for rng in np.random.default_rng(3).spawn(1000)
    ]
    slow = np.square(paths).sum(axis=2)
    wrong = recursion.simulate(P, FullySynthetic(12), 5, 4000, rng=2, step=step).collision
    error = np.sqrt(slow.var(axis=0) / 1000 + runs.collision.var(axis=0) / 4000)
    assert (abs(runs.collision.mean(axis=0) - slow.mean(axis=0)) <= 4.5 * error + 1e-12).all()
    assert (abs(wrong.mean(axis=0) - slow.mean(axis=0)) > 4.5 * error).any()


def test_theory_takes_a_schedule_of_ones_own():
    runs = recursion.simulate(P, EveryOther(12), 5, 20_000, rng=4)
    expected = theory.expected_collisions(EveryOther(12), 5, float((P**2).sum()))
    error = runs.collision.std(axis=0) / np.sqrt(20_000)
    assert (abs(runs.collision.mean(axis=0) - expected) <= 4.5 * error + 1e-12).all()


def test_means_of_the_toy_wander_and_kept_samples_hold_them():
    ends = {
        kept: [
            list(recursion.run(Mean(), 0.0, schedule, 30, rng))[-1]
            for rng in np.random.default_rng(6).spawn(400)
        ]
        for kept, schedule in ((False, FullySynthetic(10)), (True, PartiallySynthetic(10, 10)))
    }
    spread = np.var(ends[False])  # a random walk: 30 steps of variance 1/10
    assert abs(spread - 3.0) < 4 * 3.0 * np.sqrt(2 / 400)
    # Fixed point of D = (D + 1/10) / 4 around the first mean, whose own variance is 1/10.
    assert abs(np.var(ends[True]) - (0.1 + 1 / 30)) < 4 * (0.1 + 1 / 30) * np.sqrt(2 / 400)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learner": object()}, "learner must have the methods fit, sample, pool and take, got"),
        ({"learner": Mean}, "learner must have the methods fit, sample, pool and take, got <class"),
        ({"schedule": "alone"}, "schedule must be one of collapse_lib.schedules, or have sizes"),
        ({"step": Halve}, "step must be one of collapse_lib.steps, or have a method apply, got"),
        ({"generations": 1.5}, "generations must be an integer of at least 0, got 1.5"),
        ({"rng": "x"}, "rng must be a numpy.random.Generator or an integer seed"),
    ],
)
def test_what_lacks_something_is_refused_at_once(change, message):
    good = {
        "learner": counting.Counting(3),
        "truth": P,
        "schedule": FullySynthetic(3),
        "generations": 2,
        "rng": 0,
        "step": None,
    }
    with pytest.raises(ValueError, match=re.escape(message)):
        recursion.run(**good | change)


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        ([0.5, 0.5], "model must have shape (3,), got (2,)"),
        ([[0.2, 0.3, 0.5]], "model must have shape (3,), got (1, 3)"),
        ([0.5, 0.2, 0.2], "model must sum to 1 within"),
        ([0.5, 0.7, -0.2], "model must not be negative, got a smallest entry of -0.2"),
        ("abc", "model must be"),
    ],
)
def test_a_truth_that_does_not_fit_counting_is_refused(truth, message):
    models = recursion.run(counting.Counting(3), truth, FullySynthetic(3), 2, 0)
    with pytest.raises(ValueError, match=re.escape(message)):
        list(models)
