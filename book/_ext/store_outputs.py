"""Execute notebooks and store their outputs, so that doing it twice leaves no difference.

    python book/_ext/store_outputs.py book/*.ipynb

What differs from run to run or from machine to machine is not stored: times, the identities
and states of widgets, the patch version of Python. The picture of a cell whose metadata hold
"export" is also written to the file named there, for the README.
"""

import base64
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from surroundings import settle

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def execute(path):
    """Execute the notebook at `path` and write it back, or leave it as it was if it fails."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": path.parent}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
    )
    client.execute()
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            data.pop(WIDGET_VIEW, None)
            if "export" in cell.metadata and "image/png" in data:
                picture = path.parent / cell.metadata["export"]
                picture.parent.mkdir(exist_ok=True)
                picture.write_bytes(base64.b64decode(data["image/png"]))
    partial = path.with_suffix(".partial")
    nbformat.write(notebook, partial)
    partial.replace(path)


if __name__ == "__main__":
    # Explorers are stored as widgets with a still picture, and pictures as our settings have them.
    settle(os.environ, Path(__file__).parents[2])
    notebooks = [Path(name) for name in sys.argv[1:]]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for path, _ in zip(notebooks, pool.map(execute, notebooks), strict=True):
            print(path, flush=True)
