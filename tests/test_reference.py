"""The notation, the glossary and the pages of the library name what exists."""

import dataclasses
import doctest
import inspect
import json
import re
from pathlib import Path

import pytest

import collapse_lib

BOOK = Path(__file__).parent.parent / "book"
LEARNERS = Path(collapse_lib.__file__).parent.glob("learners/*.py")
LINK = re.compile(r"\]\((\w+)\.ipynb\)")
CODE = re.compile(r"\{py:obj\}`([\w.]+)`(?: \(`(\w+)`\))?")
PROOF = re.compile(r"\{(?:prf:ref|eq)\}`([\w-]+)`|\]\(#([\w-]+)\)")


def symbols():
    """Return pairs of a line of symbols and the lines that explain them."""
    page = (BOOK / "notation.md").read_text("utf8")
    explained = page.split("## One letter, several meanings")[0]
    return re.findall(r"^(\$.+\$)\n((?::.+\n)+)", explained, re.MULTILINE)


def terms():
    """Return pairs of the names of a term, which may be several, and its text."""
    page = (BOOK / "glossary.md").read_text("utf8")
    listed = page.split("```{glossary}\n")[1].split("```")[0]
    pairs = []
    for entry in listed.strip().split("\n\n"):
        lines = entry.split("\n")
        names = [line for line in lines if not line.startswith(" ")]
        pairs.append((names, " ".join(line.strip() for line in lines[len(names) :])))
    return pairs


def prose(text):
    """Return the Markdown of the chapters that `text` links to."""
    chapters = LINK.findall(text)
    assert chapters
    cells = []
    for chapter in chapters:
        notebook = json.loads((BOOK / f"{chapter}.ipynb").read_text("utf8"))
        cells += [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    return "\n".join("".join(cell["source"]) for cell in cells)


def squeezed(formula):
    """Return a formula, or a text of formulas, without spaces and braces."""
    return re.sub(r"\\[,;]|[\s{}]", "", formula)


def resolve(path):
    """Return what `path` names in the package, which may be a field of a dataclass."""
    found = collapse_lib
    for name in path.split("."):
        fields = dataclasses.fields(found) if dataclasses.is_dataclass(found) else ()
        known = {field.name: field for field in fields}
        found = known[name] if name in known else getattr(found, name)
    return found


@pytest.mark.parametrize(("head", "text"), symbols(), ids=lambda value: value[:24])
class TestSymbol:
    def test_its_names_in_code_exist(self, head, text):
        names = CODE.findall(text)
        assert bool(names) != ("no name of its own" in text)
        for path, argument in names:
            found = resolve(path)
            assert not argument or argument in inspect.signature(found).parameters

    def test_it_stands_in_the_chapter_that_is_linked(self, head, text):
        chapters = squeezed(prose(text.split("*From*")[1]))
        for symbol in re.findall(r"\$(.+?)\$", head):
            assert squeezed(symbol) in chapters

    def test_what_is_linked_stands_there_too(self, head, text):
        chapters = prose(text)
        for label in map("".join, PROOF.findall(text)):
            assert re.search(rf":label: {label}$|\({label}\)", chapters, re.MULTILINE)


@pytest.mark.parametrize(("names", "text"), terms(), ids=lambda value: value[0][:24])
class TestTerm:
    def test_it_occurs_in_the_chapter_that_is_linked(self, names, text):
        words = re.sub(r"[*$]", "", prose(text))
        for name in names:
            assert re.search(rf"(?<!\w){re.escape(name)}(s|es)?(?!\w)", words, re.IGNORECASE)

    def test_it_is_explained_in_two_sentences_at_most(self, names, text):
        explanation = re.sub(r" <.+?>|et al\.", "", text.split(" See ")[0])
        assert 1 <= len(re.findall(r"[.?!](?= |$)", explanation)) <= 2


def test_the_glossary_is_in_the_order_of_the_alphabet():
    names = [names[0].lower() for names, _ in terms()]
    assert names == sorted(names)


def test_every_public_module_has_its_page():
    pages = "".join(page.read_text("utf8") for page in (BOOK / "api").glob("*.md"))
    shown = re.findall(r"^\.\. automodule:: collapse_lib\.(\w+)$", pages, re.MULTILINE)
    assert sorted(shown) == sorted(collapse_lib.__all__)
    learners = re.findall(r"^\.\. automodule:: collapse_lib.learners\.(\w+)$", pages, re.MULTILINE)
    assert sorted(learners) == sorted(path.stem for path in LEARNERS if path.stem != "__init__")


def test_the_start_on_the_page_of_the_library_runs():
    (example,) = re.findall(r"```python\n(.+?)```", (BOOK / "api.md").read_text("utf8"), re.DOTALL)
    test = doctest.DocTestParser().get_doctest(example, {}, "start", "book/api.md", 0)
    assert len(test.examples) == 6
    assert doctest.DocTestRunner().run(test).failed == 0
