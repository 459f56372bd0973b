"""Sampling with the cache against sampling that computes every window anew."""

import re

import pytest
import torch

from collapse_lib.gpt import sample
from collapse_lib.gpt.sample import pick
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
        text = torch.cat([text, pick(logits, uniform[:, t])[:, None]], dim=1)
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


def test_the_number_of_streams_at_once_changes_nothing():
    net, prompts = model(), torch.zeros((5, 1), dtype=torch.int64)
    expected = sample(net, prompts, 40, 1)
    assert torch.equal(sample(net, prompts, 40, 1, streams_at_once=2), expected)


def test_no_streams_are_none():
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
    logits = torch.tensor([0.5, 0.25, 0.25]).log().expand(5, 3)
    uniform = torch.tensor([0.0, 0.499, 0.5, 0.75, 0.9999999])
    assert pick(logits, uniform).tolist() == [0, 0, 1, 2, 2]
    never = torch.tensor([[-torch.inf, 0.0, -torch.inf]])
    assert pick(never, torch.tensor([0.0])).tolist() == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.zeros(3), 5, 1), "prompts must have shape (streams, 1 to 16), got (3,)"),
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
