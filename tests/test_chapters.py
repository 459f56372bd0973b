"""What all chapters have in common: the order of their parts, symbols, labels and words.

Each check is a function that returns what is wrong, so that it can be tried on a bad example.
Checks that need a built page are in tests/browser/test_chapters.py.
"""

import json
import re
from collections import defaultdict
from functools import cache
from string import ascii_letters as letters

import pytest
import yaml

from tests.support import ROOT

BOOK = ROOT / "book"


def chapters():
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text("utf8"))["parts"]
    files = [entry["file"] for part in parts if "numbered" in part for entry in part["chapters"]]
    return [name.removeprefix("book/") for name in files]


CHAPTERS = chapters()


@cache
def cells(name):
    return json.loads((BOOK / f"{name}.ipynb").read_text("utf8"))["cells"]


def source(cell):
    return "".join(cell["source"])


# --- the order of the parts -----------------------------------------------------------------------

#: Stands for controls in the text that `outline` makes of a notebook.
CONTROLS = "<controls>"
FIRST = ["*You will be able to*", "*You need*", "*Reading time:*", "*Running time:*"]
ADVICE = re.compile(r"^## (What this means if you train models|.*\b[Aa]dvice\b.*)$", re.MULTILINE)
LAST = ["## Summary", "## Exercises", "{dropdown} The paper, item by item", "## Further reading"]
OLD = re.compile(r"^## (Try it.*|What the paper says, and what we found)$", re.MULTILINE)


def outline(cells):
    """Return a notebook as one text, with a mark where an explorer or a laboratory stands."""
    texts = []
    for cell in cells:
        if cell["cell_type"] == "markdown":
            texts.append(re.sub(r"^% laboratory .*$", CONTROLS, source(cell), flags=re.MULTILINE))
        elif re.search(r"^Explorer\(", source(cell), re.MULTILINE):
            texts.append(CONTROLS)
    return "\n\n".join(texts)


def disorder(text):
    """Return what is missing in a chapter, or out of place."""
    opening = re.split(r"^## ", text, maxsplit=1, flags=re.MULTILINE)[0]
    body = text[len(opening) :]
    start = [r"\A# .+", r"^\*\*In one sentence:\*\* ", r"^`{3,}\{admonition\} Before you start$"]
    start += [re.escape(words) for words in FIRST]
    start += [r"^\*\*Guess before you play\.\*\* ", re.escape(CONTROLS)]
    faults = in_order(opening, start, "before the first section")
    if sentence := re.search(r"^\*\*In one sentence:\*\* (.+)$", opening, re.MULTILINE):
        if len(re.findall(r"[.?!](?=\s|$)", sentence[1])) != 1:
            faults.append("In one sentence: not one sentence")
        if len(sentence[1].split()) > 50:
            faults.append("In one sentence: more than 50 words")
    before = re.split(r"^`{3,}\{prf:(?:theorem|proposition|lemma|corollary)\}", body, flags=re.M)[0]
    if not re.search(r"\bby hand\b", before):
        faults.append("no case by hand before the first theorem")
    faults += [f"heading of the old order: {found[0]}" for found in OLD.finditer(text)]
    end = [ADVICE.pattern, *(rf"^`*{re.escape(title)}$" for title in LAST)]
    faults += in_order(body, end, "at the end")
    tail = body.partition("\n## Exercises")[2]
    if re.findall(r"^## .*$", tail, re.MULTILINE) != ["## Further reading"]:
        faults.append("other sections between exercises and further reading, or after them")
    exercises = re.findall(r"^`{3,}\{exercise\}\n:label: (\S+)$", tail, re.MULTILINE)
    solved = re.findall(r"\{solution-start\} (\S+)\n:class: dropdown$", tail, re.MULTILINE)
    if not 3 <= len(exercises) <= 5:
        faults.append(f"{len(exercises)} exercises")
    if exercises != solved:
        faults.append(f"exercises without a hidden solution: {set(exercises) ^ set(solved)}")
    if "{prf:proof}" in text:
        faults.append("a proof that is not in a dropdown")
    return faults


def in_order(text, patterns, where):
    """Return the patterns that are missing in the text, or out of order."""
    faults, position = [], 0
    for pattern in patterns:
        found = re.compile(pattern, re.MULTILINE).search(text, position)
        if found:
            position = found.end()
        else:
            faults.append(f"{where}, not in its place: {pattern}")
    return faults


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_parts_are_in_order(name):
    assert disorder(outline(cells(name))) == []


EXERCISE = """
```{exercise}
:label: ex-NUMBER
```

`````{solution-start} ex-NUMBER
:class: dropdown
`````
"""
GOOD = f"""# How fast?

**In one sentence:** it is quick; really (see 1.2).

```{{admonition}} Before you start
*You will be able to* tell.

*You need* nothing.

*Reading time:* 20 minutes. *Running time:* a minute.
```

**Guess before you play.** How fast?

{CONTROLS}

## Why?

Take the smallest case by hand.

```{{prf:theorem}} It is
:label: thm-it-is
It is.
```

## What this means if you train models

## Summary

## Exercises
{"".join(EXERCISE.replace("NUMBER", number) for number in "012")}
````{{dropdown}} The paper, item by item
````

## Further reading
"""


def test_a_good_example_of_the_order():
    assert disorder(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# How fast?", ""),
        ("**In one sentence:**", "**In short:**"),
        ("really (see 1.2).", "really. See 1.2."),
        ("really (see 1.2).", "really " * 50 + "."),
        ("*You need* nothing.", ""),
        ("*Reading time:* 20 minutes. *Running time:* a minute.", ""),
        ("**Guess before you play.** How fast?", ""),
        (f"{CONTROLS}\n\n## Why?", f"## Why?\n\n{CONTROLS}"),
        ("by hand", "at random"),
        ("Take the smallest case by hand.", "```{prf:theorem} First\n```\n\nNow by hand."),
        ("## What this means if you train models", "## What it means"),
        ("## Summary", "## Try it\n\n## Summary"),
        ("## Summary\n\n## Exercises", "## Exercises\n\n## Summary"),
        (":label: ex-2", ":label: ex-4"),
        ("## Exercises", "## Exercises\n\n```{exercise}\n:label: ex-4\n```"),
        ("{exercise}\n:label: ex-0", "{note}\n"),
        ("````{dropdown} The paper, item by item\n````", ""),
        ("## Further reading", "## Further reading\n\n## What the paper says, and what we found"),
        ("It is.\n```", "It is.\n```\n\n```{prf:proof}\n```"),
    ],
)
def test_disorder_is_found(old, new):
    assert old in GOOD
    assert disorder(GOOD.replace(old, new, 1)) != []


def test_controls_are_seen_in_both_kinds_of_cells():
    laboratory = {"cell_type": "markdown", "source": ["Guess.\n", "% laboratory | state: n=1"]}
    explorer = {"cell_type": "code", "source": ["Explorer(\n", "    draw,\n", ")"]}
    imports = {"cell_type": "code", "source": ["from collapse_lib.explorers import Explorer"]}
    assert outline([laboratory]).count(CONTROLS) == 1
    assert outline([explorer]).count(CONTROLS) == 1
    assert outline([imports]).count(CONTROLS) == 0


# --- how hard an exercise is, and what it takes ---------------------------------------------------

LEVELS = ("warm-up", "standard", "hard")
MEANS = ("by hand", "with code", "by hand and with code")
EXERCISES = re.compile(r"^`{3,}\{exercise\}\n:label: (\S+)\n(.*?)^`{3,}$", re.MULTILINE | re.DOTALL)
LEVEL = re.compile(rf"\*\(({'|'.join(LEVELS)}), ({'|'.join(MEANS)})\)\*")
TAGGED = re.compile(rf"\*\*[^*\n]+\*\* {LEVEL.pattern} \S")


def levels(text):
    """Return (level, means) of each exercise with one of each, behind its title; else None."""
    found = {}
    for label, body in EXERCISES.findall(text):
        tag = TAGGED.match(body)
        one = tag and len(LEVEL.findall(body)) == 1
        found[label] = (tag[1], tag[2]) if one else None
    return found


def all_levels():
    return {key: tag for name in CHAPTERS for key, tag in levels(outline(cells(name))).items()}


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_exercise_says_its_level(name):
    text = outline(cells(name))
    found = levels(text)
    assert len(found) == text.count("{exercise}") > 0
    assert [label for label, tag in found.items() if tag is None] == []


@pytest.mark.parametrize(
    ("body", "tag"),
    [
        ("**One.** *(hard, by hand)* Show it.", ("hard", "by hand")),
        ("**One.** *(warm-up, by hand and with code)* Show it.", ("warm-up", MEANS[2])),
        ("**One.** Show it.", None),
        ("*(hard, by hand)* **One.** Show it.", None),
        ("**One.** *(hard)* Show it.", None),
        ("**One.** *(easy, by hand)* Show it.", None),
        ("**One.** *(hard, by heart)* Show it.", None),
        ("**One.** *(hard, by hand)* *(standard, by hand)* Show it.", None),
    ],
)
def test_an_exercise_without_one_level_is_found(body, tag):
    assert levels(f"```{{exercise}}\n:label: ex-1\n{body}\n```\n") == {"ex-1": tag}


def mismatches(rows, tags):
    """Return the exercises that teaching.md gives to readers whom their tags do not fit."""
    faults = []
    for reader, *columns in rows:
        for means, column in zip(MEANS[:2], columns, strict=True):
            for label in re.findall(r"\{ref\}`(ex-[\w-]+)`", column):
                level, takes = tags[label]
                fits = (level == "hard") == ("hard" in reader)
                easy = "first course" not in reader or level == "warm-up" or means == "with code"
                if means not in takes or not fits or not easy:
                    faults.append((label, reader, means))
    return faults


def test_exercises_are_given_to_whom_they_fit():
    page = (BOOK / "teaching.md").read_text("utf8")
    section = page.partition("## Which exercises for whom")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if "{ref}" in line]
    tags = all_levels()
    assert len(rows) == 4
    assert mismatches(rows, tags) == []
    listed = re.findall(r"`(ex-[\w-]+)`", section)
    assert len(listed) == len(set(listed))
    hard = {label for label, (level, _) in tags.items() if level == "hard"}
    assert hard == {label for label in listed if tags[label][0] == "hard"}
    for word in (*LEVELS, *MEANS[:2]):  # both pages say what the words mean
        assert f"*{word}*" in section
        assert f"*{word}*" in outline(cells("intro"))


@pytest.mark.parametrize(
    ("reader", "by_hand", "with_code"),
    [
        ("engineers", "", "{ref}`ex-1`"),
        ("engineers", "{ref}`ex-2`", ""),
        ("a hard one", "{ref}`ex-1`", ""),
        ("first course", "{ref}`ex-3`", ""),
    ],
)
def test_exercises_for_the_wrong_readers_are_found(reader, by_hand, with_code):
    tags = {"ex-1": ("warm-up", "by hand"), "ex-2": ("hard", "by hand")}
    tags |= {"ex-3": ("standard", "by hand and with code")}
    assert mismatches([(reader, by_hand, with_code)], tags)
    assert not mismatches([("first course", "{ref}`ex-1`", "{ref}`ex-3`")], tags)


# --- the seminar of the page for teachers ---------------------------------------------------------


def reading_time(name):
    """Return the minutes that a chapter says it takes, without what it says to take another."""
    (minutes,) = re.findall(r"\*Reading time:\* (\d+) minutes", outline(cells(name)))
    return int(minutes)


def test_a_meeting_of_the_seminar_is_not_too_full():
    page = (BOOK / "teaching.md").read_text("utf8")
    section = page.partition("## A seminar")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (\d+) \|", section, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, 11))
    meetings = [
        [name for name in re.findall(r"\[\]\((\w+)\)", column) if name in CHAPTERS]
        for _, column, _ in rows
    ]
    assert [name for names in meetings for name in names] == CHAPTERS
    for names, (_, _, minutes) in zip(meetings, rows, strict=True):
        assert len(names) <= 2
        assert sum(map(reading_time, names)) == int(minutes) <= 50


# --- no text between the exercises ----------------------------------------------------------------

SOLVED = re.compile(
    r"^`{3,}\{solution-end\}\n`{3,}$(.*?)(?=^`{3,}\{(?:exercise|dropdown)\}|^#|\Z)",
    re.DOTALL | re.MULTILINE,
)


def after_solutions(cells):
    """Return the text between each solution and the next exercise, heading or dropdown."""
    texts = [source(c) if c["cell_type"] == "markdown" else "<code>" for c in cells]
    return [between.strip() for between in SOLVED.findall("\n\n".join(texts))]


@pytest.mark.parametrize("name", CHAPTERS)
def test_solutions_are_followed_by_nothing_of_their_own(name):
    ends = sum(source(cell).count("{solution-end}") for cell in cells(name))
    assert ends >= 3
    assert after_solutions(cells(name)) == [""] * ends


def test_text_after_a_solution_is_found():
    end = "`````{solution-end}\n`````\n\n"
    code = {"cell_type": "code", "source": ["# a comment"]}
    for follows in ("```{exercise}\n```", "## Further reading", "````{dropdown} The paper\n````"):
        assert after_solutions(markdown(end + follows)) == [""]
        assert after_solutions(markdown(f"{end}The cell.\n\n{follows}")) == ["The cell."]
        assert after_solutions([*markdown(end), code, *markdown(follows)]) == ["<code>"]


# --- code that draws is folded --------------------------------------------------------------------

DRAWS = re.compile(r"^ *(def draw|\w+ = plt\.|\w+, \w+ = plt\.|plt\.|Explorer\()", re.MULTILINE)
IMPORTS = re.compile(r"^(import|from) ", re.MULTILINE)


def unfolded(cells):
    """Return the first lines of cells that draw or import with their code open."""
    return [
        source(cell).partition("\n")[0]
        for cell in cells
        if cell["cell_type"] == "code"
        and (DRAWS.search(source(cell)) or IMPORTS.match(source(cell)))
        and "hide-input" not in cell["metadata"].get("tags", [])
        and not cell["metadata"].get("jupyter", {}).get("source_hidden")
    ]


@pytest.mark.parametrize("name", CHAPTERS)
def test_code_that_draws_or_imports_is_folded(name):
    assert unfolded(cells(name)) == []


@pytest.mark.parametrize("code", ["fig, ax = plt.subplots()", "Explorer(draw)", "import numpy"])
def test_open_code_that_draws_is_found(code):
    cell = {"cell_type": "code", "source": [code], "metadata": {}}
    assert unfolded([cell]) == [code]
    assert unfolded([cell | {"metadata": {"tags": ["hide-input"]}}]) == []
    assert unfolded([cell | {"metadata": {"jupyter": {"source_hidden": True}}}]) == []
    assert unfolded([cell | {"source": ["x = 1"]}]) == []


# --- symbols --------------------------------------------------------------------------------------
#
# A symbol of the notation page must be defined where a formula in a chapter's running text first
# uses it. It is defined if the same box, or the same paragraph with its displayed equations and its
# list,
#
# - has a word by which the notation page explains the symbol, as in "the collision probability
#   $\sigma$" (only the first five letters of a word count, and very common words do not count), or
# - introduces it as one introduces any letter: "let $x$", "where $x$", "with $x$", "a number $x$",
#   or an inline formula that begins with "$x =$".
#
# Proofs, exercises and other folded text have letters of their own and are skipped. Symbols count
# as one if they differ in their indices only: p_i and p_k, not p and p_i.

MATH = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)
COMMON = frozenset(
    re.findall(
        r"\w+",
        """about after again along also appear before between both call code does each every from
        function given goes have here instead into itself less letter many more most name number
        occur often ours other otherwise over page paper same several some that their them there
        these they this those training true turn used what when where which with word would write
        written chapter exercises elsewhere index one two alone""",
    )
)
FOLDED = re.compile(r"\{(dropdown|exercise|solution-start)\}")
TOKEN = re.compile(
    r"\\(?:text|mathrm|operatorname|tag|mathbb|mathcal|begin|end)\s*\{[^{}]*\}"
    r"|\\(?P<accent>tilde|hat|bar|widehat)\s*\{?\s*(?P<letter>\\?[A-Za-z]+?)(?![a-z])\s*\}?"
    r"|\\[A-Za-z]+|[A-Za-z]"
)
SCRIPT = re.compile(r"([_^])(\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|\\[A-Za-z]+|.)", re.DOTALL)


def stems(text):
    text = re.sub(r"\$[^$]*\$|`[^`]*`|\]\([^)]*\)", " ", text.lower())
    return {word[:5] for word in re.findall(r"[a-z]{4,}", text) if word not in COMMON}


def symbols(formula):
    """Return the symbols of a formula in order, with "_" for any index, "^" for any generation."""
    found, position = [], 0
    while token := TOKEN.search(formula, position):
        position, name, exponents = token.end(), token[0], []
        if token["letter"]:
            name = token["accent"][0] + token["letter"]
        while script := SCRIPT.match(formula, position):
            position, inside = script.end(), script[2].strip("{} ")
            if script[1] == "_":
                name += "_"
            elif inside.startswith("("):
                name += "^"
            elif inside != "c":  # the complement of a set
                exponents += symbols(inside)
        if "{" not in name:
            found += [name, *exponents]
    return found


@cache
def explained():
    """Return for each symbol of the notation page the stems of the words that explain it."""
    page = (BOOK / "notation.md").read_text("utf8")
    listed, _, meanings = page.partition("\n## One letter, several meanings")
    words = defaultdict(set)
    for heads, text in re.findall(r"^(\$.+\$)\n: (.+)$", listed, re.MULTILINE):
        for head in re.findall(r"\$(.+?)\$", heads):
            if not head.startswith(r"\|"):
                words[symbols(head)[0]] |= stems(text)
    for head, text in re.findall(r"^\$(\w|\\\w+)\$.*\n: (.+)$", meanings, re.MULTILINE):
        for symbol in words:
            if symbol.rstrip("_^") == head:
                words[symbol] |= stems(text)
    return dict(words)


def passages(cells):
    """Yield paragraphs with their equations and lists, boxes, and captions; skip what is folded."""
    solution = False
    for cell in cells:
        if cell["cell_type"] == "code":
            caption = cell["metadata"].get("mystnb", {}).get("figure", {}).get("caption")
            if caption and not solution:
                yield caption
            continue
        for kind, text in blocks(source(cell)):
            if "{solution-" in kind:
                solution = "{solution-start}" in kind
            elif not solution and not FOLDED.search(kind) and not text.startswith(("%", "#")):
                yield text


def blocks(text):
    """Split Markdown; return pairs of a box's first line, empty for paragraphs, and the text."""
    found, fence, equation, gap = [], None, False, True
    for line in text.split("\n"):
        mark = re.match(r"(`{3,}|:{3,})(.*)", line)
        if fence:
            if line.strip() == fence:
                fence, gap = None, True
            else:
                found[-1][1].append(line)
        elif mark and not equation:
            fence = mark[1]
            found.append((mark[2], []))
        elif not line.strip() and not equation:
            gap = True
        else:
            goes_on = line.lstrip().startswith(("$$", "- ", "1. ", "|", "(eq-"))
            last = found[-1] if found and not found[-1][0] else None
            goes_on |= last is not None and last[1][-1].startswith("$$")
            if last is None or line.startswith("#") or (gap and not goes_on):
                found.append(("", []))
            found[-1][1].append(line)
            gap = line.startswith("#")
            equation ^= line.count("$$") % 2 == 1
    return [(kind, "\n".join([kind.partition("}")[2], *lines]).strip()) for kind, lines in found]


def introduced(symbol, text):
    """Return whether a text introduces a symbol as one introduces any letter."""
    name = re.escape(symbol.rstrip("_^"))
    if len(symbol) > 1 and symbol[0] in "thb" and symbol[1] in "\\" + letters:
        accent = {"t": "tilde", "h": "hat", "b": "bar"}[symbol[0]]
        name = rf"\\(?:wide)?{accent}\s*\{{?\s*{re.escape(symbol[1:].rstrip('_^'))}"
    ends = r"(?![A-Za-z])"
    verb = r"\b(?:let|where|with|write|call|put|for|suppose that)(?: all)?"
    noun = r"\b(?:an?|any|some|every|each|all|another)(?: [\w'’-]+){1,3}"
    if re.search(rf"(?:{verb}|{noun})\s+\$\$?\s*{name}{ends}", text, re.IGNORECASE):
        return True
    script = r"(?:[_^](?:\{[^{}]*\}|.))*(?:\([^()$]*\))?"
    return re.search(rf"(?<!\$)\${name}{ends}{script}\s*=", text) is not None


def undefined(cells):
    """Return symbols of the notation page with the passage that uses them undefined."""
    seen, faults = set(), []
    for passage in passages(cells):
        words = stems(passage)
        for displayed, inline in MATH.findall(re.sub(r"`[^`\n]*`", "", passage)):
            for symbol in symbols(displayed or inline):
                if symbol in seen or symbol not in explained():
                    continue
                seen.add(symbol)
                if not explained()[symbol] & words and not introduced(symbol, passage):
                    faults.append(f"{symbol}: {passage[:200]}")
    return faults


def test_the_notation_page_is_read():
    assert len(explained()) > 50
    assert explained()["\\sigma_"] >= {"colli", "proba"}
    assert "model" in explained()["K"]


@pytest.mark.parametrize("name", CHAPTERS)
def test_symbols_are_defined_where_they_first_stand(name):
    assert undefined(cells(name)) == []


def markdown(text):
    return [{"cell_type": "markdown", "source": [text]}]


@pytest.mark.parametrize(
    "text",
    [
        "The share must exceed $1 - \\tau$.",
        "Variety.\n\nIt is $\\sigma_m$.",
        "```{prf:theorem} One\n:label: thm-one\nIt is at most $h$.\n```",
        "It ends.\n\n$$\nS_m = 1\n$$",
        "````{dropdown} Proof\nA temperature $\\tau$.\n````\n\nIt is $\\tau$.",
        "So $n \\to \\infty$ and $x = K$.",
    ],
)
def test_an_undefined_symbol_is_found(text):
    assert undefined(markdown(text)) != []


@pytest.mark.parametrize(
    "text",
    [
        "The temperature is above $\\tau$.",
        "Their collision probability\n\n$$\n\\sigma_m \\ge 0\n$$\n\nrises.",
        "It ends.\n\n$$\nS_m \\to 1\n$$\n\nwhere $S_m$ is what you think, and $h = 1$.",
        "For a strange $K$ nothing holds.",
        "````{dropdown} Proof\nIt is $\\tau$.\n````",
        "```{exercise}\n:label: ex-one\n**One.** It is $h$.\n```",
        "For sets $p(A^c)$ of tokens.",
        "Let $A$ be a table `$h$`.",
    ],
)
def test_a_defined_symbol_is_none(text):
    assert undefined(markdown(text)) == []


@pytest.mark.parametrize(
    ("formula", "found"),
    [
        (r"p_i^{(m)}", ["p_^"]),
        (r"\tilde s^{1-n}", ["t" + "s", "n"]),
        (r"\hat p_{jk} \le \sigma_m", [r"hp_", r"\le", r"\sigma_"]),
        (r"\frac{1}{N}", [r"\frac", "N"]),
        (r"\mathbb{E}[D_n(p)] \text{ if } A^c", [r"D_", "p", "A"]),
    ],
)
def test_symbols_of_formulas(formula, found):
    assert symbols(formula) == found


# --- labels ---------------------------------------------------------------------------------------

LABELS = re.compile(
    r"^\s*\(([\w-]+)\)=\s*$"  # a target
    r"|^\s*:(?:label|name): ([\w-]+)\s*$"  # of a box
    r"|^\$\$ \(([\w-]+)\)\s*$",  # of an equation
    re.MULTILINE,
)


@cache
def pages():
    """Return all pages: those of the book by their name, README and CONTRIBUTING in capitals."""
    found = {path.stem: path for path in [*BOOK.glob("*.md"), *BOOK.glob("*.ipynb")]}
    found |= {f"api/{path.stem}": path for path in BOOK.glob("api/*.md")}
    found |= {name: ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING")}
    return dict(sorted(found.items()))


def prose(path):
    """Return the text of a page, with the captions and alternative texts of its figures."""
    if path.suffix == ".md":
        return path.read_text("utf8")
    texts = []
    for cell in cells(path.stem):
        settings = cell["metadata"].get("mystnb", {})
        figure = [settings.get("figure", {}).get("caption"), settings.get("image", {}).get("alt")]
        texts += [source(cell)] if cell["cell_type"] == "markdown" else filter(None, figure)
    return "\n\n".join(texts)


def labels(path):
    found = [next(filter(None, match)) for match in LABELS.findall(prose(path))]
    if path.suffix == ".ipynb":
        figures = (
            cell["metadata"].get("mystnb", {}).get("figure", {}) for cell in cells(path.stem)
        )
        found += [figure["name"] for figure in figures if "name" in figure]
    return found


def repeated(found):
    """Return the labels that occur more than once, with their pages."""
    where = defaultdict(list)
    for page, listed in found.items():
        for label in listed:
            where[label].append(page)
    return {label: where[label] for label in where if len(where[label]) > 1}


def test_labels_are_unique_in_the_book():
    found = {name: labels(path) for name, path in pages().items()}
    assert sum(map(len, found.values())) > 200
    assert repeated(found) == {}


def test_a_repeated_label_is_found():
    text = "(eq-p9)=\n$$\nx\n$$ (eq-nine)\n```{prf:theorem}\n:label: thm-nine\n```\n"
    found = [next(filter(None, match)) for match in LABELS.findall(text)]
    assert found == ["eq-p9", "eq-nine", "thm-nine"]
    assert repeated({"one": found, "two": ["thm-nine"]}) == {"thm-nine": ["one", "two"]}


# --- the opening page and README ------------------------------------------------------------------


def paths(text):
    """Return for each kind of reader the pages that the three ways to read the book name."""
    section = text.partition("## Three ways to read")[2].partition("\n## ")[0]
    readers = re.split(r"^- \*\*(\w+)\*\*", section, flags=re.MULTILINE)[1:]
    links = re.compile(r"\[([^\]]+)\]\((?:book/)?([\w.]+)\)")
    return {
        reader: [(" ".join(title.split()), page) for title, page in links.findall(way)]
        for reader, way in zip(readers[::2], readers[1::2], strict=True)
    }


def test_readme_and_the_opening_page_agree_on_the_ways_to_read():
    ways = paths(prose(BOOK / "intro.ipynb"))
    assert list(ways) == ["Engineers", "Theorists", "Teachers"]
    assert all(len(way) >= 2 for way in ways.values())
    assert paths((ROOT / "README.md").read_text("utf8")) == ways


def test_ways_that_differ_are_seen():
    way = "## Three ways to read it\n\n- **Teachers**: [One](book/one.md), [Two](book/two.md).\n"
    assert paths(way) == {"Teachers": [("One", "one.md"), ("Two", "two.md")]}
    assert paths(way.replace("two.md", "three.md")) != paths(way)


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_opening_page_and_readme_name_every_chapter(name):
    opening = prose(BOOK / "intro.ipynb")
    assert re.search(rf"^- \[.+\]\({name}\.ipynb\): ", opening, re.MULTILINE)
    assert f"](book/{name}.ipynb) | " in (ROOT / "README.md").read_text("utf8")


# --- words ----------------------------------------------------------------------------------------

#: What not to write, and what to write in its place.
WORDS = {
    r"anew": "again, fresh",
    r"in the mean(?! square)": "on average",
    r"for good(?! (reason|measure))": "for ever",
    r"one and the same": "the same",
    r"has it(?! that way)": "say who says what",
    r"by way of": "by, through",
    r"plans?(?! (a|an|for|the) )": "schedule",
    r"(?<!random )streams?": "sequence",
    r"(?<!power )(?<!power-)(?<!share )(?<!scaling )(?<!Zipf's )"
    r"laws?(?! of large numbers| of total )": "distribution",
}
TICS = re.compile("|".join(rf"\b({tic})\b" for tic in WORDS), re.IGNORECASE)
#: Code, formulas, addresses and names of labels are not prose.
CODE = re.compile(r"^(`{3,})(?:python|sh|\{(?:laboratory|eval-rst)\}).*?^\1\s*$", re.DOTALL | re.M)
FENCE = re.compile(r"^[`:]{3,}(\{[\w:-]+\})?|^% .*|^:\w+:.*|\*", re.MULTILINE)
NO_PROSE = re.compile(
    r"\$\$.*?\$\$(?: \(eq-[\w-]+\))?|\$[^$]*\$"
    r"|\{[\w:]+\}`[^`<]*(?:<[^`]*>)?`|`[^`]*`|\]\([^)]*\)|<[^>]*>",
    re.DOTALL,
)


def tics(text):
    """Return the words to avoid that a text uses, each with its context."""
    text = NO_PROSE.sub(" ", FENCE.sub("", CODE.sub("", text)))
    return [text[max(0, m.start() - 30) : m.end() + 20] for m in TICS.finditer(text)]


@pytest.mark.parametrize("name", pages())
def test_words_to_avoid_are_not_used(name):
    assert tics(prose(pages()[name])) == []


@pytest.mark.parametrize(
    "text",
    [
        "drawn anew",
        "unbiased in the mean.",
        "gone for good",
        "one and the same word",
        "SymPy has it",
        "any plan of training",
        "a stream of tokens",
        "The law of $T$",
        "the exact laws",
    ],
)
def test_a_word_to_avoid_is_found(text):
    assert tics(text) != []


@pytest.mark.parametrize(
    "text",
    [
        "in the mean square",
        "**plan** a budget",
        "a random stream",
        "by the law of large numbers",
        "a power law, a share law",
        "`law`, [it](law.md), {prf:ref}`thm-exact-law` and $law$",
        "% laboratory | state: source=law",
        "```python\nlaw = 1\n```",
    ],
)
def test_other_words_are_allowed(text):
    assert tics(text) == []
