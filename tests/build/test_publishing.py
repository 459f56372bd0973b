"""What a copy of the book offers: with or without solutions, a PDF, notebooks for Colab."""

import json
import os
import re
import subprocess
import sys
import sysconfig

import nbformat
import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader

from tests.support import ROOT, SITE, copy_repository

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import publishing

TEXT, CODE = "The answer is forty-two", "fortytwo = 42"  # put in a solution


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A book of two pages, one of which is the template of a chapter."""
    root = copy_repository(tmp_path_factory.mktemp("publishing") / "book")
    (root / ".venv").symlink_to(ROOT / ".venv")
    notebook = json.loads((root / "book" / "_template" / "chapter.ipynb").read_text("utf8"))
    starts = ["{solution-start}" in "".join(cell["source"]) for cell in notebook["cells"]]
    first = starts.index(True)
    for number, added in ((first, TEXT), (first + 1, CODE)):
        cell = notebook["cells"][number]
        cell["source"] = "".join(cell["source"]) + f"\n\n{added}\n"
    assert notebook["cells"][first + 1]["cell_type"] == "code"
    (root / "book" / "missed.ipynb").write_text(json.dumps(notebook))
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: book/bibliography\nparts:\n- caption: A part\n  numbered: 1\n"
        "  chapters:\n  - file: book/missed\n"
    )
    return root


def make(root, *arguments):
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run(
        ["make", *arguments], cwd=root, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def read(root, name):
    return (root / "_build" / "html" / name).read_text("utf8")


def test_a_site_without_solutions_then_a_book_with_them(copy):
    make(copy, "site", "SOLUTIONS=no")
    html, download = read(copy, "book/missed.html"), read(copy, "_sources/book/missed.ipynb")
    page = BeautifulSoup(html, "html.parser")
    assert page.select(".exercise")
    assert not page.select(".solution")
    for absent in (TEXT, CODE, "olution to Exercise", "solution-start", "solution-end"):
        assert absent not in page.text + download
    assert "{exercise}" in download
    nbformat.validate(nbformat.reads(download, as_version=4))
    index = json.loads(re.search(r"\{.*\}", read(copy, "searchindex.js"), re.DOTALL)[0])
    assert "forti" not in index["terms"]

    # The PDF is there, leads to no solution either, and the sidebar leads to it.
    for name in ("missed", "bibliography"):
        sidebar = BeautifulSoup(read(copy, f"book/{name}.html"), "html.parser").select_one(
            ".bd-sidebar-primary"
        )
        assert sidebar.select_one("nav.book-pdf a")["href"] == "../book.pdf"
    printed = "".join(p.extract_text() for p in PdfReader(copy / "_build/html/book.pdf").pages)
    assert "Exercise 1.1" in printed
    assert TEXT not in printed

    make(copy, "book")
    html, download = read(copy, "book/missed.html"), read(copy, "_sources/book/missed.ipynb")
    assert TEXT in html
    assert "fortytwo" in html
    assert TEXT in download
    assert CODE in download
    assert "book.pdf" not in html


def test_solutions_are_cut_from_notebooks_wherever_they_stand():
    def markdown(text):
        return {"cell_type": "markdown", "metadata": {}, "source": text}

    code = {"cell_type": "code", "metadata": {}, "source": "1"}
    start = "`````{solution-start} ex\n:class: dropdown\n`````\n"
    end = "`````{solution-end}\n`````\n"
    whole = "````{solution} ex\nSecret\n```\ncode\n```\n````\nafter\n"
    cells = [
        markdown(f"Before\n{start}Secret"),
        code | {"source": "secret"},
        markdown(f"Secret\n{end}between\n{start}Secret\n{end}last\n"),
        code,
        markdown(f"{start}Secret\n{end}"),
        markdown(whole),
    ]
    left = publishing.without_solutions(cells)
    texts = [cell["source"] for cell in left]
    assert texts == ["Before\n", "between\nlast\n", "1", "after\n"]


WITH_NETWORK = {"gpt2_experiment", "predictions", "sampling_and_size"}
CHAPTERS = sorted(path.stem for path in (ROOT / "book").glob("*.ipynb"))


@pytest.mark.parametrize("name", CHAPTERS)
def test_colab_opens_the_published_notebook_which_installs_the_library(name):
    html = BeautifulSoup((SITE / "book" / f"{name}.html").read_text("utf8"), "html.parser")
    (button,) = html.select('a[href^="https://colab.research.google.com/github/"]')
    path = button["href"].partition("/blob/gh-pages/")[2]
    cells = json.loads((SITE / path).read_text("utf8"))["cells"]
    assert [cell["id"] for cell in cells].index("colab") == 1
    assert "google.colab" not in html.select_one("article").text
    assert ("[gpt]" in cells[1]["source"]) == (name in WITH_NETWORK)


@pytest.fixture
def run_cell(tmp_path):
    """Run the cell for Colab in an environment below `tmp_path`, which shares our packages."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    (installed,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    (installed / "shared.pth").write_text(sysconfig.get_path("purelib"))

    def run(before, after):
        cell = publishing.colab_cell({"cells": []}, (tmp_path / "origin").as_uri())
        script = tmp_path / "cell.ipy"
        script.write_text(f"{before}\n{cell['source']}\n{after}\n")
        alone = {"PIP_NO_DEPS": "1", "PIP_IGNORE_INSTALLED": "1"}
        return subprocess.run(
            [tmp_path / "venv" / "bin" / "python", "-m", "IPython", "--no-banner", script],
            cwd=tmp_path,
            env=os.environ | alone | {"IPYTHONDIR": str(tmp_path / "ipython")},
            capture_output=True,
            text=True,
        )

    return run


def test_the_cell_for_colab_does_nothing_elsewhere(run_cell, tmp_path):
    done = run_cell("", "import os; print(os.getcwd())")
    assert done.stdout.split() == [str(tmp_path)], done.stderr
    assert not (tmp_path / "model-collapse").exists()


def test_the_cell_for_colab_installs_the_library_and_enters_the_book(run_cell, tmp_path):
    copy_repository(tmp_path / "origin")
    for arguments in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["commit", "--message", "All", "--quiet"],
    ):
        name = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *name, *arguments], cwd=tmp_path / "origin", check=True)
    done = run_cell(
        "import sys, types; sys.modules['google.colab'] = types.ModuleType('google.colab')",
        "import os; print(os.getcwd(), os.path.exists('results/contexts.json'))",
    )
    last = done.stdout.splitlines()[-1].split()
    assert last == [str(tmp_path / "model-collapse" / "book"), "True"], done.stdout + done.stderr
    assert len(list((tmp_path / "venv").glob("lib/*/site-packages/collapse_lib/theory"))) == 1
