"""What holds for the package and the repository as a whole."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

import collapse_lib

ROOT = Path(__file__).parent.parent
HEAVY = {"torch", "sympy", "matplotlib", "ipywidgets", "dask", "numba", "scipy"}


def test_importing_the_package_stays_light():
    code = "import sys, collapse_lib; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "collapse_lib" in loaded
    assert not loaded & HEAVY


def test_modules_load_when_they_are_asked_for():
    for name in collapse_lib.__all__:
        assert getattr(collapse_lib, name).__name__ == f"collapse_lib.{name}"
        assert name in dir(collapse_lib)
    assert collapse_lib.ngram is import_module("collapse_lib.learners.ngram")
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        collapse_lib.nonsense  # noqa: B018


def test_requirements_are_pinned_and_end_with_the_package():
    lines = (ROOT / "requirements.txt").read_text("utf8").split("\n")
    lines = [line for line in lines if line and not line.startswith("#")]
    assert lines.pop() == "-e ."
    assert all(re.fullmatch(r"[\w.-]+==[\w.!]+", line) for line in lines)
    assert "torch==2.13.0" in lines


def test_binder_installs_the_same_list():
    lines = (ROOT / ".binder" / "requirements.txt").read_text("utf8").split("\n")
    lines = [line for line in lines if line and not line.startswith("#")]
    assert lines == [
        "--extra-index-url https://download.pytorch.org/whl/cpu",
        "-r ../requirements.txt",
    ]
    assert (ROOT / ".binder" / "runtime.txt").read_text("utf8").strip() == "python-3.11"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_what_readers_are_told_to_open_or_make_exists(name):
    text = (ROOT / name).read_text("utf8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert target.startswith("https://") or (ROOT / target).is_file()
    commands = re.findall(r"(?:^|`|cpu )make (\w+)", text, re.MULTILINE)
    assert commands
    for command in commands:
        assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text("utf8"), re.MULTILINE)


def test_the_readme_shows_a_picture():
    readme = (ROOT / "README.md").read_text("utf8")
    assert re.search(r"!\[[^]]{40,}\]\(book/images/\w+\.png\)", readme)


def test_all_that_says_how_to_cite_agrees():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf8"))
    settings = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))
    book = citation["preferred-citation"]
    assert citation["version"] == collapse_lib.__version__
    assert citation["repository-code"] == book["url"] == settings["repository"]["url"]
    assert citation["title"] == book["title"] == settings["title"]
    assert citation["authors"] == book["authors"] == [{"name": settings["author"]}]
    assert str(book["year"]) == settings["copyright"]
    entry = re.compile(r"@book\{.*?\n\}", re.DOTALL)
    entries = {
        tuple(entry.findall((ROOT / name).read_text("utf8")))
        for name in ("README.md", "book/bibliography.md")
    }
    assert len(entries) == 1
    ((bibtex,),) = entries
    for said in (book["title"], settings["author"], str(book["year"]), book["url"]):
        assert f"{{{said}}}" in bibtex
