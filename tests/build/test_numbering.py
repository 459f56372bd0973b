"""Ours carry the chapter's number, without gaps; JupyterLab's words say the same numbers.

Needs `make book` first.
"""

import json
import re
import sys
from functools import cache

import pytest
import yaml
from bs4 import BeautifulSoup

from tests.support import ROOT, SITE

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import jupyterlab_words

TOC = yaml.safe_load((ROOT / "_toc.yml").read_text("utf8"))
CHAPTERS = [
    chapter["file"] for part in TOC["parts"] if "numbered" in part for chapter in part["chapters"]
]
OTHERS = [name for name, number in jupyterlab_words.chapters(ROOT) if number is None]


@cache
def article(name):
    return BeautifulSoup((SITE / f"{name}.html").read_text("utf8"), "html.parser").article


def numbers_of(name):
    """Return {kind: numbers in their order} of all that a page numbers, as it prints them."""
    found = {"equation": [label.text.strip("()#") for label in article(name).select(".eqno")]}
    for caption in article(name).select(".caption-number"):
        kind, number = caption.text.split()
        found.setdefault(kind, []).append(number)
    return found


@pytest.mark.parametrize("name", CHAPTERS)
def test_all_that_a_chapter_numbers_carries_its_number(name):
    chapter = article(name).select_one("h1 .section-number").text.strip(" .")
    assert chapter == str(CHAPTERS.index(name) + 1)
    for kind, numbers in numbers_of(name).items():
        assert numbers == [f"{chapter}.{k}" for k in range(1, len(numbers) + 1)], kind


def test_all_parts_with_chapters_are_numbered():
    captions = {part["caption"] for part in TOC["parts"] if "numbered" not in part}
    assert captions == {"Overview", "Appendix"}


def test_chapters_have_what_is_numbered():
    kinds = [set(numbers_of(name)) for name in CHAPTERS]
    assert all("Figure" in found and "Exercise" in found for found in kinds)
    assert {"Theorem", "Definition"} <= set.union(*kinds)


@pytest.mark.parametrize("name", OTHERS)
def test_other_pages_have_no_number(name):
    assert not article(name).select_one("h1 .section-number")


def test_equations_of_the_paper_keep_its_numbers_and_take_none_of_ours():
    tagged = [
        equation
        for name in CHAPTERS
        for equation in article(name).select("div.math")
        if r"\tag{" in equation.text
    ]
    assert len(tagged) > 15
    for equation in tagged:
        assert re.search(r"\\tag\{P\d+", equation.text)
        assert not equation.select_one(".eqno")


def test_jupyterlab_says_the_numbers_of_the_book():
    words, printed = jupyterlab_words.labels(ROOT), {}
    for name, _ in jupyterlab_words.chapters(ROOT):
        for mark in article(name).select(".caption-number, .eqno"):
            box = mark.find_parent("div", class_="math") or mark.find_parent(id=True)
            printed[box["id"].removeprefix("equation-")] = [mark.text.strip(" #"), name]
    assert len(printed) > 100
    assert {label: words.get(label) for label in printed} == printed
    rest = {text for label, (text, _) in words.items() if label not in printed}
    assert {"(P6)", "(P9)"} <= rest  # the paper's, and headings
    assert not any(re.search(r"\d+\.\d+", text) for text in rest)


def test_jupyterlab_says_authors_and_years_of_the_book():
    citations = jupyterlab_words.citations(ROOT)
    page = " ".join(article("book/literature").text.split())
    keys = re.findall(r"\{cite:t\}`(\w+)`", (ROOT / "book" / "literature.md").read_text("utf8"))
    assert len(keys) > 20
    for key in keys:
        author, year = citations[key]
        assert f"{author} [{year}]" in page


def test_numbers_follow_the_sources(tmp_path):
    """In a book of two numbered pages and one that is not, with all that can be labelled."""
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: start\nparts:\n- caption: A\n  numbered: 1\n"
        "  chapters:\n  - file: one\n  - file: two\n"
    )
    (tmp_path / "start.md").write_text("# Start\n")
    (tmp_path / "one.md").write_text("# One\n\n$$ a $$\n\n$$\nb\n$$ (eq-b)\n")
    text = (
        "(sec-two)=\n# Two\n\n(eq-p1)=\n$$ c \\tag{P1} $$\n\n$$ d $$ (eq-d)\n\n"
        "```{prf:theorem}\n:label: thm-x\nText\n```\n\n```{prf:lemma} L\n:label: lem-y\n```\n\n"
        "```{prf:theorem} T\n:label: thm-z\n```\n\n````{exercise-start}\n:label: ex-e\n````\n"
    )
    picture = {"mystnb": {"figure": {"name": "fig-f", "caption": "F"}}}
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": text},
        {"cell_type": "code", "metadata": picture, "source": "plot()"},
    ]
    (tmp_path / "two.ipynb").write_text(json.dumps({"cells": cells}))
    assert jupyterlab_words.labels(tmp_path) == {
        "eq-b": ["(1.1)", "one"],
        "sec-two": ["Two", "two"],
        "eq-p1": ["(P1)", "two"],
        "eq-d": ["(2.1)", "two"],
        "thm-x": ["Theorem 2.1", "two"],
        "lem-y": ["Lemma 2.1", "two"],
        "thm-z": ["Theorem 2.2", "two"],
        "ex-e": ["Exercise 2.1", "two"],
        "fig-f": ["Figure 2.1", "two"],
    }
