"""Collapse times by running forward, without any use of ancestors."""

import numpy as np

from collapse_lib import recursion
from collapse_lib.schedules import FullySynthetic

AT_ONCE = 500  # runs whose records are held at once


def collapse_times(p, n, replicates, rng):
    """Return T of each run: 30 n generations are enough but for one run in 10^12."""
    rng, generations = np.random.default_rng(rng), 30 * n + 30
    times = np.concatenate(
        [
            recursion.simulate(
                p, FullySynthetic(n), generations, min(AT_ONCE, replicates - done), rng
            ).collapse_time
            for done in range(0, replicates, AT_ONCE)
        ]
    )
    assert (times > 0).all()
    return times
