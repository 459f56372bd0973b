"""What a stored notebook must fulfil, besides reproducing its outputs, which nbval checks.

nbval skips cells that were never run, so outputs are required here.
"""

import base64
import json
import re
import struct
from pathlib import Path

import pytest

BOOK = Path(__file__).parent.parent / "book"
NOTEBOOKS = sorted([*BOOK.glob("*.ipynb"), *BOOK.glob("_template/*.ipynb")])


def code_cells(path):
    cells = json.loads(path.read_text("utf8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def outputs_with(path, kind):
    return [
        (cell, output["data"][kind])
        for cell in code_cells(path)
        for output in cell["outputs"]
        if kind in output.get("data", {})
    ]


def test_there_are_chapters():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestStoredNotebook:
    def test_every_code_cell_was_executed_in_order(self, path):
        counts = [cell["execution_count"] for cell in code_cells(path)]
        assert counts == list(range(1, len(counts) + 1))

    def test_no_errors_and_no_warnings(self, path):
        for cell in code_cells(path):
            for output in cell["outputs"]:
                assert output["output_type"] != "error"
                assert output.get("name") != "stderr"

    def test_nothing_that_differs_between_runs(self, path):
        notebook = json.loads(path.read_text("utf8"))
        assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
        assert notebook["metadata"]["language_info"] == {"name": "python"}
        assert not outputs_with(path, "application/vnd.jupyter.widget-view+json")
        for cell in code_cells(path):
            assert "execution" not in cell["metadata"]
            text = json.dumps(cell["outputs"])
            assert not re.search(r" at 0x[0-9a-f]{6,}|/home/|/tmp/", text)

    def test_no_cell_is_exempt_from_validation(self, path):
        text = path.read_text("utf8")
        assert not re.search(r"nbval[-_](skip|ignore|raises)|raises-exception", text, re.IGNORECASE)

    def test_pictures_have_alternative_text_and_captions(self, path):
        for cell, _ in outputs_with(path, "image/png"):
            if "Explorer(" in "".join(cell["source"]):
                continue  # brings both along: tests/test_explorers.py
            settings = cell["metadata"]["mystnb"]
            alt = settings["image"]["alt"]
            assert len(alt) > 40
            assert not re.search(r"\.(png|svg|webp|jpe?g)$|/", alt)  # no path
            assert settings["figure"]["caption"]

    def test_pictures_of_panels_have_the_size_of_their_panels(self, path):
        """A label that is too long makes the picture larger, and a phone does not stack its panels.

        Panels of 630 times 450 pixels, and a margin of 15 around them, as book.js expects.
        """
        for cell, picture in outputs_with(path, "image/png"):
            if "plotting.panels(" in "".join(cell["source"]):
                header = base64.b64decode(picture)[16:24]
                for pixels, panel in zip(struct.unpack(">II", header), (630, 450), strict=True):
                    assert abs((pixels - 30) / panel - round((pixels - 30) / panel)) * panel < 3

    def test_cells_are_short(self, path):
        for cell in code_cells(path):
            lines = [line for line in cell["source"] if line.strip()]
            assert len(lines) <= 25
            assert max(map(len, lines)) <= 78  # what the page's column holds

    def test_printed_lines_fit_the_column(self, path):
        """A longer one is cut on the page, and scrolls."""
        for cell in code_cells(path):
            for output in cell["outputs"]:
                printed = "".join(output.get("text", [])).splitlines()
                assert all(len(line) <= 74 for line in printed), printed

    def test_tagged_equations_break_lines_as_mathjax_allows(self, path):
        """Sphinx puts an equation with a double backslash where MathJax refuses a tag."""
        for cell in json.loads(path.read_text("utf8"))["cells"]:
            for equation in "".join(cell["source"]).split("$$")[1::2]:
                assert not (r"\tag" in equation and r"\\" in equation), equation

    def test_solutions_stay_hidden_in_jupyterlab(self, path):
        within = False
        for cell in json.loads(path.read_text("utf8"))["cells"]:
            source = "".join(cell["source"])
            start, end = source.rfind("{solution-start}"), source.rfind("{solution-end}")
            if start != end:  # one cell may end a solution and start the next
                within = start > end
            if within and cell["cell_type"] == "code":
                assert cell["metadata"]["jupyter"]["source_hidden"] is True
