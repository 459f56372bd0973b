"""The launch buttons follow the repository that the book is built from."""

import subprocess
import sys

import pytest

from tests.support import ROOT, SITE

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import book_build


def git(folder, *arguments):
    name = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *name, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/someone/some.book.git", "https://github.com/someone/some.book"),
        ("https://github.com/someone/book/", "https://github.com/someone/book"),
        ("https://user:secret@github.com/someone/book", "https://github.com/someone/book"),
        ("git@github.com:someone/book.git", "https://github.com/someone/book"),
        ("ssh://git@gitlab.com/group/book.git", "https://gitlab.com/group/book"),
        ("https://example.org/someone/book", None),
        ("/srv/git/book", None),
        ("https://github.com.evil.org/someone/book", None),
    ],
)
def test_address_of_a_remote(tmp_path, remote, address):
    git(tmp_path, "init")
    git(tmp_path, "remote", "add", "origin", remote)
    assert book_build.published_at(tmp_path) == (address, None)


def test_branch_is_the_one_it_follows(tmp_path):
    git(tmp_path, "init", "origin.git")
    git(tmp_path / "origin.git", "commit", "--allow-empty", "-m", "start")
    git(tmp_path / "origin.git", "branch", "second-edition")
    git(tmp_path, "clone", "--branch", "second-edition", "origin.git", "clone")
    clone = tmp_path / "clone"
    git(clone, "remote", "set-url", "origin", "https://github.com/someone/book")
    assert book_build.published_at(clone) == ("https://github.com/someone/book", "second-edition")


def test_no_repository_and_no_git(tmp_path, monkeypatch):
    assert book_build.published_at(tmp_path) == (None, None)
    monkeypatch.setenv("PATH", "")
    assert book_build.published_at(tmp_path) == (None, None)


def test_every_chapter_opens_in_jupyterlab_on_binder():
    chapters = sorted(path.stem for path in (ROOT / "book").glob("*.ipynb"))
    assert chapters
    for name in chapters:
        html = (SITE / "book" / f"{name}.html").read_text("utf8")
        assert "https://mybinder.org/v2/g" in html
        assert f"?urlpath=lab/tree/book/{name}.ipynb" in html


def test_a_folder_in_another_repository_is_not_published_there(tmp_path):
    git(tmp_path, "init")
    git(tmp_path, "remote", "add", "origin", "https://github.com/someone/else")
    (tmp_path / "book").mkdir()
    assert book_build.published_at(tmp_path / "book") == (None, None)
    assert book_build.published_at(tmp_path) == ("https://github.com/someone/else", None)
