import functools
import math
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import psutil
import pytest
from threadpoolctl import threadpool_info

from collapse_lib import _io, recursion, schedules, sweeps
from tests.support import ROOT

GRID = sweeps.grid(n=(1, 3, 10), replicates=(2, 5))


def collapse(rng, n, replicates):
    times = recursion.collapse_times([0.5, 0.3, 0.2], n, replicates, rng)
    return {"times": times, "mean": times.mean()}


def fussy(rng, n):
    if n % 2:
        raise ArithmeticError(f"{n} is odd")
    return {"half": n / 2}


def counted(rng, folder, n):
    """Leave a mark for every call, and take some time."""
    with open(os.path.join(folder, f"{n}-{time.monotonic_ns()}"), "w"):
        time.sleep(0.1)
    return {"draw": rng.random(n + 1)}


def assert_same(first, second):
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_array_equal(a[name], b[name], strict=True)


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_results_are_those_of_a_serial_run(pool, tmp_path):
    serial = sweeps.run(collapse, GRID, seed=4)
    with pool(2) as executor:
        assert_same(serial, sweeps.run(collapse, GRID, 4, executor, out=tmp_path))
    assert_same(serial, sweeps.run(collapse, GRID, 4, out=tmp_path))
    assert serial[3]["times"].shape == (5,)
    other = sweeps.run(collapse, GRID, seed=5)
    assert any((a["times"] != b["times"]).any() for a, b in zip(serial, other, strict=True))


def test_every_task_has_its_own_seed():
    results = sweeps.run(collapse, [{"n": 50, "replicates": 3}] * 2, seed=1)
    assert (results[0]["times"] != results[1]["times"]).any()


def test_finished_tasks_are_not_run_again(tmp_path):
    marks, out = tmp_path / "marks", tmp_path / "out"
    marks.mkdir()
    grid = sweeps.grid(folder=[str(marks)], n=(1, 2, 3))
    seen = []
    sweeps.run(counted, grid[:2], 0, out=out, progress=lambda *state: seen.append(state))
    assert seen == [(1, 2), (2, 2)]
    sweeps.run(counted, grid, 0, out=out)
    assert len(list(marks.iterdir())) == 3
    sweeps.run(counted, grid, 1, out=out)  # another seed is another sweep
    assert len(list(marks.iterdir())) == 6


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "foreign"])
def test_damaged_files_are_recomputed(damage, tmp_path):
    expected = sweeps.run(collapse, GRID, 4, out=tmp_path)
    file = sorted(tmp_path.glob("*.npz"))[2]
    whole = file.read_bytes()
    middle = len(whole) // 3
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    broken = {"empty": b"", "cut": whole[:-40], "flipped": flipped, "foreign": b"no archive"}
    file.write_bytes(broken[damage])
    assert_same(expected, sweeps.run(collapse, GRID, 4, out=tmp_path))
    assert file.read_bytes() == whole


def test_a_result_takes_its_place_whole(tmp_path):
    """By renaming, not by overwriting the old file: a second name keeps the old bytes."""
    expected = sweeps.run(collapse, GRID, 4, out=tmp_path)
    file = sorted(tmp_path.glob("*.npz"))[1]
    file.write_bytes(b"no archive")
    os.link(file, tmp_path / "old")
    assert_same(expected, sweeps.run(collapse, GRID, 4, out=tmp_path))
    assert (tmp_path / "old").read_bytes() == b"no archive" != file.read_bytes()
    assert not list(tmp_path.glob("*.partial"))


def test_an_unfinished_file_is_no_result(tmp_path):
    expected = sweeps.run(collapse, GRID, 4, out=tmp_path)
    file = sorted(tmp_path.glob("*.npz"))[0]
    file.rename(f"{file}.partial")
    assert_same(expected, sweeps.run(collapse, GRID, 4, out=tmp_path))


@pytest.mark.parametrize("pool", [None, ProcessPoolExecutor])
def test_a_task_that_raises_is_reported_while_the_others_finish(pool, tmp_path):
    grid = sweeps.grid(n=range(5))
    executor = pool and pool(2)
    with pytest.raises(sweeps.SweepError, match="2 of 5 tasks failed") as caught:
        sweeps.run(fussy, grid, 0, executor, out=tmp_path)
    failed = {parameters["n"]: key for parameters, key, _ in caught.value.failures}
    assert failed == {1: (1,), 3: (3,)}
    assert re.search(r"\{'n': [13]\} with seed \([13],\): ArithmeticError: ", str(caught.value))
    assert len(list(tmp_path.glob("*.npz"))) == 3
    if executor:
        executor.shutdown()


def test_killed_at_any_point_it_resumes_to_the_same(tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()
    grid = sweeps.grid(folder=[str(marks)], n=range(24))
    program = (
        "from tests.test_sweeps import counted; from collapse_lib import sweeps;"
        f"sweeps.run(counted, {grid!r}, 3, out={str(tmp_path / 'out')!r})"
    )
    for after in (0.05, 0.25, 0.4):
        running = subprocess.Popen([sys.executable, "-c", program])
        started, begun = len(list(marks.iterdir())), time.monotonic()
        while len(list(marks.iterdir())) == started and time.monotonic() - begun < 60:
            time.sleep(0.01)
        time.sleep(after)
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert 0 < len(list((tmp_path / "out").glob("*.npz"))) < 24
    resumed = sweeps.run(counted, grid, 3, out=tmp_path / "out")
    assert_same(resumed, sweeps.run(counted, grid, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((collapse, [], 0), "grid must hold a dict for each task, at least one, got []"),
        ((collapse, [3], 0), "grid must hold a dict for each task, at least one, got [3]"),
        ((collapse, GRID, -1), "seed must be an integer of at least 0, got -1"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        sweeps.run(*arguments)


def test_a_result_that_is_no_dict_is_refused():
    with pytest.raises(sweeps.SweepError, match="TypeError: a task must return a dict of arrays"):
        sweeps.run(lambda rng, n: n, [{"n": 1}], 0)


def leaves(rng, n):
    if n:
        sys.exit(3)
    return {"n": n}


@pytest.mark.parametrize("pool", [None, ThreadPoolExecutor, ProcessPoolExecutor])
def test_a_task_that_wants_to_exit_has_failed(pool, tmp_path):
    executor = pool and pool(1)
    with pytest.raises(sweeps.SweepError, match=r"1 of 2 tasks failed; .* SystemExit: 3"):
        sweeps.run(leaves, sweeps.grid(n=[0, 1]), 0, executor, out=tmp_path)
    assert len(list(tmp_path.glob("*.npz"))) == 1
    if executor:
        executor.shutdown()


def dies(rng, n):
    os._exit(3)


def test_a_worker_that_dies_fails_the_tasks_that_are_left(tmp_path):
    with (
        ProcessPoolExecutor(1) as executor,
        pytest.raises(sweeps.SweepError, match="BrokenProcessPool"),
    ):
        sweeps.run(dies, sweeps.grid(n=range(50)), 0, executor, out=tmp_path)


def interrupted(rng, n):
    raise KeyboardInterrupt


@pytest.mark.parametrize("pool", [None, ThreadPoolExecutor])
def test_an_interrupt_ends_the_sweep(pool):
    executor = pool and pool(1)
    with pytest.raises(KeyboardInterrupt):
        sweeps.run(interrupted, sweeps.grid(n=range(3)), 0, executor)


def surroundings(_):
    """Return the process, its BLAS threads and what it does on Ctrl-C."""
    threads = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return os.getpid(), threads, signal.getsignal(signal.SIGINT), list(LOADED)


LOADED = []


def load(what):
    LOADED.append(what)


@pytest.mark.parametrize("preload", [(), ["collapse_lib.sweeps"]], ids=["spawned", "forked"])
def test_processes_compute_with_one_thread_and_what_they_have_loaded(preload):
    with sweeps.processes(2, load, ("this",), preload) as executor:
        found = list(executor.map(surroundings, range(4)))
    for process, threads, on_interrupt, loaded in found:
        assert process != os.getpid()
        assert set(threads) == {1}
        assert on_interrupt == signal.SIG_IGN
        assert loaded == ["this"]
    assert LOADED == []


def noisy(rng, n):
    return {"mean": rng.random(n).mean()}


def test_a_sweep_is_the_same_on_processes():
    grid = sweeps.grid(n=range(1, 9))
    with sweeps.processes(2) as executor:
        assert_same(sweeps.run(noisy, grid, 5, executor), sweeps.run(noisy, grid, 5))


def sleeps(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(600)


def begun(path):
    """Return the process that writes its number into a file, once it has."""
    for _ in range(2000):
        if path.exists() and path.read_text():
            return psutil.Process(int(path.read_text()))
        time.sleep(0.05)
    raise TimeoutError(path)


def test_an_exception_ends_processes_at_once(tmp_path):
    with suppress(ZeroDivisionError), sweeps.processes(1) as executor:
        executor.submit(sleeps, tmp_path / "process")
        process = begun(tmp_path / "process")
        raise ZeroDivisionError
    process.wait(30)  # seconds; it would sleep for ten minutes


def test_processes_end_with_the_one_that_has_started_them(tmp_path):
    program = (
        "import sys\nfrom collapse_lib import sweeps\nfrom tests.test_sweeps import sleeps\n"
        "if __name__ == '__main__':\n"
        "    with sweeps.processes(1) as executor: executor.submit(sleeps, sys.argv[1]).result()\n"
    )
    command = [sys.executable, "-c", program, tmp_path / "process"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as parent:
        process = begun(tmp_path / "process")
        parent.kill()
    process.wait(30)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": 0}, "workers must be an integer of at least 1, got 0"),
        ({"workers": 257}, "workers must be an integer of at most 256, got 257"),
        ({"workers": 1, "initializer": 3}, "initializer must be callable, got 3"),
        ({"workers": 1, "initargs": [1]}, r"initargs must be a tuple, got \[1\]"),
        ({"workers": 1, "preload": "os"}, "preload must be a list of modules' names, got 'os'"),
    ],
)
def test_processes_are_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        sweeps.processes(**arguments)


def test_two_processes_may_share_a_folder(tmp_path):
    """Both write every file at once: with one name for what is unfinished, one would fail."""
    program = (
        "from tests.test_sweeps import collapse; from collapse_lib import sweeps\n"
        f"grid = sweeps.grid(n=range(1, 4), replicates=range(1, 40))\n"
        f"sweeps.run(collapse, grid, 3, out={str(tmp_path / 'out')!r})"
    )
    both = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert len(list((tmp_path / "out").iterdir())) == 117


def test_files_under_one_name_do_not_meet(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: _io.write(tmp_path / "one", bytes([i]) * 9999), range(200)))
    assert len(set((tmp_path / "one").read_bytes())) == 1
    assert len(list(tmp_path.iterdir())) == 1


def scaled(factor):
    def task(rng, n):
        return {"value": factor * n}

    return task


@dataclass(frozen=True)
class Power:
    exponent: int

    def __call__(self, rng, n):
        return {"value": n**self.exponent}

    def task(self, rng, n):
        return self(rng, n)


class Plain:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, rng, n):
        return {"value": self.factor * n}


def multiply(rng, n, factor):
    return {"value": factor * n}


SAME_NAME = {
    "lambda": (lambda rng, n: {"value": 2 * n}, lambda rng, n: {"value": 3 * n}),
    "closure": (scaled(2), scaled(3)),
    "partial": (functools.partial(multiply, factor=2), functools.partial(multiply, factor=3)),
    "dataclass": (Power(2), Power(3)),
    "object": (Plain(2), Plain(3)),
    "method": (Power(2).task, Power(3).task),
}


@pytest.mark.parametrize("kind", SAME_NAME)
def test_another_task_has_other_results(kind, tmp_path):
    for task in SAME_NAME[kind]:
        for _ in range(2):
            (result,) = sweeps.run(task, [{"n": 5}], 0, out=tmp_path)
            assert result["value"] == task(None, 5)["value"]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_task_that_was_rewritten_or_calls_what_was_runs_again(tmp_path):
    source = (
        "FACTOR = {}\ndef helper(n): return n * FACTOR\ndef task(rng, n): return {{'v': helper(n)}}"
    )
    found = []
    for factor in (2, 3, 2):
        module = {"__name__": "notebook"}
        exec(source.format(factor), module)
        (result,) = sweeps.run(module["task"], [{"n": 5}], 0, out=tmp_path / "out")
        found.append(int(result["v"]))
    assert found == [10, 15, 10]
    assert len(list((tmp_path / "out").iterdir())) == 2


DIFFERENT = [
    None, True, 1, 1.0, "1", b"1", (1,), [1], {"a": 1}, {"b": 1}, Fraction(1, 3), Path("1"), -0.0,
    0.0, math.nan, np.arange(2), np.arange(2.0), np.arange(3), {1}, multiply, Power,
    schedules.FullySynthetic(3), schedules.FullySynthetic(4), schedules.PartiallySynthetic(3, 1),
]  # fmt: skip


def typed(rng, x):
    return {"x": str(type(x))}


def test_parameters_that_differ_are_told_apart_and_found_again(tmp_path):
    grid = [{"x": x} for x in DIFFERENT]
    for x in grid:
        sweeps.run(typed, [x], 0, out=tmp_path)
    files = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert len(files) == len(DIFFERENT)
    for x in grid:
        sweeps.run(typed, [x], 0, out=tmp_path)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == files


def test_numpy_numbers_are_those_of_python(tmp_path):
    sweeps.run(typed, sweeps.grid(x=np.arange(3)), 0, out=tmp_path)
    sweeps.run(typed, sweeps.grid(x=range(3)), 0, out=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_identities_do_not_depend_on_the_process(tmp_path):
    """Strings are hashed differently in each process, which sets show."""
    program = (
        "from collapse_lib import _identity; from tests.test_sweeps import *;"
        "print(_identity.of([SAME_NAME['closure'], DIFFERENT[:12], {*'abcdef'}, fussy], 'x'))"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "12"
    ]
    assert said[0] == said[1] != ""


def test_every_flipped_bit_is_seen(tmp_path):
    grid = [{"n": 2, "replicates": 2}]
    expected = sweeps.run(collapse, grid, 4, out=tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.choice(8 * len(whole), 400, replace=False):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << (place % 8)
        file.write_bytes(damaged)
        assert_same(expected, sweeps.run(collapse, grid, 4, out=tmp_path))
        assert file.read_bytes() == whole


def test_a_result_under_the_name_of_another_is_none(tmp_path):
    expected = sweeps.run(collapse, GRID, 4, out=tmp_path)
    first, second, *_ = sorted(tmp_path.iterdir())
    second.write_bytes(first.read_bytes())
    assert_same(expected, sweeps.run(collapse, GRID, 4, out=tmp_path))


def test_results_are_archives_that_numpy_reads(tmp_path):
    sweeps.run(lambda rng, n: {"file": n, "a/b": "x"}, [{"n": 3}], 0, out=tmp_path)
    (file,) = tmp_path.iterdir()
    with np.load(file, allow_pickle=False) as archive:
        assert archive["file"] == 3
        assert archive["a/b"] == "x"


BUFFER = np.zeros(2)


def reuses(rng, n):
    BUFFER[:] = n
    return {"buffer": BUFFER}


def test_a_buffer_that_is_reused_is_copied():
    results = sweeps.run(reuses, sweeps.grid(n=[1, 2]), 0)
    assert [result["buffer"].tolist() for result in results] == [[1, 1], [2, 2]]


NOT_KEPT = [None, Fraction(1, 2), [None], np.ma.array([1, 2], mask=[0, 1]), [[1], [1, 2]]]


def gives(rng, number):
    return {"x": NOT_KEPT[number]}


@pytest.mark.parametrize("number", range(len(NOT_KEPT)))
@pytest.mark.parametrize("keep", [True, False])
def test_what_a_file_cannot_hold_is_refused_with_and_without_one(number, keep, tmp_path):
    with pytest.raises(sweeps.SweepError, match=r"must return arrays of numbers|inhomogeneous"):
        sweeps.run(gives, [{"number": number}], 0, out=tmp_path if keep else None)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda out: sweeps.grid(n=5), "n must be a list, a tuple, a range or an array of values"),
        (lambda out: sweeps.grid(n="abc"), "n must be a list, a tuple, a range or an array"),
        (lambda out: sweeps.grid(n=range(10**30)), "n must be a range of at most 1,000,000 values"),
        (lambda out: sweeps.grid(a=range(10**4), b=range(10**4)), "b must leave at most 1,000,000"),
        (lambda out: sweeps.run(3, GRID, 0), "task must be callable, got 3"),
        (lambda out: sweeps.run(fussy, GRID, 0, 3), "executor must have a method submit, got 3"),
        (lambda out: sweeps.run(fussy, GRID, 0, progress=3), "progress must be callable, got 3"),
        (lambda out: sweeps.run(fussy, GRID, 0, out=""), "out must be a path, got ''"),
        (lambda out: sweeps.run(fussy, GRID, 0, out=__file__), "out must be a folder, got the"),
        (
            lambda out: sweeps.run(fussy, [{"n": object()}], 0, out=out),
            "grid must hold only values of known types, got <object object",
        ),
    ],
)
def test_more_bad_input(call, message, tmp_path):
    with pytest.raises(ValueError, match=re.escape(message)):
        call(tmp_path)
