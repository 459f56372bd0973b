"""What the exact distribution of the collapse time costs, and the simulation it replaces.

First, for each distribution of Figure 2, 100 runs at n = 400 against the exact expectation and
the exact distribution over as many generations as the longest run took. Then how both grow with n:
the expectation takes about n^2 operations, the distribution n^2 and some more a generation. All
times are the best of several rounds, after one that compiles.
"""

from time import perf_counter

import numpy as np

from collapse_lib import coalescent, distributions, recursion

ROUNDS = 5
RUNS, N = 100, 400
FIGURE_2 = {
    "uniform": distributions.uniform(600, 600),
    "S_0 = 0.03": distributions.power_law(600, 600, 0.03),
    "S_0 = 0.1": distributions.power_law(600, 52, 0.1),
    "S_0 = 0.5": distributions.power_law(600, 20, 0.5),
}
SIZES = (100, 200, 400, 800, 1600, 3200)


def seconds(function, *arguments):
    """Return the shortest of several durations."""
    durations = []
    for _ in range(ROUNDS):
        start = perf_counter()
        function(*arguments)
        durations.append(perf_counter() - start)
    return min(durations)


def against_simulation():
    print(f"Figure 2 at n = {N}     {RUNS} runs [s]  E[T] [s]  ratio   cdf [s]  ratio")
    for name, p in FIGURE_2.items():
        times = recursion.collapse_times(p, N, RUNS, 0)
        exact = coalescent.expected_collapse_time(p, N)
        assert abs(times.mean() - exact) < 6 * times.std() / RUNS**0.5
        runs = seconds(recursion.collapse_times, p, N, RUNS, 0)
        mean = seconds(coalescent.expected_collapse_time, p, N)
        law = seconds(coalescent.collapse_time_cdf, p, N, int(times.max()))
        print(f"{name:20} {runs:12.4f} {mean:9.4f} {mean / runs:6.3f} {law:9.4f} {law / runs:6.3f}")


def growth():
    p = FIGURE_2["S_0 = 0.1"]
    means = [seconds(coalescent.expected_collapse_time, p, n) for n in SIZES]
    laws = [seconds(coalescent.collapse_time_cdf, p, n, 4 * n) for n in SIZES]
    print("       n  E[T] [s]  cdf of 4n generations [s]")
    for n, mean, law in zip(SIZES, means, laws, strict=True):
        print(f"{n:8,} {mean:9.4f} {law:12.4f}")
    for name, durations in (("E[T]", means), ("law", laws)):
        slope = np.polyfit(np.log(SIZES[2:]), np.log(durations[2:]), 1)[0]
        print(f"{name}: time grows like n^{slope:.1f}")


if __name__ == "__main__":
    against_simulation()
    growth()
