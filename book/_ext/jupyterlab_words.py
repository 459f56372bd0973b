"""Prepare JupyterLab for the chapters: references in words, no news over the text.

    python book/_ext/jupyterlab_words.py [PREFIX]

JupyterLab shows one notebook at a time, so it knows neither the theorems of other chapters nor
the bibliography, and prints their keys. This reads all labels from the sources, numbers them as
the built book does, and installs them below PREFIX (by default, where this Python is) with a
small extension, jupyterlab_words.js, that puts words in the place of keys.
"""

import json
import re
import shutil
import sys
from collections import Counter
from itertools import count
from pathlib import Path

import yaml
from pybtex.database import parse_file
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).parent.parent.parent
NAME = "book-words"
# No prompts about news or newer versions in front of the text.
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    }
}

DIRECTIVE = re.compile(
    r"^ *[`:]{3,}\{(?:prf:(?!ref)(?P<kind>\w+)|(?P<exercise>exercise)(?:-start)?)\}[^\n]*\n"
    r"(?P<options>(?: *:[\w-]+:[^\n]*\n)*)",
    re.MULTILINE,
)
EQUATION = re.compile(
    r"(?:^\((?P<target>[\w-]+)\)=\n+)?"
    r"^ *\$\$(?P<body>(?:(?!\$\$).)+)\$\$(?: *\((?P<label>[\w-]+)\))?",
    re.MULTILINE | re.DOTALL,
)
HEADING = re.compile(r"^\((?P<target>[\w-]+)\)=\n+#+ (?P<text>.+)$", re.MULTILINE)
TAG = re.compile(r"\\tag\{(.+?)\}")


def chapters(root):
    """Return (page, number) for all pages of _toc.yml; the number is None outside chapters."""
    toc, numbers, found = parse_toc_yaml(root / "_toc.yml"), count(1), []

    def walk(name, numbered):
        found.append((name, next(numbers) if numbered else None))
        for tree in toc[name].subtrees:
            for item in tree.items:
                walk(item, tree.numbered and not numbered)

    walk(toc.root.docname, False)
    return found


def cells_of(root, page):
    """Return (text, figure) for the cells of a page: its Markdown, and named figures."""
    path = root / f"{page}.ipynb"
    if not path.is_file():
        return [((root / f"{page}.md").read_text("utf8"), None)]
    found = []
    for cell in json.loads(path.read_text("utf8"))["cells"]:
        figure = cell["metadata"].get("mystnb", {}).get("figure", {}).get("name")
        text = "".join(cell["source"]) if cell["cell_type"] == "markdown" else ""
        found.append((text, figure))
    return found


def labels(root):
    """Return {label: [words, page]} for all that chapters number, as the built book numbers it."""
    words = {}
    for page, chapter in chapters(root):
        counter = Counter()

        def number(kind, chapter=chapter, counter=counter):
            counter[kind] += 1
            return f"{chapter}.{counter[kind]}" if chapter else str(counter[kind])

        for text, figure in cells_of(root, page):
            if figure:
                words[figure] = [f"Figure {number('figure')}", page]
            for found in DIRECTIVE.finditer(text):
                kind = found["kind"] or found["exercise"]
                label = re.search(r":label: *(\S+)", found["options"])
                if kind != "proof" and ":nonumber:" not in found["options"]:
                    title = f"{kind.title()} {number(kind)}"
                    if label:
                        words[label[1]] = [title, page]
            for found in EQUATION.finditer(text):
                tag, label = TAG.search(found["body"]), found["target"] or found["label"]
                if tag and label:
                    words[label] = [f"({tag[1]})", page]
                elif found["label"]:
                    words[label] = [f"({number('equation')})", page]
            for found in HEADING.finditer(text):
                words[found["target"]] = [found["text"], page]
    return words


def citations(root):
    """Return {key: [author, year]} for the bibliography."""
    found = {}
    for path in yaml.safe_load((root / "_config.yml").read_text("utf8"))["bibtex_bibfiles"]:
        for key, entry in parse_file(str(root / path)).entries.items():
            people = entry.persons.get("author", entry.persons.get("editor", []))
            names = [" ".join(map(str, p.rich_prelast_names + p.rich_last_names)) for p in people]
            author = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
            found[key] = [author, entry.fields["year"]]
    return found


def install(prefix, root=ROOT):
    """Write the extension, its words and the settings below `prefix`."""
    extension = prefix / "share" / "jupyter" / "labextensions" / NAME
    (extension / "static").mkdir(parents=True, exist_ok=True)
    load = {"load": "static/words.js", "extension": "./extension"}
    package = {
        "name": NAME,
        "version": "1.0.0",
        "description": "References of the book in words",
        "jupyterlab": {"extension": True, "_build": load},
    }
    (extension / "package.json").write_text(json.dumps(package, indent=1), "utf8")
    shutil.copy(Path(__file__).with_suffix(".js"), extension / "static" / "words.js")
    pages = {page: (root / f"{page}.ipynb").is_file() for page, _ in chapters(root)}
    paths = {page: page + (".ipynb" if notebook else ".md") for page, notebook in pages.items()}
    words = {
        "labels": {label: [text, paths[page]] for label, (text, page) in labels(root).items()},
        "citations": citations(root),
        "pages": {Path(path).stem: path for path in paths.values()},
    }
    (extension / "static" / "words.json").write_text(json.dumps(words, indent=1), "utf8")
    settings = prefix / "etc" / "jupyter" / "labconfig"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "default_setting_overrides.json").write_text(json.dumps(SETTINGS), "utf8")


if __name__ == "__main__":
    install(Path(sys.argv[1] if len(sys.argv) > 1 else sys.prefix))
