"""What holds for the package and the repository as a whole."""

import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

import collapse_lib
from book._ext import address

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


def texts_with(root, text):
    """Return the files of a repository, without what is built or installed, that have a text."""
    left_out = re.compile(r"/(\.venv|_build|\.git|__pycache__|\.\w+_cache|\.hypothesis)/|egg-info")
    names = set()
    for path in root.rglob("*"):
        if path.is_file() and not left_out.search(str(path.relative_to(root.parent))):
            try:
                found = text in path.read_text("utf8")
            except UnicodeDecodeError:
                continue
            names |= {path.relative_to(root).as_posix()} if found else set()
    return names


def test_one_command_sets_the_address_everywhere(tmp_path):
    repository = address.ADDRESS.fullmatch(address.current())[2]
    assert texts_with(ROOT, repository) == set(address.FILES)
    for name in address.FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    address.change("https://gitlab.com/some-one/a.book", tmp_path)
    assert address.current(tmp_path) == "https://gitlab.com/some-one/a.book"
    assert not texts_with(tmp_path, repository)
    assert not texts_with(tmp_path, repository.split("/")[1])
    assert "mybinder.org/v2/gl/some-one%2Fa.book/" in (tmp_path / "README.md").read_text("utf8")
    address.change(address.current(), tmp_path)
    for name in address.FILES:
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes()


@pytest.mark.parametrize("url", ["", "book", "https://example.org/a/b", "https://github.com/a"])
def test_what_is_no_address_is_refused(url, tmp_path):
    with pytest.raises(ValueError, match=r"URL must be like https://github\.com/someone/book"):
        address.change(url, tmp_path)


def test_the_readme_says_when_launch_links_work():
    readme = (ROOT / "README.md").read_text("utf8")
    assert "Launch links work once the book is published" in readme
