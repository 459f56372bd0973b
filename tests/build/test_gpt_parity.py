"""Our model against Hugging Face's GPT-2 with the same weights."""

import pytest
import torch

from tests.gpt_reference import as_hugging_face
from tests.gpt_support import model

SHAPES = [{}, {"width": 64, "heads": 4, "layers": 3, "context": 33}, {"heads": 1, "layers": 1}]


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_logits_are_those_of_hugging_face(shape):
    ours = model(**shape)
    theirs = as_hugging_face(ours)
    tokens = torch.randint(40, (4, ours.config.context), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        logits, expected = ours(tokens), theirs(tokens).logits
    assert (logits - expected).abs().max() < 1e-5
    assert expected.std() > 0.1  # far from uniform, so that this can fail
    assert ours.parameter_count() == sum(weights.numel() for weights in theirs.parameters())
