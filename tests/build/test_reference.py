"""Every public name of the library is on a page, and in the index, as is every term.

Needs `make book` first.
"""

import ast
from importlib import import_module
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from sphinx.util.inventory import InventoryFile

import collapse_lib
from tests.support import SITE


def public_names(module):
    """Return `__all__`, or else the names without an underscore that the module defines."""
    if hasattr(module, "__all__"):
        return module.__all__
    names = set()
    for statement in ast.parse(Path(module.__file__).read_text("utf8")).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            names.add(statement.name)
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            names |= {node.id for node in ast.walk(statement) if is_assigned(node)}
    return {name for name in names if not name.startswith("_")}


def is_assigned(node):
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


@pytest.fixture(scope="module")
def entries():
    """The names that pages of the book explain, with the addresses where they do."""
    with (SITE / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, uri: uri)
    kinds = [kind for kind in inventory if kind.startswith("py:")]
    return {name: entry[2] for kind in kinds for name, entry in inventory[kind].items()}


def soup(name):
    return BeautifulSoup((SITE / name).read_text("utf8"), "html.parser")


@pytest.mark.parametrize("name", collapse_lib.__all__)
def test_every_public_name_has_an_entry(entries, name):
    module = import_module(f"collapse_lib.{name}")
    assert module.__name__ in entries
    names = public_names(module)
    assert names
    assert not {name for name in names if f"{module.__name__}.{name}" not in entries}


def test_what_a_page_links_to_in_the_library_is_there():
    links = soup("book/notation.html").select("article a.reference:has(code.py)")
    names = soup("book/notation.html").select("article code.py")
    assert len(links) == len(names) > 40


def test_readers_reach_the_index_and_find_all_terms_there():
    for name in ("api", "glossary"):
        assert soup(f"book/{name}.html").select('article a[href="../genindex.html"]')
    listed = {link["href"] for link in soup("genindex.html").select("table.indextable a")}
    terms = soup("book/glossary.html").select("dl.glossary > dt")
    assert len(terms) > 50
    assert {f"book/glossary.html#{term['id']}" for term in terms} <= listed
