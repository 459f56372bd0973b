"""The experiment of the paper's Section 4: train a language model, sample it, retrain.

========================  =================================================================
`GPTConfig`, `GPT`        a decoder of the GPT-2 type; `Cache`, its keys and values
`TrainConfig`, `train`    train from random weights; `evaluate`, the loss on a corpus
`sample`                  text from a model
`load_model`              a model from its file
`PRESETS`, `Preset`       sizes of the whole experiment; `SHIPPED_TRUTH`, a trained p^(0)
`run_recursion`           the whole experiment, with any schedules and any step
`results`                 its results, read from its folder
========================  =================================================================

The same from the shell: ``python -m collapse_lib.gpt run --help``. All other modules in this
folder (data, checkpoints, measures, the experiment step by step) are internal.
"""

from collapse_lib.gpt.checkpoint import load_model
from collapse_lib.gpt.model import GPT, Cache, GPTConfig
from collapse_lib.gpt.presets import PRESETS, SHIPPED_TRUTH, Preset
from collapse_lib.gpt.run import results, run_recursion
from collapse_lib.gpt.sample import sample
from collapse_lib.gpt.train import TrainConfig, evaluate, train

__all__ = [
    "GPT",
    "PRESETS",
    "SHIPPED_TRUTH",
    "Cache",
    "GPTConfig",
    "Preset",
    "TrainConfig",
    "evaluate",
    "load_model",
    "results",
    "run_recursion",
    "sample",
    "train",
]
