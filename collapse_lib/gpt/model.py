"""A decoder of the GPT-2 type, short enough to be read whole.

The model maps B sequences of at most T tokens to B x T next-token distributions, each of
which sees the tokens before it and no others:

    x = token embedding + position embedding                          (B, T, C)
    x = x + attention(norm(x));  x = x + mlp(norm(x))     per block   (B, T, C)
    logits = norm(x) @ token embedding transposed                     (B, T, V)

V is the vocabulary size, T the context, C the width; attention has H heads of D = C / H. This
is the model of A. Radford et al., "Language models are unsupervised multitask learners"
(2019): normalisation before each part, learned positions, GELU by tanh, an output layer
tied to the token embedding.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from collapse_lib import _checks

#: The largest number that a `GPTConfig` may hold; those of a damaged file are often far larger.
LARGEST = 1_000_000


@dataclass(frozen=True)
class GPTConfig:
    """The shape of a model.

    Parameters
    ----------
    vocabulary_size : int
        Number of tokens, V.
    context : int
        The longest sequence the model sees, T.
    width : int
        Embedding dimension, C; a multiple of `heads`.
    layers : int
        Number of blocks.
    heads : int
        Number of attention heads in each block.
    dropout : float
        Share of activations that are zeroed in training, in [0, 1): of the embedding, of
        the attention weights and of what each part adds, as in GPT-2.

    Examples
    --------
    >>> GPTConfig(vocabulary_size=65, context=128, width=256, layers=8, heads=4, dropout=0.2).heads
    4
    """

    vocabulary_size: int
    context: int
    width: int
    layers: int
    heads: int
    dropout: float = 0.0

    def __post_init__(self):
        for name in ("vocabulary_size", "context", "width", "layers", "heads"):
            size = _checks.integer(getattr(self, name), name, 1, LARGEST)
            object.__setattr__(self, name, size)
        if self.width % self.heads:
            raise ValueError(
                f"width must be a multiple of heads, got width {self.width}, heads {self.heads}"
            )
        object.__setattr__(self, "dropout", float(_checks.unit_interval(self.dropout, "dropout")))
        if self.dropout == 1:
            raise ValueError("dropout must be below 1, got 1")


class Cache:
    """The keys and values of the tokens already read, so that none is computed twice.

    Attributes
    ----------
    keys : Tensor of shape (layers, B, H, T, D)
    values : Tensor of shape (layers, B, H, T, D)
    length : int
        How many tokens have been read; the positions after them hold nothing.
    """

    def __init__(self, config, batch, device=None):
        depth = config.width // config.heads
        shape = config.layers, batch, config.heads, config.context, depth
        self.keys = torch.zeros(shape, device=device)
        self.values = torch.zeros(shape, device=device)
        self.length = 0

    def append(self, layer, keys, values):
        """Store keys and values of new tokens at `layer`; return all of that layer, old and new."""
        end = self.length + keys.shape[2]
        self.keys[layer, :, :, self.length : end] = keys
        self.values[layer, :, :, self.length : end] = values
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]


class Attention(nn.Module):
    """Give each token a weighted mean of the values of the tokens up to itself."""

    def __init__(self, config, layer):
        super().__init__()
        self.heads, self.layer, self.dropout = config.heads, layer, config.dropout
        self.queries_keys_values = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)

    def forward(self, x, cache=None):
        B, T, C = x.shape
        parts = self.queries_keys_values(x).view(B, T, 3, self.heads, C // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)  # each (B, H, T, D)
        if cache is not None:
            k, v = cache.append(self.layer, k, v)
        # A single new token sees everything before it, so nothing has to be masked.
        y = F.scaled_dot_product_attention(
            q, k, v, is_causal=T > 1, dropout_p=self.dropout if self.training else 0.0
        )
        return self.out(y.transpose(1, 2).reshape(B, T, C))


class Block(nn.Module):
    """Attention, then a two-layer network on each token; both add to what comes in."""

    def __init__(self, config, layer):
        super().__init__()
        self.norm_1 = nn.LayerNorm(config.width)
        self.attention = Attention(config, layer)
        self.norm_2 = nn.LayerNorm(config.width)
        self.mlp = nn.Sequential(
            nn.Linear(config.width, 4 * config.width),
            nn.GELU(approximate="tanh"),
            nn.Linear(4 * config.width, config.width),
        )
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x, cache=None):
        x = x + self.drop(self.attention(self.norm_1(x), cache))
        return x + self.drop(self.mlp(self.norm_2(x)))


class GPT(nn.Module):
    """The language model, with random initial weights as in GPT-2.

    Parameters
    ----------
    config : GPTConfig
    generator : torch.Generator, optional
        Draws the weights; by default PyTorch's global generator.

    Examples
    --------
    >>> model = GPT(GPTConfig(vocabulary_size=5, context=8, width=16, layers=2, heads=2))
    >>> model(torch.tensor([[3, 1, 4]])).shape
    torch.Size([1, 3, 5])
    """

    def __init__(self, config, generator=None):
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocabulary_size, config.width)
        self.positions = nn.Embedding(config.context, config.width)
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self._draw_weights(generator)

    def forward(self, tokens, cache=None):
        """Return the logits of the next token at each place, shape (B, T, V).

        Parameters
        ----------
        tokens : Tensor of int, shape (B, T)
        cache : Cache, optional
            Holds the tokens before `tokens`. An empty cache takes any number of tokens; after
            that, they come one at a time.
        """
        return F.linear(self.hidden(tokens, cache), self.tokens.weight)

    def hidden(self, tokens, cache=None):
        """Return the input of the output layer, shape (B, T, C)."""
        start = cache.length if cache is not None else 0
        T = tokens.shape[1]
        if start + T > self.config.context or (start and T > 1):
            raise ValueError(
                f"tokens must fit the context of {self.config.context}, one at a time once"
                f" the cache is written to, got {T} after {start}"
            )
        x = self.drop(self.tokens(tokens) + self.positions.weight[start : start + T])
        for block in self.blocks:
            x = block(x, cache)
        if cache is not None:
            cache.length = start + T
        return self.norm(x)

    @staticmethod
    def shapes(config):
        """Return the shape of every weight of a model of this `GPTConfig`, by name.

        Computed without building the model: for a damaged config, that could take all memory.
        """
        C, shapes = config.width, {}
        for name, size in (("tokens", config.vocabulary_size), ("positions", config.context)):
            shapes[f"{name}.weight"] = (size, C)
        linear = {
            "attention.queries_keys_values": (3 * C, C),
            "attention.out": (C, C),
            "mlp.0": (4 * C, C),
            "mlp.2": (C, 4 * C),
        }
        for layer in range(config.layers):
            for name, shape in linear.items():
                shapes[f"blocks.{layer}.{name}.weight"] = shape
                shapes[f"blocks.{layer}.{name}.bias"] = shape[:1]
            for name in ("norm_1", "norm_2"):
                for kind in ("weight", "bias"):
                    shapes[f"blocks.{layer}.{name}.{kind}"] = (C,)
        return shapes | {"norm.weight": (C,), "norm.bias": (C,)}

    def parameter_count(self):
        """Return the number of weights."""
        return sum(weights.numel() for weights in self.parameters())

    def _draw_weights(self, generator):
        """Draw weights from N(0, 0.02^2), smaller where a block adds to its input; zero biases."""
        residual = 0.02 / (2 * self.config.layers) ** 0.5
        for name, weights in self.named_parameters():
            if weights.ndim == 2:
                adds = name.endswith(("attention.out.weight", "mlp.2.weight"))
                nn.init.normal_(weights, std=residual if adds else 0.02, generator=generator)
            elif name.endswith("bias"):
                nn.init.zeros_(weights)
