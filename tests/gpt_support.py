"""What the tests of `collapse_lib.gpt` share: a small text, a small model, a small experiment."""

import multiprocessing
import re

import numpy as np
import torch

from collapse_lib.gpt import GPT, GPTConfig, Preset, TrainConfig, data

torch.set_num_threads(1)  # models this small gain nothing from more

WORDS = re.findall(r"\S+\n?", "the king and queen of all this fair land do love thee, lord.\n")


def text(length=4000, seed=0):
    """Return a text of a few words in random order."""
    rng = np.random.default_rng(seed)
    return " ".join(rng.choice(WORDS, length // 3))[:length]


def corpus(sequences=3, length=400):
    """Return a corpus, shape (sequences, length), and its tokenizer."""
    tokenizer = data.Tokenizer.of(text())
    return tokenizer.encode(text(sequences * length)).view(sequences, length), tokenizer


def config(**changes):
    return GPTConfig(
        **{"vocabulary_size": 40, "context": 16, "width": 16, "layers": 2, "heads": 2} | changes
    )


def model(seed=0, **changes):
    """Return a model whose distributions are far from uniform."""
    made = GPT(config(**changes), torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for weights in made.parameters():
            weights.mul_(4)
    return made.eval()


def training(**changes):
    defaults = {
        "iterations": 30,
        "batch_size": 4,
        "learning_rate": 1e-2,
        "warmup": 5,
        "evaluate_every": 7,
        "validation_tokens": 64,
        "checkpoint_every": 5,
    }
    return TrainConfig(**defaults | changes)


def preset(**changes):
    """Return an experiment whose generations take a fraction of a second each."""
    small = training(iterations=20, checkpoint_every=8)
    return Preset(config(dropout=0.1), small, sequences=8, length=60, contexts=20, **changes)


def kill_until_done(function, arguments, delays):
    """Run a function in a process that is killed (SIGKILL) after each delay, then to its end.

    Parameters
    ----------
    function : callable
        A function of a module, which may be interrupted anywhere and called again.
    arguments : tuple
    delays : iterable of float
        Seconds that each process gets; once one has ended by itself, no other is started.

    Returns
    -------
    int
        How many processes were killed while they were at work.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["collapse_lib.gpt"])
    kills = 0
    for delay in [*delays, None]:
        ready, ready_there = context.Pipe(duplex=False)
        process = context.Process(target=_announced, args=(ready_there, function, arguments))
        process.start()
        ready.recv()
        process.join(delay)
        if not process.is_alive():
            assert process.exitcode == 0
            break
        process.kill()
        process.join()
        kills += 1
    return kills


def _announced(ready, function, arguments):
    torch.set_num_threads(1)
    ready.send(True)
    function(*arguments)
