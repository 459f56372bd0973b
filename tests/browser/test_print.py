"""The printed book: complete, in order, and with page numbers that are right.

The script runs as a process of its own, as `make pdf` does; two Playwrights cannot share one.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from bs4 import BeautifulSoup
from pypdf import PdfReader

from tests.support import ROOT, SITE


def print_book(target, site=SITE, **environment):
    command = [sys.executable, "book/_ext/print_book.py", str(target), str(site)]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True
    )


def soup(page):
    return BeautifulSoup(page, "html.parser")


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    target = tmp_path_factory.mktemp("print") / "book.pdf"
    done = print_book(target)
    assert done.returncode == 0, done.stderr
    return PdfReader(target)


@pytest.fixture(scope="module")
def texts(reader):
    return [page.extract_text() for page in reader.pages]


@pytest.fixture(scope="module")
def titles():
    """The heading of every page in _toc.yml, in order."""
    toc, names = yaml.safe_load((ROOT / "_toc.yml").read_text("utf8")), {}
    names[toc["root"]] = ""
    for part in toc["parts"]:
        for chapter in part["chapters"]:
            number = 1 + sum(bool(number) for number in names.values())
            names[chapter["file"]] = f"{number}. " if part.get("numbered") else ""
            names |= {entry["file"]: "" for entry in chapter.get("sections", [])}
    pages = [(SITE / f"{name}.html").read_text("utf8") for name in names]
    headings = [BeautifulSoup(page, "html.parser").select_one("#main-content h1") for page in pages]
    return [
        number + heading.text.removeprefix(number)
        for number, heading in zip(names.values(), headings, strict=True)
    ]


@pytest.fixture(scope="module")
def contents(texts, titles):
    """How many pages the contents take, from the second on, and what they say."""
    pages = 1 + next(
        i for i, text in enumerate(texts[2:]) if text.startswith(f"{i + 3}{titles[0]}")
    )
    return pages, "\n".join(texts[1 : 1 + pages])


def test_a_bookmark_for_every_page_of_the_book(reader, titles):
    top = [entry.title for entry in reader.outline if not isinstance(entry, list)]
    assert top == ["Contents", *titles]
    below = [entry for entry in reader.outline if isinstance(entry, list)]
    assert 15 < len(below) <= len(titles)  # the sections of all chapters


def test_bookmarks_name_symbols_too(reader):
    sections = [entry.title for entries in reader.outline if isinstance(entries, list)
                for entry in entries if not isinstance(entry, list)]  # fmt: skip
    assert "“p(1) is assumed nontrivial”" in sections


def test_every_page_has_its_number_and_the_title_of_its_chapter(texts, titles, contents):
    """They stand in the first line of what is extracted; the title page has none."""
    assert texts[1].startswith("2\nContents\n")
    found, (pages, _) = [], contents
    for number, text in enumerate(texts[1 + pages :], start=2 + pages):
        first = text.split("\n")[0]
        assert first.startswith(str(number))
        found.append(first.removeprefix(str(number)))
    assert list(dict.fromkeys(found)) == titles


def test_contents_name_the_pages_on_which_chapters_start(texts, titles, contents):
    listed = re.findall(r"^(.+\S) (\d+)$", contents[1], re.MULTILINE)
    assert [title for title, _ in listed] == titles
    for title, number in listed:
        start = int(number)
        assert texts[start - 1].startswith(f"{start}{title}\n{title}\n")  # foot, then heading


def test_contents_lead_to_the_chapters(reader, contents):
    pages, text = contents
    listed = re.findall(r" (\d+)$", text, re.MULTILINE)
    links = [note.get_object() for page in reader.pages[1 : 1 + pages] for note in page["/Annots"]]
    targets = [reader.named_destinations[link["/Dest"]] for link in links]
    pages = {reader.get_destination_page_number(target) + 1 for target in targets}
    assert pages == set(map(int, listed))


def test_no_page_is_empty(reader, texts):
    for page, text in zip(reader.pages, texts, strict=True):
        body = text.partition("\n")[2]
        assert len(body) > 40 or page.images


def test_pictures_of_all_chapters_are_there(reader):
    """Every figure, and of every explorer the first frame, with all of their pixels."""
    pages = [path.read_text("utf8") for path in (SITE / "book").glob("*.html")]
    shown = [picture for page in pages for picture in soup(page).select("article img")]
    drawn = []
    for page in reader.pages[2:]:
        pictures = [entry.get_object() for entry in page["/Resources"].get("/XObject", {}).values()]
        drawn += [picture for picture in pictures if picture.get("/Width", 0) >= 600]
    assert len(drawn) == len(shown) > 30


def test_numbers_are_those_of_the_pages(texts):
    """Of figures, theorems, exercises and equations; each stands in its chapter."""
    text = "\n".join(texts)
    for page in (SITE / "book").glob("*.html"):
        for caption in soup(page.read_text("utf8")).select("article .caption-number"):
            assert caption.text.strip() in text
        for label in soup(page.read_text("utf8")).select("article .eqno"):
            assert label.text.strip("#") in text


def test_proofs_and_solutions_are_open_and_controls_are_left_out(texts):
    text = "\n".join(texts)
    assert "the first sum has" in text  # from a proof
    assert text.count("Solution to Exercise") > 30
    assert "Click to show" not in text
    assert "after_the" not in text  # code that the first page folds away


def test_links_lead_into_the_book_or_to_the_web(reader):
    links = [note.get_object() for page in reader.pages for note in page.get("/Annots", [])]
    addresses = [link["/A"]["/URI"] for link in links if "/A" in link]
    assert addresses
    assert all(address.startswith("https://") for address in addresses)
    assert len(addresses) < len(links)


def test_the_book_must_be_built_first(tmp_path):
    done = print_book(tmp_path / "book.pdf", tmp_path / "html")
    assert done.returncode != 0
    assert "intro.html is missing: run 'make book' first" in done.stderr
    assert "Traceback" not in done.stderr


def test_chromium_must_be_there(tmp_path):
    done = print_book(tmp_path / "book.pdf", PATH=str(tmp_path))
    assert done.returncode != 0
    assert "printing needs Chromium" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_wider_than_a_page_is_named(tmp_path):
    site = shutil.copytree(SITE, tmp_path / "html", ignore=shutil.ignore_patterns("_static"))
    (site / "_static").symlink_to(SITE / "_static")
    page = site / "book" / "bibliography.html"
    wide = '<table class="wide" style="width: 2000px"><tr><td>Wide</td></tr></table></article>'
    page.write_text(page.read_text("utf8").replace("</article>", wide), "utf8")
    done = print_book(tmp_path / "book.pdf", site)
    assert done.returncode != 0
    assert 'wider than a page: <table class="wide"' in done.stderr
    assert not (tmp_path / "book.pdf").exists()
