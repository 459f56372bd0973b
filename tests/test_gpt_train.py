"""Training: that it learns, that its choices are those documented, that it can be killed."""

import os
import re
from dataclasses import asdict

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from collapse_lib.gpt import checkpoint, evaluate, load_model, train
from collapse_lib.gpt.train import Training, optimizer
from tests.gpt_support import config, corpus, kill_until_done, model, training

TOKENS, TOKENIZER = corpus()
DROPOUT = config(dropout=0.1)


def same_weights(first, second):
    second = second.state_dict()
    return all(torch.equal(weights, second[name]) for name, weights in first.state_dict().items())


def test_it_overfits_one_batch():
    piece = TOKENS[:1, :17]
    net, curve = train(
        config(width=32), training(iterations=150, weight_decay=0.0), piece, 0, piece
    )
    assert curve[0][2] == pytest.approx(np.log(40), abs=0.1)
    assert curve[-1][2] < 0.05
    logits = net(piece[:, :-1].long())
    assert torch.equal(logits.argmax(-1), piece[:, 1:].long())


def test_it_learns_what_holds_for_other_text():
    held_out, _ = corpus(2, 500)
    net, curve = train(config(), training(iterations=100), TOKENS, 0, held_out)
    assert [row[0] for row in curve] == [0, *range(7, 100, 7), 100]
    assert curve[0][1] is None
    frequencies = torch.bincount(TOKENS.flatten().long()) / TOKENS.numel()
    assert curve[-1][2] < 0.8 * torch.special.entr(frequencies).sum()
    assert curve[-1][2] == pytest.approx(evaluate(net, held_out, 64))
    assert curve[-1][1] == pytest.approx(curve[-1][2], abs=0.6)


def test_the_loss_is_the_mean_over_all_tokens():
    net = model()
    total = sum(
        F.cross_entropy(
            net(s[None, t : t + 16].long())[0], s[t + 1 : t + 17].long(), reduction="sum"
        )
        for s in TOKENS
        for t in range(0, 384, 16)
    )
    assert evaluate(net, TOKENS) == pytest.approx(total.item() / (3 * 384), rel=1e-5)


def test_the_same_seed_gives_the_same_weights_and_touches_nothing_else():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first, curve = train(DROPOUT, training(), TOKENS, 1, TOKENS)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(1)
    again, other_curve = train(DROPOUT, training(), TOKENS, 1, TOKENS)
    assert same_weights(first, again)
    assert curve == other_curve
    assert not same_weights(first, train(DROPOUT, training(), TOKENS, 2)[0])


def test_validation_does_not_change_the_weights():
    first, _ = train(DROPOUT, training(), TOKENS, 1, TOKENS)
    again, curve = train(DROPOUT, training(evaluate_every=3), TOKENS, 1)
    assert same_weights(first, again)
    assert curve[-1][2] is None


def test_only_matrices_decay():
    net = model()
    decayed, kept = optimizer(net, training()).param_groups
    assert (decayed["weight_decay"], kept["weight_decay"]) == (0.1, 0)
    assert {weights.ndim for weights in decayed["params"]} == {2}
    assert {weights.ndim for weights in kept["params"]} == {1}
    assert len(decayed["params"]) + len(kept["params"]) == len(list(net.parameters()))


def test_gradients_are_clipped():
    run = Training(config(), training(clip=1e-3), TOKENS, 0)
    run.step()
    norm = torch.cat([weights.grad.flatten() for weights in run.model.parameters()]).norm()
    assert norm.item() == pytest.approx(1e-3, rel=1e-3)


def test_bfloat16_trains_about_as_well():
    exact, curve = train(config(), training(iterations=60), TOKENS, 0, TOKENS)
    half, other = train(config(), training(iterations=60, precision="bfloat16"), TOKENS, 0, TOKENS)
    assert not same_weights(exact, half)
    assert other[-1][2] == pytest.approx(curve[-1][2], abs=0.1)
    assert half.tokens.weight.dtype == torch.float32


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("steps", [7, 14, 28])
def test_an_exception_loses_no_more_than_the_steps_since_the_last_checkpoint(tmp_path, steps):
    def stop(iterations, curve):
        if curve[-1][0] == steps:
            raise Interrupted

    path = tmp_path / "training.safetensors"
    with pytest.raises(Interrupted):
        train(DROPOUT, training(), TOKENS, 3, TOKENS, path, stop)
    assert checkpoint.load(path)[1]["iteration"] == steps // 5 * 5
    resumed, curve = train(DROPOUT, training(), TOKENS, 3, TOKENS, path)
    expected, expected_curve = train(DROPOUT, training(), TOKENS, 3, TOKENS)
    assert same_weights(resumed, expected)
    assert curve == expected_curve


def _train_in_a_process(path, config):
    train(DROPOUT, config, TOKENS, 3, TOKENS, path)


def test_a_training_killed_again_and_again_ends_with_the_same_weights(tmp_path):
    path, config = tmp_path / "training.safetensors", training(iterations=200, checkpoint_every=3)
    delays = np.random.default_rng(0).uniform(0.5, 1, 4) * (0.05, 0.1, 0.2, 0.4)
    assert kill_until_done(_train_in_a_process, (path, config), delays) >= 1
    expected, curve = train(DROPOUT, config, TOKENS, 3, TOKENS)
    resumed, metadata = load_model(path)
    assert same_weights(resumed, expected)
    assert metadata["curve"] == curve
    assert metadata["iteration"] == 200


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"model": config(layers=1)}, "model"),
        ({"training": training(batch_size=5)}, "training"),
        ({"corpus": TOKENS[:2]}, "corpus"),
        ({"seed": 4}, "seed"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path, changes, key):
    path = tmp_path / "training.safetensors"
    arguments = {"model": DROPOUT, "training": training(iterations=5), "corpus": TOKENS, "seed": 3}
    train(**arguments, path=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"must name a checkpoint of the same {key}"):
        train(**arguments | changes, path=path)
    assert path.read_bytes() == before


def test_another_number_of_threads_is_refused(tmp_path):
    path = tmp_path / "training.safetensors"
    train(DROPOUT, training(iterations=5), TOKENS, 3, path=path)
    torch.set_num_threads(2)
    try:
        with pytest.raises(ValueError, match=r"of the same threads \(2\), got .* of 1"):
            train(DROPOUT, training(iterations=5), TOKENS, 3, path=path)
    finally:
        torch.set_num_threads(1)


def _nan(tensor):
    return torch.full_like(tensor, torch.nan)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("weights.tokens.weight", _nan, "finite numbers of 32 bits, got others in tokens.weight"),
        ("weights.tokens.weight", lambda t: t[:-1], "a different tokens.weight"),
        ("exp_avg.norm.bias", lambda t: t[:1], "a different norm.bias"),
        ("exp_avg.norm.bias", _nan, "got others in norm.bias"),
        ("exp_avg_sq.norm.bias", lambda t: -t - 1, "exp_avg_sq must not be negative"),
        ("exp_avg_sq.norm.bias", None, "a different norm.bias"),
        ("step.norm.bias", lambda t: t + 1, "step must be 5 for norm.bias"),
        ("step.norm.bias", None, "KeyError"),
        ("generator.batches", lambda t: t[:7], "path must name a whole checkpoint"),
        ("losses", None, "KeyError"),
    ],
)
def test_a_damaged_state_is_refused(tmp_path, name, damage, message):
    path = tmp_path / "training.safetensors"
    train(DROPOUT, training(iterations=5), TOKENS, 3, path=path)
    tensors, metadata = checkpoint.load(path)
    tensor = tensors.pop(name)
    checkpoint.save(path, tensors | ({name: damage(tensor)} if damage else {}), metadata)
    with pytest.raises(ValueError, match=r"^path must name a whole checkpoint, got") as failure:
        train(DROPOUT, training(iterations=5), TOKENS, 3, path=path)
    assert message in str(failure.value)


@pytest.mark.parametrize("iteration", [0, 6, -1, 2.5, "5", None])
def test_a_damaged_iteration_is_refused(tmp_path, iteration):
    path = tmp_path / "training.safetensors"
    train(DROPOUT, training(iterations=5), TOKENS, 3, path=path)
    tensors, metadata = checkpoint.load(path)
    checkpoint.save(path, tensors, metadata | {"iteration": iteration})
    with pytest.raises(ValueError, match=r"^path must name a whole checkpoint, got .*iteration"):
        train(DROPOUT, training(iterations=5), TOKENS, 3, path=path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"model": {"vocabulary_size": 40}}, "TypeError"),
        ({"model": None}, "TypeError"),
        ({"model": {**asdict(DROPOUT), "layers": 10**6}}, "28 weights do not make 1000000 layers"),
        ({"model": {**asdict(DROPOUT), "layers": 10**7}}, "layers must be an integer of at most"),
        ({"model": {**asdict(DROPOUT), "width": 18}}, "a different blocks"),
    ],
)
def test_damaged_models_are_refused(tmp_path, damage, message):
    path = tmp_path / "model.safetensors"
    checkpoint.save_model(path, model(dropout=0.1), {})
    tensors, metadata = checkpoint.load(path)
    checkpoint.save(path, tensors, metadata | damage)
    with pytest.raises(ValueError, match=r"^path must name a model, got") as failure:
        load_model(path)
    assert message in str(failure.value)


def test_plain_numbers_go_into_files(tmp_path):
    path = tmp_path / "training.safetensors"
    numbers = {
        "iterations": np.int64(5),
        "learning_rate": np.float32(0.01),
        "batch_size": np.int8(4),
    }
    numbers["betas"] = np.array([0.5, 0.9])
    chosen = training(**numbers)
    train(DROPOUT, chosen, TOKENS, 3, path=path)
    assert checkpoint.load_metadata(path)["training"]["iterations"] == 5
    assert chosen == training(iterations=5, learning_rate=float(np.float32(0.01)), betas=(0.5, 0.9))


def test_a_full_disk_leaves_no_partial_file(tmp_path, monkeypatch):
    path = tmp_path / "training.safetensors"
    train(DROPOUT, training(iterations=5), TOKENS, 3, path=path)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        train(DROPOUT, training(iterations=5), TOKENS, 3, path=tmp_path / "other")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before


def test_files_that_are_no_checkpoint(tmp_path):
    with pytest.raises(ValueError, match="which does not exist"):
        checkpoint.load(tmp_path / "nothing")
    (tmp_path / "broken").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    with pytest.raises(ValueError, match=r"path must name a checkpoint, got '.*broken'"):
        checkpoint.load(tmp_path / "broken")


def test_a_checkpoint_says_what_made_it(tmp_path):
    path = tmp_path / "training.safetensors"
    train(DROPOUT, training(iterations=5), TOKENS, 3, path=path)
    _, metadata = checkpoint.load(path)
    assert metadata["model"]["width"] == 16
    assert metadata["training"]["batch_size"] == 4
    assert metadata["seed"] == 3
    assert metadata["torch"] == torch.__version__
    assert len(metadata["corpus"]) == 64
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"iterations": 0}, "iterations must be an integer of at least 1, got 0"),
        ({"batch_size": 1.5}, "batch_size must be an integer of at least 1, got 1.5"),
        ({"learning_rate": 0}, "learning_rate must be a finite number above 0, got 0"),
        ({"betas": (0.9, 1)}, "betas must be two numbers in [0, 1), got (0.9, 1)"),
        ({"final_share": 2}, "final_share must be a number from 0 to 1, got 2"),
        ({"precision": "int8"}, "precision must be one of ('auto', 'float32', 'bfloat16')"),
    ],
)
def test_bad_choices(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        training(**changes)


def test_bad_corpora():
    with pytest.raises(ValueError, match=r"^corpus must have shape"):
        train(config(), training(), TOKENS[:, :16], 0)
    with pytest.raises(ValueError, match=r"^validation must hold tokens from 0 to 39, got 40"):
        train(config(), training(), TOKENS, 0, torch.full((2, 40), 40))
    with pytest.raises(ValueError, match=r"^corpus must have shape .*, got \(3, 16\)"):
        evaluate(model(), TOKENS[:, :16])
    with pytest.raises(ValueError, match="seed must be an integer of at least 0, got -1"):
        train(config(), training(), TOKENS, -1)
