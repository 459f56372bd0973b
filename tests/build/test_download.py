"""The chapter that the download button gives is the stored one, and says how to run it."""

import json
import sys
from urllib.parse import urljoin

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup

from tests.support import ROOT, SITE

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import book_build

CHAPTERS = sorted(path.stem for path in (ROOT / "book").glob("*.ipynb"))


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_download_is_the_chapter_behind_a_note_and_a_cell_for_colab(name):
    page = BeautifulSoup((SITE / "book" / f"{name}.html").read_text("utf8"), "html.parser")
    button = page.select_one(".btn-download-source-button")
    path = SITE / urljoin(f"book/{name}.html", button["href"])
    nbformat.validate(nbformat.read(path, as_version=4))
    note, install, *cells = json.loads(path.read_text("utf8"))["cells"]
    assert install["id"] == "colab"  # see test_publishing.py
    assert cells == json.loads((ROOT / "book" / f"{name}.ipynb").read_text("utf8"))["cells"]
    settings = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))
    address = book_build.published_at(ROOT)[0] or settings["repository"]["url"]
    assert f'@ git+{address}"`' in note["source"]


def note_for(*lines):
    notebook = {"cells": [{"cell_type": "code", "source": [line]} for line in lines]}
    return book_build.how_to_run(notebook, "https://example.org/book")["source"]


def test_the_note_asks_for_what_the_code_uses():
    plain = note_for("from collapse_lib import theory")
    assert 'pip install "collapse-lib @ git+https://example.org/book"' in plain
    assert "results" not in plain
    assert "collapse-lib[gpt] @" in note_for("from collapse_lib.gpt import PRESETS")
    assert "collapse-lib[gpt] @" in note_for("from collapse_lib import gpt, theory")
    assert "collapse-lib[gpt] @" in note_for("from collapse_lib import (\n    gpt,\n)\n")
    assert "[gpt]" not in note_for("from collapse_lib import theory\ngpt = 1\n")
    assert "`book/results`" in note_for('open("results/contexts.json")')


def test_the_name_it_installs_is_that_of_the_package():
    pyproject = (ROOT / "pyproject.toml").read_text("utf8")
    assert 'name = "collapse-lib"' in pyproject
    assert "\ngpt = [" in pyproject
