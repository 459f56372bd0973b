"""How much faster the compiled simulation is than what one would otherwise write.

Two other sides, both NumPy with one thread, record the same four things. The *loop* goes over
runs and generations with one `multinomial` each. The *peer* draws all runs of a generation at
once, and drops the runs that have collapsed and the tokens that no run has left: the best 30 lines
that we know. `simulate` uses as many threads as there are cores, and draws nothing after a
collapse either. All are timed in turn within one process, the best of several rounds each,
after one round that compiles.

As a limit, the time for the binomials alone, at the speed of NumPy's own on one thread: a run
draws one for each token that is left but the last.
"""

import os
from time import perf_counter

import numpy as np

from collapse_lib.distributions import power_law
from collapse_lib.recursion import simulate
from collapse_lib.schedules import FullySynthetic

ROUNDS = 7
THREE = np.array([0.5, 0.3, 0.2])
PAPER = power_law(600, 52, 0.1)
SETTINGS = [  # distribution, n, runs, generations, least ratio aimed at over the loop
    (THREE, 10, 10_000, 60, None),  # the loop would take half a minute
    (PAPER, 10, 100, 500, 50),
    (PAPER, 400, 100, 800, 20),
    (PAPER, 10_000, 20, 2_000, 8),
]
PEER_AIM = 3


def loop(p, n, generations, replicates, seed):
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


def peer(p, n, generations, replicates, seed):
    """Return the same, all runs at once."""
    rng, shape = np.random.default_rng(seed), (replicates, generations + 1)
    collision, l1 = np.ones(shape), np.zeros(shape)
    support, times = np.ones(shape, dtype=np.int64), np.full(replicates, -1)
    collision[:, 0], support[:, 0] = p @ p, np.count_nonzero(p)
    q, runs = np.broadcast_to(p, (replicates, p.size)), np.arange(replicates)
    for m in range(1, generations + 1):
        q = rng.multinomial(n, q) / n
        if m == 1:
            first, lost = q, np.zeros(replicates)
            l1[:, 0] = np.abs(q - p).sum(axis=1)
        left = q.any(axis=0)
        if not left.all():
            lost = lost + first[:, ~left].sum(axis=1)
            q, first = q[:, left], first[:, left]
        tokens = np.count_nonzero(q, axis=1)
        far = np.abs(q - first).sum(axis=1) + lost
        collision[runs, m] = np.einsum("ij,ij->i", q, q)
        support[runs, m], l1[runs, m] = tokens, far
        over = tokens == 1
        if over.any():
            times[runs[over]] = m
            l1[runs[over], m:] = far[over, None]
            runs, q, first, lost = (x[~over] for x in (runs, q, first, lost))
            if not runs.size:
                break
    return collision, l1, support, times


def limit(p, n, generations, replicates, seed):
    """Return the seconds that NumPy takes for as many binomials as all runs draw."""
    support = simulate(p, FullySynthetic(n), generations, replicates, seed).support
    number = int((support[:, :-1] - 1).sum())
    chances = np.random.default_rng(seed).uniform(0, 1, min(number, 10**6))
    rng, begin = np.random.default_rng(seed), perf_counter()
    rng.binomial(n, chances)
    return (perf_counter() - begin) * number / chances.size


def seconds(function, *arguments):
    begin = perf_counter()
    function(*arguments)
    return perf_counter() - begin


def agree(one, other):
    """Raise unless two samples of runs have the same mean at every generation."""
    spread = one.var(axis=0) / len(one) + other.var(axis=0) / len(other)
    difference = np.abs(one.mean(axis=0) - other.mean(axis=0))
    assert (difference <= 6 * np.sqrt(spread) + 1e-9).all()


def main():
    print(f"simulate on {os.cpu_count()} cores, NumPy on one; seconds, the best of {ROUNDS}")
    print(
        "tokens       n   runs  generations  simulate    peer   ratio (aim)    loop   ratio (aim)"
    )
    for p, n, replicates, generations, aim in SETTINGS:
        arguments = p, n, generations, replicates
        ours = p, FullySynthetic(n), generations, replicates
        runs = simulate(*ours, 0)
        sides = {"peer": peer} | ({"loop": loop} if aim else {})
        for side in sides.values():
            agree(runs.collision, side(*arguments, 1)[0])
        times = {name: [] for name in ("simulate", *sides)}
        for seed in range(ROUNDS):
            times["simulate"].append(seconds(simulate, *ours, seed))
            for name, side in sides.items():
                times[name].append(seconds(side, *arguments, seed))
        best = {name: min(values) for name, values in times.items()}
        line = f"{np.count_nonzero(p):6} {n:7,} {replicates:6,} {generations:12,}"
        line += f" {best['simulate']:9.4f} {best['peer']:7.4f}"
        line += f" {best['peer'] / best['simulate']:7.1f} ({PEER_AIM:3})"
        if aim:
            line += f" {best['loop']:7.3f} {best['loop'] / best['simulate']:7.1f} ({aim:3})"
        print(line)
        print(f"{'':34}its binomials alone, by NumPy: {limit(*arguments, 0):.4f}")


if __name__ == "__main__":
    main()
