"""What a copy of the book offers its readers: solutions, a PDF, a notebook on Colab, a search.

- With COLLAPSE_SOLUTIONS=no (`make book SOLUTIONS=no`) neither pages nor downloads have solutions.
- With COLLAPSE_PDF=yes (`make site`) the sidebar leads to book.pdf, which is printed afterwards.
- The Colab button opens the download of a chapter on the branch that the site is published from.
  A cell at its start installs the library there and does nothing elsewhere. The chapters in the
  repository need no such cell, and a fork's button leads to the fork.
- The search lists first the page that readers mean by a word, with the help of book/keywords.yml.
"""

import json
import os
import re
from pathlib import Path

import yaml
from book_build import needs_gpt
from docutils import nodes
from sphinx_exercise.nodes import is_solution_node

PDF = "book.pdf"
PUBLISHED = "gh-pages"  # .github/workflows/publish.yml pushes the site to this branch
SOLUTION = re.compile(r"^(`{3,}|:{3,})\{solution\}.*?^\1[ \t]*$\n?", re.MULTILINE | re.DOTALL)
EDGE = re.compile(r"^(`{3,}|:{3,})\{solution-(start|end)\}.*?^\1[ \t]*$\n?", re.M | re.DOTALL)


def setup(app):
    app.add_config_value("book_solutions", True, "env")
    app.add_config_value("book_pdf", "", "html")
    app.add_config_value("book_keywords", {}, "env")
    app.connect("config-inited", configure)
    app.connect("doctree-read", add_keywords)
    app.connect("doctree-read", drop_solutions, priority=400)  # before their labels are known
    app.connect("html-page-context", offer, priority=900)  # after the theme has made its buttons
    app.connect("build-finished", prepare_downloads, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def configure(app, config):
    config.book_solutions = os.environ.get("COLLAPSE_SOLUTIONS") != "no"
    config.book_pdf = PDF if os.environ.get("COLLAPSE_PDF") == "yes" else ""
    config.book_keywords = yaml.safe_load(
        (Path(app.srcdir) / "book" / "keywords.yml").read_text("utf8")
    )
    order = Path(__file__).with_name("search.js").read_text("utf8")
    scorer = Path(app.outdir).parent / "search.js"
    scorer.parent.mkdir(parents=True, exist_ok=True)
    scorer.write_text(f"const BOOK_KEYWORDS = {json.dumps(config.book_keywords)};\n{order}", "utf8")
    config.html_search_scorer = str(scorer)


def add_keywords(app, doctree):
    """Give a page its keywords, by which the search finds it."""
    phrases = app.config.book_keywords.get(app.env.docname, [])
    words = dict.fromkeys(word for phrase in phrases for word in re.findall(r"\w+", phrase))
    if words:  # one by one, as the index takes them
        doctree.insert(0, nodes.meta(name="keywords", content=", ".join(words)))


def drop_solutions(app, doctree):
    """Remove solutions, the cells between their start and end included."""
    if not app.config.book_solutions:
        for solution in [node for node in doctree.findall(nodes.Element) if is_solution_node(node)]:
            solution.parent.remove(solution)


def offer(app, pagename, templatename, context, doctree):
    """Tell the sidebar of the PDF, and lead the Colab button to the published download."""
    context["book_pdf"] = app.config.book_pdf
    branch = app.config.html_theme_options.get("repository_branch", "")
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if button.get("text") == "Colab":
                source = f"/blob/{branch}/", f"/blob/{PUBLISHED}/_sources/"
                button["url"] = button["url"].replace(*source, 1)


def prepare_downloads(app, error):
    """Give notebooks that readers download the cell for Colab, and maybe take solutions away."""
    if error or app.builder.format != "html":
        return
    address = app.config.html_theme_options["repository_url"]
    for path in (Path(app.outdir) / "_sources").rglob("*.ipynb"):
        notebook = json.loads(path.read_text("utf8"))
        if not app.config.book_solutions:
            notebook["cells"] = without_solutions(notebook["cells"])
        cell = colab_cell(notebook, address)
        if cell["id"] not in {other["id"] for other in notebook["cells"]}:
            notebook["cells"].insert(1, cell)  # behind the note of book_build.py
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf8")


def without_solutions(cells):
    """Return the cells of a notebook without what stands in a solution."""
    kept, within = [], False
    for cell in cells:
        if cell["cell_type"] != "markdown":
            kept += [] if within else [cell]
            continue
        text, outside, position = SOLUTION.sub("", "".join(cell["source"])), [], 0
        for edge in EDGE.finditer(text):
            outside += [] if within else [text[position : edge.start()]]
            within, position = edge[2] == "start", edge.end()
        outside += [] if within else [text[position:]]
        if "".join(outside).strip():
            kept.append(cell | {"source": "".join(outside)})
    return kept


def colab_cell(notebook, address):
    """Return a cell that fetches and installs the library on Colab, and does nothing elsewhere."""
    code = "".join(
        "".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"
    )
    extra = "[gpt]" if needs_gpt(code) else ""
    lines = [
        "#@title On Colab, run this first: it installs the book's library",
        "import sys",
        "",
        'if "google.colab" in sys.modules:',
        f"    !git clone --quiet --depth 1 {address} model-collapse",
        f'    %pip install --quiet "./model-collapse{extra}"',
        "    %cd -q model-collapse/book",
    ]
    return {
        "cell_type": "code",
        "id": "colab",
        "metadata": {"cellView": "form", "jupyter": {"source_hidden": True}},
        "execution_count": None,
        "outputs": [],
        "source": "\n".join(lines),
    }
