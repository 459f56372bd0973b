"""Print the built book to one PDF file, through Chromium.

    python book/_ext/print_book.py _build/book.pdf [_build/html]

All pages are joined in one document, in the order of _toc.yml, so that links from page to
page remain links and Chromium makes the bookmarks of the headings. It is printed twice: the
first print shows on which page each chapter starts, for the table of contents of the second.
"""

import shutil
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urljoin, urlsplit

import jinja2
import yaml
from book_build import published_at
from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import NameObject, TextStringObject
from sphinx_external_toc.parsing import parse_toc_yaml

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SITE = ROOT / "_build" / "html"
# The style of a page, and the settings of MathJax.
HEAD = 'link[rel="stylesheet"], script:-soup-contains("MathJax")'
# Of no use on paper: controls, links from a heading to itself, marks of what opens, lists of the
# pages that follow.
# Code that is folded away on its page is left out, too.
SCREEN_ONLY = (
    "script, button, .headerlink, .explorer-controls, .sd-summary-state-marker, details.hide, "
    "ul:has(> .toctree-l1)"
)
WIDTH = 643  # pixels between the margins that print.html sets
PATIENCE = 900_000  # ms; to set all equations of the book takes long on a busy machine


def print_book(target, site=SITE):
    """Write the book that was built in `site` to the file `target`.

    Raises
    ------
    FileNotFoundError
        If the book has not been built, or Chromium is missing.
    ValueError
        If an equation, a picture or code is wider than a page.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        raise FileNotFoundError("printing needs Chromium, and there is none on the path")
    html = joined(site)
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        document = Path(folder) / "book.html"
        document.write_text(html, "utf8")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": 900})
        page.set_default_timeout(PATIENCE)
        page.emulate_media(media="print", color_scheme="light")
        page.goto(document.as_uri())
        fit(page)
        numbers = chapter_pages(to_pdf(page))
        page.evaluate("numbers => numberContents(numbers)", numbers)
        pdf, headings = to_pdf(page), page.evaluate("headings()")
    if chapter_pages(pdf) != numbers:
        raise RuntimeError("chapters moved when their page numbers were filled in")
    writer = PdfWriter(pdf, incremental=True)
    name_bookmarks(writer, headings)
    writer.add_metadata({"/Author": configuration()["author"]})
    writer.write(target)


def configuration():
    """Return what _config.yml says."""
    return yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))


def parts():
    """Return the caption and the pages of each part in _toc.yml; the first page has no part."""
    toc = parse_toc_yaml(ROOT / "_toc.yml")

    def below(tree):
        for name in tree.items:
            yield name
            for subtree in toc[name].subtrees:
                yield from below(subtree)

    return [(None, [toc.root.docname]), *((t.caption, list(below(t))) for t in toc.root.subtrees)]


def joined(site):
    """Return one HTML document of all pages, behind a title page and a table of contents."""
    names = [name for _, pages in parts() for name in pages]
    soups = {}
    for name in names:
        file = site / f"{name}.html"
        if not file.is_file():
            raise FileNotFoundError(f"{file} is missing: run 'make book' first")
        soups[name] = BeautifulSoup(file.read_text("utf8"), "html.parser")
        readdress(soups[name], name, names, site)
        open_all(soups[name])
    settings = configuration()
    template = jinja2.Environment().from_string((HERE / "print.html").read_text("utf8"))
    return template.render(
        settings=settings,
        address=published_at(ROOT)[0] or settings["repository"]["url"],
        parts=parts(),
        chapters={name: soup.article for name, soup in soups.items()},
        anchor=anchor,
        head=soups[names[0]].head.select(HEAD),
        mathjax=(site / "_static" / "mathjax" / "tex-chtml.js").as_uri(),
        cover=(ROOT / "book" / "images" / "collapse.png").as_uri(),
    )


def open_all(soup):
    """Open proofs and solutions, and take away what only a screen can use."""
    for unwanted in soup.article.select(SCREEN_ONLY):
        unwanted.decompose()
    for cell in soup.article.select("div.cell, .toctree-wrapper"):
        if not cell.get_text(strip=True) and not cell.select("img, .math"):
            cell.decompose()  # an empty box, where the code was folded away
    for closed in soup.article.select("details"):
        closed["open"] = ""


def anchor(name, fragment=""):
    """Return the id, in the whole document, of the element `fragment` of a page."""
    return f"{name}-{fragment}".replace("/", "-")


def readdress(soup, name, names, site):
    """Make file addresses absolute and ids unique; lead links between pages to these ids."""
    here = (site / f"{name}.html").as_uri()
    pages = {(site / f"{name}.html").as_uri(): name for name in names}
    for element in soup.select("[id]"):
        element["id"] = anchor(name, element["id"])
    for element in soup.select("[src], link[href]"):
        attribute = "src" if "src" in element.attrs else "href"
        element[attribute] = urljoin(here, element[attribute])
    for link in soup.select("article a[href]"):
        address, _, fragment = urljoin(here, link["href"]).partition("#")
        if address in pages:
            link["href"] = "#" + anchor(pages[address], fragment)
        elif urlsplit(address).scheme == "file":
            del link["href"]  # leads to a page that is not printed


def fit(page):
    """Have equations set, shrink those that are too wide, and fail if anything else is."""
    page.evaluate("MathJax.startup.promise")
    page.evaluate("shrinkEquations()")
    wide = page.evaluate("tooWide()")
    if wide:
        raise ValueError("wider than a page: " + "; ".join(wide))


def to_pdf(page):
    return BytesIO(
        page.pdf(prefer_css_page_size=True, print_background=True, outline=True, tagged=True)
    )


def chapter_pages(pdf):
    """Return the page on which each chapter starts, counted from 1, in their order.

    The first bookmark is that of the table of contents.
    """
    reader = PdfReader(pdf)
    chapters = [entry for entry in reader.outline if not isinstance(entry, list)]
    return [reader.get_destination_page_number(entry) + 1 for entry in chapters[1:]]


def name_bookmarks(writer, headings):
    """Give each bookmark the whole text of its heading: Chromium leaves out symbols."""

    def below(bookmark):
        following = bookmark.get("/First")
        while following is not None:
            entry = following.get_object()
            yield entry
            yield from below(entry)
            following = entry.get("/Next")

    for bookmark, heading in zip(below(writer.get_outline_root()), headings, strict=True):
        bookmark[NameObject("/Title")] = TextStringObject(heading)


if __name__ == "__main__":
    try:
        print_book(*map(Path, sys.argv[1:]))
    except FileNotFoundError as error:
        sys.exit(str(error))
