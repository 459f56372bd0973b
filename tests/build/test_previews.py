"""What other sites show of a shared page; a picture only where the book's address is known."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.support import ROOT, SITE, copy_repository, pages


def shown(path):
    page = BeautifulSoup(path.read_text("utf8"), "html.parser")
    return {tag["property"]: tag["content"] for tag in page.select('meta[property^="og:"]')}


# The address of the book itself is the one most shared; Sphinx has no title for the search.
LISTED = ["index.html", *(name for name in pages() if name != "search.html")]


@pytest.mark.parametrize("name", LISTED)
def test_a_page_has_title_and_description(name):
    page = BeautifulSoup((SITE / name).read_text("utf8"), "html.parser")
    found = shown(SITE / name)
    assert page.title.text.strip().startswith(found["og:title"])
    assert found["og:site_name"] == "Model collapse"
    described = page.select_one('meta[name="description"]')["content"]
    assert found["og:description"] == described
    assert len(described) > 60


def test_addresses_are_absolute_where_the_book_knows_its_own(tmp_path):
    root = copy_repository(tmp_path / "book")
    (root / "_toc.yml").write_text("format: jb-book\nroot: book/bibliography\n")
    settings = (root / "_config.yml").read_text("utf8")
    known = settings.replace("# html_baseurl: https://...", "html_baseurl: https://example.org/a/")
    assert known != settings
    (root / "_config.yml").write_text(known)
    command = [Path(sys.executable).with_name("jupyter-book"), "build", "-W", "."]
    environment = os.environ | {"PYTHONPATH": str(root)}
    subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True)
    site = root / "_build" / "html"
    found = shown(site / "book" / "bibliography.html")
    assert found["og:url"] == "https://example.org/a/book/bibliography.html"
    assert found["og:image"] == "https://example.org/a/_static/collapse.png"
    start = shown(site / "index.html")
    assert start["og:url"] == "https://example.org/a/index.html"
    assert start["og:image"] == found["og:image"]
    picture = (site / "_static" / "collapse.png").read_bytes()
    assert picture == (ROOT / "book" / "images" / "collapse.png").read_bytes()
    assert len(found["og:image:alt"]) > 60
