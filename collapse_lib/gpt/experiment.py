"""The experiment: a truth, then chains of generations that learn from it and from each other.

p^(0) is trained on a text; from then on it is the truth. Each seed draws a real corpus from it
and trains p^(1) on that corpus, once for all chains that need the same one. A chain is one
schedule with one step, run by `collapse_lib.recursion.run`: p^(m) for m >= 2 is trained from new
random weights on samples of earlier models. All generations have the same shape and number of
training steps. Seeds share p^(0), its held-out samples and the contexts at which models are
compared; the chains of a seed share initial weights and the order of batches.

Everything is kept in one folder, and no file is ever half written. A generation is finished when
its measures are there; it is then never computed again::

    settings.json  results.json
    truth/                            p^(0): model, samples, measures; held_out.safetensors
    seed-0/real-512.safetensors       the real corpus of a seed
    seed-0/first-512/                 p^(1), trained on 512 sequences: model, samples, measures
    seed-0/real-kept-50-50/           a chain: chain.json says which
    seed-0/real-kept-50-50/02/        p^(2), p^(3), ... of it
"""

from dataclasses import dataclass, replace

import numpy as np

from collapse_lib import recursion, schedules
from collapse_lib.gpt import checkpoint, data, measures
from collapse_lib.gpt.learner import (
    CONTEXTS,
    HELD_OUT,
    SAMPLES,
    SIZES,
    TRAINING,
    Learner,
    processed,
    seed_of,
    stream,
)
from collapse_lib.gpt.names import chain_name


@dataclass(frozen=True)
class Chain:
    """One seed, one schedule, one step.

    Parameters
    ----------
    seed : int
    name : str
        Of the schedule and the step.
    schedule
        One of `collapse_lib.schedules`; it counts sequences.
    step : step or tuple of steps, optional
    """

    seed: int
    name: str
    schedule: object
    step: object = None

    @classmethod
    def of(cls, seed, named, step=None):
        """Return the chain for a schedule and its name."""
        name, schedule = named
        return cls(seed, chain_name(name, step), schedule, step)

    def rng(self):
        """Return the generator for random sample sizes, in the same state at every call."""
        return np.random.default_rng(np.random.SeedSequence([self.seed, 0, SIZES]))

    def size_of_first(self):
        """Return the number of sequences that p^(1) is trained on."""
        return int(schedules.table(self.schedule, 1, self.rng())[0, 0])


def make_truth(folder, text):
    """Train p^(0) on a text, and draw the samples that generations are compared with."""
    preset, truth = folder.preset, folder.truth
    if folder.is_finished(truth):
        return
    tokenizer, corpus, validation = data.split(text, preset.model.context)
    config = replace(preset.model, vocabulary_size=len(tokenizer))
    words = " ".join(sorted(measures.vocabulary(text)))
    metadata = {"characters": tokenizer.characters, "words": words}
    folder.train(truth.folder, config, corpus, validation, seed_of(0, 0, TRAINING), metadata)
    _draw_truth(folder)


def take_truth(folder, path):
    """Use the model of a checkpoint as p^(0)."""
    if folder.is_finished(folder.truth):
        return
    model, metadata = checkpoint.load_model(path)
    checkpoint.save_model(folder.truth.folder / "model.safetensors", model, metadata)
    _draw_truth(folder)


def _draw_truth(folder):
    """Draw held-out samples and contexts to compare generations with, and measure p^(0)."""
    truth, preset = folder.truth, folder.preset
    path, number = truth.folder / "held_out.safetensors", preset.measured_sequences
    if not path.exists():
        held_out = folder.draw(truth, number, (0, 0, HELD_OUT), truth.folder / "held_out")
        contexts = measures.draw_contexts(
            held_out, preset.contexts, preset.model.context, stream(0, 0, CONTEXTS)
        )
        p = measures.next_token(folder.load(truth), contexts)
        checkpoint.save(path, {"tokens": held_out, "contexts": contexts, "next": p}, {})
    text = folder.draw(truth, number, (0, 0, SAMPLES), truth.folder / "samples")
    folder.measure(truth, None, text, {"generation": 0})


def make_first(folder, chain):
    """Train p^(1) of a chain; other chains may share it."""
    _follow(folder, chain, 1)


def make_chain(folder, chain, generations):
    """Train p^(2), ..., p^(generations) of a chain, whose p^(1) is finished."""
    learner = Learner(folder, chain.seed, chain.name, chain.step)
    path = learner.chain / "chain.json"
    described = {
        "name": chain.name,
        "schedule": repr(chain.schedule),
        "first": chain.size_of_first(),
    }
    if chain.step is not None:  # p^(0) and p^(1) are measured without it, as chains share them
        first = folder.out / f"seed-{chain.seed}" / f"first-{described['first']}"
        kept = checkpoint.load(first / "next.safetensors")[0]
        described["processed"] = [
            processed(p, chain.step) for p in (folder.held_out()["next"], kept["next"])
        ]
    if not path.exists():
        checkpoint.keep(path, described)
    standing = checkpoint.kept(path)
    if standing != described:
        raise ValueError(
            f"out must be new or hold a run with the same chain {described}, got"
            f" {str(path)!r} with {standing}"
        )
    _follow(folder, chain, generations)


def _follow(folder, chain, generations):
    """Run the recursion for a chain; finished generations are read, not computed."""
    learner = Learner(folder, chain.seed, chain.name, chain.step)
    for _ in recursion.run(
        learner, folder.truth, chain.schedule, generations, chain.rng(), chain.step
    ):
        pass  # the learner writes everything to the folder


def missing(folder, chain, generations):
    """Return how many generations of a chain after p^(1) are not finished."""
    learner = Learner(folder, chain.seed, chain.name)
    folders = (learner.chain / f"{m:02}" for m in range(2, generations + 1))
    return sum(not (folder / "measures.json").exists() for folder in folders)


def first_is_missing(folder, chain):
    """Return whether p^(1) of a chain is not finished."""
    first = folder.out / f"seed-{chain.seed}" / f"first-{chain.size_of_first()}"
    return not (first / "measures.json").exists()
