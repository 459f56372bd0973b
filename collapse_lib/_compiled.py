"""Compiled functions, which are kept on disk where that is possible."""

from numba import njit


def compiled(function):
    """Compile `function` when it is first called, without the GIL.

    Numba keeps the result beside the module or in the user's cache. Where neither can be written,
    as in a read-only installation without a home, each process compiles for itself.
    """
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no place for a cache
        return njit(nogil=True)(function)
