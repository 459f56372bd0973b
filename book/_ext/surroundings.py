"""Keep a user's environment from changing the book: set what its kernels inherit.

Matplotlib's backend and settings, IPython's and Jupyter's configuration, the language, the time
zone and the number of threads are the same for every build, test and storing of outputs. What
cannot be set from outside is refused.
"""

import importlib.util
import sys
import tempfile
from pathlib import Path

#: Variables with a fixed value.
FIXED = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "JUPYTER_PREFER_ENV_PATH": "1",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    "PYTHONUTF8": "1",
    # Sums in another order differ in their last digits.
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
         "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"),
        "1",
    ),
}  # fmt: skip
#: Variables that are removed, by name or by how their names begin.
UNWANTED = (
    "COLLAPSE_BOOK", "COLUMNS", "DOCUTILSCONFIG", "FORCE_COLOR", "JUPYTER_", "LANGUAGE", "LC_",
    "LINES", "MATPLOTLIB", "MPL", "NO_COLOR", "NPY_", "PYTHONDEVMODE", "PYTHONOPTIMIZE",
    "PYTHONSTARTUP", "PYTHONWARNINGS", "SOURCE_DATE_EPOCH", "SYMPY_", "TORCH",
)  # fmt: skip
#: The only setting of Numba that does not change what it does: the place of its cache.
KEPT = ("NUMBA_CACHE_DIR",)


def settle(environment, root):
    """Change `environment`, a mapping, to the one in which the book below `root` is made.

    Raises
    ------
    RuntimeError
        If a file beside the chapters would set what they look like.
    """
    for folder in (root, root / "book", root / "book" / "_template"):
        if (folder / "matplotlibrc").exists():
            raise RuntimeError(f"{folder / 'matplotlibrc'} would change the book: move it away")
    if sys.flags.optimize:
        raise RuntimeError("the book is checked by assertions, which python -O leaves out")
    for name in list(environment):
        if name.startswith((*UNWANTED, "NUMBA_")) and name not in KEPT:
            del environment[name]
    own = _folder(root)
    matplotlib = Path(importlib.util.find_spec("matplotlib").origin).parent
    environment.update(
        FIXED,
        MATPLOTLIBRC=str(matplotlib / "mpl-data" / "matplotlibrc"),
        MPLCONFIGDIR=str(own / "matplotlib"),
        IPYTHONDIR=str(own / "ipython"),
        JUPYTER_CONFIG_DIR=str(own / "jupyter"),
        JUPYTER_DATA_DIR=str(own / "jupyter-data"),
    )


def _folder(root):
    """Return an empty folder for configurations, inside the book's own if that is writable."""
    own = root / "_build" / ".surroundings"
    try:
        own.mkdir(parents=True, exist_ok=True)
    except OSError:
        own = Path(tempfile.mkdtemp())
    return own
