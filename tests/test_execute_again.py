"""`make again` forgets one chapter, and only that; tests/build has the build that follows."""

import re
import subprocess
import sys
from contextlib import contextmanager

import nbformat
import pytest
from jupyter_cache import get_cache

from book._ext import execute_again
from tests.support import ROOT


@pytest.fixture
def root(tmp_path):
    """A book of two chapters of different code, executed by two states of the library, and read."""
    doctrees = tmp_path / "_build" / ".doctrees" / "book"
    for folder in (tmp_path / "book", doctrees):
        folder.mkdir(parents=True)
    for name in ("one", "two"):
        path = tmp_path / "book" / f"{name}.ipynb"
        cell = nbformat.v4.new_code_cell(f"print('{name}')", execution_count=1)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
        for state in ("before", "now"):
            with cache_of(tmp_path, state) as cache:
                cache.cache_notebook_file(path, check_validity=False)
        (doctrees / f"{name}.doctree").touch()
    return tmp_path


@contextmanager
def cache_of(root, state):
    """The cache of a state of the library, whose connections are closed in the end."""
    cache = get_cache(root / "_build" / ".jupyter_cache" / state)
    yield cache
    cache.db.dispose()


def remembered(root):
    """Return the chapters whose outputs are cached, and those whose pages are."""
    names = []
    for state in ("before", "now"):
        with cache_of(root, state) as cache:
            uris = [record.uri for record in cache.list_cache_records()]
        names += [re.search(r"\w+(?=\.ipynb)", uri)[0] for uri in uris]
    return sorted(names), sorted(path.stem for path in root.rglob("*.doctree"))


def test_one_chapter_is_forgotten_in_every_cache(root):
    assert remembered(root) == (["one", "one", "two", "two"], ["one", "two"])
    execute_again.forget("one", root)
    assert remembered(root) == (["two", "two"], ["two"])
    execute_again.forget("one", root)  # there is nothing more to forget
    assert remembered(root) == (["two", "two"], ["two"])


def test_before_the_first_build_there_is_nothing_to_forget(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "one.ipynb").touch()
    execute_again.forget("one", tmp_path)
    assert not (tmp_path / "_build").exists()


@pytest.mark.parametrize("name", ["", "three", "../book/one", "one.ipynb", "*"])
def test_what_is_no_chapter_is_refused(root, name):
    with pytest.raises(ValueError, match=r"CHAPTER must be one of one, two, got"):
        execute_again.forget(name, root)
    assert remembered(root) == (["one", "one", "two", "two"], ["one", "two"])


def test_the_command_says_so_in_one_line():
    command = [sys.executable, "book/_ext/execute_again.py", "nowhere"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.fullmatch(r"CHAPTER must be one of .*absorption, .*, got 'nowhere'\n", done.stderr)


def test_make_asks_for_it_and_builds():
    done = subprocess.run(
        ["make", "-n", "again", "CHAPTER=absorption"], cwd=ROOT, capture_output=True, text=True
    )
    forgotten = done.stdout.index('book/_ext/execute_again.py "absorption"')
    assert forgotten < done.stdout.index("jupyter-book build")
