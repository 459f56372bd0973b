"""Many independent tasks, on any executor, resumed after an interruption.

Every task has its own seed, spawned from a common one, so results depend neither on the order in
which tasks run nor on how many run at once. If you name a folder, finished tasks are stored there,
and a sweep that was killed resumes with the same results. A stored result is reused only for the
same code, parameters and seed, and only if its checksum is right. Any number of processes may share
a folder.
"""

import hashlib
import io
import itertools
import json
import math
import multiprocessing
import os
import signal
import threading
import zipfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path, PurePath

import numpy as np
from scipy.special import stdtrit
from threadpoolctl import threadpool_limits

from collapse_lib import _checks, _identity, _io

#: The most tasks of a sweep.
MOST_TASKS = 1_000_000
#: The most processes of an executor, far more than a machine has cores.
MOST_WORKERS = 256
_KINDS = {np.ndarray: "an array with an axis", range: "a range of at most 1,000,000 values"}


class SweepError(RuntimeError):
    """Some tasks of a sweep raised an exception; all others are finished.

    Attributes
    ----------
    failures : list of (dict, tuple, BaseException)
        For each failed task: its parameters, the spawn key of its seed, and what it raised.
    """

    def __init__(self, failures, total):
        self.failures = failures
        parameters, key, error = failures[0]
        super().__init__(
            f"{len(failures)} of {total} tasks failed; first {parameters} "
            f"with seed {key}: {type(error).__name__}: {error}"
        )


def grid(**axes):
    """Return all combinations of parameter values; the last parameter varies fastest.

    Parameters
    ----------
    **axes : sequence
        The values of each parameter of the task: a list, a tuple, a range or an array.

    Returns
    -------
    list of dict
        The parameters of each task, as `run` takes them.

    Raises
    ------
    ValueError
        If an axis has another type, or there are more than a million combinations.

    Examples
    --------
    >>> grid(n=(1, 2), s0=(0.1, 0.5))[1]
    {'n': 1, 's0': 0.5}
    """
    number = 1
    for name, values in axes.items():
        if not isinstance(values, list | tuple | range | np.ndarray) or np.ma.isMA(values):
            raise ValueError(
                f"{name} must be a list, a tuple, a range or an array of values, "
                f"got {_checks.shown(values)}"
            )
        try:
            number *= len(values)
        except (TypeError, OverflowError):  # an array without an axis, or a huge range
            raise ValueError(f"{name} must be {_KINDS[type(values)]}, got {values!r}") from None
        if number > MOST_TASKS:
            raise ValueError(f"{name} must leave at most {MOST_TASKS:,} tasks, got {number:,}")
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def run(task, grid, seed, executor=None, out=None, progress=None):
    """Run a task for every set of parameters and return the results.

    Parameters
    ----------
    task : callable
        ``task(rng, **parameters)`` returns a dict of arrays or numbers. It may be a function, a
        method, a `functools.partial` or another callable object. If it runs in other processes
        or on a cluster, it must be importable there.
    grid : sequence of dict
        The parameters of each task. With `out`, only values that can be compared with those of an
        earlier sweep: None, strings, numbers (also NumPy's), `Fraction`, paths, arrays,
        functions, dataclasses, and lists, tuples and dicts of these.
    seed : int
        Task i draws from the i-th generator spawned from this seed, wherever it runs.
    executor : concurrent.futures.Executor, optional
        Where to run, such as `processes` or ``dask.distributed.Client(...).get_executor()``. It
        is left open. By default, tasks run in this process, one after the other.
    out : path, optional
        Folder for the results of finished tasks, which are not run again; created if missing. Its
        files are NumPy archives. Results are recomputed if code in the task's own module has
        changed. If code elsewhere has changed, use another folder.
    progress : callable, optional
        ``progress(done, total)`` is called after each finished task.

    Returns
    -------
    list of dict of ndarray
        In the order of ``grid``.

    Raises
    ------
    ValueError
        If ``grid`` is empty or holds anything but dicts, `seed` is no integer, or `out` is given
        and the task or a parameter is of no type listed above.
    SweepError
        After all other tasks have finished, if some raised an exception, called `sys.exit` or did
        not return a dict of arrays.

    Examples
    --------
    >>> def mean(rng, n):
    ...     return {"mean": rng.random(n).mean()}
    >>> results = run(mean, grid(n=(10, 1000)), seed=1)
    >>> print(f"{results[1]['mean']:.2f}")
    0.51
    """
    _checks.function(task, "task")
    dicts = isinstance(grid, list | tuple) and all(isinstance(each, dict) for each in grid)
    if not dicts or not grid:
        raise ValueError(
            f"grid must hold a dict for each task, at least one, got {_checks.shown(grid)}"
        )
    if executor is not None and not hasattr(executor, "submit"):
        raise ValueError(f"executor must have a method submit, got {_checks.shown(executor)}")
    if progress is not None:
        _checks.function(progress, "progress")
    seed = _checks.integer(seed, "seed", 0, math.inf)
    seeds = np.random.SeedSequence(seed).spawn(len(grid))
    store = _Store(out, task, grid, seed)
    results = {i: store.load(i) for i in range(len(grid))}
    waiting = [i for i, result in results.items() if result is None]
    done, failures = len(grid) - len(waiting), []
    for i, result, error in _outcomes(task, grid, seeds, waiting, executor):
        if error is not None:
            failures.append((grid[i], seeds[i].spawn_key, error))
            continue
        results[i] = store.save(i, result)
        done += 1
        if progress:
            progress(done, len(grid))
    if failures:
        raise SweepError(failures, len(grid))
    return [results[i] for i in range(len(grid))]


def processes(workers, initializer=None, initargs=(), preload=()):
    """Open a pool of processes, for `run` or anything else that takes an executor.

    Each process uses one BLAS thread, since several processes that each use all cores are slower
    than one. It starts with a fresh interpreter and shares no memory with this process. All
    processes end when this one does, however it ends, and at once when an exception leaves the
    ``with`` block. Only this process receives Ctrl-C. A script that calls this must guard its own
    code with ``if __name__ == "__main__":``.

    Parameters
    ----------
    workers : int
        Number of processes, from 1 to `MOST_WORKERS`.
    initializer : callable, optional
        Called first in each process, with `initargs`; for instance, to load compiled code.
    initargs : tuple, optional
    preload : sequence of str, optional
        Modules that are slow to import. Where the system allows it, they are imported once, and
        every process starts with them.

    Returns
    -------
    context manager
        It yields a `concurrent.futures.ProcessPoolExecutor`.

    Raises
    ------
    ValueError
        If an argument has another type, or `workers` is out of range.

    Examples
    --------
    >>> with processes(workers=2) as executor:
    ...     sorted(executor.map(abs, [-2, 1]))
    [1, 2]
    """
    workers = _checks.integer(workers, "workers", 1, MOST_WORKERS)
    if initializer is not None:
        _checks.function(initializer, "initializer")
    if not isinstance(initargs, tuple):
        raise ValueError(f"initargs must be a tuple, got {_checks.shown(initargs)}")
    if not isinstance(preload, list | tuple) or not all(isinstance(name, str) for name in preload):
        raise ValueError(f"preload must be a list of modules' names, got {_checks.shown(preload)}")
    return _processes(workers, initializer, initargs, list(preload))


@contextmanager
def _processes(workers, initializer, initargs, preload):
    # A fork server imports the modules once and forks every process from there.
    quick = preload and "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if quick else "spawn")
    if quick:
        context.set_forkserver_preload(preload)
    end_of_workers, end = context.Pipe(duplex=False)
    start = end_of_workers, initializer, initargs
    with end, ProcessPoolExecutor(workers, context, _begin, start) as pool:
        try:
            yield pool
        except BaseException:
            end.close()  # nobody waits for the results: end the processes now
            raise


def _begin(end, initializer, initargs):
    """Prepare a process of the pool: signals, end with the parent, BLAS threads, initializer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    threading.Thread(target=_end_with_parent, args=(end,), daemon=True).start()
    threadpool_limits(1, "blas")
    if initializer is not None:
        initializer(*initargs)


def _end_with_parent(end):
    """End this process when the other end of the pipe closes, as when the parent dies."""
    try:
        end.recv()
    finally:
        os._exit(1)


def mean_and_margin(values, level=0.95):
    """Return the mean over independent runs, and the half-width of Student's confidence interval.

    Parameters
    ----------
    values : array_like of shape (runs, ...)
        At least two runs, such as one per seed.
    level : float, optional
        The confidence level, between 0 and 1.

    Returns
    -------
    (ndarray or float, ndarray or float)
        Mean and half-width, each with the shape of one run.

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
    values = _checks.numbers(values, "values")
    if values.ndim < 1 or len(values) < 2:
        raise ValueError(f"values must hold at least two runs, got shape {values.shape}")
    level = float(_checks.unit_interval(level, "level"))
    if level in (0, 1):
        raise ValueError(f"level must be between 0 and 1, got {level}")
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return values.mean(axis=0), stdtrit(len(values) - 1, (1 + level) / 2) * error


def _outcomes(task, grid, seeds, waiting, executor):
    """Yield (index, result, None) or (index, None, exception) for each task as it finishes.

    An interrupt ends the sweep; an exception in a task, or its call of `sys.exit`, does not.
    """
    if executor is None:
        for i in waiting:
            try:
                yield i, _call(task, seeds[i], grid[i]), None
            except (Exception, SystemExit) as error:
                yield i, None, error
        return
    futures = {}
    try:
        for i in waiting:
            try:
                futures[executor.submit(_call, task, seeds[i], grid[i])] = i
            except RuntimeError as error:  # the pool is broken or shut down
                yield i, None, error
        for future in as_completed(futures):
            error = future.exception()
            if isinstance(error, KeyboardInterrupt):
                raise error
            yield futures[future], future.result() if error is None else None, error
    finally:
        for future in futures:  # after an interrupt: those that have not begun
            future.cancel()


def _call(task, seed, parameters):
    result = task(np.random.default_rng(seed), **parameters)
    if not isinstance(result, dict) or not all(isinstance(name, str) for name in result):
        raise TypeError(f"a task must return a dict of arrays, got {_checks.shown(result)}")
    # Copied, since the task may write its next result into the same array.
    return {name: _array(value, name) for name, value in result.items()}


def _array(value, name):
    """Return a copy of `value` as an array that can be saved: no objects, no mask."""
    array = None if np.ma.isMA(value) else np.array(value)
    if array is None or array.dtype.hasobject:
        raise TypeError(
            f"a task must return arrays of numbers or strings, got {_checks.shown(value)} "
            f"for {name!r}"
        )
    return array


class _Store:
    """The results of finished tasks: a folder of NumPy archives, or nothing.

    A file ends with the SHA-256 of its name and of all bytes before.
    """

    def __init__(self, folder, task, grid, seed):
        self.folder = None
        if folder is not None:
            if not isinstance(folder, str | PurePath) or not str(folder) or "\0" in str(folder):
                raise ValueError(f"out must be a path, got {_checks.shown(folder)}")
            self.folder = Path(folder)
            if self.folder.exists() and not self.folder.is_dir():
                raise ValueError(f"out must be a folder, got the file {folder}")
            whose = _identity.of(task, "task")
            self.names = [_name(whose, each, seed, i) for i, each in enumerate(grid)]
            self.folder.mkdir(parents=True, exist_ok=True)

    def load(self, i):
        """Return the stored result of task i, or None if it is missing or damaged."""
        if not self.folder:
            return None
        try:
            content = (self.folder / self.names[i]).read_bytes()
        except OSError:
            return None
        archive, checksum = content[:-32], content[-32:]
        if _checksum(self.names[i], archive) != checksum:
            return None
        with zipfile.ZipFile(io.BytesIO(archive)) as entries:
            return {
                name.removesuffix(".npy"): np.lib.format.read_array(io.BytesIO(entries.read(name)))
                for name in entries.namelist()
            }

    def save(self, i, result):
        """Store the result of task i, completely or not at all, and return it."""
        if self.folder:
            archive = _archive(result)
            checksum = _checksum(self.names[i], archive)
            _io.write(self.folder / self.names[i], archive + checksum)
        return result


def _archive(result):
    """Return the bytes of an archive for `numpy.load`, in which any string may be a name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as entries:
        for name, array in result.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, array, allow_pickle=False)
            entries.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getvalue())
    return buffer.getvalue()


def _checksum(name, archive):
    return hashlib.sha256(name.encode() + archive).digest()


def _name(whose, parameters, seed, i):
    """Return a file name that depends on the task, its parameters, the seed and the position i."""
    identity = [whose, _identity.of(parameters, "grid"), seed, i]
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
    return f"{i:06d}-{digest[:32]}.npz"
