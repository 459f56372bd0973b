"""A copy of the template is a chapter: it passes the notebooks' tests and builds."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.support import copy_repository


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A book of two pages: the bibliography and a chapter made as CONTRIBUTING.md says."""
    root = copy_repository(tmp_path_factory.mktemp("template") / "book")
    shutil.copy(root / "book" / "_template" / "chapter.ipynb", root / "book" / "missed.ipynb")
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: book/bibliography\nchapters:\n- file: book/missed\n"
    )
    return root


def run(root, *command):
    command = [Path(sys.executable).with_name(command[0]), *command[1:]]
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_passes_the_tests_of_notebooks(copy):
    assert "passed" in run(copy, "pytest", "tests/test_notebooks.py", "-k", "missed")


def test_its_outputs_are_reproduced(copy):
    assert "passed" in run(copy, "pytest", "--nbval", "book/missed.ipynb")


def test_it_builds_without_a_warning_and_without_notes_to_authors(copy):
    run(copy, "jupyter-book", "build", "-W", "--keep-going", ".")
    html = (copy / "_build" / "html" / "book" / "missed.html").read_text("utf8")
    page = BeautifulSoup(html, "html.parser").article
    assert page.select_one("figure.explorer img")["alt"].startswith("A token of probability 0.02")
    assert page.select_one("details.sd-dropdown")
    assert page.select_one(".solution.dropdown")
    assert "the author" not in html
    assert "\n%" not in page.text
