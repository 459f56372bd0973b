"""The experiment of the paper's Section 4: train a language model, sample it, retrain.

====================  =====================================================================
`model`               `GPTConfig`, `GPT`: a decoder of the GPT-2 type
`data`                characters, corpora, batches
`checkpoint`          files that are whole or absent
`train`               `TrainConfig`, `train`: from random weights, resumable
`sample`              `sample`: text from a model, with a cache
`measures`            distances between models, variety of texts
`presets`             `PRESETS`: "paper", "laptop", "scarce", "tiny"; `SHIPPED_TRUTH`, a p^(0)
`experiment`          the recursion, one generation at a time
`run`                 `run_recursion`: all of it; `results`: what came out
====================  =====================================================================

The same from the shell: ``python -m collapse_lib.gpt run --help``.
"""

from collapse_lib.gpt.checkpoint import load_model
from collapse_lib.gpt.model import GPT, Cache, GPTConfig
from collapse_lib.gpt.presets import MIXTURES, PRESETS, SHIPPED_TRUTH, Preset
from collapse_lib.gpt.run import results, run_recursion
from collapse_lib.gpt.sample import sample
from collapse_lib.gpt.train import TrainConfig, evaluate, train

__all__ = [
    "GPT",
    "MIXTURES",
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
