"""Decimals in the text are computed nearby: a cell prints them, rounded or not, or contains them.

For a section, its own cells count and those of the sections next to it; for the opening and the
summary, all cells of the chapter. Numbers read off a picture, in captions and alternative texts,
are left out, and so are the numbers of sections. A wrong number can still pass if a cell nearby
happens to print it, so the share of random numbers that would pass is bounded, too.
"""

import json
import random
import re
from functools import cache
from pathlib import Path

import pytest

BOOK = Path(__file__).parent.parent / "book"
CHAPTERS = sorted(path.stem for path in BOOK.glob("*.ipynb"))
#: Pages that report, section by section, what the chapters compute that they link to.
REPORTING = ["errata", "questions"]
LABEL = re.compile(r"(?:^\(|\$\$ \(|label: |\"name\": \")([a-z]+-[a-z0-9-]+)", re.MULTILINE)
LINK = re.compile(r"(?:`|\]\()([a-z][a-z0-9_-]+)(?:`|\.ipynb\)|\))")
NUMBER = re.compile(r"(?<![\w.,:])\d+(?:[,_]\d{3})*(?:\.\d+)?(?![\d_])")
#: Titles of sections that look back on a whole chapter.
SUMS_UP = re.compile(r"Summary|What|advice|Exercises|Further reading|The paper")
#: Sections of the paper that the text names.
SECTIONS = {"2.1", "2.2", "3.1", "3.2", "8.1", "8.2", "8.3", "9.1", "9.2"}


def cells(name, kind):
    path = BOOK / f"{name}.ipynb"
    if not path.exists():
        return []
    found = json.loads(path.read_text("utf8"))["cells"]
    return [cell for cell in found if kind in (None, cell["cell_type"])]


def prose(name):
    markdown = BOOK / f"{name}.md"
    if markdown.exists():
        return markdown.read_text("utf8")
    return "\n".join("".join(cell["source"]) for cell in cells(name, "markdown"))


def computed(name):
    """Return the numbers in a chapter's code and in what it prints."""
    return [number for cell in cells(name, "code") for number in in_cell(cell)]


def in_cell(cell):
    texts = ["".join(cell["source"])]
    for output in cell["outputs"]:
        texts.append("".join(output.get("text", output.get("data", {}).get("text/plain", ""))))
    return [float(re.sub("[,_]", "", number)) for number in NUMBER.findall("\n".join(texts))]


def sections(name):
    """Return (title, text, numbers) for each section of a chapter, the opening first."""
    found = [("", [], [])]
    for cell in cells(name, None):
        if cell["cell_type"] == "code":
            found[-1][2].extend(in_cell(cell))
            continue
        for part in re.split(r"^(?=## )", "".join(cell["source"]), flags=re.MULTILINE):
            if part.startswith("## "):
                found.append((part.partition("\n")[0], [], []))
            found[-1][1].append(part)
    return [(title, "\n".join(text), numbers) for title, text, numbers in found]


def near(found, i):
    """Return the numbers that the text of section i may state."""
    whole = not found[i][0] or SUMS_UP.search(found[i][0])
    sources = found if whole else found[max(0, i - 1) : i + 2]
    return [number for _, _, numbers in sources for number in numbers]


def decimals(text):
    return [n for n in NUMBER.findall(text) if "." in n and n not in SECTIONS]


def unsupported(text, numbers):
    """Return the decimals in `text` to which none of `numbers` rounds."""

    def supported(decimal):
        half = 0.5 * 10.0 ** -len(decimal.partition(".")[2])
        value = float(decimal.replace(",", ""))
        return any(abs(value - number) <= half * (1 + 1e-9) for number in numbers)

    return [decimal for decimal in decimals(text) if not supported(decimal)]


def linked(text):
    """Return the chapters that a text links to, by name or by a label of theirs."""
    targets = set(LINK.findall(text))
    return [name for name in CHAPTERS if name in targets or targets & labels(name)]


@cache
def labels(name):
    settings = [json.dumps(cell["metadata"]) for cell in cells(name, "code")]
    return set(LABEL.findall("\n".join([prose(name), *settings])))


@pytest.mark.parametrize("name", sorted(set(CHAPTERS) - set(REPORTING)))
def test_decimals_in_the_text_are_computed(name):
    found = sections(name)
    wrong = {title: unsupported(text, near(found, i)) for i, (title, text, _) in enumerate(found)}
    assert {title: numbers for title, numbers in wrong.items() if numbers} == {}


def test_few_random_numbers_would_pass():
    rng = random.Random(0)
    text = " ".join(f"{rng.random():.2f}" for _ in range(500))
    shares = [
        1 - len(unsupported(text, numbers)) / 500
        for name in CHAPTERS
        for _, _, numbers in sections(name)
        if numbers
    ]
    assert sum(shares) / len(shares) < 0.1


@pytest.mark.parametrize("name", REPORTING)
def test_decimals_that_are_reported_are_computed(name):
    for section in prose(name).split("\n## "):
        sources = {name, *linked(section)}
        numbers = [number for source in sources for number in computed(source)]
        assert unsupported(section, numbers) == []


def test_a_number_from_nowhere_is_found():
    text = "Section 3.1 says 0.847, we find $0.24$, about 1,234.5, and 0.25."
    assert unsupported(text, [0.2449, 1234.5]) == ["0.847", "0.25"]


def test_sections_know_what_they_link_to():
    text = "See {prf:ref}`thm-linear`, {numref}`fig-alive` and [this](model_variation.ipynb)."
    assert linked(text) == ["collapse_time", "model_variation", "recursive_training"]
