"""The ledger of the paper: complete, true to the chapters, and refused where it is not."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml

from book._ext import ledger
from tests.conftest import SELECTING
from tests.support import ROOT

NUMBERED = [
    *(f"({number})" for number in range(1, 21)),
    "Definition 1",
    "Theorem 1",
    "Proposition 1",
    "Theorem 2",
    "Theorem 3",
    "Theorem 4",
    "Lemma 1",
    "Section 5",
    "Section 6",
    *(f"Figure {number}" for number in range(1, 7)),
    "Table 1",
]


def items():
    return [item for group in ledger.read(ROOT).values() for item in group]


def test_every_numbered_item_of_the_paper_has_its_entry():
    assert [item.item for item in items()] == NUMBERED


def anchors():
    """Return the labels of equations, theorems and figures in all chapters."""
    found = set()
    for path in (ROOT / "book").glob("*.ipynb"):
        for cell in json.loads(path.read_text("utf8"))["cells"]:
            figure = cell["metadata"].get("mystnb", {}).get("figure", {})
            found.add(figure.get("name"))
            if cell["cell_type"] == "markdown":
                text = "".join(cell["source"])
                found |= set(re.findall(r"^ *\(([\w-]+)\)=$", text, re.MULTILINE))
                found |= set(re.findall(r"^:label: ([\w-]+)$", text, re.MULTILINE))
    return found


def test_every_anchor_is_in_a_chapter():
    labels = anchors()
    assert {item.anchor for item in items() if item.anchor} <= labels
    assert "eq-p21" not in labels


# A repository with two items and three tests, in which everything can be made to go wrong.
ITEMS = {
    "equations": [
        {"item": "(1)", "states": "One.", "anchor": "eq-p1", "verdict": "holds"},
        {
            "item": "(2)",
            "states": "Two.",
            "nowhere": "Too long.",
            "verdict": "definition",
            "without": {"symbolic": "No algebra."},
        },
    ],
    "statements": [
        {
            "item": "Theorem 1",
            "states": "Both.",
            "anchor": "thm-1",
            "verdict": "holds",
            "remark": "Really.",
            "parts": ["(1)", "(2)"],
        }
    ],
    "figures": [],
}
TESTS = """
import pytest


@pytest.mark.paper("(1)", check="symbolic")
def test_algebra():
    pass


class TestAll:
    @pytest.mark.parametrize("number", [1, 2])
    @pytest.mark.paper("(1)", "(2)", check="independent")
    def test_numbers(self, number):
        pass


def test_unmarked():
    pass
"""


@pytest.fixture
def repository(tmp_path):
    """A small repository with this one's extension, settings and conftest."""
    extensions = "book/_ext/ledger.py", "book/_ext/surroundings.py"
    for name in (*extensions, "tests/conftest.py", "tests/support.py", "pyproject.toml"):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    (tmp_path / "tests" / "__init__.py").touch()
    write(tmp_path)
    return tmp_path


def write(root, old="", new="", **changes):
    """Write the tests, with one passage replaced, and the items, with changes to the first."""
    assert old in TESTS
    (root / "tests" / "test_small.py").write_text(TESTS.replace(old, new, 1))
    first, *others = ITEMS["equations"]
    groups = ITEMS | {"equations": [first | changes, *others]}
    (root / "book" / "ledger.yml").write_text(yaml.safe_dump(groups))


def test_marks_are_read_from_the_source(repository):
    one, two = ledger.read(repository)["equations"]
    numbers = "tests/test_small.py::TestAll::test_numbers"
    assert one.checks == {
        "symbolic": ("tests/test_small.py::test_algebra",),
        "independent": (numbers,),
    }
    assert two.checks == {"symbolic": (), "independent": (numbers,)}


def test_blocks_and_summary(repository):
    groups = ledger.read(repository)
    one, two = ("\n".join(ledger.entry(item)) for item in groups["equations"])
    assert one.startswith("{ref}`(1) <eq-p1>` — holds\n: One.\n")
    assert "*By SymPy:*\n  - `tests/test_small.py`: `test_algebra`\n" in one
    assert two.startswith("(2) — a definition\n")
    assert ": Too long.\n" in two
    assert "*By SymPy:* no test. No algebra.\n" in two
    theorem = "\n".join(ledger.entry(groups["statements"][0]))
    assert theorem.startswith("{prf:ref}`Theorem 1 <thm-1>` — holds\n: Both.\n\n: Really.\n")
    assert "those of (1), (2)." in theorem
    assert list(ledger.summary(groups)) == [
        "3 items, checked by 2 tests:",
        "",
        "- 2 × *holds*: (1), Theorem 1",
        "- 1 × *a definition*: (2)",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"old": '"(1)", check="symbolic"', "new": '"(3)", check="symbolic"'}, "no item (3)"),
        ({"old": '"symbolic"', "new": '"by eye"'}, "no item (1) to be checked by way of 'by eye'"),
        ({"old": '@pytest.mark.paper("(1)", check="symbolic")\n'}, "(1), symbolic: either marked"),
        ({"without": {"symbolic": "Too hard."}}, "(1), symbolic: either marked tests, or parts"),
        ({"parts": ["(2)"]}, "(1), symbolic: either marked tests, or parts, or why"),
        ({"parts": ["(9)"]}, "(1): no part (9)"),
        ({"verdict": "perhaps"}, "(1): no verdict 'perhaps'"),
        ({"anchor": ""}, "(1): either an anchor, or why there is none"),
        ({"nowhere": "Too long."}, "(1): either an anchor, or why there is none"),
        ({"item": "(2)"}, "(2) has 2 entries"),
        (
            {"old": "import pytest\n", "new": "import pytest\npytestmark = pytest.mark.paper\n"},
            "tests/test_small.py: a mark must be the decorator of a test",
        ),
    ],
)
def test_what_does_not_fit_is_refused(repository, changes, message):
    write(repository, **changes)
    with pytest.raises(ValueError, match=re.escape(message)):
        ledger.read(repository)


def run(root, *arguments):
    """Run pytest in the small repository, without plugins; return status and output."""
    command = [sys.executable, "-m", "pytest", "-o", "addopts=--strict-markers", *arguments]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


FAULTS = {
    "skipped": ("    pass\n", '    pytest.skip("not today")\n'),
    "one case skipped": (
        "number):\n        pass",
        "number):\n        number == 1 or pytest.skip()",
    ),
    "expected to fail": ("def test_algebra", "@pytest.mark.xfail\ndef test_algebra"),
    "not collected": ("class TestAll", "class All"),
}


def test_a_full_run_in_which_all_checks_pass_is_left_alone(repository):
    status, printed = run(repository)
    assert status == 0, printed
    assert "checks of the ledger" not in printed


@pytest.mark.parametrize("fault", FAULTS)
def test_a_full_run_fails_if_a_check_did_not_pass(repository, fault):
    write(repository, *FAULTS[fault])
    status, printed = run(repository)
    assert status == 1
    assert "checks of the ledger that did not pass, or did not run" in printed
    assert re.search(r"^tests/test_small.py::\S+$", printed, re.MULTILINE)


@pytest.mark.parametrize(
    "arguments", [["-k", "unmarked"], ["tests/test_small.py"], ["--collect-only"], ["-m", "paper"]]
)
def test_a_partial_run_is_left_alone(repository, arguments):
    write(repository, *FAULTS["skipped"])
    status, printed = run(repository, *arguments)
    assert status == 0, printed
    assert "checks of the ledger" not in printed


def test_the_settings_select_nothing():
    """A selection there would make every run a partial one."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["tool"]["pytest"]
    options = {"-k", "-m", *(f"--{name.replace('_', '-')}" for name in SELECTING)}
    assert not options & {option.split("=")[0] for option in settings["ini_options"]["addopts"]}
