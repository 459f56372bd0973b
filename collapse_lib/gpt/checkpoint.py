"""Write files so that each is complete or absent, even if the process is killed.

A checkpoint is one safetensors file: named tensors, and in its header their metadata as JSON
(config, seed, versions, checksum of the corpus). It loads without running code, and weights
and metadata cannot be separated.
"""

import hashlib
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
from collapse_lib import _io
from collapse_lib.gpt.model import GPT, GPTConfig


def write_json(path, content):
    """Write `content` as JSON, without a checksum (`keep` adds one)."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    _io.write(path, (text + "\n").encode())


def read_json(path):
    """Return the content of a JSON file, or raise a `ValueError` that names it."""
    try:
        return json.loads(Path(path).read_text("utf8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"path must name a JSON file, got {str(path)!r} ({error})") from None


def keep(path, content):
    """Write a dict as JSON with its checksum, so that damage does not go unnoticed."""
    write_json(path, content | {"checksum": _checksum_of_json(content)})


def kept(path):
    """Return the dict in a file written by `keep`."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise ValueError(f"path must name a JSON object, got {str(path)!r} with {content!r}")
    checksum = content.pop("checksum", None)
    if checksum != _checksum_of_json(content):
        raise ValueError(f"path must name an undamaged file, got {str(path)!r}: wrong checksum")
    return content


def _checksum_of_json(content):
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def checksum(tensors):
    """Return the SHA-256 of named tensors, in hexadecimal."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def save(path, tensors, metadata):
    """Write named tensors and their metadata as one file."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    described = {"about": metadata, "tensors": checksum(tensors)}
    described |= {"checksum": _checksum_of_json(described)}
    # A single entry: safetensors writes several in an order that changes from run to run.
    _io.write(path, to_bytes(tensors, metadata={"metadata": json.dumps(described)}))


def load(path, with_tensors=True):
    """Return the tensors and the metadata in a file written by `save`."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"path must name a checkpoint, got {str(path)!r}, which does not exist")
    try:
        with safe_open(path, "pt") as file:
            names = file.keys() if with_tensors else ()
            tensors = {name: file.get_tensor(name) for name in names}
            described = json.loads((file.metadata() or {})["metadata"])
            content = {name: described[name] for name in ("about", "tensors")}
            damaged = described["checksum"] != _checksum_of_json(content)
    except (SafetensorError, KeyError, TypeError, OSError, ValueError) as error:
        raise ValueError(f"path must name a checkpoint, got {str(path)!r} ({error})") from None
    if damaged or (with_tensors and content["tensors"] != checksum(tensors)):
        raise ValueError(f"path must name an undamaged file, got {str(path)!r}: wrong checksum")
    return tensors, content["about"]


def load_metadata(path):
    """Return the metadata in a file written by `save`."""
    return load(path, with_tensors=False)[1]


def save_model(path, model, metadata):
    """Write a finished model: its weights, its config and other `metadata`."""
    metadata = {"model": asdict(model.config)} | metadata
    save(path, {f"weights.{name}": w for name, w in model.state_dict().items()}, metadata)


def load_model(path, device="cpu"):
    """Return the model of a checkpoint, finished or not, and its metadata.

    Parameters
    ----------
    path : str or Path
        A file that `run_recursion` or `train` has written, or `SHIPPED_TRUTH`.
    device : str, optional
        "cpu", "cuda" or "mps".

    Returns
    -------
    model : GPT
        In evaluation mode.
    metadata : dict
        "model", its `GPTConfig` as a dict, and how it was made. For a p^(0), also "characters",
        its vocabulary, and "words", those of the text it was trained on (not for
        `SHIPPED_TRUTH`).

    Raises
    ------
    ValueError
        If `path` is no checkpoint, or its weights do not fit its `GPTConfig` or are not finite.

    Examples
    --------
    >>> from collapse_lib.gpt import SHIPPED_TRUTH
    >>> model, metadata = load_model(SHIPPED_TRUTH)
    >>> model.config.context, len(metadata["characters"])
    (64, 65)
    """
    tensors, metadata = load(path)
    weights = named(tensors, "weights.")
    try:
        config = GPTConfig(**metadata["model"])
        if len(weights) != 4 + 12 * config.layers:  # before listing millions of names
            raise ValueError(f"{len(weights)} weights do not make {config.layers} layers")
        check_weights(weights, GPT.shapes(config))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"path must name a model, got {str(path)!r} ({error!r})") from None
    with torch.device("meta"):  # draws no weights
        model = GPT(config)
    model.load_state_dict(weights, assign=True)
    return model.eval().to(device), metadata


def check_weights(tensors, shapes):
    """Raise a `ValueError` unless `tensors` have these names and shapes and are finite."""
    if {name: tuple(tensor.shape) for name, tensor in tensors.items()} != shapes:
        wrong = sorted(
            name
            for name in tensors.keys() | shapes.keys()
            if name not in tensors or tuple(tensors[name].shape) != shapes.get(name)
        )
        raise ValueError(
            f"weights must have the names and shapes of the model, got a different {wrong[0]}"
        )
    for name, tensor in tensors.items():
        if tensor.dtype != torch.float32 or not tensor.isfinite().all():
            raise ValueError(f"weights must be finite numbers of 32 bits, got others in {name}")


def named(tensors, prefix):
    """Return the tensors whose names begin with `prefix`, without it."""
    return {n.removeprefix(prefix): tensors[n] for n in tensors if n.startswith(prefix)}


def versions():
    """Return the versions of what computes, and the machine in general terms."""
    return {
        "collapse_lib": collapse_lib.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        # Sums are rounded differently where a processor has other instructions.
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} used"
        f"{', ' + torch.cuda.get_device_name() if torch.cuda.is_available() else ''}",
    }
