"""The recursion: train, sample, retrain.

p^(0) is trained on a text, and is the truth from there on. Each seed draws a real corpus
from it and trains p^(1) on that, once for all mixtures; p^(m) for m >= 2 is trained from
new random weights on what its mixture takes of the real corpus and of samples of
p^(m-1). All generations have the same shape and number of steps. Seeds share p^(0), the
held-out samples of it and the contexts that models are compared at; the mixtures of a
seed share first weights and the order of batches.

Everything is kept in one folder, file by file, each written whole; a generation is finished
when its measures are there, and is then never computed again::

    settings.json  results.json
    truth/                       p^(0): model, samples, measures; held_out.safetensors
    seed-0/real.safetensors      the real corpus of a seed
    seed-0/first/                p^(1): model, samples, measures
    seed-0/50-50/02/             p^(2), p^(3), ... of a mixture
"""

from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from collapse_lib.gpt import checkpoint, data, measures
from collapse_lib.gpt.presets import Preset
from collapse_lib.gpt.sample import sample
from collapse_lib.gpt.train import evaluate, train

TRAINING, SAMPLES, HELD_OUT, CONTEXTS = range(4)  # what a random stream is for


@dataclass(frozen=True)
class Recursion:
    """One experiment and the folder that holds it.

    Parameters
    ----------
    preset : Preset
    out : pathlib.Path
    device : str
    report : callable
        Called as ``report(kind, amount, seconds)`` after "trained" iterations and "sampled"
        tokens, and as ``report("finished", measures, seed)``.
    """

    preset: Preset
    out: Path
    device: str = "cpu"
    report: object = lambda kind, amount, seconds: None

    def folder(self, seed, mixture, generation):
        """Return where a generation is kept."""
        if generation == 0:
            return self.out / "truth"
        if generation == 1:
            return self.out / f"seed-{seed}" / "first"
        return self.out / f"seed-{seed}" / slug(mixture) / f"{generation:02}"

    def is_finished(self, seed, mixture, generation):
        """Return whether a generation has been trained, sampled and measured."""
        return (self.folder(seed, mixture, generation) / "measures.json").exists()

    def make_truth(self, text):
        """Train p^(0) on a text and draw what generations are compared with."""
        preset, folder = self.preset, self.folder(None, None, 0)
        if self.is_finished(None, None, 0):
            return
        tokenizer, corpus, validation = data.split(text, preset.model.context)
        config = replace(preset.model, vocabulary=len(tokenizer))
        facts = {"characters": tokenizer.characters}
        model, curve = self._trained(folder, config, corpus, validation, _seed(0, 0), facts)
        self._draw_truth(model, tokenizer, curve)

    def take_truth(self, path):
        """Use the model of a checkpoint as p^(0)."""
        if self.is_finished(None, None, 0):
            return
        model, facts = checkpoint.load_model(path)
        checkpoint.save_model(self.folder(None, None, 0) / "model.safetensors", model, facts)
        self._draw_truth(model, data.Tokenizer(facts["characters"]), facts["curve"])

    def _draw_truth(self, model, tokenizer, curve):
        preset, folder = self.preset, self.folder(None, None, 0)
        held_out = self._drawn(
            folder / "held_out.safetensors", model, tokenizer, preset.measured_streams, HELD_OUT
        )
        contexts = measures.draw_contexts(
            held_out["tokens"], preset.contexts, model.config.context, _generator(0, 0, CONTEXTS)
        )
        held_out |= {"contexts": contexts, "next": measures.next_token(model, contexts)}
        checkpoint.save(folder / "held_out.safetensors", held_out, {})
        found = self._drawn(
            folder / "samples.safetensors", model, tokenizer, preset.measured_streams, SAMPLES
        )
        found["next"] = held_out["next"]
        self._measure(folder, model, tokenizer, curve, found, {"generation": 0})

    def make_first(self, seed):
        """Draw the real corpus of a seed, and train p^(1) on it."""
        model, tokenizer = self._truth()
        path = self.out / f"seed-{seed}" / "real.safetensors"
        if not path.exists():
            real = self._drawn(path, model, tokenizer, self.preset.streams, SAMPLES, seed)
            checkpoint.save(path, real, {})
        real = checkpoint.load(path)[0]["tokens"]
        self._make(seed, "synthetic", 1, real)

    def make_chain(self, seed, mixture, generations):
        """Train p^(2), ..., p^(generations) of a mixture."""
        preset = self.preset
        real = checkpoint.load(self.out / f"seed-{seed}" / "real.safetensors")[0]["tokens"]
        for m in range(2, generations + 1):
            if self.is_finished(seed, mixture, m):
                continue
            last = checkpoint.load(self.folder(seed, mixture, m - 1) / "samples.safetensors")[0]
            synthetic = last["tokens"][: preset.synthetic_streams(mixture)]
            corpus = torch.cat([real[: preset.real_streams(mixture)], synthetic])
            self._make(seed, mixture, m, corpus)

    def _make(self, seed, mixture, generation, corpus):
        """Train a generation on a corpus, draw its samples, measure it."""
        if self.is_finished(seed, mixture, generation):
            return
        folder = self.folder(seed, mixture, generation)
        truth, tokenizer = self._truth()
        validation = checkpoint.load(self.out / "truth" / "held_out.safetensors")[0]["tokens"]
        key = _seed(seed, generation)
        model, curve = self._trained(folder, truth.config, corpus, validation, key)
        streams = self.preset.sampled_streams(mixture)
        path = folder / "samples.safetensors"
        found = self._drawn(path, model, tokenizer, streams, SAMPLES, seed, generation)
        facts = {"generation": generation, "mixture": mixture, "corpus_tokens": corpus.numel()}
        self._measure(folder, model, tokenizer, curve, found, facts)
        self.report("finished", facts | checkpoint.read_json(folder / "measures.json"), seed)

    def _truth(self):
        model, facts = checkpoint.load_model(self.out / "truth" / "model.safetensors", self.device)
        return model, data.Tokenizer(facts["characters"])

    def _trained(self, folder, config, corpus, validation, seed, facts=None):
        """Return a model and its curve, from the folder where they stand there."""
        path, progress = folder / "model.safetensors", folder / "training.safetensors"
        if not path.exists():
            model, curve = train(
                config,
                self.preset.training,
                corpus,
                seed,
                validation,
                progress,
                self._timed("trained"),
                self.device,
            )
            described = {name: checkpoint.load(progress)[1][name] for name in ("training", "seed")}
            about = described | {"corpus": data.checksum(corpus), "curve": curve, **(facts or {})}
            checkpoint.save_model(path, model, about | {"versions": checkpoint.versions()})
        progress.unlink(missing_ok=True)
        model, about = checkpoint.load_model(path, self.device)
        return model, about["curve"]

    def _drawn(self, path, model, tokenizer, streams, purpose, seed=0, generation=0):
        """Return samples of a model as a corpus, from the file where it stands there."""
        if path.exists():
            return checkpoint.load(path)[0]
        context, report = model.config.context, self._timed("sampled")
        prompts = torch.full((streams, 1), tokenizer.start)
        # The first T tokens still depend on the prompt; they are left out.
        tokens = sample(
            model,
            prompts,
            context + self.preset.length,
            _generator(seed, generation, purpose),
        )
        report(tokens.numel())
        return {"tokens": tokens[:, context:].contiguous()}

    def _measure(self, folder, model, tokenizer, curve, found, facts):
        """Measure a generation on contexts and on its samples; write both."""
        held_out = checkpoint.load(self.out / "truth" / "held_out.safetensors")[0]
        if "next" not in found:
            found["next"] = measures.next_token(model, held_out["contexts"])
        checkpoint.save(folder / "samples.safetensors", found, {})
        from_first = None
        if facts["generation"]:
            first = folder if facts["generation"] == 1 else folder.parent.parent / "first"
            first = checkpoint.load(first / "samples.safetensors")[0]["next"]
            from_first = measures.mean_and_error(measures.l1(found["next"], first))
        measured = found["tokens"][: self.preset.measured_streams]
        from_truth = measures.mean_and_error(measures.l1(found["next"], held_out["next"]))
        facts = facts | {
            "l1_from_first": from_first,
            "l1_from_truth": from_truth,
            "entropy": measures.mean_and_error(measures.entropy(found["next"])),
            "held_out_loss": measures.rounded(evaluate(model, held_out["tokens"])),
            "curve": [[at, *map(measures.rounded, losses)] for at, *losses in curve],
        }
        variety = measures.variety(measured, held_out["tokens"], tokenizer)
        checkpoint.write_json(folder / "measures.json", facts | variety)

    def _timed(self, kind):
        """Return a report of work of this kind that knows how long it took."""
        last = perf_counter()

        def report(amount, curve=None):
            nonlocal last
            now = perf_counter()
            self.report(kind, amount, now - last)
            last = now

        return report


def slug(mixture):
    """Return the name of a mixture's folder."""
    return mixture.replace("/", "-")


def _seed(seed, generation, purpose=TRAINING):
    """Return the seed of one random stream of the experiment."""
    return int(np.random.SeedSequence([seed, generation, purpose]).generate_state(1)[0])


def _generator(seed, generation, purpose):
    return torch.Generator().manual_seed(_seed(seed, generation, purpose))
