"""Sampling with the cache against sampling that recomputes every window."""

import re

import numpy as np
import pytest
import torch

from collapse_lib import steps
from collapse_lib.gpt import sample
from collapse_lib.gpt.sample import pick
from collapse_lib.steps import Accept, MinP, Nucleus, Temperature, TopK
from tests.gpt_support import model


@torch.inference_mode()
def uncached(net, prompts, length, seed):
    """Sample as the module's header says, without a cache; return tokens and window lengths."""
    uniform = torch.rand((len(prompts), length), generator=torch.Generator().manual_seed(seed))
    context, text, seen, window = net.config.context, prompts, [], prompts.shape[1]
    for t in range(length):
        if window > context:
            window = (context + 1) // 2
        logits = net(text[:, -window:])[:, -1]
        text = torch.cat([text, pick(logits.softmax(-1), uniform[:, t])[:, None]], dim=1)
        seen.append(window)
        window += 1
    return text[:, prompts.shape[1] :], seen


@pytest.mark.parametrize("context", [1, 2, 7, 16])
@pytest.mark.parametrize("start", [1, "context"])
def test_cached_equals_uncached_token_by_token(context, start):
    net = model(context=context)
    start = context if start == "context" else start
    prompts = torch.randint(40, (6, start), generator=torch.Generator().manual_seed(2))
    expected, seen = uncached(net, prompts, 60, seed=3)
    torch.testing.assert_close(sample(net, prompts, 60, 3).long(), expected)
    assert max(seen) == context
    assert min(seen[context:], default=1) >= context / 2
    assert len(expected.unique()) > 10  # the model is not stuck, so that this can fail


def test_the_number_of_sequences_at_once_changes_nothing():
    net, prompts = model(), torch.zeros((5, 1), dtype=torch.int64)
    expected = sample(net, prompts, 40, 1)
    assert torch.equal(sample(net, prompts, 40, 1, sequences_at_once=2), expected)


def test_no_sequences_are_none():
    assert sample(model(), torch.zeros((0, 1), dtype=torch.int64), 40, 1).shape == (0, 40)


def test_only_the_own_generator_is_used_and_the_mode_is_kept():
    net, prompts = model().train(), torch.zeros((2, 1), dtype=torch.int64)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = sample(net, prompts, 20, torch.Generator().manual_seed(5))
    torch.manual_seed(1)
    assert torch.equal(first, sample(net, prompts, 20, 5))
    assert not torch.equal(first, sample(net, prompts, 20, 6))
    torch.manual_seed(0)
    assert torch.equal(before, torch.get_rng_state())
    assert net.training


def test_frequencies_are_those_of_the_model():
    net, prompts = model(), torch.zeros((40_000, 1), dtype=torch.int64)
    counts = torch.bincount(sample(net, prompts, 1, 7, 40_000).flatten().long(), minlength=40)
    p = net(prompts[:1])[0, -1].softmax(-1)
    error = (p * (1 - p) * 40_000).sqrt()
    assert ((counts - 40_000 * p).abs() < 5 * error + 1).all()
    assert ((counts - 40_000 / 40).abs() > 5 * error + 1).any()  # not just uniform


def test_picking_inverts_the_cumulated_distribution():
    p = torch.tensor([0.5, 0.25, 0.25]).expand(5, 3)
    uniform = torch.tensor([0.0, 0.499, 0.5, 0.75, 0.9999999])
    assert pick(p, uniform).tolist() == [0, 0, 1, 2, 2]
    assert pick(torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor([0.0])).tolist() == [1]


def test_a_token_without_probability_is_never_picked():
    """Not even where rounding leaves a sum below 1."""
    p = torch.tensor([[0.1] * 7 + [0.29999, 0, 0]])
    assert p.sum() < 0.99999999
    assert pick(p, torch.tensor([0.99999994])).tolist() == [7]


STEPS = [Temperature(0.5), TopK(3), Nucleus(0.8), MinP(0.1), (TopK(5), Temperature(2.0))]


@pytest.mark.parametrize("step", STEPS, ids=repr)
def test_frequencies_are_those_of_the_model_after_the_step(step):
    net, n = model(), 40_000
    prompts = torch.full((n, 1), 3)
    raw = net(prompts[:1])[0, -1].double().softmax(-1)
    p = steps.apply(step, raw.detach().numpy())  # the same step, on a NumPy array
    counts = np.bincount(sample(net, prompts, 1, 7, n, step).flatten(), minlength=40)
    error = np.sqrt(n * p * (1 - p))
    assert (np.abs(counts - n * p) <= 5 * error).all()  # 0 where p is 0
    assert (np.abs(counts - n * raw.detach().numpy()) > 5 * error).any()


def test_a_filter_of_the_caller_and_what_is_no_step():
    accept = Accept((1.0,) * 20 + (0.0,) * 20)
    drawn = sample(model(), torch.zeros((20, 1), dtype=torch.int64), 30, 1, step=accept)
    assert drawn.max() < 20
    with pytest.raises(ValueError, match=r"step must be one of collapse_lib.steps"):
        sample(model(), torch.zeros((2, 1), dtype=torch.int64), 3, 1, step="hot")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.zeros(3), 5, 1), "prompts must have shape (sequences, 1 to 16), got (3,)"),
        ((torch.zeros(3, 0), 5, 1), "got (3, 0)"),
        ((torch.zeros(3, 17), 5, 1), "got (3, 17)"),
        ((torch.full((3, 2), 40), 5, 1), "prompts must hold tokens from 0 to 39, got 40 to 40"),
        ((torch.tensor([[0, -1]]), 5, 1), "prompts must hold tokens from 0 to 39, got -1 to 0"),
        ((torch.zeros(3, 1), -1, 1), "length must be an integer of at least 0, got -1"),
        ((torch.zeros(3, 1), 5, "x"), "generator must be an integer of at least 0, got 'x'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        sample(model(), *arguments)
