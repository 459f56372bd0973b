"""What tests share: the built book, a copy of the repository, a way to interrupt a process."""

import json
import os
import resource
import shutil
import signal
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
NOT_COPIED = shutil.ignore_patterns(
    ".venv", "_build", ".git", "__pycache__", ".*_cache", "*.egg-info", ".hypothesis"
)
EDITORS = shutil.ignore_patterns(".ipynb_checkpoints", ".*.sw?", "*~", ".#*")

#: An environment that would change what a book looks like, wherever it gets in.
HOSTILE = {
    "MPLBACKEND": "Agg",
    "LANG": "tr_TR.UTF-8",
    "LC_NUMERIC": "de_DE.UTF-8",
    "LANGUAGE": "de",
    "OMP_NUM_THREADS": "7",
    "NUMBA_DISABLE_JIT": "1",
    "NUMBA_BOUNDSCHECK": "1",
    "PYTHONSTARTUP": "/nowhere/startup.py",
    "PYTHONWARNINGS": "error",
    "PYTHONHASHSEED": "5",
    "COLLAPSE_BOOK": "1",
    "JUPYTER_PATH": "/nowhere",
    "TZ": "Asia/Tokyo",
    "COLUMNS": "40",
}


def hostile_home(folder):
    """Fill a home with a configuration that breaks kernels and reddens pictures.

    Return the environment variables that lead there.
    """
    startup = folder / ".ipython" / "profile_default" / "startup"
    kernel = folder / ".local" / "share" / "jupyter" / "kernels" / "python3"
    matplotlib = folder / ".config" / "matplotlib"
    for place in (startup, kernel, matplotlib):
        place.mkdir(parents=True)
    (startup / "00.py").write_text("raise RuntimeError('the startup file of the user')")
    settings = "c.InlineBackend.figure_formats = {'svg'}"
    (startup.parent / "ipython_kernel_config.py").write_text(settings)
    (matplotlib / "matplotlibrc").write_text("axes.facecolor: red\n")
    spec = {"argv": ["/bin/false"], "display_name": "the user's", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    return {
        "HOME": str(folder),
        "IPYTHONDIR": str(folder / ".ipython"),
        "MATPLOTLIBRC": str(matplotlib / "matplotlibrc"),
        "MPLCONFIGDIR": str(matplotlib),
        "JUPYTER_DATA_DIR": str(kernel.parent.parent),
        "XDG_CONFIG_HOME": str(folder / ".config"),
    }


def copy_repository(target):
    """Copy the repository without what is installed or built; return where it is."""
    return shutil.copytree(ROOT, target, ignore=NOT_COPIED)


def files(root):
    """Return the paths of files and folders in a repository, except those of git or an editor."""
    found = set()
    for folder, folders, names in os.walk(root):
        left_out = {*NOT_COPIED(folder, folders + names), *EDITORS(folder, folders + names)}
        folders[:] = set(folders) - left_out
        found |= {
            Path(folder, name).relative_to(root).as_posix()
            for name in {*folders, *names} - left_out
        }
    return found


def interrupt(process, send=None, longest=60):
    """Interrupt a process as Ctrl-C does, and wait for its end.

    Parameters
    ----------
    process : subprocess.Popen
        With pipes; no other child may end at the same time.
    send : callable, optional
        Sends the signal, if it is not for the process alone.
    longest : float
        Seconds after which the process is killed.

    Returns
    -------
    out, error : str or bytes
    seconds : float
        Processor time that the process took after the signal; a busy machine does not add to it.
    """
    ended = _seconds(resource.getrusage(resource.RUSAGE_CHILDREN))
    before = psutil.Process(process.pid).cpu_times()
    (send or (lambda: process.send_signal(signal.SIGINT)))()
    try:
        out, error = process.communicate(timeout=longest)
    finally:
        process.kill()
    both = _seconds(resource.getrusage(resource.RUSAGE_CHILDREN)) - ended
    return out, error, both - before.user - before.system


def _seconds(usage):
    return usage.ru_utime + usage.ru_stime


def pages():
    """Return the built pages, relative to the site; the book must have been built."""
    found = sorted(path.relative_to(SITE).as_posix() for path in SITE.glob("book/**/*.html"))
    if not found:
        raise FileNotFoundError(f"no pages below {SITE}: run 'make book' first")
    return [*found, "search.html", "genindex.html"]
