"""Run the whole experiment, in one process or several, and collect its results."""

import hashlib
import json
import multiprocessing
import os
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from queue import Empty

import torch
from filelock import FileLock, Timeout

from collapse_lib import _checks, schedules, steps, sweeps
from collapse_lib.gpt import checkpoint, data, experiment
from collapse_lib.gpt.experiment import Chain
from collapse_lib.gpt.learner import Folder
from collapse_lib.gpt.names import parse_schedule
from collapse_lib.gpt.presets import PRESETS
from collapse_lib.gpt.progress import Progress

DEVICES = ("cpu", "cuda", "mps")
THREE = ("synthetic", "real-kept:50/50", "real-kept:20/80")
#: Limits on arguments, far above what a machine can do.
MOST_GENERATIONS, MOST_SEEDS, MOST_THREADS = 1000, 1000, 256
MOST_WORKERS = sweeps.MOST_WORKERS


def run_recursion(
    preset,
    out,
    text=None,
    truth=None,
    schedules=THREE,
    generations=10,
    seeds=3,
    workers=1,
    device="cpu",
    threads=1,
    step=None,
    log=None,
):
    """Train generation after generation; resume where an earlier run in `out` stopped.

    Parameters
    ----------
    preset : Preset or str
        A preset, or the name of one in `PRESETS`.
    out : str or Path
        The folder to keep everything in.
    text : str, optional
        The text to train p^(0) on. Needed unless `truth` is given or `out` has a p^(0).
    truth : str or Path, optional
        A checkpoint to use as p^(0) instead of training one.
    schedules : sequence
        Names, such as "synthetic", "real-kept:20/80" (20 percent synthetic, 80 percent real),
        "real-fresh:50/50", "recent:3", "recent-kept:3", "accumulating", "random", "random-kept"
        and "real"; or schedules, which count sequences. In "real", every generation is trained
        on the same real corpus, so that p^(m) differs from p^(1) by chance alone.
    generations : int
        The last generation, at least 1.
    seeds : int
        Number of independent repetitions from the same p^(0): seeds 0, 1, ...
    workers : int
        Number of processes. It affects nothing but the time.
    device : str
        "cpu", "cuda" or "mps".
    threads : int
        Threads per process. Their number affects rounding, so a run cannot change it.
    step : step or tuple of steps, optional
        What is done to the predictions of p^(1), p^(2), ... before they are sampled, see
        `collapse_lib.steps`. The real corpus is drawn from p^(0) as it is.
    log : callable, optional
        Called with lines about the progress.

    Returns
    -------
    dict
        What ``results.json`` in `out` holds: see `results`.

    Raises
    ------
    ValueError
        If an argument is out of range, `out` cannot be written to, holds another
        experiment or is in use by another process, or the text is empty or too short.
    """
    preset = _preset(preset)
    named = _named(schedules, preset)
    steps.check(step)
    generations = _checks.integer(generations, "generations", 1, MOST_GENERATIONS)
    seeds = range(_checks.integer(seeds, "seeds", 1, MOST_SEEDS))
    workers = _checks.integer(workers, "workers", 1, MOST_WORKERS)
    threads = _checks.integer(threads, "threads", 1, MOST_THREADS)
    _check_device(device)
    folder = Folder(preset, _out(out), device)
    chains = [Chain.of(seed, pair, step) for seed in seeds for pair in named]
    with _threads(threads):
        _claim(folder, text, truth, threads)
        with _alone(folder.out):
            planned = _iterations(folder, chains, generations, taken=truth is not None)
            progress = Progress(planned, log or (lambda line: None))
            _take_or_make_truth(replace(folder, log=progress), text, truth)
            firsts = {(chain.seed, chain.size_of_first()): chain for chain in chains}
            tasks = (
                [(experiment.make_first, chain) for chain in firsts.values()],
                [(experiment.make_chain, chain, generations) for chain in chains],
            )
            _perform(folder, tasks, min(workers, len(chains)), threads, progress)
            found = results(folder.out)
            checkpoint.write_json(folder.out / "results.json", found)
    return found


def results(out):
    """Return everything that a run has measured.

    Parameters
    ----------
    out : str or Path
        The folder of `run_recursion`.

    Returns
    -------
    dict
        The "settings"; the "versions" that were used, more than one if they changed during the
        run; "characters", the vocabulary; "truth", the measures of p^(0); and "seeds", with an
        entry for each seed: its number, "first" (the measures of p^(1)) and, for each schedule
        and step, under their names, the measures of p^(2), p^(3), ... Where there are steps, it
        also has "processed": entropy and "tokens" of p^(0) and p^(1) after each step, where
        "tokens" says in how many contexts 0, 1, 2, ... tokens are left. Pairs are a mean over
        contexts and its standard error. If p^(0) has a list of the words of its text, these are
        the "known" ones. If schedules need real corpora of several sizes,
        "first" is the p^(1) of the preset's size N; the lists of the other schedules begin with
        their own.

    Raises
    ------
    ValueError
        If there is no experiment in the folder.
    """
    out = Path(out)
    if not (out / "truth" / "measures.json").exists():
        raise ValueError(f"out must be a folder with a run whose p^(0) is done, got {str(out)!r}")
    settings = checkpoint.kept(out / "settings.json")
    metadata = checkpoint.load_metadata(out / "truth" / "model.safetensors")
    usual = settings["preset"]["sequences"]
    seeds, made = [], []
    for path in sorted(out.glob("seed-*"), key=lambda path: int(path.name[5:])):
        first = path / f"first-{usual}"
        entry = {"seed": int(path.name[5:])}
        for measured in _measured([first]):
            entry["first"] = measured
        for chain in sorted(path.glob("*/chain.json")):
            described = checkpoint.kept(chain)
            own = [] if described["first"] == usual else [path / f"first-{described['first']}"]
            numbered = sorted(chain.parent.glob("[0-9]*"), key=lambda folder: int(folder.name))
            if measured := _measured([*own, *numbered]):
                entry[described["name"]] = measured
            if measured and "processed" in described:
                found = entry.setdefault("processed", {})
                found[described["name"]] = described["processed"]
        if len(entry) > 1:
            seeds.append(entry)
        made += sorted(path.glob("*/**/model.safetensors"))
    return {
        "settings": settings,
        "versions": _versions(made),
        "characters": metadata["characters"],
        "truth": checkpoint.kept(out / "truth" / "measures.json"),
        "seeds": seeds,
    }


def _measured(folders):
    """Return the measures of the generations that are finished."""
    paths = (folder / "measures.json" for folder in folders)
    return [checkpoint.kept(path) for path in paths if path.exists()]


def _versions(paths):
    """Return the distinct versions that computed these models, in the order of paths."""
    found = []
    for path in paths:
        versions = checkpoint.load_metadata(path)["versions"]
        if versions not in found:
            found.append(versions)
    return found or [checkpoint.versions()]


def _preset(preset):
    if isinstance(preset, str):
        if preset not in PRESETS:
            raise ValueError(f"preset must be among {list(PRESETS)}, got {preset!r}")
        return PRESETS[preset]
    return preset


def _named(wanted, preset):
    """Return distinct pairs of a name and a schedule."""
    if isinstance(wanted, str) or not isinstance(wanted, list | tuple):
        raise ValueError(f"schedules must be a sequence of names or schedules, got {wanted!r}")
    if not wanted:
        raise ValueError("schedules must be at least one, got none")
    named = {}
    for one in wanted:
        schedule = parse_schedule(one, preset.sequences) if isinstance(one, str) else one
        schedules.check(schedule)
        named[one if isinstance(one, str) else repr(one)] = schedule
    return list(named.items())


def _check_device(device):
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.mps.is_available()}
    if not there.get(device if isinstance(device, str) else None):
        raise ValueError(f"device must be one of {DEVICES} that PyTorch finds here, got {device!r}")


def _out(out):
    if not os.fspath(out):
        raise ValueError(f"out must name a folder, got {out!r}")
    return Path(out).absolute()


@contextmanager
def _threads(number):
    """Compute with this number of threads within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _claim(folder, text, truth, threads):
    """Write the settings into the folder, or check that they are the ones already there."""
    path = folder.out / "settings.json"
    source = None
    if truth is not None:
        _check_truth(truth, folder.preset)
        source = {"truth": checksum_of_weights(truth)}
    elif text is not None:
        data.split(text, folder.preset.model.context)
        source = {"text": hashlib.sha256(text.encode("utf8", "surrogatepass")).hexdigest()}
    settings = {"preset": asdict(folder.preset), "source": source}
    settings |= {"device": folder.device, "threads": threads}
    settings = json.loads(json.dumps(settings))
    try:
        if not path.exists():
            if source is None:
                raise ValueError("text must be given, or truth, got neither")
            checkpoint.keep(path, settings)
    except OSError as error:
        raise ValueError(
            f"out must be a folder that can be written to, got {str(folder.out)!r} ({error})"
        ) from None
    standing = checkpoint.kept(path)
    for key, value in settings.items():
        if standing.get(key) != value and not (key == "source" and value is None):
            raise ValueError(
                f"out must be new or hold a run with the same {key}, got {str(folder.out)!r}"
                f" with {standing.get(key)} instead of {value}"
            )


@contextmanager
def _alone(out):
    """Refuse a folder that another process is working in; when that one ends, it is free again."""
    try:
        lock = FileLock(out / "lock").acquire(timeout=0)
    except Timeout:
        raise ValueError(f"out must not be in use by another process, got {str(out)!r}") from None
    with lock:
        yield


def _check_truth(path, preset):
    """Check that a file holds a model that can be p^(0)."""
    try:
        model, metadata = checkpoint.load_model(path)
    except ValueError as error:
        raise ValueError(f"truth must be the file of a model: {error}") from None
    lacks = [name for name in ("characters", "curve") if name not in metadata]
    if lacks:
        raise ValueError(f"truth must be a p^(0), with its {lacks[0]}, got {str(path)!r} without")
    tokenizer = data.Tokenizer(metadata["characters"])
    shape = preset.model.context, len(tokenizer)
    if (model.config.context, model.config.vocabulary_size) != shape:
        raise ValueError(
            f"truth must have the context and the vocabulary size {shape}, got"
            f" {(model.config.context, model.config.vocabulary_size)}"
        )


def checksum_of_weights(path):
    """Return the SHA-256 of the weights of a model and of its vocabulary."""
    tensors, metadata = checkpoint.load(path)
    found = hashlib.sha256(metadata["characters"].encode("utf8", "surrogatepass"))
    for name in sorted(checkpoint.named(tensors, "weights.")):
        found.update(name.encode() + tensors[f"weights.{name}"].numpy().tobytes())
    return found.hexdigest()


def _take_or_make_truth(folder, text, truth):
    if folder.is_finished(folder.truth):
        return
    if truth is not None:
        experiment.take_truth(folder, truth)
    elif text is not None:
        experiment.make_truth(folder, text)
    else:
        raise ValueError(f"text must be given: p^(0) is not finished in {str(folder.out)!r}")


def _iterations(folder, chains, generations, taken):
    """Return the number of training steps still to do; a p^(0) that is taken needs none."""
    firsts = {
        (chain.seed, chain.size_of_first())
        for chain in chains
        if experiment.first_is_missing(folder, chain)
    }
    models = len(firsts) + sum(experiment.missing(folder, chain, generations) for chain in chains)
    models += not (taken or (folder.truth.folder / "model.safetensors").exists())
    return models * folder.preset.training.iterations


def _perform(folder, stages, workers, threads, progress):
    """Perform the tasks of each stage, spread over processes."""
    if workers == 1:
        for tasks in stages:
            for function, *arguments in tasks:
                function(replace(folder, log=progress), *arguments)
        return
    queue = multiprocessing.get_context("spawn").Queue()
    with sweeps.processes(workers, _start, (queue, threads), [experiment.__name__]) as pool:
        for tasks in stages:
            waiting = [pool.submit(_work, folder, *task) for task in tasks]
            while not all(task.done() for task in waiting) or not queue.empty():
                try:
                    progress(*queue.get(timeout=0.1))
                except Empty:
                    continue
            for task in waiting:
                task.result()


def _start(queue, threads):
    """Set up a worker: where it reports, and how many threads it has."""
    global _queue
    _queue = queue
    torch.set_num_threads(threads)


def _work(folder, function, *arguments):
    """Perform one task in a worker."""
    function(replace(folder, log=_report), *arguments)


def _report(*what):
    _queue.put(what)
