"""What a module builds for its tests is built once, on however many processors they run."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.support import ROOT

TESTS = """
import pathlib

import pytest

@pytest.fixture(scope="module")
def built():
    with pathlib.Path("_build", "{name}").open("a") as file:
        file.write("built")

@pytest.mark.parametrize("case", range(12))
def test_it(case, built):
    assert case >= 0
"""


@pytest.mark.parametrize("spread", ["loadgroup", "loadfile"])
def test_a_module_is_built_once(tmp_path, spread):
    """As `make check` and `make test` spread them."""
    assert f"--dist {spread}" in (ROOT / "Makefile").read_text("utf8")
    for name in ("book/_ext/surroundings.py", "tests/conftest.py", "tests/support.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "tests" / "__init__.py").touch()
    (tmp_path / "_build").mkdir()
    for name in ("one", "two", "three"):
        (tmp_path / "tests" / f"test_{name}.py").write_text(TESTS.format(name=name))
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", spread, "tests"]
    environment = os.environ | {"PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "36 passed" in done.stdout, done.stdout + done.stderr
    for name in ("one", "two", "three"):
        assert (tmp_path / "_build" / name).read_text() == "built"
