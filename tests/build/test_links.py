"""Every link and every file that a built page names is there; needs `make book`."""

from functools import cache
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup

from tests.support import SITE, pages

# All that Sphinx writes, such as the index of theorems, not only the pages of the book.
EVERY_PAGE = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
EVERY_PAGE = [name for name in EVERY_PAGE if not name.startswith("_static/")]


@cache
def soup(path):
    return BeautifulSoup(path.read_text("utf8"), "html.parser")


@cache
def anchors(path):
    named = soup(path).select("[id], a[name]")
    return {tag.get("id", tag.get("name")) for tag in named}


def broken(path, site=SITE):
    """Return what a page names that does not exist."""
    page = soup(path)
    named = [tag["href"] for tag in page.select("[href]")]
    named += [tag["src"] for tag in page.select("[src]")]
    leading_on = page.select('[http-equiv="refresh" i]')
    named += [tag["content"].partition("url=")[2] for tag in leading_on]
    return [address for address in named if not resolves(address, path, site)]


def resolves(address, path, site):
    parts = urlsplit(urljoin(path.as_uri(), address))
    if parts.scheme != "file":
        return parts.scheme in {"https", "data"}  # whether these answer is for `make links`
    target = Path(unquote(parts.path))
    if not (target.is_file() and target.is_relative_to(site)):
        return False
    return not parts.fragment or unquote(parts.fragment) in anchors(target)


def test_there_are_pages():
    assert set(pages()) < set(EVERY_PAGE)


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_every_link_resolves(name):
    assert broken(SITE / name) == []


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_every_page_has_a_language_a_title_and_an_icon(name):
    page = soup(SITE / name)
    assert page.html["lang"]
    assert page.title.text.strip()
    # Without an icon, a browser asks the server for /favicon.ico.
    assert page.select('link[rel="icon"]')


def test_the_address_of_the_book_leads_to_its_first_page():
    page = soup(SITE / "index.html")
    (tag,) = page.select('[http-equiv="refresh" i]')
    first = tag["content"].partition("url=")[2]
    assert first == "book/intro.html"
    assert [link["href"] for link in page.select("a")] == [first]


def test_links_that_lead_nowhere_are_found(tmp_path):
    (tmp_path / "there.html").write_text('<a id="here" href="page.html">back</a>')
    page = tmp_path / "page.html"
    good = ["there.html", "there.html#here", "#top", "https://example.org", "there.html?v=1"]
    bad = ["missing.html", "there.html#missing", "#missing", "/etc/hostname", "http://example.org"]
    page.write_text('<p id="top">' + "".join(f'<a href="{name}"></a>' for name in good + bad))
    assert broken(page, tmp_path) == bad
    start = tmp_path / "index.html"
    start.write_text('<meta http-equiv="Refresh" content="0; url=missing.html">')
    assert broken(start, tmp_path) == ["missing.html"]
