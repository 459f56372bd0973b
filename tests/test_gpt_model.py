"""The model: shapes, causality, the cache, and the loss it starts from."""

import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from collapse_lib.gpt import GPT, PRESETS, Cache, GPTConfig
from tests.gpt_support import config, model

TOKENS = torch.randint(40, (3, 16), generator=torch.Generator().manual_seed(1))


def test_a_future_token_changes_no_past_logit():
    net = model()
    logits = net(TOKENS)
    for changed in range(16):
        other = TOKENS.clone()
        other[:, changed] = (other[:, changed] + 1) % 40
        differs = (net(other) != logits).any(dim=(0, 2))
        assert not differs[:changed].any()
        assert differs[changed:].all()


def test_the_cache_changes_no_logit():
    net, expected = model(), model()(TOKENS)
    for prefix in (1, 5, 16):
        cache = Cache(net.config, batch=3)
        parts = [net(TOKENS[:, :prefix], cache)]
        parts += [net(TOKENS[:, t : t + 1], cache) for t in range(prefix, 16)]
        torch.testing.assert_close(torch.cat(parts, dim=1), expected, atol=1e-5, rtol=1e-5)
        assert cache.length == 16


def test_what_does_not_fit_the_context_or_the_cache():
    net = model()
    with pytest.raises(ValueError, match=r"context of 16, .* got 17 after 0"):
        net(torch.zeros((1, 17), dtype=torch.int64))
    cache = Cache(net.config, batch=3)
    net(TOKENS[:, :4], cache)
    with pytest.raises(ValueError, match="got 2 after 4"):
        net(TOKENS[:, 4:6], cache)


def test_the_first_loss_is_that_of_a_uniform_guess():
    net = GPT(PRESETS["laptop"].model, torch.Generator().manual_seed(0))
    tokens = torch.randint(65, (16, 65), generator=torch.Generator().manual_seed(1))
    loss = F.cross_entropy(net(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
    assert loss.item() == pytest.approx(math.log(65), abs=0.06)


@pytest.mark.parametrize("shape", [{}, {"layers": 1, "width": 6, "context": 5}])
def test_the_shapes_that_are_computed_are_those_of_the_model(shape):
    weights = model(**shape).state_dict()
    assert GPT.shapes(config(**shape)) == {name: tuple(w.shape) for name, w in weights.items()}


def test_numbers_of_numpy_become_plain_ones():
    made = config(context=np.int64(16), dropout=np.float32(0.5))
    assert (type(made.context), type(made.dropout)) == (int, float)


def test_weights_depend_on_the_generator_alone():
    first, again, other = (
        GPT(config(), torch.Generator().manual_seed(seed)).state_dict() for seed in (3, 3, 4)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["tokens.weight"], other["tokens.weight"])


def test_first_weights_have_the_deviations_of_gpt_2():
    weights = GPT(GPTConfig(65, 64, 128, 8, 4), torch.Generator().manual_seed(0)).state_dict()
    for name, values in weights.items():
        if values.ndim == 2:
            adds = "attention.out" in name or "mlp.2" in name
            assert values.std().item() == pytest.approx(0.02 / 4 if adds else 0.02, rel=0.05)
        else:
            assert (values == (1 if "norm" in name and "weight" in name else 0)).all()


@pytest.mark.paper("Table 1", check="independent")
def test_the_paper_preset_is_table_1():
    preset = PRESETS["paper"]
    shape = GPTConfig(vocabulary_size=65, context=128, width=256, layers=8, heads=4, dropout=0.2)
    assert preset.model == shape
    training = preset.training
    assert (training.iterations, training.batch_size, training.learning_rate) == (2000, 256, 1e-3)
    assert GPT(shape).parameter_count() == pytest.approx(6.3e6, rel=0.02)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 18, "heads": 4}, "width must be a multiple of heads, got width 18, heads 4"),
        ({"heads": 0}, "heads must be an integer of at least 1, got 0"),
        ({"context": 2.5}, "context must be an integer of at least 1, got 2.5"),
        ({"layers": 10**7}, "layers must be an integer of at most 1000000, got 10000000"),
        ({"dropout": 1}, "dropout must be below 1, got 1"),
        ({"dropout": -0.1}, "dropout must be a number from 0 to 1, got -0.1"),
    ],
)
def test_bad_shapes(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        config(**changes)
