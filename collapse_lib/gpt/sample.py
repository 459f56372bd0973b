"""Drawing text from a model.

The model knows contexts of at most T tokens, at positions 0 to T - 1. Text that is longer
than that is sampled in windows: tokens are added until the window holds T, then it is
restarted with its last T/2 tokens (rounded up) at positions 0, 1, ... So every token is drawn
from p(. | the k tokens before it), where k is between T/2 and T except at the start of the
text: contexts that occur in training, where windows begin anywhere. Restarting is also
what allows a cache, since a token's keys and values change with its position.

The uniform numbers are drawn first, one for each token; the rest is deterministic. A token
is where its uniform number falls in the cumulated distribution.
"""

import torch

from collapse_lib import _checks
from collapse_lib.gpt import data
from collapse_lib.gpt.model import Cache

STREAMS_AT_ONCE = 256


@torch.inference_mode()
def sample(model, prompts, length, generator, streams_at_once=STREAMS_AT_ONCE):
    """Continue every prompt by `length` tokens, at temperature 1.

    Parameters
    ----------
    model : GPT
    prompts : Tensor of int, shape (streams, tokens)
        Where the streams start: at least one token, at most the context.
    length : int
        Number of tokens to draw for each stream.
    generator : torch.Generator or int
        A generator on the CPU, or a seed.
    streams_at_once : int
        How many streams run side by side; bounds the memory, changes nothing else.

    Returns
    -------
    Tensor of uint8 or int64, shape (streams, length)
        The drawn tokens, without the prompts; uint8 where the vocabulary allows it.

    Raises
    ------
    ValueError
        If the prompts are empty, longer than the context or not of the vocabulary, or a number
        is out of range.

    Examples
    --------
    >>> from collapse_lib.gpt import GPT, GPTConfig
    >>> model = GPT(GPTConfig(vocabulary=5, context=8, width=16, layers=2, heads=2))
    >>> sample(model, torch.zeros((3, 1), dtype=torch.int64), 20, generator=1).shape
    torch.Size([3, 20])
    """
    length = _checks.integer(length, "length", 0)
    context = model.config.context
    if prompts.ndim != 2 or not 1 <= prompts.shape[1] <= context:
        raise ValueError(
            f"prompts must have shape (streams, 1 to {context}), got {tuple(prompts.shape)}"
        )
    if len(prompts):
        data.check_tokens(prompts, model.config, "prompts")
    if not isinstance(generator, torch.Generator):
        generator = torch.Generator().manual_seed(_checks.integer(generator, "generator", 0))
    uniform = torch.rand((len(prompts), length), generator=generator)
    was_training = model.training
    model.eval()
    parts = [
        _continue(model, *part)
        for part in zip(prompts.split(streams_at_once), uniform.split(streams_at_once), strict=True)
    ]
    model.train(was_training)
    small = model.config.vocabulary <= 256
    return torch.cat(parts).to("cpu", torch.uint8 if small else torch.int64)


def _continue(model, prompts, uniform):
    """Return the tokens that `uniform` picks, shape (B, length)."""
    device = next(model.parameters()).device
    B, start = prompts.shape
    length, context = uniform.shape[1], model.config.context
    text = torch.empty((B, start + length), dtype=torch.int64, device=device)
    text[:, :start] = prompts
    uniform = uniform.to(device)
    cache = Cache(model.config, B, device)
    begin = read = 0  # the window begins at `begin`; what is before `read` is in the cache
    for end in range(start, start + length):
        if end - begin > context:
            begin = read = end - (context + 1) // 2
            cache.length = 0
        last = model.hidden(text[:, read:end], cache)[:, -1]
        logits = last @ model.tokens.weight.T
        text[:, end] = pick(logits, uniform[:, end - start])
        read = end
    return text[:, start:]


def pick(logits, uniform):
    """Return the token at which each uniform number falls, shape (B,).

    Parameters
    ----------
    logits : Tensor of shape (B, V)
    uniform : Tensor of shape (B,)
        Numbers in [0, 1).
    """
    cumulated = logits.softmax(-1).cumsum(-1)
    # Rounding may leave the last sum below 1: what lies above belongs to the last token.
    cumulated[:, -1] = 1
    return torch.searchsorted(cumulated, uniform[:, None].contiguous(), right=True)[:, 0]
