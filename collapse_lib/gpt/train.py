"""Train a model on a corpus, from random weights; training can be killed and resumed.

The loss is the mean cross-entropy of the next token, in nats. Initial weights, batches and
dropout have a generator each, all from one seed. A checkpoint holds everything that changes
(weights, AdamW's averages, generators), so a resumed run ends with the same weights as one
that was never interrupted, to the last bit on a CPU with the same number of threads.
"""

import math
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F

from collapse_lib import _checks
from collapse_lib.gpt import checkpoint, data
from collapse_lib.gpt.model import GPT

EVALUATION_BATCH = 64


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained. The paper states the first three; all others are our choice.

    Parameters
    ----------
    iterations : int
        Number of steps, each on one batch.
    batch_size : int
        Windows in a batch; a window has as many tokens as the model's context.
    learning_rate : float
        The largest step size of AdamW, reached at the end of the warm-up.
    warmup : int
        Steps over which the learning rate rises from 0, linearly.
    final_share : float
        After the warm-up the learning rate falls along half a cosine, to this share of it.
    betas : tuple of two floats
        AdamW's decay rates for the averages of gradients and of their squares.
    weight_decay : float
        Decay of weight matrices and embeddings, in units of the learning rate; biases and
        norms do not decay.
    clip : float
        Largest norm of the gradient; a longer one is scaled down to it.
    evaluate_every : int
        Steps between validation losses; there is also one at the start and one at the end.
    validation_tokens : int
        Number of tokens that the validation loss is a mean over, the same ones each time.
    checkpoint_every : int
        Steps between checkpoints, if `train` is given a path for them.
    precision : str
        "float32", "bfloat16" (matrix products only; weights stay float32), or "auto":
        bfloat16 on GPUs that support it, where it is faster, and float32 elsewhere.

    Examples
    --------
    >>> config = TrainConfig(iterations=2000, batch_size=256, learning_rate=1e-3, warmup=100)
    >>> [round(config.rate(i), 6) for i in (0, 99, 1050, 1999)]
    [1e-05, 0.001, 0.00055, 0.0001]
    """

    iterations: int
    batch_size: int
    learning_rate: float
    warmup: int = 100
    final_share: float = 0.1
    betas: tuple = (0.9, 0.99)
    weight_decay: float = 0.1
    clip: float = 1.0
    evaluate_every: int = 100
    validation_tokens: int = 16_384
    checkpoint_every: int = 100
    precision: str = "auto"

    PRECISIONS: ClassVar = ("auto", "float32", "bfloat16")

    def __post_init__(self):
        plain = {"warmup": _checks.integer(self.warmup, "warmup", 0)}
        at_least_one = "iterations batch_size evaluate_every validation_tokens checkpoint_every"
        for name in at_least_one.split():
            plain[name] = _checks.integer(getattr(self, name), name, 1)
        for name in ("learning_rate", "clip"):
            plain[name] = _checks.positive(getattr(self, name), name)
        for name in ("final_share", "weight_decay"):
            plain[name] = float(_checks.unit_interval(getattr(self, name), name))
        betas = _checks.within(self.betas, "betas", 0, 1)
        if betas.shape != (2,) or not (betas < 1).all():
            raise ValueError(f"betas must be two numbers in [0, 1), got {self.betas!r}")
        plain["betas"] = tuple(betas.tolist())
        for name, value in plain.items():  # plain numbers, since they go into files
            object.__setattr__(self, name, value)
        if not isinstance(self.precision, str) or self.precision not in self.PRECISIONS:
            raise ValueError(f"precision must be one of {self.PRECISIONS}, got {self.precision!r}")

    def rate(self, iteration):
        """Return the learning rate of step `iteration`, counted from 0."""
        if iteration < self.warmup:
            return self.learning_rate * (iteration + 1) / self.warmup
        gone = (iteration - self.warmup) / max(1, self.iterations - self.warmup)
        share = (1 + math.cos(math.pi * gone)) / 2
        return self.learning_rate * (self.final_share + (1 - self.final_share) * share)


def train(model, training, corpus, seed, validation=None, path=None, log=None, device="cpu"):
    """Train a new model.

    Parameters
    ----------
    model : GPTConfig
    training : TrainConfig
    corpus : Tensor of shape (sequences, length)
        What to train on.
    seed : int
        Determines initial weights, batches and dropout.
    validation : Tensor of shape (sequences, length), optional
        What the validation loss is measured on.
    path : str or Path, optional
        File for checkpoints. If it exists, training resumes from it.
    log : callable, optional
        Called as ``log(iterations, curve)``, with the steps since the last call,
        or since training resumed.
    device : str, optional
        "cpu", "cuda" or "mps".

    Returns
    -------
    model : GPT
    curve : list of [iteration, training loss, validation loss]
        The training loss is the mean since the previous entry, None at iteration 0; the
        validation loss is None without `validation`.

    Raises
    ------
    ValueError
        If a corpus does not fit the model, or `path` belongs to another training run.
    """
    data.check_corpus(corpus, model)
    if validation is not None:
        data.check_corpus(validation, model, "validation")
    cuda = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):  # dropout draws from PyTorch's own generator
        run = Training(model, training, corpus, seed, validation, device)
        if path is not None and Path(path).exists():
            run.resume(path)
        _run_to_the_end(run, path, log or (lambda iterations, curve: None))
    return run.model.eval(), run.curve


def _run_to_the_end(run, path, log):
    """Step, evaluate and save until all iterations are done."""
    config = run.training
    if run.iteration == 0:
        run.evaluate()
    logged = run.iteration
    while run.iteration < config.iterations:
        run.step()
        done = run.iteration == config.iterations
        if done or run.iteration % config.evaluate_every == 0:
            run.evaluate()
            log(run.iteration - logged, run.curve)
            logged = run.iteration
        if path is not None and (done or run.iteration % config.checkpoint_every == 0):
            run.save(path)


def evaluate(model, corpus, tokens=None):
    """Return the mean cross-entropy of `model` on a corpus, in nats per token.

    Parameters
    ----------
    model : GPT
    corpus : Tensor of shape (sequences, length)
    tokens : int, optional
        Soft limit on the number of tokens, from the beginning; by default, all.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the corpus does not fit the model, or `tokens` is less than 1.

    Examples
    --------
    >>> from collapse_lib.gpt import GPT, GPTConfig
    >>> config = GPTConfig(vocabulary_size=5, context=8, width=16, layers=2, heads=2)
    >>> corpus = torch.tensor([[0, 1, 2, 3, 4, 3, 2, 1, 0]])
    >>> model = GPT(config, torch.Generator().manual_seed(0))
    >>> print(f"{evaluate(model, corpus):.2f}")  # untrained, so near log 5 = 1.61
    1.68
    """
    data.check_corpus(corpus, model.config)
    inputs, targets = data.windows(corpus, model.config.context, tokens)
    was_training, total = model.training, 0.0
    model.eval()
    device = next(model.parameters()).device
    with torch.inference_mode():
        for x, y in zip(
            inputs.split(EVALUATION_BATCH), targets.split(EVALUATION_BATCH), strict=True
        ):
            logits = model(x.to(device)).flatten(0, 1)
            total += F.cross_entropy(logits, y.to(device).flatten(), reduction="sum").item()
    model.train(was_training)
    return total / targets.numel()


class _MpsGenerator:
    """The generator of the device "mps", which PyTorch does not expose."""

    get_state = staticmethod(torch.mps.get_rng_state)
    set_state = staticmethod(torch.mps.set_rng_state)


def optimizer(model, training):
    """Return AdamW for `model`, with weight decay on matrices alone."""
    matrices = [weights for weights in model.parameters() if weights.ndim == 2]
    others = [weights for weights in model.parameters() if weights.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": training.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=training.learning_rate, betas=training.betas, fused=True)


class Training:
    """A training run in progress: everything that changes from one step to the next.

    Attributes
    ----------
    model : GPT
    iteration : int
        Number of steps done.
    curve : list
        As `train` returns it.
    """

    def __init__(self, model, training, corpus, seed, validation=None, device="cpu"):
        weights, batches, dropout = np.random.SeedSequence(
            _checks.integer(seed, "seed", 0)
        ).generate_state(3)
        self.training, self.corpus, self.validation = training, corpus, validation
        self.seed, self.device = seed, torch.device(device)
        self.model = GPT(model, torch.Generator().manual_seed(int(weights))).to(device)
        self.optimizer = optimizer(self.model, training)
        self.batches = torch.Generator().manual_seed(int(batches))
        torch.manual_seed(int(dropout))
        self.iteration, self.curve, self.losses = 0, [], []

    def step(self):
        """Do one training step on one batch."""
        config, model = self.training, self.model
        for group in self.optimizer.param_groups:
            group["lr"] = config.rate(self.iteration)
        x, y = data.batch(self.corpus, config.batch_size, model.config.context, self.batches)
        with self._precision():
            logits = model(x.to(self.device)).flatten(0, 1)  # (B * T, V)
            loss = F.cross_entropy(logits, y.to(self.device).flatten())
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        self.optimizer.step()
        self.losses.append(loss.detach())
        self.iteration += 1

    def evaluate(self):
        """Add a point to the curve."""
        mean = torch.stack(self.losses).mean().item() if self.losses else None
        loss = None
        if self.validation is not None:
            loss = evaluate(self.model, self.validation, self.training.validation_tokens)
        self.curve.append([self.iteration, mean, loss])
        self.losses = []

    def metadata(self):
        """Return what identifies this training run."""
        return {
            "model": asdict(self.model.config),
            "training": asdict(self.training) | {"betas": list(self.training.betas)},
            "seed": self.seed,
            "corpus": data.checksum(self.corpus),
            "threads": torch.get_num_threads(),
            "validation": None if self.validation is None else data.checksum(self.validation),
        }

    def save(self, path):
        """Write a checkpoint."""
        tensors = {f"weights.{name}": w for name, w in self.model.state_dict().items()}
        for name, weights in self.model.named_parameters():
            for key, value in self.optimizer.state[weights].items():
                tensors[f"{key}.{name}"] = value
        tensors["losses"] = torch.tensor([loss.item() for loss in self.losses])
        tensors |= {f"generator.{name}": g.get_state() for name, g in self._generators().items()}
        progress = {"iteration": self.iteration, "curve": self.curve}
        checkpoint.save(path, tensors, self.metadata() | progress | checkpoint.versions())

    def resume(self, path):
        """Resume from a checkpoint of the same training run."""
        tensors, metadata = checkpoint.load(path)
        for key, expected in self.metadata().items():
            if metadata.get(key) != expected:
                raise ValueError(
                    f"path must name a checkpoint of the same {key} ({expected}),"
                    f" got {str(path)!r} of {metadata.get(key)}"
                )
        try:
            self._restore(tensors, metadata)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(
                f"path must name a whole checkpoint, got {str(path)!r} ({error!r})"
            ) from None

    def _restore(self, tensors, metadata):
        """Restore what a checkpoint holds, or raise if it does not fit."""
        iteration = _checks.integer(metadata["iteration"], "iteration", 1, self.training.iterations)
        parameters = dict(self.model.named_parameters())
        shapes = GPT.shapes(self.model.config)
        checkpoint.check_weights(checkpoint.named(tensors, "weights."), shapes)
        for key in ("exp_avg", "exp_avg_sq"):
            checkpoint.check_weights(checkpoint.named(tensors, f"{key}."), shapes)
        for name, weights in parameters.items():
            step = tensors[f"step.{name}"]
            if step.numel() != 1 or step.item() != iteration:
                raise ValueError(f"step must be {iteration} for {name}, got {step}")
            if (tensors[f"exp_avg_sq.{name}"] < 0).any():
                raise ValueError(f"exp_avg_sq must not be negative, got less in {name}")
            self.optimizer.state[weights] = {
                key: tensors[f"{key}.{name}"].to(self.device if key != "step" else "cpu")
                for key in ("step", "exp_avg", "exp_avg_sq")
            }
        self.model.load_state_dict(checkpoint.named(tensors, "weights."))
        for name, generator in self._generators().items():
            generator.set_state(tensors[f"generator.{name}"])
        self.losses = list(tensors["losses"].to(self.device))
        self.iteration, self.curve = iteration, [list(row) for row in metadata["curve"]]

    def _generators(self):
        found = {"batches": self.batches, "dropout": torch.default_generator}
        if self.device.type == "cuda":
            index = self.device.index or torch.cuda.current_device()
            found["cuda"] = torch.cuda.default_generators[index]
        if self.device.type == "mps":
            found["mps"] = _MpsGenerator
        return found

    def _precision(self):
        """Return the context manager for matrix products."""
        cuda = self.device.type == "cuda"
        wanted = self.training.precision
        if wanted == "bfloat16" or (wanted == "auto" and cuda and torch.cuda.is_bf16_supported()):
            return torch.autocast(self.device.type, torch.bfloat16)
        return nullcontext()
