"""Folded code that prepares other folded code has no bar of its own."""

import sys

import pytest
from bs4 import BeautifulSoup
from docutils import nodes

from tests.support import ROOT, SITE, pages

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import book_build


def cell(code, output=False, hide_mode="input"):
    """Return a cell as MyST-NB makes them."""
    found = nodes.container(nb_element="cell_code", hide_mode=hide_mode)
    source = nodes.container(nb_element="cell_code_source")
    found += source
    source += nodes.literal_block(code, code)
    if output:
        found += nodes.container(nb_element="cell_code_output")
    return found


def document(*children):
    found = nodes.document(None, None)
    found.extend(children)
    return found


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([cell("a"), cell("b"), cell("c", output=True)], ["abc"]),
        ([cell("a", output=True), cell("b", output=True)], ["a", "b"]),
        ([cell("a"), nodes.paragraph("", "between"), cell("b")], ["a", "b"]),
        ([cell("a"), cell("b", hide_mode=None)], ["a", "b"]),
        ([cell("a", hide_mode=None), cell("b", output=True)], ["a", "b"]),
        ([cell("a"), cell("b", output=True), cell("c"), cell("d")], ["ab", "cd"]),
    ],
)
def test_code_shares_the_fold_of_what_it_prepares(cells, expected):
    doctree = document(*cells)
    book_build.share_folds(None, doctree)
    containers = [node for node in doctree.children if isinstance(node, nodes.container)]
    folds = [[code.astext() for code in found.children[0].children] for found in containers]
    assert ["".join(fold) for fold in folds] == expected


@pytest.mark.parametrize("name", [name for name in pages() if "/api/" not in name])
def test_no_bar_follows_a_bar(name):
    page = BeautifulSoup((SITE / name).read_text("utf8"), "html.parser")
    for bar in page.select("div.cell.tag_hide-input"):
        following = bar.find_next_sibling()
        if following is not None and "tag_hide-input" in following.get("class", ()):
            assert bar.select_one(":scope > .cell_output"), bar.text[:200]
