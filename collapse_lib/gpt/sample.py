"""Drawing text from a model.

The model knows contexts of at most T tokens, at positions 0 to T - 1. Longer text is sampled
in windows: a window grows until it holds T tokens, then restarts with its last T/2 (rounded up)
at positions 0, 1, ... So every token is drawn from p(. | the k tokens before it), where k is
between T/2 and T except at the start of the text. Such contexts occur in training, where windows
begin anywhere. Restarting also makes a cache possible: a token's keys and values depend on its
position, which stays the same until the restart.

The uniform numbers are drawn first, one for each token; the rest is deterministic. A token is
the place where its uniform number falls in the cumulative distribution, after the step if there
is one.
"""

import torch

from collapse_lib import _checks, steps
from collapse_lib.gpt import data
from collapse_lib.gpt.model import Cache

SEQUENCES_AT_ONCE = 64  # on a CPU, more are no quicker


@torch.inference_mode()
def sample(model, prompts, length, generator, sequences_at_once=SEQUENCES_AT_ONCE, step=None):
    """Continue every prompt by `length` tokens.

    Parameters
    ----------
    model : GPT
    prompts : Tensor of int, shape (sequences, tokens)
        Where the sequences start: at least one token, at most the context.
    length : int
        Number of tokens to draw for each sequence.
    generator : torch.Generator or int
        A generator on the CPU, or a seed.
    sequences_at_once : int, optional
        How many sequences run side by side; bounds the memory, and affects only rounding.
    step : step or tuple of steps, optional
        What is done to the distribution of each token before it is drawn, see
        `collapse_lib.steps`. By default nothing.

    Returns
    -------
    Tensor of uint8 or int64, shape (sequences, length)
        The drawn tokens, without the prompts; uint8 where the vocabulary size allows it.

    Raises
    ------
    ValueError
        If the prompts are empty, longer than the context or outside the vocabulary, a number is
        out of range, or `step` is not a step.

    Examples
    --------
    >>> from collapse_lib.gpt import GPT, GPTConfig
    >>> model = GPT(GPTConfig(vocabulary_size=5, context=8, width=16, layers=2, heads=2))
    >>> sample(model, torch.zeros((3, 1), dtype=torch.int64), 20, generator=1).shape
    torch.Size([3, 20])
    """
    length = _checks.integer(length, "length", 0)
    at_once = _checks.integer(sequences_at_once, "sequences_at_once", 1)
    steps.check(step)
    context = model.config.context
    if prompts.ndim != 2 or not 1 <= prompts.shape[1] <= context:
        raise ValueError(
            f"prompts must have shape (sequences, 1 to {context}), got {tuple(prompts.shape)}"
        )
    if len(prompts):
        data.check_tokens(prompts, model.config, "prompts")
    if not isinstance(generator, torch.Generator):
        generator = torch.Generator().manual_seed(_checks.integer(generator, "generator", 0))
    uniform = torch.rand((len(prompts), length), generator=generator)
    was_training = model.training
    model.eval()
    parts = [
        _continue(model, *part, step)
        for part in zip(prompts.split(at_once), uniform.split(at_once), strict=True)
    ]
    model.train(was_training)
    return torch.cat(parts).to("cpu", data.token_type(model.config.vocabulary_size))


def _continue(model, prompts, uniform, step):
    """Return the tokens that `uniform` picks, shape (B, length)."""
    device = next(model.parameters()).device
    B, start = prompts.shape
    length, context = uniform.shape[1], model.config.context
    text = torch.empty((B, start + length), dtype=torch.int64, device=device)
    text[:, :start] = prompts
    uniform = uniform.to(device)
    cache = Cache(model.config, B, device)
    begin = read = 0  # the window begins at `begin`; tokens before `read` are cached
    for end in range(start, start + length):
        if end - begin > context:
            begin = read = end - (context + 1) // 2
            cache.length = 0
        last = model.hidden(text[:, read:end], cache)[:, -1]
        logits = last @ model.tokens.weight.T
        text[:, end] = pick(steps.apply(step, logits.softmax(-1)), uniform[:, end - start])
        read = end
    return text[:, start:]


def pick(p, uniform):
    """Return the token at which each uniform number falls, shape (B,).

    Parameters
    ----------
    p : Tensor of shape (B, V)
        Distributions.
    uniform : Tensor of shape (B,)
        Numbers in [0, 1).
    """
    cumulated = p.cumsum(-1)
    # Rounding may leave the last sum below 1; the rest belongs to the last token that has any
    # probability.
    cumulated.masked_fill_(cumulated == cumulated[:, -1:], 1)
    return torch.searchsorted(cumulated, uniform[:, None].contiguous(), right=True)[:, 0]
