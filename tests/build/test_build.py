"""The book builds reproducibly, and again only where something has changed.

Needs `make book` first: its result is compared with a second build from scratch.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.support import HOSTILE, ROOT, SITE, copy_repository, hostile_home, pages


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the repository that shares the installed packages; its book is built where all
    that a user may have set would change it.
    """
    root = copy_repository(tmp_path_factory.mktemp("copy") / "book")
    (root / ".venv").symlink_to(ROOT / ".venv")
    surroundings = HOSTILE | hostile_home(tmp_path_factory.mktemp("home"))
    if (ROOT / ".git").is_dir():  # launch buttons follow the remote, which git has to tell
        (root / ".git").symlink_to(ROOT / ".git")
        surroundings["GIT_CONFIG_GLOBAL"] = str(Path.home() / ".gitconfig")
    log = build(root, **surroundings)
    assert "Executed notebook" in log
    return root


def build(root, *goal, expected=0, **variables):
    """Run `make book`, or another goal, on the copy's own library; return what it printed."""
    environment = os.environ | {"PYTHONPATH": str(root)} | variables
    done = subprocess.run(
        ["make", *(goal or ["book"])], cwd=root, env=environment, capture_output=True, text=True
    )
    log = done.stdout + done.stderr
    assert (done.returncode != 0) == (expected != 0), log
    assert "Installing" not in log
    return log


def page(root, name):
    return BeautifulSoup((root / name).read_text("utf8"), "html.parser")


def figures(site, name):
    """Return the names of the pictures on a page."""
    return {Path(picture["src"]).name for picture in page(site, name).select("article img")}


def pictures(site):
    """Return every figure file and every explorer frame of a site, by name."""
    found = {path.name: path.read_bytes() for path in (site / "_images").glob("*")}
    for name in pages():
        for number, frames in enumerate(
            page(site, name).select('.explorer script[type="application/json"]')
        ):
            found[name, number] = json.loads(frames.string)
    return found


def test_pages_are_the_same_wherever_the_book_is_built(copy):
    site = copy / "_build" / "html"
    different = [
        name for name in pages() if (SITE / name).read_bytes() != (site / name).read_bytes()
    ]
    assert different == []


def test_a_second_build_executes_nothing_and_changes_no_file(copy):
    def written():
        site = copy / "_build" / "html"
        return {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}

    before = written()
    assert len(before) > 300
    assert "Executed notebook" not in build(copy)
    after = written()
    assert [path for path in before | after if before.get(path) != after.get(path)] == []


def test_two_builds_from_scratch_yield_the_same_pictures(copy):
    first, second = pictures(SITE), pictures(copy / "_build" / "html")
    assert first.keys() == second.keys()
    assert any(isinstance(name, tuple) for name in first)
    for name, picture in first.items():
        assert picture == second[name], name


ARTICLE = re.compile(rb"<article.*</article>", re.DOTALL)
PICTURE = re.compile(rb'"image/png": "[^"]*"')


def store(root, names):
    """Execute notebooks and store their outputs; return their bytes."""
    command = [sys.executable, "book/_ext/store_outputs.py", *(f"book/{name}" for name in names)]
    environment = os.environ | {"PYTHONPATH": str(root)}
    subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True)
    return [(root / "book" / name).read_bytes() for name in names]


def test_storing_outputs_leaves_no_difference(copy):
    """But for the bytes of pictures, which are those of the machine: the first time.

    The chapters here have outputs of every kind; nbval compares those of all others.
    """
    names = ["expected_collision.ipynb", "intro.ipynb", "statistical_model.ipynb"]
    before = [(ROOT / "book" / name).read_bytes() for name in names]
    stored = store(copy, names)
    for name, old, new in zip(names, before, stored, strict=True):
        assert PICTURE.sub(b"", new) == PICTURE.sub(b"", old), name
    assert store(copy, names) == stored
    assert all(PICTURE.search(text) for text in stored)


def test_one_chapter_is_executed_again_when_it_is_asked_for(copy):
    log = build(copy, "again", "CHAPTER=expected_collision")
    executed = re.findall(r"Executed notebook .*/(\w+)\.ipynb", log)
    assert executed == ["expected_collision"]
    assert "Executed notebook" not in build(copy)


def test_a_changed_page_alone_is_read_again(copy):
    glossary = copy / "book" / "glossary.md"
    glossary.write_text(glossary.read_text("utf8") + "\nA new last line.\n")
    assert "Executed notebook" not in build(copy)
    assert "A new last line." in page(copy, "_build/html/book/glossary.html").text


def test_a_changed_style_reaches_the_pages(copy):
    style = copy / "book" / "_static" / "book.css"
    style.write_text(style.read_text("utf8") + "\n/* changed */\n")
    assert "Executed notebook" not in build(copy)
    assert "/* changed */" in (copy / "_build/html/_static/book.css").read_text("utf8")
    # All pages are written again, and say what they said.
    for name in set(pages()) - {"book/glossary.html"}:
        again = (copy / "_build/html" / name).read_bytes()
        assert ARTICLE.findall(again) == ARTICLE.findall((SITE / name).read_bytes()), name


def test_a_changed_library_function_changes_the_page(tmp_path):
    """In a book of two pages, so that two builds from scratch are quick."""
    root = copy_repository(tmp_path / "book")
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: book/bibliography\nchapters:\n- file: book/expected_collision\n"
    )
    drawn = []  # pictures are named after what they show
    for number in ("np", "1 + np"):
        library = root / "collapse_lib" / "distributions.py"
        source = library.read_text("utf8")
        library.write_text(
            source.replace("return np.count_nonzero(", f"return {number}.count_nonzero(")
        )
        assert (library.read_text("utf8") != source) == (number != "np")
        command = [Path(sys.executable).with_name("jupyter-book"), "build", "."]
        environment = os.environ | {"PYTHONPATH": str(root)}
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
        assert "Executed notebook" in done.stdout + done.stderr
        drawn.append(figures(root / "_build" / "html", "book/expected_collision.html"))
    assert drawn[0] == figures(SITE, "book/expected_collision.html")
    assert len(drawn[0] - drawn[1]) == 1  # whose titles count the letters left


def test_a_warning_fails_the_build_every_time(copy):
    glossary = copy / "book" / "glossary.md"
    glossary.write_text(glossary.read_text("utf8") + "\n[](#nowhere)\n")
    for _ in range(2):
        assert "nowhere" in build(copy, expected=1)
