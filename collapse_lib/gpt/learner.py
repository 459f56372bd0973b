"""A language model as a learner of `collapse_lib.recursion.run`, with its results kept on disk.

A model is a `Generation`, which knows the folder of its files. A corpus is a tensor of shape
(sequences, length), and a schedule counts sequences. What a call returns depends on the seed, the
generation and the purpose, not on when it is made. So a chain that was stopped can simply repeat
its calls: whatever is finished is read from the folder.

Samples are drawn in whole blocks of a fixed size. So a sequence depends only on its position, to
the last bit, and not on how many are drawn.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from collapse_lib import distributions, steps
from collapse_lib.gpt import checkpoint, data, measures
from collapse_lib.gpt.names import slug
from collapse_lib.gpt.presets import Preset
from collapse_lib.gpt.sample import SEQUENCES_AT_ONCE, sample
from collapse_lib.gpt.train import evaluate, train

TRAINING, SAMPLES, HELD_OUT, CONTEXTS, SIZES = range(5)  # what random numbers are for
BLOCK = {"cpu": SEQUENCES_AT_ONCE, "cuda": 1024, "mps": 256}


@dataclass(frozen=True)
class Generation:
    """A model: which generation it is, where it is kept, and the step it is sampled with.

    Examples
    --------
    >>> Generation(0, Path("out/truth")).step is None
    True
    """

    number: int
    folder: Path
    step: object = None


def nothing(kind, *what):
    """Ignore a progress report."""


@dataclass(frozen=True)
class Folder:
    """Where an experiment keeps its files, and how it computes.

    Parameters
    ----------
    preset : Preset
    out : pathlib.Path
    device : str
    log : callable
        Called as ``log("trained", iterations)`` while it trains, as ``log("resumed", iterations)``
        when that many were done earlier, and as ``log("finished", measures, seed, name)``.
    """

    preset: Preset
    out: Path
    device: str = "cpu"
    log: object = nothing

    @property
    def truth(self):
        """Return p^(0)."""
        return Generation(0, self.out / "truth")

    def held_out(self):
        """Return held-out text of p^(0), contexts from it and what p^(0) predicts there."""
        return checkpoint.load(self.out / "truth" / "held_out.safetensors")[0]

    def tokenizer(self):
        """Return the tokenizer of the experiment."""
        metadata = checkpoint.load_metadata(self.out / "truth" / "model.safetensors")
        return data.Tokenizer(metadata["characters"])

    def vocabulary(self):
        """Return the words of the text that p^(0) was trained on, or None if it has no list."""
        metadata = checkpoint.load_metadata(self.out / "truth" / "model.safetensors")
        return set(metadata["words"].split()) if "words" in metadata else None

    def load(self, generation):
        """Return the network of a `Generation`."""
        return checkpoint.load_model(generation.folder / "model.safetensors", self.device)[0]

    def is_finished(self, generation):
        """Return whether a `Generation` has been trained and measured."""
        return (generation.folder / "measures.json").exists()

    def train(self, folder, config, corpus, validation, seed, metadata=None):
        """Train a model and keep it in a folder, unless it is there; return its metadata."""
        path, progress = folder / "model.safetensors", folder / "training.safetensors"
        if not path.exists():
            if progress.exists():
                self.log("resumed", checkpoint.load_metadata(progress).get("iteration", 0))
            model, curve = train(
                config,
                self.preset.training,
                corpus,
                seed,
                validation,
                progress,
                lambda iterations, curve: self.log("trained", iterations),
                self.device,
            )
            trained = checkpoint.load_metadata(progress)
            about = {name: trained[name] for name in ("training", "seed")}
            about |= {"corpus": data.checksum(corpus), "curve": curve}
            about |= (metadata or {}) | {"versions": checkpoint.versions()}
            checkpoint.save_model(path, model, about)
        progress.unlink(missing_ok=True)
        return checkpoint.load_metadata(path)

    def draw(self, generation, number, key, stem):
        """Return `number` sequences of a `Generation`, kept in files whose names begin with `stem`.

        Parameters
        ----------
        generation : Generation
        number : int
        key : sequence of int
            Which random numbers to draw with, see `stream`.
        stem : pathlib.Path
        """
        path = stem.with_name(f"{stem.name}-{number}.safetensors")
        if path.exists():
            return checkpoint.load(path)[0]["tokens"]
        tokens = self._drawn_already(stem, number)
        if len(tokens) < number:
            more = self._draw_more(generation, number, stream(*key), len(tokens))
            tokens = torch.cat([tokens, *more])
        checkpoint.save(path, {"tokens": tokens}, {})
        return tokens

    def _drawn_already(self, stem, number):
        """Return those of the first `number` sequences that other files with this stem hold."""
        found, block = torch.empty((0, self.preset.length), dtype=torch.uint8), BLOCK[self.device]
        for path in sorted(stem.parent.glob(f"{stem.name}-*.safetensors")):
            tokens = checkpoint.load(path)[0]["tokens"][:number]
            if len(tokens) < number:  # the next block begins where a whole one ends
                tokens = tokens[: len(tokens) // block * block]
            found = max(found, tokens, key=len)
        return found

    def _draw_more(self, generation, number, generator, drawn):
        """Yield sequences `drawn`, `drawn` + 1, ..., `number` - 1, block by block."""
        block, context = BLOCK[self.device], self.preset.model.context
        length, model = context + self.preset.length, self.load(generation)
        torch.rand((drawn, length), generator=generator)  # skip what earlier blocks have used
        prompts = torch.full((block, 1), self.tokenizer().start)
        for begin in range(drawn, number, block):
            tokens = sample(model, prompts, length, generator, block, generation.step)
            # The first T tokens still depend on the prompt; they are left out.
            yield tokens[: number - begin, context:]

    def measure(self, generation, first, text, metadata):
        """Compare a `Generation` with the truth and p^(1), measure its text, keep the results."""
        held_out, tokenizer = self.held_out(), self.tokenizer()
        model, folder = self.load(generation), generation.folder
        p = measures.next_token(model, held_out["contexts"])
        found = metadata | {
            "l1_from_first": None,
            "l1_from_truth": _distance(p, held_out["next"]),
            "divergence_from_truth": measures.mean_and_error(
                measures.divergence(held_out["next"], p)
            ),
            "entropy": _entropy(p),
            "held_out_loss": measures.rounded(evaluate(model, held_out["tokens"])),
        }
        if first is not None:
            q = p if first == folder else checkpoint.load(first / "next.safetensors")[0]["next"]
            found["l1_from_first"] = _distance(p, q)
        if generation.step is not None:
            found["processed"] = processed(p, generation.step)
        checkpoint.save(folder / "next.safetensors", {"next": p}, {})
        curve = checkpoint.load_metadata(folder / "model.safetensors")["curve"]
        found["curve"] = [[at, *map(measures.rounded, losses)] for at, *losses in curve]
        found |= measures.variety(text, held_out["tokens"], tokenizer, self.vocabulary())
        checkpoint.keep(folder / "measures.json", found)
        return found


class Learner:
    """Train and sample networks for one chain: one seed, schedule and step.

    An object goes through the generations once, in order; for another pass make a new one.

    Parameters
    ----------
    folder : Folder
        It must hold a finished p^(0).
    seed : int
    name : str
        Name of the chain, from which its folder gets its own.
    step : step or tuple of steps, optional
        The step of the chain; generations are also measured after it.

    Notes
    -----
    All random streams come from the seed, the generation and the purpose. The generator that
    `sample` is called with is not used.
    """

    def __init__(self, folder, seed, name, step=None):
        self.folder, self.seed, self.name, self.step = folder, seed, name, step
        self.seed_folder = folder.out / f"seed-{seed}"
        self.chain = self.seed_folder / slug(name)
        self.generation, self.first = 0, None

    def fit(self, corpus):
        """Train the next generation on a corpus, from new random weights, and measure it.

        Parameters
        ----------
        corpus : Tensor of shape (sequences, length)

        Returns
        -------
        Generation

        Raises
        ------
        ValueError
            If the generation is finished, but was trained on another corpus.
        """
        self.generation += 1
        m = self.generation
        # p^(1) depends on its corpus alone, so chains share it.
        shared = self.seed_folder / f"first-{len(corpus)}"
        made = Generation(m, shared if m == 1 else self.chain / f"{m:02}")
        self.first = self.first or made.folder
        if not self.folder.is_finished(made):
            self._make(made, corpus)
        trained_on = checkpoint.load_metadata(made.folder / "model.safetensors").get("corpus")
        if trained_on != data.checksum(corpus):
            raise ValueError(
                f"out must hold a run of the same corpora, got {str(made.folder)!r}, which was"
                " trained on another one"
            )
        return made

    def _make(self, made, corpus):
        folder, key = self.folder, (self.seed, made.number)
        vocabulary_size = len(folder.tokenizer())
        config = replace(folder.preset.model, vocabulary_size=vocabulary_size)
        validation = folder.held_out()["tokens"]
        folder.train(made.folder, config, corpus, validation, seed_of(*key, TRAINING))
        text = folder.draw(
            made, folder.preset.measured_sequences, (*key, SAMPLES), made.folder / "samples"
        )
        metadata = {"generation": made.number, "corpus_tokens": corpus.numel()}
        step = self.step if made.number > 1 else None  # p^(1) is shared by chains of any step
        found = folder.measure(replace(made, step=step), self.first, text, metadata)
        name = "all schedules" if made.number == 1 else self.name
        folder.log("finished", found, self.seed, name)

    def sample(self, model, size, rng=None):
        """Return sequences of a model, to train the next generation on.

        Parameters
        ----------
        model : Generation
        size : int
            Number of sequences.
        rng : optional
            Not used, see the notes of this class.

        Returns
        -------
        Tensor of shape (sequences, length)
        """
        later = self.generation - model.number  # 0 for the first generation that can use it
        key = (self.seed, model.number, SAMPLES, *([later] if later else []))
        stem = self.chain / f"{self.generation + 1:02}" / f"from-{model.number}"
        if not later and model.step is None:  # other chains may ask for the same
            stem = model.folder / "samples" if model.number else self.seed_folder / "real"
        return self.folder.draw(model, size, key, stem)

    def pool(self, corpora):
        """Join corpora into one."""
        return torch.cat(corpora)

    def take(self, corpus, k):
        """Return the first k sequences of a corpus."""
        return corpus[:k]

    def process(self, model, step):
        """Return the model, to be sampled with a step."""
        return replace(model, step=step)


def processed(p, step):
    """Return the entropy and the tokens left after a step, for a JSON file."""
    p = steps.apply(step, p)
    return {"entropy": _entropy(p), "tokens": measures.tokens_left(p)}


def seed_of(seed, generation, *purpose):
    """Return the seed of one use of random numbers in the experiment."""
    return int(np.random.SeedSequence([seed, generation, *purpose]).generate_state(1)[0])


def stream(seed, generation, *purpose):
    """Return the generator for one use of random numbers in the experiment."""
    return torch.Generator().manual_seed(seed_of(seed, generation, *purpose))


def _distance(p, q):
    return measures.mean_and_error(distributions.l1_distance(p.numpy(), q.numpy()))


def _entropy(p):
    return measures.mean_and_error(distributions.entropy(p.numpy()))
