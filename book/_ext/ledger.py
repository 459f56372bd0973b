"""The ledger: each numbered item of the paper, where the book shows it, and what checks it.

`book/ledger.yml` says what an item states and how it fared. The tests that check it say so
themselves, by a mark that is read from their source, so that the page needs no test run:

    @pytest.mark.paper("(9)", "(15)", check="symbolic")

`read` puts the two together and refuses what does not fit; a run of the whole test suite
(tests/conftest.py) then fails unless every marked test has passed. The directives

    ```{ledger} equations      one block an item      ```{ledger-summary}      the counts
    ```                                               ```

print it. A link to an anchor that does not exist is a warning of Sphinx, as elsewhere.
"""

import ast
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import yaml
from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

GROUPS = ("equations", "statements", "figures")
CHECKS = {"symbolic": "By SymPy", "independent": "Independently"}
VERDICTS = {
    "holds": "holds",
    "corrected": "holds with a correction",
    "mended": "holds, by another proof",
    "quoted": "quoted, not proved here",
    "definition": "a definition",
    "reproduced": "reproduced",
    "smaller": "not run at the paper's scale",
    "proposal": "a proposal, carried out",
    "beyond": "a limitation, lifted in part",
}
MARK = "pytest.mark.paper"


@dataclass(frozen=True)
class Item:
    """A numbered item of the paper, as the ledger describes it.

    Parameters
    ----------
    item : str
        Its name: "(9)", "Theorem 2".
    states : str
        What it says, in words.
    verdict : str
        A key of `VERDICTS`.
    remark : str, optional
        A line on the verdict.
    anchor : str
        Where the book shows it: the label of an equation, a theorem, a figure or a section.
    nowhere : str
        Or else, why the book does not show it.
    parts : tuple of str
        The items it consists of, whose checks are then its own.
    without : dict
        For each kind of check that it lacks, why there is none.
    checks : dict
        For each kind of check, the tests, as pytest writes them.
    """

    item: str
    states: str
    verdict: str
    remark: str = ""
    anchor: str = ""
    nowhere: str = ""
    parts: tuple = ()
    without: dict = field(default_factory=dict)
    checks: dict = field(default_factory=dict)


def read(root):
    """Return the ledger of the repository at `root`: for each group, its items.

    Raises
    ------
    ValueError
        If the file and the marks do not fit together; the message has a line for each fault.
    """
    written = yaml.safe_load((root / "book" / "ledger.yml").read_text("utf8"))
    marks = marked_tests(root)
    groups = {
        group: [
            Item(**entry, checks={kind: marks.get((entry["item"], kind), ()) for kind in CHECKS})
            for entry in written[group]
        ]
        for group in GROUPS
    }
    faults = list(find_faults([item for group in groups.values() for item in group], marks))
    if faults:
        raise ValueError("\n".join(["the ledger is not in order:", *faults]))
    return groups


def find_faults(items, marks):
    """Yield a line for everything that is wrong with the items and the marks of the tests."""
    names = Counter(item.item for item in items)
    yield from (f"{name} has {count} entries" for name, count in names.items() if count > 1)
    for (name, kind), tests in marks.items():
        if name not in names or kind not in CHECKS:
            yield f"{', '.join(tests)}: no item {name} to be checked by way of {kind!r}"
    for item in items:
        if item.verdict not in VERDICTS:
            yield f"{item.item}: no verdict {item.verdict!r}"
        if bool(item.anchor) == bool(item.nowhere):
            yield f"{item.item}: either an anchor, or why there is none"
        yield from (f"{item.item}: no part {part}" for part in item.parts if part not in names)
        for kind in CHECKS:
            said = [bool(item.parts), bool(item.checks[kind]), kind in item.without]
            if sum(said) != 1:
                yield f"{item.item}, {kind}: either marked tests, or parts, or why there is none"


def marked_tests(root):
    """Return the marked tests of the repository: {(item, kind): (test, ...)}."""
    found = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        module = path.relative_to(root).as_posix()
        for test, name, kind in marks_in(path.read_text("utf8"), module):
            found[name, kind] = (*found.get((name, kind), ()), f"{module}::{test}")
    return found


def marks_in(source, module="the module"):
    """Yield (test, item, kind) for every mark in the source of a test module.

    Raises
    ------
    ValueError
        If a mark is not the decorator of a test, which is the only place where it is read.
    """
    tree = ast.parse(source)
    decorators = 0
    for owner in (tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))):
        prefix = f"{owner.name}::" if isinstance(owner, ast.ClassDef) else ""
        for function in owner.body:
            if not isinstance(function, ast.FunctionDef):
                continue
            for mark in reversed(function.decorator_list):
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == MARK:
                    decorators += 1
                    (kind,) = [ast.literal_eval(word.value) for word in mark.keywords]
                    for name in mark.args:
                        yield prefix + function.name, ast.literal_eval(name), kind
    written = sum(
        isinstance(node, ast.Attribute) and ast.unparse(node) == MARK for node in ast.walk(tree)
    )
    if written != decorators:
        raise ValueError(f"{module}: a mark must be the decorator of a test")


def entry(item):
    """Return the block of an item as lines of Markdown: a term and what there is to say."""
    verdict = VERDICTS[item.verdict]
    yield f"{link(item)} — {verdict}"
    yield f": {item.states}"
    yield ""
    if item.remark or item.nowhere:
        yield f": {' '.join(filter(None, (item.remark, item.nowhere)))}"
        yield ""
    if item.parts:
        yield f": *Checks:* those of {', '.join(item.parts)}."
        yield ""
        return
    for kind, words in CHECKS.items():
        if item.checks[kind]:
            yield f": *{words}:*"
            yield from (f"  - {line}" for line in by_module(item.checks[kind]))
        else:
            yield f": *{words}:* no test. {item.without[kind]}"
        yield ""


def by_module(tests):
    """Yield for each module its name and those of its tests."""
    for module, names in groupby((test.split("::", 1) for test in tests), itemgetter(0)):
        yield f"`{module}`: {', '.join(f'`{name}`' for _, name in names)}"


def link(item):
    """Return the name of an item, as a link to its anchor where it has one."""
    if not item.anchor:
        return item.item
    role = "ref" if item.anchor.startswith(("eq-", "fig-", "sec-")) else "prf:ref"
    return f"{{{role}}}`{item.item} <{item.anchor}>`"


def summary(groups):
    """Return the counts, and which items have each verdict but the plain ones."""
    items = [item for group in GROUPS for item in groups[group]]
    tests = {test for item in items for kind in CHECKS for test in item.checks[kind]}
    yield f"{len(items)} items, checked by {len(tests)} tests:"
    yield ""
    for verdict, words in VERDICTS.items():
        names = [item.item for item in items if item.verdict == verdict]
        if names:
            yield f"- {len(names)} × *{words}*: {', '.join(names)}"


class LedgerDirective(Directive):
    """What both directives share: Markdown made from the ledger, which is read each time."""

    def run(self):
        groups = read(Path(self.state.document.settings.env.srcdir))
        box = nodes.container(classes=["ledger"])
        text = StringList(list(self.lines(groups)), source="ledger")
        self.state.nested_parse(text, self.content_offset, box)
        return [box]


class LedgerSummary(LedgerDirective):
    """The number of items, tests and verdicts."""

    def lines(self, groups):
        return summary(groups)


class Ledger(LedgerDirective):
    """The group that the argument names, a block an item."""

    required_arguments = 1

    def lines(self, groups):
        return (line for item in groups[self.arguments[0]] for line in entry(item))


def setup(app):
    app.add_directive("ledger", Ledger)
    app.add_directive("ledger-summary", LedgerSummary)
    # The page depends on the tests, which Sphinx does not watch, so it is always read again.
    app.connect("env-get-outdated", lambda *_: ["book/ledger"])
    return {"parallel_read_safe": True, "parallel_write_safe": True}
