"""Many independent tasks, on any executor, that survive being killed.

Every task has its own seed, spawned from one, so results depend neither on the order in which
tasks run nor on how many run at once. Finished tasks are kept on disk, if a folder is given:
a sweep that was killed takes them up and ends as if it had not been.
"""

import hashlib
import itertools
import json
import os
import zipfile
from concurrent.futures import as_completed
from pathlib import Path

import numpy as np
from scipy.special import stdtrit

from collapse_lib import _checks


class SweepError(RuntimeError):
    """Some tasks of a sweep have raised; all others are finished.

    Attributes
    ----------
    failures : list of (dict, tuple, Exception)
        For each of them its parameters, the spawn key of its seed, and what it raised.
    """

    def __init__(self, failures, total):
        self.failures = failures
        parameters, key, error = failures[0]
        super().__init__(
            f"{len(failures)} of {total} tasks failed; first {parameters} "
            f"with seed {key}: {type(error).__name__}: {error}"
        )


def grid(**axes):
    """Return all combinations of the values given for each parameter, the last one fastest.

    Parameters
    ----------
    **axes : iterable
        The values of each parameter of the task.

    Returns
    -------
    list of dict
        What `run` takes: the parameters of each task.

    Examples
    --------
    >>> grid(n=(1, 2), s0=(0.1, 0.5))[1]
    {'n': 1, 's0': 0.5}
    """
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def run(task, grid, seed, executor=None, out=None, progress=None):
    """Run a task for every set of parameters.

    Parameters
    ----------
    task : callable
        ``task(rng, **parameters)`` returns a dict of arrays or numbers. For an executor of
        processes or of a cluster it must be importable there.
    grid : sequence of dict
        The parameters of each task; what JSON can hold.
    seed : int
        Task i draws from the i-th generator spawned from this seed, whatever runs it.
    executor : concurrent.futures.Executor, optional
        Where to run: a pool of processes, ``dask.distributed.Client(...).get_executor()``, or
        here, one after the other, if there is none. It is left open.
    out : path, optional
        Folder for the results of finished tasks, which are not run again. Made if missing.
    progress : callable, optional
        ``progress(done, total)`` is called whenever a task is finished.

    Returns
    -------
    list of dict of ndarray
        In the order of ``grid``.

    Raises
    ------
    ValueError
        If ``grid`` is empty or holds something else than dicts, or `seed` is no integer.
    SweepError
        After all other tasks are finished, if some raised.

    Examples
    --------
    >>> def mean(rng, n):
    ...     return {"mean": rng.random(n).mean()}
    >>> results = run(mean, grid(n=(10, 1000)), seed=1)
    >>> print(f"{results[1]['mean']:.2f}")
    0.51
    """
    grid = list(grid)
    if not grid or not all(isinstance(parameters, dict) for parameters in grid):
        raise ValueError(f"grid must hold a dict for each task, at least one, got {grid!r}")
    seed = _checks.integer(seed, "seed", 0)
    seeds = np.random.SeedSequence(seed).spawn(len(grid))
    store = _Store(out, task, grid, seed)
    results = {i: store.load(i) for i in range(len(grid))}
    waiting = [i for i, result in results.items() if result is None]
    failures = []
    for i, outcome in _outcomes(task, grid, seeds, waiting, executor):
        if isinstance(outcome, Exception):
            failures.append((grid[i], seeds[i].spawn_key, outcome))
            continue
        results[i] = store.save(i, outcome)
        if progress:
            progress(sum(result is not None for result in results.values()), len(grid))
    if failures:
        raise SweepError(failures, len(grid))
    return [results[i] for i in range(len(grid))]


def mean_and_margin(values, level=0.95):
    """Return the mean over independent runs, and the margin of Student's interval around it.

    Parameters
    ----------
    values : array_like of shape (runs, ...)
        At least two runs, such as one a seed.
    level : float, optional
        The confidence level, between 0 and 1.

    Returns
    -------
    (ndarray or float, ndarray or float)
        Of the shape of a run.

    Raises
    ------
    ValueError
        If there are fewer than two runs, or `level` is out of range.

    Examples
    --------
    >>> mean, margin = mean_and_margin([1.0, 2.0, 3.0])
    >>> print(f"{mean} ± {margin:.2f}")
    2.0 ± 2.48
    """
    values = np.asarray(values, dtype=float)
    if values.ndim < 1 or len(values) < 2:
        raise ValueError(f"values must hold at least two runs, got shape {values.shape}")
    level = _checks.unit_interval(level, "level")
    if level in (0, 1):
        raise ValueError(f"level must be between 0 and 1, got {level}")
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return values.mean(axis=0), stdtrit(len(values) - 1, (1 + level) / 2) * error


def _outcomes(task, grid, seeds, waiting, executor):
    """Yield (index, result or exception) of the waiting tasks, as they finish."""
    if executor is None:
        for i in waiting:
            try:
                yield i, _call(task, seeds[i], grid[i])
            except Exception as error:
                yield i, error
        return
    futures = {executor.submit(_call, task, seeds[i], grid[i]): i for i in waiting}
    try:
        for future in as_completed(futures):
            error = future.exception()
            yield futures[future], future.result() if error is None else error
    finally:
        for future in futures:  # those that have not begun, if we were interrupted
            future.cancel()


def _call(task, seed, parameters):
    result = task(np.random.default_rng(seed), **parameters)
    if not isinstance(result, dict):
        raise TypeError(f"a task must return a dict of arrays, got {result!r}")
    return {name: np.asarray(value) for name, value in result.items()}


class _Store:
    """The results of finished tasks: a folder of NumPy archives, or nothing."""

    def __init__(self, folder, task, grid, seed):
        self.folder = folder if folder is None else Path(folder)
        self.names = [_name(task, parameters, seed, i) for i, parameters in enumerate(grid)]
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)

    def load(self, i):
        """Return what is kept of task i, or None if it is missing or damaged."""
        if not self.folder or not (self.folder / self.names[i]).exists():
            return None
        try:
            with (
                (self.folder / self.names[i]).open("rb") as file,  # np.load would leave it open
                np.load(file, allow_pickle=False) as archive,
            ):
                return {name: archive[name] for name in archive.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None  # checksums are part of the format: run it again

    def save(self, i, result):
        """Write the result where it was not, whole or not at all; return it."""
        if self.folder:
            partial = self.folder / f"{self.names[i]}.partial"
            with partial.open("wb") as file:
                np.savez(file, **result)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.folder / self.names[i])
        return result


def _name(task, parameters, seed, i):
    """Return a file name that another task, seed, place or parameter would change."""
    identity = [task.__module__, task.__qualname__, parameters, seed, i]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return f"{i:06d}-{digest[:16]}.npz"
