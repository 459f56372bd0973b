"""Running the whole experiment, in one process or several, and collecting what came out."""

import hashlib
import json
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from queue import Empty

import torch

from collapse_lib import _checks
from collapse_lib.gpt import checkpoint, data
from collapse_lib.gpt.experiment import Recursion
from collapse_lib.gpt.presets import MIXTURES, PRESETS, check_mixture
from collapse_lib.gpt.progress import Progress

DEVICES = ("cpu", "cuda")
THREE = ("synthetic", "50/50", "20/80")


def run_recursion(
    preset,
    out,
    text=None,
    truth=None,
    mixtures=THREE,
    generations=10,
    seeds=3,
    workers=1,
    device="cpu",
    say=None,
):
    """Train generation after generation; go on where an earlier run in `out` has stopped.

    Parameters
    ----------
    preset : Preset or str
        A preset, or the name of one in `PRESETS`.
    out : str or Path
        The folder that everything is kept in.
    text : str, optional
        What p^(0) is trained on. Needed unless `truth` is given, or stands in `out`.
    truth : str or Path, optional
        The checkpoint of a model to be taken as p^(0), instead of training one.
    mixtures : sequence of str
        Out of "synthetic", "50/50", "20/80" (synthetic/real) and "real". In the last, every
        generation is trained on the same real corpus, so that p^(m) differs from p^(1) by
        chance alone.
    generations : int
        The last generation, at least 1.
    seeds : int
        Number of independent repetitions from the same p^(0): seeds 0, 1, ...
    workers : int
        Number of processes, with one thread each if there are several. They change nothing
        but the time; the number of threads changes the rounding.
    device : str
        "cpu" or "cuda".
    say : callable, optional
        Takes lines about the progress.

    Returns
    -------
    dict
        What ``results.json`` in `out` holds: see `results`.

    Raises
    ------
    ValueError
        If an argument is out of range, `out` cannot be written to or holds another
        experiment, or the text is empty or too short.
    """
    preset = _preset(preset)
    if isinstance(mixtures, str):
        raise ValueError(f"mixtures must be a sequence of names, got {mixtures!r}")
    for mixture in mixtures:
        check_mixture(mixture, "mixtures")
    generations = _checks.integer(generations, "generations", 1)
    seeds = range(_checks.integer(seeds, "seeds", 1))
    workers = _checks.integer(workers, "workers", 1)
    if device not in DEVICES or (device == "cuda" and not torch.cuda.is_available()):
        raise ValueError(f"device must be one of {DEVICES} that PyTorch finds here, got {device!r}")
    run = Recursion(preset, Path(out).absolute(), device)
    _claim(run, text, truth)
    progress = Progress(_planned(run, mixtures, generations, seeds), workers, say or (lambda _: _))
    _take_or_make_truth(replace(run, report=progress), text, truth)
    firsts = [("make_first", seed) for seed in seeds]
    chains = [("make_chain", seed, mixture, generations) for seed in seeds for mixture in mixtures]
    _perform(run, (firsts, chains), min(workers, len(chains)), progress)
    found = results(run.out)
    checkpoint.write_json(run.out / "results.json", found)
    return found


def results(out):
    """Return all that has been measured in a folder.

    Parameters
    ----------
    out : str or Path
        The folder of `run_recursion`.

    Returns
    -------
    dict
        The "settings" and the "versions"; "truth", the measures of p^(0); and "seeds", one
        entry a seed: its number, "first", the measures of p^(1), and for each mixture the
        list of the measures of p^(2), p^(3), ... Pairs are a mean over contexts and its
        standard error.

    Raises
    ------
    ValueError
        If there is no experiment in the folder.
    """
    out = Path(out)
    if not (out / "truth" / "measures.json").exists():
        raise ValueError(f"out must be a folder with a run whose p^(0) is done, got {str(out)!r}")
    settings = checkpoint.read_json(out / "settings.json")
    _, facts = checkpoint.load(out / "truth" / "model.safetensors")
    seeds = []
    for path in sorted(out.glob("seed-*"), key=lambda path: int(path.name[5:])):
        if not (path / "first" / "measures.json").exists():
            continue
        entry = {"seed": int(path.name[5:])}
        entry["first"] = checkpoint.read_json(path / "first" / "measures.json")
        for mixture in MIXTURES:
            measured = sorted((path / mixture.replace("/", "-")).glob("*/measures.json"))
            if measured:
                entry[mixture] = [checkpoint.read_json(file) for file in measured]
        seeds.append(entry)
    return {
        "settings": settings,
        "versions": checkpoint.versions(),
        "characters": facts["characters"],
        "truth": checkpoint.read_json(out / "truth" / "measures.json"),
        "seeds": seeds,
    }


def _preset(preset):
    if isinstance(preset, str):
        if preset not in PRESETS:
            raise ValueError(f"preset must be among {list(PRESETS)}, got {preset!r}")
        return PRESETS[preset]
    return preset


def _claim(run, text, truth):
    """Write the settings into the folder, or make sure that they are those which stand there."""
    path = run.out / "settings.json"
    source = None
    if truth is not None:
        _check_truth(truth, run.preset)
        source = {"truth": hashlib.sha256(Path(truth).read_bytes()).hexdigest()}
    elif text is not None:
        data.split(text, run.preset.model.context)
        source = {"text": hashlib.sha256(text.encode()).hexdigest()}
    settings = json.loads(json.dumps({"preset": asdict(run.preset), "source": source}))
    try:
        if not path.exists():
            if source is None:
                raise ValueError("text must be given, or truth, got neither")
            checkpoint.write_json(path, settings)
    except OSError as error:
        raise ValueError(
            f"out must be a folder that can be written to, got {str(run.out)!r} ({error})"
        ) from None
    standing = checkpoint.read_json(path)
    for key, value in settings.items():
        if standing[key] != value and not (key == "source" and value is None):
            raise ValueError(
                f"out must be new or hold a run with the same {key}, got {str(run.out)!r}"
                f" with {standing[key]}"
            )


def _check_truth(path, preset):
    """Make sure that a file holds a model that can be p^(0)."""
    try:
        _, facts = checkpoint.load_model(path)
    except ValueError as error:
        raise ValueError(f"truth must be the file of a model: {error}") from None
    if "characters" not in facts:
        raise ValueError(f"truth must be a p^(0), which knows its characters, got {str(path)!r}")
    shape = replace(preset.model, vocabulary=len(facts["characters"]))
    if asdict(shape) != facts["model"]:
        raise ValueError(f"truth must have the shape {asdict(shape)}, got {facts['model']}")


def _take_or_make_truth(run, text, truth):
    if run.is_finished(None, None, 0):
        return
    if truth is not None:
        run.take_truth(truth)
    elif text is not None:
        run.make_truth(text)
    else:
        raise ValueError(f"text must be given: p^(0) is not finished in {str(run.out)!r}")


def _planned(run, mixtures, generations, seeds):
    """Return the work that is not done yet, by kind."""
    preset = run.preset
    missing = []
    if not run.is_finished(None, None, 0):
        missing.append(2 * preset.measured_streams)
    for seed in seeds:
        if not run.is_finished(seed, None, 1):
            missing.append(2 * preset.streams)  # the real corpus, and samples of p^(1)
        for mixture in mixtures:
            for m in range(2, generations + 1):
                if not run.is_finished(seed, mixture, m):
                    missing.append(preset.sampled_streams(mixture))
    tokens = sum(missing) * (preset.model.context + preset.length)
    return {"trained": len(missing) * preset.training.iterations, "sampled": tokens}


def _perform(run, stages, workers, progress):
    """Call the methods of `run` that each stage names, in as many processes."""
    if workers == 1:
        for name, *arguments in chain(*stages):
            getattr(replace(run, report=progress), name)(*arguments)
        return
    # Processes that start with the modules loaded, where the system has such.
    quick = "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if quick else "spawn")
    if quick:
        context.set_forkserver_preload([Recursion.__module__])
    queue = context.Queue()
    with ProcessPoolExecutor(workers, context, _start, (queue,)) as pool:
        for tasks in stages:
            waiting = [pool.submit(_work, run.preset, run.out, run.device, *task) for task in tasks]
            while not all(task.done() for task in waiting) or not queue.empty():
                try:
                    progress(*queue.get(timeout=0.1))
                except Empty:
                    continue
            for task in waiting:
                task.result()


def _start(queue):
    """Prepare a worker: one thread, and an end when the process that started it is killed."""
    global _queue
    _queue = queue
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    multiprocessing.parent_process().join()
    os._exit(1)


def _work(preset, out, device, name, *arguments):
    """Perform one task in a worker."""
    run = Recursion(preset, out, device, lambda *what: _queue.put(what))
    getattr(run, name)(*arguments)
