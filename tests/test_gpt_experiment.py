"""The recursion: who trains on whom, what is measured, and that it can be killed anywhere."""

import json
import re
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from collapse_lib import distributions, recursion, schedules, steps
from collapse_lib.gpt import (
    PRESETS,
    checkpoint,
    data,
    evaluate,
    load_model,
    measures,
    results,
    run_recursion,
)
from collapse_lib.gpt.experiment import Chain
from collapse_lib.gpt.learner import BLOCK, Folder, Learner
from collapse_lib.gpt.names import chain_name, parse_schedule, slug
from collapse_lib.gpt.progress import Progress
from tests.gpt_support import config, kill_until_done, preset, text, training

TEXT = text()
ALL = ("synthetic", "real-kept:50/50", "real-kept:20/80", "real")
OTHERS = (
    "real-fresh:50/50",
    "recent:2",
    "recent-kept:2",
    "accumulating",
    "random",
    "random-kept",
)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished experiment: its folder and its results."""
    out = tmp_path_factory.mktemp("experiment") / "out"
    lines = []
    found = run_recursion(
        preset(), out, TEXT, schedules=ALL, generations=3, seeds=2, log=lines.append
    )
    return out, found, lines


def tensors(path):
    return checkpoint.load(path)[0]


def files(out):
    """Return what a folder holds, without hidden parts of files that were never finished."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(Path(out).rglob("[!.]*"))
        if path.is_file()
    }


def samples(folder, number):
    """Return the first sequences that a generation has written."""
    found = longest(folder, "samples")
    assert len(found) >= number
    return found[:number]


def longest(folder, name):
    """Return the most sequences of a random stream that a folder holds."""
    files = folder.glob(f"{name}-*.safetensors")
    return max((tensors(path)["tokens"] for path in files), key=len)


@pytest.mark.parametrize(
    ("schedule", "real", "synthetic"),
    [("synthetic", 0, 8), ("real-kept:50/50", 8, 8), ("real-kept:20/80", 8, 2), ("real", 8, 0)],
)
def test_generations_are_trained_on_what_the_schedule_says(done, schedule, real, synthetic):
    out, _, _ = done
    seed = out / "seed-1"
    truth = tensors(seed / "real-8.safetensors")["tokens"]
    assert truth.shape == (8, 60)
    _, metadata = load_model(seed / "first-8" / "model.safetensors")
    assert metadata["corpus"] == data.checksum(truth)
    last = seed / "first-8"
    for m in (2, 3):
        folder = seed / slug(schedule) / f"{m:02}"
        corpus = torch.cat([truth[:real], samples(last, synthetic)])
        assert load_model(folder / "model.safetensors")[1]["corpus"] == data.checksum(corpus)
        last = folder


def test_p0_is_never_processed_and_p1_is_shared_by_schedules_and_steps(done, tmp_path):
    _, found, _ = done
    step = steps.TopK(3)
    again = run_recursion(
        preset(), tmp_path, TEXT, schedules=["real-kept:50/50"], generations=3, seeds=1, step=step
    )
    assert again["seeds"][0]["first"] == found["seeds"][0]["first"]
    real = tensors(tmp_path / "seed-0" / "real-8.safetensors")["tokens"]
    assert torch.equal(real, tensors(done[0] / "seed-0" / "real-8.safetensors")["tokens"])
    chain = tmp_path / "seed-0" / "real-kept-50-50-top-k-3"
    drawn = tensors(chain / "02" / "from-1-8.safetensors")["tokens"]
    corpus = torch.cat([real, drawn])
    assert load_model(chain / "02" / "model.safetensors")[1]["corpus"] == data.checksum(corpus)
    # Each token is among the three likeliest, by a model that reads the text without a cache.
    model, _ = load_model(tmp_path / "seed-0" / "first-8" / "model.safetensors")
    assert _share_among_likeliest(model, drawn, 3) == 1
    assert _share_among_likeliest(model, real, 3) < 0.9


def _share_among_likeliest(model, corpus, k):
    """Return how many tokens are among the k likeliest after the 8 to 16 before them."""
    hits = []
    for end in range(16, 60):
        pasts = [corpus[:, end - back : end].long() for back in range(8, 17)]
        ranked = [model(past)[:, -1].topk(k).indices for past in pasts]
        token = corpus[:, end, None].long()
        hits.append(torch.stack([(rank == token).any(-1) for rank in ranked]).any(0))
    return torch.stack(hits).double().mean().item()


def test_a_step_is_recorded_for_every_generation(tmp_path):
    step = steps.Nucleus(0.7)
    found = run_recursion(
        preset(), tmp_path, TEXT, schedules=["synthetic"], generations=2, seeds=1, step=step
    )
    (entry,) = found["seeds"]
    (second,) = entry["synthetic, top-p 0.7"]
    folder = tmp_path / "seed-0" / "synthetic-top-p-0.7" / "02"
    p = tensors(folder / "next.safetensors")["next"].numpy()
    processed = steps.apply(step, p)
    left = np.bincount((processed > 0).sum(axis=1), minlength=p.shape[1] + 1)
    assert second["processed"]["tokens"] == left.tolist()
    entropy = distributions.entropy(processed).mean()
    assert second["processed"]["entropy"][0] == pytest.approx(entropy, rel=1e-4)
    truth, first = entry["processed"]["synthetic, top-p 0.7"]
    assert sum(truth["tokens"]) == sum(first["tokens"]) == 20
    assert truth != first
    assert "processed" not in entry["first"]


@pytest.mark.parametrize("schedule", OTHERS)
def test_every_schedule_trains_on_its_table(done, tmp_path, schedule):
    """The corpora, rebuilt from the table of sizes and the texts of each generation."""
    generations, seed = 4, 0
    found = run_recursion(
        preset(), tmp_path, TEXT, schedules=[schedule], generations=generations, seeds=1
    )
    assert found["seeds"][0]["first"] == done[1]["seeds"][0]["first"]
    chain = Chain.of(seed, (schedule, parse_schedule(schedule, 8)))
    sizes = schedules.table(chain.schedule, generations, chain.rng())
    place = tmp_path / "seed-0" / slug(schedule)
    for m in range(2, generations + 1):
        corpora = []
        for t in np.flatnonzero(sizes[m - 1]):
            own = tmp_path / "seed-0" / "first-8" if t == 1 else place / f"{t:02}"
            first_use = int(np.flatnonzero(sizes[:, t])[0]) + 1 if chain.schedule.keeps(t) else m
            if first_use == t + 1:
                stem = own / "samples" if t else tmp_path / "seed-0" / "real"
            else:
                stem = place / f"{first_use:02}" / f"from-{t}"
            corpora.append(longest(stem.parent, stem.name)[: sizes[m - 1, t]])
        corpus = torch.cat(corpora)
        assert len(corpus) == sizes[m - 1].sum()
        metadata = checkpoint.load_metadata(place / f"{m:02}" / "model.safetensors")
        assert metadata["corpus"] == data.checksum(corpus)


def test_what_is_drawn_afresh_differs_and_what_is_kept_does_not(tmp_path):
    wanted = ["real-fresh:50/50", "recent:3", "recent-kept:3"]
    run_recursion(preset(), tmp_path, TEXT, schedules=wanted, generations=3, seeds=1)
    seed = tmp_path / "seed-0"
    real, first = tensors(seed / "real-8.safetensors"), seed / "first-8" / "samples-8.safetensors"
    fresh = tensors(seed / "real-fresh-50-50" / "02" / "from-0-8.safetensors")["tokens"]
    third = tensors(seed / "real-fresh-50-50" / "03" / "from-0-8.safetensors")["tokens"]
    different = [real["tokens"], fresh, third]
    different.append(tensors(seed / "recent-3" / "03" / "from-1-8.safetensors")["tokens"])
    different.append(tensors(first)["tokens"])
    assert len({data.checksum(corpus) for corpus in different}) == 5
    assert not list((seed / "recent-kept-3").rglob("from-*"))


@dataclass(frozen=True)
class Alternating:
    """A toy schedule: even generations learn from the truth, odd ones from the last model."""

    n: int
    is_random = False

    def sizes(self, generations, rng=None):
        table = np.zeros((generations, generations), dtype=int)
        for m in range(1, generations + 1):
            table[m - 1, m - 1 if m % 2 else 0] = self.n
        return table

    def keeps(self, source):
        return False


@dataclass(frozen=True)
class Swap:
    """A toy step: the tokens in another order."""

    def apply(self, p):
        return p[..., ::-1] if isinstance(p, np.ndarray) else p.flip(-1)


@pytest.mark.parametrize("step", [None, Swap(), (Swap(), steps.TopK(5))], ids=repr)
def test_schedules_and_steps_of_the_caller(tmp_path, step):
    wanted = [Alternating(5), schedules.Explicit([[8], [3, 4], [0, 0, 6]], kept=(0,))]
    found = run_recursion(
        preset(), tmp_path, TEXT, schedules=wanted, generations=3, seeds=1, step=step
    )
    (entry,) = found["seeds"]
    names = [chain_name(schedule, step) for schedule in wanted]
    assert [g["generation"] for g in entry[names[0]]] == [1, 2, 3]  # a p^(1) of its own
    assert [g["corpus_tokens"] for g in entry[names[0]]] == [5 * 60] * 3
    assert [g["generation"] for g in entry[names[1]]] == [2, 3]
    assert [g["corpus_tokens"] for g in entry[names[1]]] == [7 * 60, 6 * 60]


def test_the_learner_is_one_of_the_loop(done):
    """Its models are the generations of the run, read back and not computed again."""
    out, _, _ = done
    before = files(out)
    folder = Folder(preset(), out)
    models = recursion.run(
        Learner(folder, 0, "synthetic"), folder.truth, schedules.FullySynthetic(8), 3, rng=0
    )
    numbers = [(model.number, model.folder.name) for model in models]
    assert numbers == [(0, "truth"), (1, "first-8"), (2, "02"), (3, "03")]
    assert files(out) == before


def test_another_corpus_than_that_of_a_finished_generation_is_refused(done):
    learner = Learner(Folder(preset(), done[0]), 0, "synthetic")
    with pytest.raises(ValueError, match=r"out must hold a run of the same corpora, got .*first-8"):
        learner.fit(torch.zeros((8, 60), dtype=torch.uint8))


def test_a_sequence_depends_on_its_place_alone(done, tmp_path):
    out, block = done[0], BLOCK["cpu"]
    folder = Folder(preset(), out)

    def drawn(stem, number):
        return folder.draw(folder.truth, number, (7, 0, 1), tmp_path / stem / "x")

    whole = drawn("a", 3 * block)
    assert torch.equal(drawn("b", block + 5), whole[: block + 5])
    assert torch.equal(drawn("b", 2 * block + 1), whole[: 2 * block + 1])  # goes on from the file
    assert torch.equal(drawn("b", 3), whole[:3])
    assert len({tuple(sequence.tolist()) for sequence in whole}) == 3 * block


def test_generations_share_shape_and_steps_and_differ_in_weights(done):
    out, _, _ = done
    models = [load_model(path) for path in sorted(out.rglob("model.safetensors"))]
    assert len(models) == 1 + 2 + 2 * 4 * 2
    assert len({model.config for model, _ in models}) == 1
    assert {metadata["curve"][-1][0] for _, metadata in models} == {20}
    weights = {tuple(model.tokens.weight[0].tolist()) for model, _ in models}
    assert len(weights) == len(models)


def test_what_is_measured_is_what_the_files_say(done):
    out, found, _ = done
    assert found == results(out) == checkpoint.read_json(out / "results.json")
    held_out = tensors(out / "truth" / "held_out.safetensors")
    net, _ = load_model(out / "seed-1" / "real-kept-50-50" / "03" / "model.safetensors")
    first, _ = load_model(out / "seed-1" / "first-8" / "model.safetensors")
    assert held_out["contexts"].shape == (20, 16)
    with torch.inference_mode():
        p, q = (m(held_out["contexts"])[:, -1].double().softmax(-1) for m in (net, first))
    distances = (p - q).abs().sum(1)
    entry = found["seeds"][1]["real-kept:50/50"][1]
    assert entry["generation"] == 3
    assert entry["l1_from_first"][0] == pytest.approx(distances.mean().item(), rel=1e-4)
    error = distances.std().item() / 20**0.5
    assert entry["l1_from_first"][1] == pytest.approx(error, rel=1e-4)
    truth, _ = load_model(out / "truth" / "model.safetensors")
    with torch.inference_mode():
        t = truth(held_out["contexts"])[:, -1].double().softmax(-1)
    divergence = (t * (t.log() - p.log())).sum(1).mean().item()
    assert entry["divergence_from_truth"][0] == pytest.approx(divergence, rel=1e-3)
    assert "schedule" not in found["seeds"][1]["first"]
    entropy = -(p * p.log()).sum(1).mean().item()
    assert entry["entropy"][0] == pytest.approx(entropy, rel=1e-4)
    assert entry["held_out_loss"] == pytest.approx(evaluate(net, held_out["tokens"]), rel=1e-4)
    written = samples(out / "seed-1" / "real-kept-50-50" / "03", 2)
    assert sum(entry["characters"]) == written.numel()
    assert entry["distinct_ngrams"]["1"] == len(written.unique())
    assert found["seeds"][1]["first"]["l1_from_first"] == [0, 0]
    assert found["truth"]["l1_from_truth"] == [0, 0]
    assert found["truth"]["l1_from_first"] is None
    assert entry["text"] == "".join(found["characters"][t] for t in written[0].tolist())


def test_words_of_the_training_text_are_known_in_every_generation(done):
    """Counted letter by letter: a word is known if it occurs in the text p^(0) was trained on."""
    out, found, _ = done
    of_text = set(split_by_hand(TEXT.lower()))
    entry = found["seeds"][1]["real-kept:50/50"][1]
    known, unknown = 0, 0
    for sequence in samples(out / "seed-1" / "real-kept-50-50" / "03", 2).tolist():
        written = split_by_hand("".join(found["characters"][t] for t in sequence).lower())
        known += sum(word in of_text for word in written[1:-1])
        unknown += sum(word not in of_text for word in written[1:-1])
    assert (entry["known_words"], entry["unknown_words"]) == (known, unknown)
    assert unknown > 0
    marked = set(split_by_hand(entry["text"].lower())) - of_text
    assert entry["unknown_in_text"] == sorted(marked)
    measured = [found["truth"], *(e for seed in found["seeds"] for e in seed["synthetic"])]
    assert all("unknown_words" in entry for entry in measured)
    assert any(entry["known_words"] for entry in measured)


def split_by_hand(text):
    return "".join(c if c.isalnum() else " " for c in text).split()


def test_without_a_list_of_its_words_no_word_of_a_truth_is_called_unknown(done, tmp_path):
    tensors, metadata = checkpoint.load(done[0] / "truth" / "model.safetensors")
    del metadata["words"]
    checkpoint.save(tmp_path / "truth", tensors, metadata)
    found = run_recursion(
        preset(),
        tmp_path / "out",
        truth=tmp_path / "truth",
        schedules=["synthetic"],
        generations=1,
        seeds=1,
    )
    for entry in (found["truth"], found["seeds"][0]["first"]):
        assert not {"known_words", "unknown_words", "unknown_in_text"} & set(entry)


def test_held_out_samples_are_not_trained_on(done):
    out, _, _ = done
    held_out = tensors(out / "truth" / "held_out.safetensors")["tokens"]
    for seed in (0, 1):
        real = tensors(out / f"seed-{seed}" / "real-8.safetensors")["tokens"]
        assert not (held_out[:, None] == real[None]).all(dim=-1).any()


def test_progress_tells_each_generation_and_the_time_left(done):
    _, _, lines = done
    assert len([line for line in lines if "generation" in line]) == 2 * (1 + 4 * 2)
    assert all(re.search(r"\d (s|min|h) left", line) for line in lines)
    assert "left" in lines[0]
    assert lines[-1].endswith("- 0 s left")


def test_a_run_that_resumes_tells_the_time_of_what_is_left(done, tmp_path, monkeypatch):
    """20 steps, reported at 7, 14 and 20; stopped at 14, with a checkpoint at 8."""
    monkeypatch.setattr("collapse_lib.gpt.progress.EVERY", -1)
    arguments = {"truth": done[0] / "truth" / "model.safetensors", "schedules": ["synthetic"]}

    def stop(line):
        if line.startswith("trained 70%"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_recursion(preset(), tmp_path, **arguments, generations=1, seeds=1, log=stop)
    lines = []
    run_recursion(preset(), tmp_path, **arguments, generations=1, seeds=1, log=lines.append)
    assert [line.partition(" - ")[0] for line in lines[:2]] == ["trained 50%", "trained 100%"]


def test_asking_again_computes_nothing_and_asking_for_more_keeps_what_is_there(done, tmp_path):
    out = tmp_path / "out"
    kept = run_recursion(preset(), out, TEXT, schedules=["synthetic"], generations=2, seeds=1)
    before = files(out)
    lines = []
    again = run_recursion(preset(), out, schedules=["synthetic"], generations=2, seeds=1, log=lines)
    assert again == kept
    assert files(out) == before
    assert not lines
    more = run_recursion(preset(), out, schedules=ALL, generations=3, seeds=2)
    assert more["seeds"] == done[1]["seeds"]
    assert before.items() - files(out).items() == {("results.json", before["results.json"])}


def test_workers_change_nothing(done, tmp_path):
    wanted = ["real-kept:50/50", "real", Alternating(5)]
    found = run_recursion(
        preset(), tmp_path, TEXT, schedules=wanted, generations=2, seeds=2, workers=2
    )
    for mine, other in zip(found["seeds"], done[1]["seeds"], strict=True):
        assert mine["real-kept:50/50"] == other["real-kept:50/50"][:1]
        assert mine["real"] == other["real"][:1]
        assert [g["generation"] for g in mine[repr(Alternating(5))]] == [1, 2]


def _run_in_a_process(out, arguments):
    run_recursion(preset(), out, TEXT, **arguments)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_experiment_killed_again_and_again_ends_the_same(done, tmp_path, workers):
    arguments = {"schedules": ["synthetic", "real-kept:20/80"], "generations": 3, "seeds": 2}
    # Several workers take a while before they are at work.
    rng = np.random.default_rng(workers)
    delays = rng.uniform(0.02, 0.6, 20) if workers == 1 else rng.uniform(1, 4, 3)
    run = (tmp_path, arguments | {"workers": workers})
    assert kill_until_done(_run_in_a_process, run, delays) >= (3 if workers == 1 else 1)
    expected = files(done[0])
    found = files(tmp_path)
    for name in ("settings.json", "results.json"):
        del found[name]
    assert len([name for name in found if name.endswith("measures.json")]) == 1 + 2 * (1 + 2 * 2)
    # The headers hold versions and thread counts; all that is computed is the same.
    assert {name for name, content in found.items() if content != expected[name]} == set()


def test_a_finished_truth_can_be_handed_on(done, tmp_path):
    out, found, _ = done
    truth = out / "truth" / "model.safetensors"
    again = run_recursion(
        preset(), tmp_path, truth=truth, schedules=["synthetic"], generations=2, seeds=1
    )
    assert again["truth"] == found["truth"]
    assert again["seeds"][0]["synthetic"] == found["seeds"][0]["synthetic"][:1]


def test_another_experiment_in_the_same_folder_is_refused(done):
    out, _, _ = done
    before = files(out)
    with pytest.raises(ValueError, match="out must be new or hold a run with the same preset"):
        run_recursion(replace(preset(), contexts=21), out, TEXT)
    with pytest.raises(ValueError, match="out must be new or hold a run with the same source"):
        run_recursion(preset(), out, TEXT + "!")
    assert files(out) == before


def test_folders_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(ValueError, match="out must be a folder that can be written to, got '"):
        run_recursion(preset(), tmp_path / "file" / "out", TEXT)
    assert (tmp_path / "file").read_text() == "precious"


def test_truths_that_do_not_fit(done, tmp_path):
    truth = done[0] / "truth" / "model.safetensors"
    longer = replace(preset(), model=config(context=20))
    with pytest.raises(ValueError, match=r"truth must have the context and the .* \(20, 21\), got"):
        run_recursion(longer, tmp_path / "a", truth=truth)
    later = done[0] / "seed-0" / "first-8" / "model.safetensors"
    with pytest.raises(ValueError, match=r"truth must be a p\^\(0\), with its characters, got"):
        run_recursion(preset(), tmp_path / "b", truth=later)
    with pytest.raises(ValueError, match=r"truth must be the file of a model: .* does not exist"):
        run_recursion(preset(), tmp_path / "c", truth=tmp_path / "nothing")
    weights, metadata = checkpoint.load(truth)
    weights["weights.norm.bias"] *= torch.nan
    checkpoint.save(tmp_path / "nan", weights, metadata)
    with pytest.raises(ValueError, match=r"truth must be the file of a model: .* finite numbers"):
        run_recursion(preset(), tmp_path / "d", truth=tmp_path / "nan")
    assert [path.name for path in tmp_path.iterdir()] == ["nan"]


def test_the_truth_may_have_another_size(done, tmp_path):
    wider = replace(preset(), model=config(width=32, layers=1))
    truth = done[0] / "truth" / "model.safetensors"
    found = run_recursion(
        wider, tmp_path, truth=truth, schedules=["synthetic"], generations=2, seeds=1
    )
    assert found["truth"] == done[1]["truth"]
    model, _ = load_model(tmp_path / "seed-0" / "synthetic" / "02" / "model.safetensors")
    assert (model.config.width, model.config.layers) == (32, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "huge"}, f"preset must be among {list(PRESETS)}, got 'huge'"),
        ({"schedules": "synthetic"}, "schedules must be a sequence of names or schedules, got"),
        ({"schedules": []}, "schedules must be at least one, got none"),
        ({"schedules": ["real-kept:30/80"]}, "with shares that add up to 100, got 'real-kept:30"),
        ({"schedules": ["real-kept:30/70"]}, "schedule must make whole sequences, got 'real-kept:"),
        ({"schedules": [schedules.FullySynthetic]}, "schedule must be one of collapse_lib.sched"),
        ({"step": "hot"}, "step must be one of collapse_lib.steps, or have a method apply, got"),
        ({"generations": 0}, "generations must be an integer of at least 1, got 0"),
        ({"generations": 10**9}, "generations must be an integer of at most 1000, got 1000000000"),
        ({"seeds": 0}, "seeds must be an integer of at least 1, got 0"),
        ({"seeds": 10**9}, "seeds must be an integer of at most 1000, got 1000000000"),
        ({"workers": 0}, "workers must be an integer of at least 1, got 0"),
        ({"threads": 100_000}, "threads must be an integer of at most 256, got 100000"),
        ({"device": "abacus"}, "device must be one of ('cpu', 'cuda', 'mps') that PyTorch finds"),
        ({"device": ["cpu"]}, "device must be one of ('cpu', 'cuda', 'mps') that PyTorch finds"),
        ({"out": ""}, "out must name a folder, got ''"),
        ({"text": None}, "text must be given, or truth, got neither"),
        ({"text": ""}, "text must be a string that is not empty, got ''"),
        ({"text": "short"}, "text must have at least 171 characters"),
    ],
)
def test_bad_arguments(tmp_path, changes, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=re.escape(message)):
        run_recursion(**{"preset": preset(), "out": tmp_path / "out", "text": TEXT} | changes)
    assert not list(tmp_path.iterdir())


def test_bad_presets():
    with pytest.raises(ValueError, match="sequences must be an integer of at least 1, got 0"):
        replace(preset(), sequences=0)
    with pytest.raises(ValueError, match="contexts must be an integer of at least 2, got 1"):
        replace(preset(), contexts=1)
    with pytest.raises(ValueError, match="length must be above the context of 16, got 16"):
        replace(preset(), length=16)


def test_the_same_folder_with_another_number_of_threads_is_refused(done):
    before = files(done[0])
    with pytest.raises(ValueError, match=r"with the same threads, got .* with 1 instead of 2"):
        run_recursion(preset(), done[0], TEXT, threads=2)
    assert files(done[0]) == before
    assert torch.get_num_threads() == 1


def test_the_number_of_threads_is_that_of_the_run_alone(tmp_path):
    # A few steps: on a busy machine, two threads wait for each other at each of them.
    short = replace(preset(), training=training(iterations=2), length=17)
    short = replace(short, model=config(layers=1))
    found = run_recursion(
        short, tmp_path, TEXT, schedules=["real"], generations=1, seeds=1, threads=2
    )
    assert torch.get_num_threads() == 1
    (versions,) = found["versions"]
    assert versions["machine"].endswith(" 2 used")
    assert found["settings"]["threads"] == 2


def test_versions_are_those_of_the_models(done, tmp_path):
    run_recursion(preset(), tmp_path, TEXT, schedules=["real"], generations=2, seeds=1)
    path = tmp_path / "seed-0" / "real" / "02" / "model.safetensors"
    weights, metadata = checkpoint.load(path)
    checkpoint.save(path, weights, metadata | {"versions": {"torch": "0.1"}})
    assert results(tmp_path)["versions"] == [*done[1]["versions"], {"torch": "0.1"}]


def _flip(path, rng):
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)


def _cut(path, rng):
    """Leave the beginning of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: rng.integers(len(content))])


def _empty_object(path, rng):
    """Leave valid JSON, and nothing in it."""
    path.write_bytes(b"{}")


@pytest.mark.parametrize("damage", [_flip, _cut, _empty_object])
def test_damage_to_any_file_is_refused_in_one_sentence_or_changes_nothing(done, tmp_path, damage):
    arguments = {"schedules": ["synthetic"], "seeds": 1}
    before, rng = tmp_path / "before", np.random.default_rng(0)
    run_recursion(preset(), before, TEXT, generations=2, **arguments)
    refused = 0
    for name, content in files(before).items():
        if name == "results.json" or not content:
            continue  # written afresh, and never read; the lock is empty
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(before, out)
        damage(out / name, rng)
        error = found = None
        try:
            found = run_recursion(preset(), out, TEXT, generations=3, **arguments)
        except ValueError as raised:
            error = str(raised)
        if found is None:
            refused += 1
            assert re.match(rf"(path must name|out must).*{re.escape(str(out))}", error), name
        else:
            assert found["seeds"][0]["synthetic"] == done[1]["seeds"][0]["synthetic"], name
    assert refused >= 8


def test_generation_100_comes_after_11(tmp_path):
    run_recursion(preset(), tmp_path, TEXT, schedules=["real"], generations=2, seeds=1)
    chain = tmp_path / "seed-0" / "real"
    entry = checkpoint.kept(chain / "02" / "measures.json")
    for m in (100, 11, 3):
        checkpoint.keep(chain / f"{m:02}" / "measures.json", entry | {"generation": m})
    found = results(tmp_path)["seeds"][0]["real"]
    assert [g["generation"] for g in found] == [2, 3, 11, 100]


@pytest.mark.parametrize(
    ("name", "schedule"),
    [
        ("synthetic", schedules.FullySynthetic(512)),
        ("real-kept:20/80", schedules.PartiallySynthetic(512, 128)),
        ("real-kept:90/10", schedules.PartiallySynthetic(512, 4608)),
        ("real-fresh:50/50", schedules.FreshReal(512, 512)),
        ("recent:3", schedules.MostRecent(3 * 512, 3)),
        ("recent-kept:2", schedules.MostRecent(2 * 512, 2, kept=True)),
        ("accumulating", schedules.Accumulating(512, 512)),
        ("random", schedules.RandomlySampled(512)),
        ("random-kept", schedules.RandomlySampled(512, kept=True)),
        ("real", schedules.PartiallySynthetic(512, 0)),
    ],
)
def test_schedules_by_name(name, schedule):
    assert parse_schedule(name, 512) == schedule


@pytest.mark.parametrize(
    "name",
    [
        *("", "Synthetic", "50/50", "real-kept:100/0", "real-kept:0/0", "real-kept:50/50 "),
        *("recent:0", "recent:", "recent:1e3", "recent:9999", "accumulating:2"),
        "real-fresh:-10/110",
    ],
)
def test_names_that_no_schedule_has(name):
    with pytest.raises(ValueError, match=r"^schedule must be 'synthetic', .*, got "):
        parse_schedule(name, 512)


def test_chains_are_named_by_schedule_and_step():
    several = (steps.Temperature(0.8), steps.TopK(10), steps.Nucleus(0.9), steps.MinP(0.05))
    name = "synthetic, temperature 0.8, top-k 10, top-p 0.9, min-p 0.05"
    assert chain_name("synthetic", several) == name
    assert chain_name("real", steps.TopK(3)) == chain_name("real", (steps.TopK(3),))
    assert chain_name(schedules.FullySynthetic(3), Swap()) == "FullySynthetic(n=3), Swap()"
    assert slug("../a/b: c") == "a-b-c"


def test_a_folder_without_a_run_has_no_results(tmp_path):
    with pytest.raises(ValueError, match=r"out must be a folder with a run whose p\^\(0\) is done"):
        results(tmp_path)


def test_the_laptop_preset_has_the_size_it_promises():
    laptop = PRESETS["laptop"]
    trained = laptop.training.iterations * laptop.training.batch_size * laptop.model.context
    assert trained == pytest.approx(0.75e6, rel=0.01)
    assert laptop.sequences * laptop.length == pytest.approx(0.5e6, rel=0.05)


def test_words_that_survive():
    reference, found = Counter(a=1, b=3, c=2, d=9, e=40), Counter(b=1, e=1, f=5)
    shares = measures.surviving(reference, found)
    assert shares == {"1": 0.0, "2": 0.5, "4": None, "8": 0.0, "16": 1.0}
    assert measures.words(["the king, the\nking's"]) == Counter(the=2, king=2, s=1)


def test_a_cut_word_is_not_counted_as_unknown():
    known = measures.vocabulary("The king\u2019s e\u0301tat")
    assert known == {"the", "king", "s", "\u00e9tat"}
    found = measures.recognised(["ing THE \u00e9tat x ki", "a", "", "the king"], known)
    assert (found["known_words"], found["unknown_words"]) == (2, 1)
    assert found["unknown_in_text"] == ["ing", "ki", "x"]


def test_distinct_ngrams_stay_within_sequences():
    corpus = torch.tensor([[0, 1, 2], [2, 1, 0]])
    assert measures.distinct_ngrams(corpus, 3) == {"1": 3, "2": 4, "3": 2, "4": 0, "5": 0}


@pytest.mark.parametrize("size", [8192, 2**31, 2**60])
def test_distinct_ngrams_of_large_vocabularies_do_not_overflow(size):
    corpus = torch.tensor([[0, 1, 2, 3, 4], [4096, 1, 2, 3, 4]])
    assert measures.distinct_ngrams(corpus, size, (5,)) == {"5": 2}


def test_words_keep_their_combining_marks():
    """An accent that is written as a character of its own, and Hindi vowel signs."""
    assert measures.words(["e\u0301", "\u00e9"]) == Counter({"\u00e9": 2})
    hindi = "\u0939\u093f\u0928\u094d\u0926\u0940 \u092d\u093e\u0937\u093e"
    assert measures.words([hindi]) == Counter(hindi.split())


def test_the_time_left_waits_for_what_it_needs():
    progress = Progress(10)
    assert progress.left(5.0) is None
    progress.trained(5)
    assert progress.left(10.0) == 10.0
    progress.trained(7)
    assert progress.left(10.0) == 0


def test_the_time_left_leaves_out_what_was_done_before():
    progress = Progress(10)
    progress.resumed(4)
    progress.trained(3)
    assert progress.left(5.0) == 5.0


def test_results_are_plain_json(done):
    assert json.loads(json.dumps(done[1])) == done[1]
