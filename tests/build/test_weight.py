"""What a page makes readers load: its own content, and the whole site."""

import pytest
from bs4 import BeautifulSoup

from tests.support import SITE, pages

MEGABYTE = 1_000_000
PAGE, WHOLE = 2 * MEGABYTE, 60 * MEGABYTE


def content(path):
    """Return the bytes of a page, frames of explorers included, and of the pictures it names."""
    page = BeautifulSoup(path.read_text("utf8"), "html.parser")
    sources = {tag["src"] for tag in page.select("img[src]")}
    pictures = {path.parent.joinpath(s).resolve() for s in sources if not s.startswith("data:")}
    return path.stat().st_size + sum(picture.stat().st_size for picture in pictures)


@pytest.mark.parametrize("name", pages())
def test_no_page_is_heavy(name):
    assert content(SITE / name) <= PAGE


def test_the_site_is_not_heavy():
    assert sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file()) <= WHOLE


def test_pictures_count_once_and_data_in_the_page_with_the_page(tmp_path):
    (tmp_path / "a.png").write_bytes(bytes(1000))
    text = '<img src="a.png"><img src="a.png"><img src="data:image/png;base64,AAAA">'
    (tmp_path / "page.html").write_text(text)
    assert content(tmp_path / "page.html") == len(text) + 1000
