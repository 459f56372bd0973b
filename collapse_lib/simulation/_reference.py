"""The recursion in plain NumPy: slow, short, and what the kernels are tested against."""

import numpy as np

from collapse_lib import _checks
from collapse_lib.schedules import is_kept


def sample_path(p, schedule, generations, rng):
    """Return the models of one run: the reference implementation, for every schedule.

    Parameters
    ----------
    p : array_like of shape (tokens,)
        The true distribution p^(0).
    schedule
        A schedule of `collapse_lib.schedules`.
    generations : int
        Number of generations after p^(0), at least 0.
    rng : numpy.random.Generator or int

    Returns
    -------
    ndarray of shape (generations + 1, tokens)
        Row m is p^(m).

    Raises
    ------
    ValueError
        If `p` is no distribution, or `generations` is negative.

    Examples
    --------
    >>> from collapse_lib.schedules import PartiallySynthetic
    >>> sample_path([0.5, 0.5], PartiallySynthetic(real=4, synthetic=4), 3, rng=0)
    array([[0.5  , 0.5  ],
           [0.5  , 0.5  ],
           [0.375, 0.625],
           [0.25 , 0.75 ]])
    """
    p = _checks.distribution(p)
    check_schedule(schedule)
    generations = _checks.integer(generations, "generations", 0)
    rng = _checks.generator(rng)
    # The sizes come first: a kept corpus must know which of its beginnings will be asked for.
    sizes = all_sizes(schedule, generations, rng)
    models, corpora = [p], {}
    for m, size in enumerate(sizes, start=1):
        counts = np.zeros(p.size, dtype=np.int64)
        for t in np.flatnonzero(size):
            if not is_kept(schedule.kept, t):
                counts += _draw(models[t], size[t], rng)
                continue
            if t not in corpora:
                corpora[t] = _kept_corpus(models[t], {later[t] for later in sizes[m - 1 :]}, rng)
            counts += corpora[t][size[t]]
        models.append(counts / size.sum())
    return np.array(models)


def check_schedule(schedule):
    """Raise `ValueError` unless the schedule has what the simulation asks it for."""
    if isinstance(schedule, type) or not hasattr(schedule, "sample_sizes"):
        raise ValueError(f"schedule must be one of collapse_lib.schedules, got {schedule!r}")


def all_sizes(schedule, generations, rng):
    """Return the sample sizes of generations 1, 2, ...: those of m have shape (m,)."""
    sizes = [schedule.sample_sizes(m, rng) for m in range(1, generations + 1)]
    for m, row in enumerate(sizes, start=1):
        row = sizes[m - 1] = np.asarray(row)
        whole = np.issubdtype(row.dtype, np.integer)
        if row.shape != (m,) or not whole or row.min() < 0 or not row.any():
            raise ValueError(
                f"schedule must give {m} sizes for generation {m}, integers of at least 0 and "
                f"not all 0, got {row}"
            )
    return sizes


def _kept_corpus(p, sizes, rng):
    """Draw one corpus; return the token counts of its first k samples, for each k asked for."""
    counts, drawn, beginnings = np.zeros(p.size, dtype=np.int64), 0, {}
    for size in sorted(sizes):
        counts = counts + _draw(p, size - drawn, rng)
        drawn, beginnings[size] = size, counts
    return beginnings


def _draw(p, size, rng):
    """Return the token counts of `size` samples, shape (tokens,)."""
    counts = np.zeros(p.size, dtype=np.int64)
    alive = np.flatnonzero(p)
    counts[alive] = rng.multinomial(size, p[alive])
    return counts
