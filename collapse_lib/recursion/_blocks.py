"""Run replicates in blocks, with one generator per block, so results depend on the seed alone.

Spawning a generator and passing it to a kernel takes 16 microseconds, longer than a short run. So a
block holds about a millisecond's worth of runs, whatever the number of replicates, cores and
threads.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

#: Roughly how many token draws a block takes, at some 50 nanoseconds each.
WORK = 20_000


def run(kernel, draws, replicates, rng, most=None):
    """Call ``kernel(rng, stop, block)``, which must release the GIL, for each block of replicates.

    Parameters
    ----------
    kernel : callable
        `block` is a slice of the replicates. A kernel returns early once ``stop[0]`` is true. An
        interrupt sets it, since only the main thread notices an interrupt.
    draws : int
        Roughly how many token draws a run takes.
    replicates : int
    rng : numpy.random.Generator
    most : int, optional
        The most token draws that a run may take, if that can be far more than `draws`.
    """
    size = max(1, WORK // max(1, draws))
    blocks = [slice(i, min(i + size, replicates)) for i in range(0, replicates, size)]
    tasks = list(zip(_spawn(rng, len(blocks)), blocks, strict=True))
    threads = min(os.cpu_count() or 1, len(tasks))
    stop = np.zeros(1, dtype=bool)

    def perform(share):
        for generator, block in share:
            if not stop[0]:
                kernel(generator, stop, block)

    # Little work is not worth a thread. Long runs need one: only there can a kernel be stopped.
    if len(tasks) < 4 and (draws if most is None else most) <= 100 * WORK:
        perform(tasks)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        # One share per thread: handing over each block by itself would cost more than it gains.
        for _ in pool.map(perform, [tasks[i::threads] for i in range(threads)]):
            pass
    finally:
        stop[0] = True
        pool.shutdown(wait=False, cancel_futures=True)  # do not wait after an interrupt


def _spawn(rng, number):
    try:
        return rng.spawn(number)
    except TypeError:
        raise ValueError(
            f"rng must have a seed sequence to spawn generators from, got {rng!r}; "
            "numpy.random.default_rng makes a suitable one"
        ) from None
