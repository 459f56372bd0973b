"""The recursion: who trains on whom, what is measured, and that it can be killed anywhere."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

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
from collapse_lib.gpt.progress import Progress
from tests.gpt_support import config, kill_until_done, preset, text

TEXT = text()
ALL = ("synthetic", "50/50", "20/80", "real")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished experiment: its folder and its results."""
    out = tmp_path_factory.mktemp("experiment") / "out"
    lines = []
    found = run_recursion(
        preset(), out, TEXT, mixtures=ALL, generations=3, seeds=2, say=lines.append
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


@pytest.mark.parametrize(
    ("mixture", "real", "synthetic"),
    [("synthetic", 0, 8), ("50/50", 8, 8), ("20/80", 8, 2), ("real", 8, 0)],
)
def test_generations_are_trained_on_what_the_mixture_says(done, mixture, real, synthetic):
    out, _, _ = done
    seed = out / "seed-1"
    truth = tensors(seed / "real.safetensors")["tokens"]
    assert truth.shape == (8, 60)
    _, facts = load_model(seed / "first" / "model.safetensors")
    assert facts["corpus"] == data.checksum(truth)
    last = seed / "first"
    for m in (2, 3):
        folder = seed / mixture.replace("/", "-") / f"{m:02}"
        samples = tensors(last / "samples.safetensors")["tokens"]
        assert len(samples) >= max(synthetic, 2)
        _, facts = load_model(folder / "model.safetensors")
        assert facts["corpus"] == data.checksum(torch.cat([truth[:real], samples[:synthetic]]))
        last = folder


def test_generations_share_shape_and_steps_and_differ_in_weights(done):
    out, _, _ = done
    models = [load_model(path) for path in sorted(out.rglob("model.safetensors"))]
    assert len(models) == 1 + 2 + 2 * 4 * 2
    assert len({model.config for model, _ in models}) == 1
    assert {facts["curve"][-1][0] for _, facts in models} == {20}
    weights = {tuple(model.tokens.weight[0].tolist()) for model, _ in models}
    assert len(weights) == len(models)


def test_what_is_measured_is_what_the_files_say(done):
    out, found, _ = done
    assert found == results(out) == checkpoint.read_json(out / "results.json")
    held_out = tensors(out / "truth" / "held_out.safetensors")
    net, _ = load_model(out / "seed-1" / "50-50" / "03" / "model.safetensors")
    first, _ = load_model(out / "seed-1" / "first" / "model.safetensors")
    assert held_out["contexts"].shape == (20, 16)
    with torch.inference_mode():
        p, q = (m(held_out["contexts"])[:, -1].double().softmax(-1) for m in (net, first))
    distances = (p - q).abs().sum(1)
    entry = found["seeds"][1]["50/50"][1]
    assert entry["generation"] == 3
    assert entry["l1_from_first"][0] == pytest.approx(distances.mean().item(), rel=1e-4)
    error = distances.std().item() / 20**0.5
    assert entry["l1_from_first"][1] == pytest.approx(error, rel=1e-4)
    entropy = -(p * p.log()).sum(1).mean().item()
    assert entry["entropy"][0] == pytest.approx(entropy, rel=1e-4)
    assert entry["held_out_loss"] == pytest.approx(evaluate(net, held_out["tokens"]), rel=1e-4)
    samples = tensors(out / "seed-1" / "50-50" / "03" / "samples.safetensors")["tokens"][:2]
    assert sum(entry["characters"]) == samples.numel()
    assert entry["distinct_ngrams"]["1"] == len(samples.unique())
    assert found["seeds"][1]["first"]["l1_from_first"] == [0, 0]
    assert found["truth"]["l1_from_truth"] == [0, 0]
    assert found["truth"]["l1_from_first"] is None
    assert entry["text"] == "".join(found["characters"][t] for t in samples[0].tolist())


def test_held_out_samples_are_not_trained_on(done):
    out, _, _ = done
    held_out = tensors(out / "truth" / "held_out.safetensors")["tokens"]
    for seed in (0, 1):
        real = tensors(out / f"seed-{seed}" / "real.safetensors")["tokens"]
        assert not (held_out[:, None] == real[None]).all(dim=-1).any()


def test_progress_tells_each_generation_and_the_time_left(done):
    _, _, lines = done
    assert len([line for line in lines if "generation" in line]) == 2 * (1 + 4 * 2)
    assert all(re.search(r"\d (s|min|h) left", line) for line in lines)
    assert "left" in lines[0]
    assert lines[-1].endswith("- 0 s left")


def test_asking_again_computes_nothing_and_asking_for_more_keeps_what_is_there(done, tmp_path):
    out = tmp_path / "out"
    kept = run_recursion(preset(), out, TEXT, mixtures=["synthetic"], generations=2, seeds=1)
    before = files(out)
    lines = []
    again = run_recursion(preset(), out, mixtures=["synthetic"], generations=2, seeds=1, say=lines)
    assert again == kept
    assert files(out) == before
    assert not lines
    more = run_recursion(preset(), out, mixtures=ALL, generations=3, seeds=2)
    assert more["seeds"] == done[1]["seeds"]
    assert before.items() - files(out).items() == {("results.json", before["results.json"])}


def test_workers_change_nothing(done, tmp_path):
    found = run_recursion(
        preset(), tmp_path, TEXT, mixtures=["50/50", "real"], generations=2, seeds=2, workers=2
    )
    for mine, other in zip(found["seeds"], done[1]["seeds"], strict=True):
        assert mine["50/50"] == other["50/50"][:1]
        assert mine["real"] == other["real"][:1]


def _run_in_a_process(out, arguments):
    run_recursion(preset(), out, TEXT, **arguments)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_experiment_killed_again_and_again_ends_the_same(done, tmp_path, workers):
    arguments = {"mixtures": ["synthetic", "20/80"], "generations": 3, "seeds": 2}
    # Several workers take a while before they are at work.
    delays = (
        np.random.default_rng(workers).uniform(0.5, 1, 3) * [(0.3, 0.6, 1), (1, 2, 4)][workers - 1]
    )
    run = (tmp_path, arguments | {"workers": workers})
    assert kill_until_done(_run_in_a_process, run, delays) >= 1
    expected = files(done[0])
    found = files(tmp_path)
    for name in ("settings.json", "results.json"):
        del found[name]
    assert len(found) == 4 + 2 * (1 + 3 + 2 * 2 * 3)
    # The headers hold versions and thread counts; all that is computed is the same.
    assert {name for name, content in found.items() if content != expected[name]} == set()


def test_a_finished_truth_can_be_handed_on(done, tmp_path):
    out, found, _ = done
    truth = out / "truth" / "model.safetensors"
    again = run_recursion(
        preset(), tmp_path, truth=truth, mixtures=["synthetic"], generations=2, seeds=1
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
    wider = replace(preset(), model=config(width=32, dropout=0.1))
    with pytest.raises(ValueError, match=r"truth must have the shape .*'width': 32"):
        run_recursion(wider, tmp_path / "a", truth=truth)
    later = done[0] / "seed-0" / "first" / "model.safetensors"
    with pytest.raises(ValueError, match=r"truth must be a p\^\(0\)"):
        run_recursion(preset(), tmp_path / "b", truth=later)
    with pytest.raises(ValueError, match=r"truth must be the file of a model: .* does not exist"):
        run_recursion(preset(), tmp_path / "c", truth=tmp_path / "nothing")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "huge"}, f"preset must be among {list(PRESETS)}, got 'huge'"),
        ({"mixtures": "synthetic"}, "mixtures must be a sequence of names, got 'synthetic'"),
        ({"mixtures": ["30/70"]}, "mixtures must be among ['synthetic', '50/50', '20/80', 'real']"),
        ({"generations": 0}, "generations must be an integer of at least 1, got 0"),
        ({"seeds": 0}, "seeds must be an integer of at least 1, got 0"),
        ({"workers": 0}, "workers must be an integer of at least 1, got 0"),
        ({"device": "abacus"}, "device must be one of ('cpu', 'cuda') that PyTorch finds here"),
        ({"text": None}, "text must be given, or truth, got neither"),
        ({"text": ""}, "text must not be empty"),
        ({"text": "short"}, "text must have at least 171 characters"),
    ],
)
def test_bad_arguments(tmp_path, changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        run_recursion(**{"preset": preset(), "out": tmp_path / "out", "text": TEXT} | changes)
    assert not (tmp_path / "out").exists()


def test_bad_presets():
    with pytest.raises(ValueError, match="streams must be a multiple of 4, got 6"):
        replace(preset(), streams=6)
    with pytest.raises(ValueError, match="length must be above the context of 16, got 16"):
        replace(preset(), length=16)


@pytest.mark.parametrize("count", ["synthetic_streams", "real_streams", "sampled_streams"])
def test_unknown_mixtures_have_no_streams(count):
    message = "mixture must be among ['synthetic', '50/50', '20/80', 'real'], got '30/70'"
    with pytest.raises(ValueError, match=re.escape(message)):
        getattr(preset(), count)("30/70")


def test_a_folder_without_a_run_has_no_results(tmp_path):
    with pytest.raises(ValueError, match=r"out must be a folder with a run whose p\^\(0\) is done"):
        results(tmp_path)


def test_the_laptop_preset_has_the_size_it_promises():
    laptop = PRESETS["laptop"]
    trained = laptop.training.iterations * laptop.training.batch * laptop.model.context
    assert trained == pytest.approx(0.75e6, rel=0.01)
    assert laptop.streams * laptop.length == pytest.approx(0.5e6, rel=0.05)


def test_words_that_survive():
    reference, found = Counter(a=1, b=3, c=2, d=9, e=40), Counter(b=1, e=1, f=5)
    shares = measures.surviving(reference, found)
    assert shares == {"1": 0.0, "2": 0.5, "4": None, "8": 0.0, "16": 1.0}
    assert measures.words(["the king, the\nking's"]) == Counter(the=2, king=2, s=1)


def test_distinct_ngrams_stay_within_streams():
    corpus = torch.tensor([[0, 1, 2], [2, 1, 0]])
    assert measures.distinct_ngrams(corpus, 3) == {"1": 3, "2": 4, "3": 2, "4": 0, "5": 0}


def test_the_time_left_waits_for_what_it_needs():
    progress = Progress({"trained": 10, "sampled": 100})
    progress.done("trained", 5, 10.0)
    assert progress.left() is None
    progress.done("sampled", 50, 5.0)
    assert progress.left() == 15.0


def test_results_are_plain_json(done):
    assert json.loads(json.dumps(done[1])) == done[1]
