"""Tests leave the repository as it was: a session fails if anything appears or disappears."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.support import ROOT, files


@pytest.fixture
def repository(tmp_path):
    """A small repository with this one's settings and conftest, and a file called kept."""
    for name in ("book/_ext/surroundings.py", "tests/conftest.py", "tests/support.py"):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("kept", "tests/__init__.py"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("Path('nan').mkdir()", "left in the repository while the tests ran"),
        ("Path('book', 'a').touch()", "left in the repository while the tests ran"),
        ("Path('kept').unlink()", "gone from the repository while the tests ran"),
        ("Path('kept').read_bytes()", None),
        ("Path('__pycache__').mkdir(); Path('.kept.swp').touch()", None),
    ],
)
@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_appears_or_goes_fails_the_session(repository, code, said, workers):
    test = repository / "tests" / "test_small.py"
    test.write_text(f"from pathlib import Path\n\ndef test_small():\n    {code}\n")
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "-p", "no:cacheprovider"]
    command += ["-p", "xdist", "-n", workers, "tests/test_small.py"]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True)
    assert done.returncode == (1 if said else 0), done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert ("the repository while" in done.stdout) == bool(said)
    assert said is None or said in done.stdout


def test_the_files_of_this_repository_are_found():
    found = files(ROOT)
    assert {"Makefile", "tests", "tests/support.py", ".ci/run"} <= found
    assert not {".git", ".venv", "_build"} & found
