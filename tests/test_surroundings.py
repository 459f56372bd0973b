"""A user's environment, folders and configuration change neither book nor library."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from book._ext import surroundings
from tests.support import HOSTILE, ROOT, hostile_home


@pytest.fixture
def home(tmp_path):
    return hostile_home(tmp_path)


NOTEBOOK = """
import json, locale, os, time
import matplotlib.pyplot as plt
import numba
print(plt.get_backend(), plt.rcParams["axes.facecolor"], time.tzname, numba.config.DISABLE_JIT)
print(locale.setlocale(locale.LC_ALL, ""), os.environ.get("COLUMNS"), hash("a"))
plt.plot([1, 2]);
"""


def executed(root, environment):
    """Return the outputs of a notebook that `store_outputs.py` executes below `root`."""
    import nbformat

    book = root / "book"
    book.mkdir(parents=True)
    (book / "_ext").symlink_to(ROOT / "book" / "_ext")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    notebook.cells[0].id = "one"
    nbformat.write(notebook, book / "one.ipynb")
    subprocess.run(
        [sys.executable, ROOT / "book" / "_ext" / "store_outputs.py", book / "one.ipynb"],
        env=environment,
        check=True,
    )
    return (book / "one.ipynb").read_text("utf8")


def test_stored_outputs_do_not_depend_on_the_user(tmp_path, home):
    path = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "empty")}
    plain = executed(tmp_path / "plain", path)
    assert executed(tmp_path / "a path with spaces", path | HOSTILE | home) == plain
    assert "image/png" in plain
    assert "matplotlib_inline" in plain
    assert "white" in plain


def test_the_environment_comes_out_the_same(home):
    first, second = {"PATH": "/bin"}, {"PATH": "/bin", "PYTHONOPTIMIZE": "1"} | HOSTILE | home
    surroundings.settle(first, ROOT)
    surroundings.settle(second, ROOT)
    assert {name: second[name] for name in first} == first
    assert second.keys() - first.keys() == {"HOME", "XDG_CONFIG_HOME"}


def test_what_cannot_be_set_is_refused(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "matplotlibrc").write_text("axes.facecolor: red\n")
    with pytest.raises(RuntimeError, match="matplotlibrc would change the book: move it away"):
        surroundings.settle({}, tmp_path)
    code = (
        "import sys; sys.path.insert(0, 'book/_ext'); from surroundings import Path, settle\n"
        "settle({}, Path())"
    )
    done = subprocess.run(
        [sys.executable, "-O", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert "the book is checked by assertions, which python -O leaves out" in done.stderr


def test_tests_run_in_it():
    assert os.environ["MPLBACKEND"] == surroundings.FIXED["MPLBACKEND"]
    assert os.environ["OMP_NUM_THREADS"] == "1"


def test_without_a_place_for_configurations_a_new_one_is_made(tmp_path):
    (tmp_path / "_build").write_text("no folder")
    own = surroundings._folder(tmp_path)
    assert own.is_dir()
    assert tmp_path not in own.parents
    own.rmdir()


def test_the_library_works_where_nothing_compiled_can_be_kept():
    """As in a read-only installation without a home: Numba finds no place and says so."""
    code = (
        "from numba.core import caching\n"
        "caching.CacheImpl._locator_classes = []\n"
        "from numba import njit\n"
        "try: njit(cache=True)(lambda: 0)\n"
        "except RuntimeError as error: assert 'no locator' in str(error)\n"
        "else: raise AssertionError\n"
        "from collapse_lib import ngram, recursion\n"
        "print(recursion.collapse_times([0.5, 0.5], 3, 4, rng=0).tolist())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    from collapse_lib import recursion

    assert done.stdout.strip() == str(recursion.collapse_times([0.5, 0.5], 3, 4, rng=0).tolist())


def test_the_makefile_works_in_a_path_with_spaces():
    makefile = (ROOT / "Makefile").read_text("utf8")
    assert "CURDIR" not in makefile  # absolute, it would be taken apart at the spaces
    done = subprocess.run(["make", "-n", "book"], cwd=ROOT, capture_output=True, text=True)
    assert f"{Path('.venv') / 'bin' / 'jupyter-book'} build" in done.stdout
