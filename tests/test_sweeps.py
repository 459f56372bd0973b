import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from collapse_lib import recursion, sweeps

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
    """By renaming, not by writing into what stands there: a second name keeps the old bytes."""
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
