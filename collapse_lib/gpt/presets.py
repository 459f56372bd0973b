"""The sizes at which the experiment comes."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from collapse_lib import _checks
from collapse_lib.gpt.model import GPTConfig
from collapse_lib.gpt.train import TrainConfig

# A p^(0) at the size "laptop", trained on tiny Shakespeare: the one of the recorded results.
SHIPPED_TRUTH = Path(__file__).with_name("laptop_truth.safetensors")

MIXTURES = {  # the share of synthetic tokens in what a generation m >= 2 is trained on
    "synthetic": Fraction(1),
    "50/50": Fraction(1, 2),
    "20/80": Fraction(1, 5),
    "real": Fraction(0),
}


def check_mixture(mixture, name="mixture"):
    """Raise a `ValueError` where there is no such mixture."""
    if mixture not in MIXTURES:
        raise ValueError(f"{name} must be among {list(MIXTURES)}, got {mixture!r}")


@dataclass(frozen=True)
class Preset:
    """A size of the whole experiment.

    Parameters
    ----------
    model : GPTConfig
        Of every generation. The vocabulary becomes that of the text.
    training : TrainConfig
        Of every generation.
    streams : int
        Streams of the real corpus, which is drawn from p^(0); a multiple of 4, so that every
        mixture has whole streams.
    length : int
        Tokens of a stream; more than the model's context.
    contexts : int
        Number of contexts that models are compared at.

    Notes
    -----
    The real corpus of N tokens is kept whole, and a mixture adds samples of the last
    generation to it, as in the paper's Section 2.2: ``n = N`` of them for half synthetic and
    ``n = N/4`` for a fifth. Where all is synthetic, ``n = N``.

    Examples
    --------
    >>> [PRESETS["laptop"].synthetic_streams(m) for m in ("synthetic", "50/50", "20/80")]
    [512, 512, 128]
    """

    model: GPTConfig
    training: TrainConfig
    streams: int
    length: int
    contexts: int = 300

    def __post_init__(self):
        for name in ("streams", "length", "contexts"):
            _checks.integer(getattr(self, name), name, 1)
        if self.streams % 4:
            raise ValueError(f"streams must be a multiple of 4, got {self.streams}")
        if self.length <= self.model.context:
            raise ValueError(
                f"length must be above the context of {self.model.context}, got {self.length}"
            )

    def synthetic_streams(self, mixture):
        """Return how many streams of the last generation a mixture trains on."""
        check_mixture(mixture)
        share = MIXTURES[mixture]
        return self.streams if share == 1 else int(self.streams * share / (1 - share))

    def real_streams(self, mixture):
        """Return how many streams of p^(0) it trains on: all, or none."""
        check_mixture(mixture)
        return 0 if MIXTURES[mixture] == 1 else self.streams

    @property
    def measured_streams(self):
        """How many streams the variety of a text is measured on, and a validation loss."""
        return self.streams // 4

    def sampled_streams(self, mixture):
        """Return how many streams are drawn from a generation, to train on and to measure."""
        return max(self.synthetic_streams(mixture), self.measured_streams)


# 0.75 million tokens to train on and 0.5 million to sample in each generation. Small batches
# and a larger learning rate, since there are few steps; no dropout, since hardly any text is
# read twice.
LAPTOP = Preset(
    GPTConfig(vocabulary=65, context=64, width=128, layers=4, heads=4),
    TrainConfig(
        iterations=1464,
        batch=8,
        learning_rate=4e-3,
        warmup=50,
        evaluate_every=122,
        checkpoint_every=122,
    ),
    streams=512,
    length=1024,
)

PRESETS = {
    # Table 1 of the paper; the real corpus is about as long as the text.
    "paper": Preset(
        GPTConfig(vocabulary=65, context=128, width=256, layers=8, heads=4, dropout=0.2),
        TrainConfig(iterations=2000, batch=256, learning_rate=1e-3, validation_tokens=65_536),
        streams=1024,
        length=1024,
    ),
    "laptop": LAPTOP,
    # The same models and steps with a sixteenth of the samples, each read 23 times.
    "scarce": replace(LAPTOP, streams=32),
    # Seconds: for tests and live cells.
    "tiny": Preset(
        GPTConfig(vocabulary=65, context=32, width=64, layers=2, heads=2),
        TrainConfig(
            iterations=300,
            batch=16,
            learning_rate=4e-3,
            warmup=20,
            evaluate_every=30,
            validation_tokens=2048,
        ),
        streams=64,
        length=256,
    ),
}
