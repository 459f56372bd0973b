"""Ready-made sizes of the experiment."""

from dataclasses import dataclass, replace
from pathlib import Path

from collapse_lib import _checks
from collapse_lib.gpt.model import GPTConfig
from collapse_lib.gpt.train import TrainConfig

# A p^(0) at the size "laptop", trained on tiny Shakespeare: the one of the recorded results.
SHIPPED_TRUTH = Path(__file__).with_name("laptop_truth.safetensors")


@dataclass(frozen=True)
class Preset:
    """A size of the whole experiment.

    Parameters
    ----------
    model : GPTConfig
        The model of every generation; the text decides its vocabulary size.
    training : TrainConfig
        How every generation is trained.
    sequences : int
        Number of sequences in the real corpus, N; it is drawn from p^(0).
    length : int
        Tokens in a sequence; more than the model's context.
    contexts : int
        Number of contexts at which models are compared.

    Examples
    --------
    >>> PRESETS["laptop"].sequences, PRESETS["laptop"].measured_sequences
    (512, 128)
    """

    model: GPTConfig
    training: TrainConfig
    sequences: int
    length: int
    contexts: int = 300

    def __post_init__(self):
        for name, kind in (("model", GPTConfig), ("training", TrainConfig)):
            if not isinstance(value := getattr(self, name), kind):
                got = _checks.shown(value)
                raise ValueError(f"{name} must be a {kind.__name__}, got {got}")
        # Below two contexts there is no standard error.
        for name, least in (("sequences", 1), ("length", 1), ("contexts", 2)):
            value = _checks.integer(getattr(self, name), name, least, 1_000_000)
            object.__setattr__(self, name, value)
        if self.length <= self.model.context:
            raise ValueError(
                f"length must be above the context of {self.model.context}, got {self.length}"
            )

    @property
    def measured_sequences(self):
        """How many sequences are used to measure variety and validation loss."""
        return max(1, self.sequences // 4)


# In each generation, 0.75 million tokens to train on and 0.5 million to sample. Small batches
# and a larger learning rate, since there are few steps; no dropout, since hardly any text is
# read twice.
LAPTOP = Preset(
    GPTConfig(vocabulary_size=65, context=64, width=128, layers=4, heads=4),
    TrainConfig(
        iterations=1464,
        batch_size=8,
        learning_rate=4e-3,
        warmup=50,
        evaluate_every=122,
        checkpoint_every=122,
    ),
    sequences=512,
    length=1024,
)

# The same models and steps with a sixteenth of the samples, each read 23 times.
SCARCE = replace(LAPTOP, sequences=32)

#: Widths other than 128, for models that are smaller or larger than p^(0).
WIDTHS = (16, 32, 64, 256)


def _of_width(preset, width):
    return replace(preset, model=replace(preset.model, width=width))


PRESETS = {
    # Table 1 of the paper; the real corpus is about as long as the text.
    "paper": Preset(
        GPTConfig(vocabulary_size=65, context=128, width=256, layers=8, heads=4, dropout=0.2),
        TrainConfig(iterations=2000, batch_size=256, learning_rate=1e-3, validation_tokens=65_536),
        sequences=1024,
        length=1024,
    ),
    "laptop": LAPTOP,
    "scarce": SCARCE,
    **{f"laptop-{width}": _of_width(LAPTOP, width) for width in WIDTHS},
    **{f"scarce-{width}": _of_width(SCARCE, width) for width in WIDTHS},
    # The model of "laptop", trained eight times as long: it writes lines that can be read.
    "readable": replace(
        LAPTOP,
        training=TrainConfig(
            iterations=6000,
            batch_size=16,
            learning_rate=4e-3,
            warmup=100,
            evaluate_every=250,
            checkpoint_every=250,
        ),
        sequences=1024,
    ),
    # Seconds: for tests and live cells.
    "tiny": Preset(
        GPTConfig(vocabulary_size=65, context=32, width=64, layers=2, heads=2),
        TrainConfig(
            iterations=300,
            batch_size=16,
            learning_rate=4e-3,
            warmup=20,
            evaluate_every=30,
            validation_tokens=2048,
        ),
        sequences=64,
        length=256,
    ),
}
