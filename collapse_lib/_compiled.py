"""Compiled functions, cached on disk where that is possible."""

from numba import njit


def compiled(function):
    """Return `function` compiled by Numba on its first call; it runs without the GIL.

    Numba caches the result beside the module or in the user's cache. Where neither is writable,
    as in a read-only installation without a home directory, each process compiles for itself.
    """
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # nowhere to put a cache
        return njit(nogil=True)(function)
