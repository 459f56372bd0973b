"""The recorded runs and the shipped model are what they claim, and belong together."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from collapse_lib import corpora
from collapse_lib.gpt import PRESETS, SHIPPED_TRUTH, data, evaluate, load_model, sample
from collapse_lib.gpt.checkpoint import load
from collapse_lib.gpt.names import parse_schedule
from collapse_lib.gpt.run import checksum_of_weights

RESULTS = Path(__file__).parent.parent / "book" / "results"
#: By the name of their preset; a second record of the same preset has a word of its own behind it.
RECORDS = {path.stem.removeprefix("gpt2-"): path for path in RESULTS.glob("gpt2-*.json")}
#: Trained longer, with a truth of its own, which is not shipped.
READABLE = RECORDS.pop("readable")


def chains(seed):
    """Return what a seed has recorded: schedules by name, each with its generations from 2 on."""
    return {name: found for name, found in seed.items() if isinstance(found, list)}


def entries(found):
    """Return the measures of all models of a record."""
    measured = [found["truth"]]
    for seed in found["seeds"]:
        measured += sum(chains(seed).values(), [seed["first"]])
    return measured


@pytest.fixture(params=sorted(RECORDS))
def of_shipped(request):
    """A record whose truth is the shipped model, and the name of its preset."""
    name = request.param.partition(".")[0]
    return name, json.loads(RECORDS[request.param].read_text("utf8"))


@pytest.fixture(params=[*sorted(RECORDS), "readable"])
def record(request):
    """Any record, and the name of its preset."""
    path = RECORDS.get(request.param, READABLE)
    return request.param.partition(".")[0], json.loads(path.read_text("utf8"))


def test_the_laptop_experiment_is_recorded_in_full():
    found = json.loads(RECORDS["laptop"].read_text("utf8"))
    assert [seed["seed"] for seed in found["seeds"]] == [0, 1, 2]
    for seed in found["seeds"]:
        for schedule in ("synthetic", "real-kept:50/50", "real-kept:20/80"):
            assert [g["generation"] for g in seed[schedule]] == list(range(2, 11))


def test_the_runs_that_were_predicted_are_recorded_in_full():
    found = json.loads(RECORDS["laptop"].read_text("utf8"))
    steps = ("synthetic, temperature 0.8", "real-kept:50/50, temperature 0.8")
    steps += ("synthetic, top-p 0.9", "synthetic, top-k 10")
    contexts = PRESETS["laptop"].contexts
    for seed in found["seeds"]:
        for chain in (*steps, "accumulating", "recent:3"):
            assert [g["generation"] for g in seed[chain]] == list(range(2, 6))
            assert ("processed" in seed[chain][0]) == (chain in steps)
        assert set(seed["processed"]) == set(steps)
        cut = seed["synthetic, top-k 10"][-1]["processed"]["tokens"]
        assert cut[10] == sum(cut) == contexts


def test_the_larger_shares_are_recorded():
    found = json.loads(RECORDS["laptop.shares"].read_text("utf8"))
    assert [seed["seed"] for seed in found["seeds"]] == [0, 1, 2]
    for seed in found["seeds"]:
        assert [g["generation"] for g in seed["real-kept:80/20"]] == list(range(2, 11))
        assert [g["generation"] for g in seed["real-kept:90/10"]] == list(range(2, 5))
    again = json.loads(RECORDS["laptop.nine"].read_text("utf8"))
    assert [seed["seed"] for seed in again["seeds"]] == [0, 1, 2]
    predicting = json.loads(RECORDS["laptop"].read_text("utf8"))
    for seed, other, same in zip(again["seeds"], found["seeds"], predicting["seeds"], strict=True):
        assert [g["generation"] for g in seed["real-kept:90/10"]] == list(range(2, 11))
        assert seed["first"] != other["first"]
        assert seed["first"] == same["first"]  # so the two are compared seed by seed


@pytest.mark.parametrize("width", [16, 32, 64, 128])
def test_every_width_is_recorded_on_little_and_on_plenty_of_text(width):
    """Little: five generations on synthetic data. Plenty: the first model, on real text."""
    name = "" if width == 128 else f"-{width}"
    plenty, little = (
        json.loads(RECORDS[preset + name].read_text("utf8")) for preset in ("laptop", "scarce")
    )
    for found in (plenty, little):
        assert found["settings"]["preset"]["model"]["width"] == width
        assert [seed["seed"] for seed in found["seeds"]] == [0, 1, 2]
    for seed in little["seeds"]:
        assert [g["generation"] for g in seed["synthetic"][:4]] == list(range(2, 6))


def test_the_readable_run_is_recorded_in_full_with_its_own_truth():
    found = json.loads(READABLE.read_text("utf8"))
    assert [seed["seed"] for seed in found["seeds"]] == [0, 1]
    for seed in found["seeds"]:
        for schedule in ("synthetic", "real-kept:50/50"):
            assert [g["generation"] for g in seed[schedule]] == list(range(2, 6))
    assert found["settings"]["source"] == {"text": corpora.TINY_SHAKESPEARE[1]}
    # On Shakespeare's text it is better by far than the shipped truth.
    _, metadata = load_model(SHIPPED_TRUTH)
    assert 1.4 < found["truth"]["curve"][-1][2] < metadata["curve"][-1][2] - 0.3


def test_a_record_says_what_made_it(record):
    name, found = record
    assert all(c.startswith("python -m collapse_lib.gpt run ") for c in found["commands"])
    assert all(f"--preset {name}" in c for c in found["commands"])
    assert found["settings"]["preset"] == json.loads(json.dumps(asdict(PRESETS[name])))
    assert all({"torch", "python", "machine"} <= set(versions) for versions in found["versions"])
    used = f"{found['settings']['threads']} used"
    assert all(versions["machine"].endswith(used) for versions in found["versions"])
    assert not any("schedule" in seed["first"] for seed in found["seeds"])


def test_the_shipped_model_is_the_truth_of_the_records(of_shipped):
    _, found = of_shipped
    _, metadata = load_model(SHIPPED_TRUTH)
    assert metadata["characters"] == found["characters"]
    curve = np.array([[at, loss] for at, _, loss in metadata["curve"]])
    recorded = np.array([[at, loss] for at, _, loss in found["truth"]["curve"]])
    np.testing.assert_allclose(curve, recorded, rtol=1e-5)


def test_the_shipped_model_has_the_entropy_that_is_recorded(of_shipped):
    """On text of its own: its loss there estimates the entropy that was measured at training."""
    name, found = of_shipped
    model, metadata = load_model(SHIPPED_TRUTH)
    context = model.config.context
    prompts = torch.full((32, 1), metadata["characters"].index("\n"))
    written = sample(model, prompts, context + 256, 5)[:, context:]
    inputs, targets = data.windows(written, context)
    with torch.inference_mode():
        losses = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten(), reduction="none")
    measured = found["truth"]["held_out_loss"]
    tokens = PRESETS[name].measured_sequences * PRESETS[name].length
    error = losses.std().item() * (1 / losses.numel() + 1 / tokens) ** 0.5
    assert abs(losses.mean().item() - measured) < 5 * error
    seed = found["seeds"][0]
    last = next(iter(chains(seed).values()), [seed["first"]])[-1]
    assert abs(last["held_out_loss"] - measured) > 5 * error


# Only where COLLAPSE_DATA names a folder with the text.
if "COLLAPSE_DATA" in os.environ:

    def test_the_shipped_model_was_trained_on_tiny_shakespeare():
        model, metadata = load_model(SHIPPED_TRUTH)
        text, laptop = corpora.tiny_shakespeare(), PRESETS["laptop"].training
        tokenizer, kept, held_out = data.split(text, model.config.context)
        assert tokenizer.characters == metadata["characters"]
        assert data.checksum(kept) == metadata["corpus"]
        at, _, loss = metadata["curve"][-1]
        assert at == laptop.iterations
        assert evaluate(model, held_out, laptop.validation_tokens) == pytest.approx(loss, rel=1e-4)

    def test_the_words_that_are_called_unknown_do_not_occur_in_shakespeare():
        """Looked for in the text itself, with its letters alone."""
        found = json.loads(READABLE.read_text("utf8"))
        letters = "".join(c if c.isalpha() else " " for c in corpora.tiny_shakespeare().lower())
        for entry in entries(found):
            written = "".join(c if c.isalnum() else " " for c in entry["text"].lower()).split()
            unknown = {word for word in written if f" {word} " not in letters}
            assert sorted(unknown) == entry["unknown_in_text"]
            share = entry["unknown_words"] / (entry["unknown_words"] + entry["known_words"])
            hits = sum(word in unknown for word in written[1:-1])
            error = (share * (1 - share) * len(written)) ** 0.5
            assert abs(hits - share * len(written)) < 5 * error  # the text is a sample of all


@pytest.mark.paper("Figure 3", check="independent")
def test_the_distance_of_a_generation_obeys_pinsker(record):
    """From the loss, which shares no code with the distance: E||p - q||_1 <= sqrt(2 E KL)."""
    _, found = record
    truth = found["truth"]["held_out_loss"]
    for seed in found["seeds"]:
        for entry in sum(chains(seed).values(), [seed["first"]]):
            bound = (2 * (entry["held_out_loss"] - truth)) ** 0.5
            assert 0.4 * bound < entry["l1_from_truth"][0] < 1.1 * bound


def test_the_recorded_names_are_schedules(record):
    name, found = record
    for seed in found["seeds"]:
        for chain in chains(seed):
            assert parse_schedule(chain.split(", ")[0], PRESETS[name].sequences)


def test_the_record_of_a_shipped_truth_names_its_weights(of_shipped):
    _, found = of_shipped
    source = found["settings"]["source"]
    assert "text" in source or source["truth"] == checksum_of_weights(SHIPPED_TRUTH)


def test_the_shipped_model_holds_weights_alone():
    tensors, _ = load(SHIPPED_TRUTH)
    assert all(name.startswith("weights.") for name in tensors)
    assert SHIPPED_TRUTH.stat().st_size < 4 * 2**20
