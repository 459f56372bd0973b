"""What the exact results for a million contexts cost: time and memory against size, and a cluster.

Tasks of 1000 contexts each, from a thousand contexts to a million, on two processes; then what
Dask takes to hand out a task over TCP. ``python -m tests.benchmarks.contexts FILE`` records the
whole for the book; without a file a tenth of it is enough.
"""

import argparse
import json
import os
import platform
import resource
import sys
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import scipy

from collapse_lib import contexts, sweeps

CONTEXTS, TASKS, SEED, WORKERS = 1_000_000, 1000, 1, 2
WORLD = {
    "step": [TASKS],
    "contexts": [CONTEXTS],
    "largest": [1000],
    "tokens": [50_000],
    "generations": [100],
}
EMPTY_TASKS = 1000


def measured(rng, **parameters):
    """Return what `zipf_task` does, with its processor time and the memory of its process."""
    start = process_time()
    found = contexts.zipf_task(rng, **parameters)
    seconds = process_time() - start
    return found | {"seconds": seconds, "process": os.getpid(), "memory": peak_memory()}


def peak_memory():
    """Return the most memory that this process has held so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def empty(rng, number):
    return {"number": number}


def sweep(tasks):
    """Return what the first tasks take and find, on fresh processes."""
    grid = sweeps.grid(first=range(1, tasks + 1), **WORLD)
    start = perf_counter()
    # Compiled code is loaded before the first task, or a thousand contexts would seem slow.
    with sweeps.processes(WORKERS, contexts.collapse, ([[1, 1]], 1)) as pool:
        found = sweeps.run(measured, grid, SEED, pool)
        wall = perf_counter() - start
    memory = {}
    for task in found:
        process = int(task["process"])
        memory[process] = max(memory.get(process, 0), int(task["memory"]))
    return {
        "contexts": int(sum(task["contexts"] for task in found)),
        "wall_seconds": round(wall, 2),
        "task_seconds": [round(float(task["seconds"]), 4) for task in found],
        "memory_mib": round((sum(memory.values()) + peak_memory()) / 2**20),
        "expected": np.sum([task["expected"] for task in found], axis=0).tolist(),
        "log_all": [
            None if np.isinf(value) else value
            for value in np.sum([task["log_all"] for task in found], axis=0)
        ],
    }


def dispatch_seconds():
    """Return what it takes to hand one task to a cluster over TCP and to fetch its result."""
    from distributed import Client, LocalCluster

    options = {"processes": True, "protocol": "tcp://", "dashboard_address": None}
    with (
        LocalCluster(n_workers=WORKERS, threads_per_worker=1, **options) as nodes,
        Client(nodes) as client,
        client.get_executor() as executor,
    ):
        sweeps.run(empty, sweeps.grid(number=range(10)), SEED, executor)
        start = perf_counter()
        sweeps.run(empty, sweeps.grid(number=range(EMPTY_TASKS)), SEED, executor)
        return (perf_counter() - start) / EMPTY_TASKS


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", nargs="?", type=Path, help="where to record all 1,000,000 contexts")
    file = parser.parse_args().file
    print("  contexts  processor s  a context  wall s, 2 processes  memory MiB, all processes")
    sizes = []
    for tasks in (1, 10, 100, 1000)[: None if file else -1]:
        size = sweep(tasks)
        seconds = sum(size["task_seconds"])
        print(
            f"{size['contexts']:10,} {seconds:12.2f} {1e6 * seconds / size['contexts']:7.0f} us"
            f" {size['wall_seconds']:20.1f} {size['memory_mib']:27}"
        )
        sizes.append(size)
    dispatch = dispatch_seconds()
    print(f"Dask hands out a task in {1e3 * dispatch:.2f} ms")
    if file:
        versions = {"python": platform.python_version()}
        versions |= {module.__name__: module.__version__ for module in (np, scipy)}
        record = {
            "command": f"python -m tests.benchmarks.contexts {file}",
            "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
            "versions": versions,
            "parameters": {name: value for name, (value,) in WORLD.items()},
            "seed": SEED,
            "workers": WORKERS,
            "sizes": sizes,
            "dispatch_seconds": dispatch,
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
