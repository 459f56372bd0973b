"""How much faster the compiled simulation is than what one would otherwise write.

The other side is a loop over runs and generations with NumPy's `multinomial`, one generator a
run, recording the same four things. Both sides are timed alternately within one process, the
best of several rounds each, after one round that compiles.
"""

from time import perf_counter

import numpy as np

from collapse_lib.distributions import power_law
from collapse_lib.recursion import simulate
from collapse_lib.schedules import FullySynthetic

ROUNDS = 5
SETTINGS = [  # samples per generation, runs, generations, least ratio aimed at
    (10, 100, 500, 50),
    (400, 100, 800, 15),
    (10_000, 20, 2_000, 5),
]


def multinomial_loop(p, n, generations, replicates, seed):
    """Return collision, l1_from_first, support and collapse_time, as `simulate` records them."""
    shape = (replicates, generations + 1)
    collision, l1 = np.empty(shape), np.empty(shape)
    support, times = np.empty(shape, dtype=np.int64), np.full(replicates, -1)
    for run, rng in enumerate(np.random.default_rng(seed).spawn(replicates)):
        q, first = p, None
        for m in range(generations + 1):
            if m:
                q = rng.multinomial(n, q) / n
            if m == 1:
                first = q
                l1[run, 0] = np.abs(p - first).sum()
            if m:
                l1[run, m] = np.abs(q - first).sum()
            collision[run, m] = q @ q
            support[run, m] = np.count_nonzero(q)
            if m and times[run] < 0 and support[run, m] == 1:
                times[run] = m
    return collision, l1, support, times


def seconds(function, *arguments):
    start = perf_counter()
    function(*arguments)
    return perf_counter() - start


def main():
    p = power_law(600, 52, 0.1)
    print("       n  runs  generations    loop [s]  kernel [s]   ratio  aim")
    for n, replicates, generations, aim in SETTINGS:
        loop_arguments = p, n, generations, replicates, 0
        kernel_arguments = p, FullySynthetic(n), generations, replicates, 0
        runs = simulate(*kernel_arguments)
        collision, *_ = multinomial_loop(*loop_arguments)
        # Both are the same process: their means agree within the error of the runs.
        error = np.hypot(runs.collision.std(axis=0), collision.std(axis=0)) / replicates**0.5
        difference = np.abs(runs.collision.mean(axis=0) - collision.mean(axis=0))
        assert (difference <= 6 * error + 1e-9).all()
        loop, kernel = [], []
        for _ in range(ROUNDS):
            kernel.append(seconds(simulate, *kernel_arguments))
            loop.append(seconds(multinomial_loop, *loop_arguments))
        ratio = min(loop) / min(kernel)
        print(
            f"{n:8,} {replicates:5} {generations:12,} {min(loop):11.3f} {min(kernel):11.4f}"
            f" {ratio:7.1f} {aim:4}"
        )


if __name__ == "__main__":
    main()
