"""Independent replicates in blocks: one generator a block, so results depend on the seed alone.

A generator takes 16 microseconds to spawn and to hand to a kernel, which is more than a short run
takes. A block is therefore as many runs as are worth about a millisecond, whatever the number
of replicates, cores and threads.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

#: Draws of one token in a block, about; each takes some 50 nanoseconds.
WORK = 20_000


def run(kernel, draws, replicates, rng, most=None):
    """Call ``kernel(rng, stop, block)``, which must release the GIL, for each block of replicates.

    Parameters
    ----------
    kernel : callable
        `block` is a slice of the replicates. A kernel returns early once ``stop[0]`` is true,
        which an interrupt makes it: other threads do not hear one by themselves.
    draws : int
        Draws of one token in a run, about.
    replicates : int
    rng : numpy.random.Generator
    most : int, optional
        Draws of one token that a run may take, where these can be many more than `draws`.
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

    # Not worth a thread; only in threads can a kernel be stopped.
    if len(tasks) < 4 and (draws if most is None else most) <= 100 * WORK:
        perform(tasks)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        # One share a thread: a hand-over for each task would cost more than it gains.
        for _ in pool.map(perform, [tasks[i::threads] for i in range(threads)]):
            pass
    finally:
        stop[0] = True
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt does not wait


def _spawn(rng, number):
    try:
        return rng.spawn(number)
    except TypeError:
        raise ValueError(
            f"rng must have a seed sequence to spawn generators from, got {rng!r} without; "
            "numpy.random.default_rng makes one that has"
        ) from None
