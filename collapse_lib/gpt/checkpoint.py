"""Files that are whole or absent, whenever the process that writes them is killed.

A checkpoint is one safetensors file: named tensors, and in its header the facts about
them as JSON (config, seed, versions, checksum of the corpus). It loads without running
code, and weights and facts cannot get apart. A copy of the facts for readers may stand
beside it.
"""

import json
import os
import platform
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes

import collapse_lib
from collapse_lib.gpt.model import GPT, GPTConfig


def write(path, content):
    """Write bytes to a new file beside `path`, then move it there in one step."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with open(part, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def write_json(path, facts, indent=1):
    """Write `facts` as JSON."""
    write(path, (json.dumps(facts, indent=indent, ensure_ascii=False) + "\n").encode())


def read_json(path):
    """Return the facts of a JSON file."""
    return json.loads(Path(path).read_text("utf8"))


def save(path, tensors, facts):
    """Write named tensors and the facts about them as one file."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write(path, to_bytes(tensors, metadata={"facts": json.dumps(facts)}))


def load(path):
    """Return the tensors and the facts of a file that `save` has written."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"path must name a checkpoint, got {str(path)!r}, which does not exist")
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, json.loads((file.metadata() or {})["facts"])
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"path must name a checkpoint, got {str(path)!r} ({error})") from None


def save_model(path, model, facts):
    """Write a finished model: its weights, its config and the `facts` about it."""
    facts = {"model": asdict(model.config)} | facts
    save(path, {f"weights.{name}": w for name, w in model.state_dict().items()}, facts)


def load_model(path, device="cpu"):
    """Return the model of a checkpoint, finished or not, and the facts about it.

    Parameters
    ----------
    path : str or Path
        A file that `run_recursion` or `train` has written, or `SHIPPED_TRUTH`.
    device : str, optional
        "cpu" or "cuda".

    Returns
    -------
    model : GPT
        In evaluation mode.
    facts : dict
        What its file says of it: "model", its `GPTConfig` as a dict, and what made it. Of a
        p^(0) also "characters", its vocabulary.

    Raises
    ------
    ValueError
        If `path` is no checkpoint.

    Examples
    --------
    >>> from collapse_lib.gpt import SHIPPED_TRUTH
    >>> model, facts = load_model(SHIPPED_TRUTH)
    >>> model.config.context, len(facts["characters"])
    (64, 65)
    """
    tensors, facts = load(path)
    with torch.device("meta"):  # so that no weights are drawn
        model = GPT(GPTConfig(**facts["model"]))
    model.load_state_dict(named(tensors, "weights."), assign=True)
    return model.eval().to(device), facts


def named(tensors, prefix):
    """Return the tensors whose names begin with `prefix`, without it."""
    return {n.removeprefix(prefix): tensors[n] for n in tensors if n.startswith(prefix)}


def versions():
    """Return what computed a result: versions, and the machine in general terms."""
    return {
        "collapse_lib": collapse_lib.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} used"
        f"{', ' + torch.cuda.get_device_name() if torch.cuda.is_available() else ''}",
    }
