"""What our book needs from Sphinx beyond Jupyter Book's own settings.

- The user's settings for Matplotlib, IPython, Jupyter and languages have no effect.
- Kernels learn from COLLAPSE_BOOK that explorers must render their frames.
- Chapters are executed side by side, one per processor.
- What a cell prints reads the same wherever the kernel happens to cut it into messages.
- Chapters are executed again when anything they compute with has changed, and pages written
  again when the book's own style has.
- The pages of the library are made from the checkout's own docstrings.
- Launch buttons follow the git remote of the checkout the book is built from.
- MathJax is served from the book's own folder.
- The first build and every later one write the same pages and the same index for the search.
- Entries of the bibliography are list items, as their list requires.
- Equations of the paper, which carry its numbers, take none of ours.
- Cells of folded code that prepare the next one share its fold.
- Brackets and full stops stay on the line of the formula that they belong to.
- Notebooks that readers download say what it takes to run them elsewhere.
"""

import hashlib
import importlib.util
import json
import logging
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import sphinx_exercise
import sphinx_proof
from docutils import nodes
from jupyter_cache import get_cache
from jupyter_cache.executors import load_executor
from myst_nb.core import render
from myst_nb.sphinx_ext import add_global_html_resources
from sphinx.application import ENV_PICKLE_FILENAME
from sphinx.errors import ExtensionError
from sphinx.util.logging import getLogger

sys.path.insert(0, str(Path(__file__).parent))
from surroundings import settle

logger = getLogger(__name__)

# What a chapter's outputs depend on, besides its own cells, which jupyter-cache looks at.
INPUTS = ("collapse_lib/**/*", "book/results/**/*", "requirements.txt")
STYLE = ("book/_static/**/*", "book/_templates/**/*", "book/_ext/*.py")
SEARCH_INDEX = "_search_index_"  # with which the names of what Sphinx's search collects begin
REMOTE = re.compile(
    r"(?:https://(?:[^@/]+@)?|ssh://git@|git@)(github\.com|gitlab\.com)[:/](.+?)(?:\.git)?/?"
)

# A formula in a line of text, with a bracket before it or punctuation after it.
INLINE = r'<span class="math notranslate nohighlight">[^<]*</span>'
FORMULA = re.compile(rf"[(“]{INLINE}[.,;:!?)”’]*|{INLINE}[.,;:!?)”’]+")


# MyST-NB's own, which takes every piece for whole lines and puts a line break behind it.
settle_streams = render.coalesce_streams


def setup(app):
    try:
        settle(os.environ, Path(app.srcdir))
    except RuntimeError as error:
        raise ExtensionError(str(error)) from None
    os.environ["COLLAPSE_BOOK"] = "1"
    sys.path.insert(0, str(app.srcdir))  # before any other installed collapse_lib
    render.coalesce_streams = join_streams
    # A change of the first makes Sphinx read every page again; of the second, write it.
    app.add_config_value("book_inputs", "", "env")
    app.add_config_value("book_style", "", "html")
    app.connect("config-inited", configure)
    app.connect("builder-inited", copy_styles)
    app.connect("builder-inited", copy_mathjax)
    app.connect("env-before-read-docs", execute_side_by_side)
    app.connect("doctree-read", anchor_tagged_equations)
    app.connect("doctree-read", share_folds)
    app.connect("html-page-context", mend_body)
    app.connect("build-finished", explain_downloads)
    app.connect("build-finished", keep_environment)
    # A new env_version has all pages read again: for changes of what "doctree-read" calls.
    return {"env_version": 3, "parallel_read_safe": True, "parallel_write_safe": True}


def configure(app, config):
    config.book_inputs = digest_of(INPUTS, Path(app.srcdir))
    config.book_style = digest_of(STYLE, Path(app.srcdir))
    cache = Path(app.outdir).parent / ".jupyter_cache" / config.book_inputs
    config.nb_execution_cache_path = str(cache)
    config.mathjax_path = "mathjax/tex-chtml.js"
    config.html_theme_options["show_toc_level"] = 2  # a page of the library lists its functions
    url, branch = published_at(app.srcdir)
    if url:
        config.html_theme_options["repository_url"] = url
    if branch:
        config.html_theme_options["repository_branch"] = branch


def copy_styles(app):
    """Copy the styles of extensions before pages are written, whose links have their checksums.

    The extensions copy them at the end, so that only a second build would find them.
    """
    if app.builder.format == "html":
        (Path(app.outdir) / "_static").mkdir(parents=True, exist_ok=True)
        for copy in (sphinx_proof.copy_asset_files, sphinx_exercise.copy_asset_files):
            copy(app, None)
        add_global_html_resources(app, None)


def copy_mathjax(app):
    """Copy MathJax with its fonts and all that its menu may load, without other bundles."""
    if app.builder.format != "html":
        return
    package = importlib.util.find_spec("sphinx-mathjax-offline")
    source = Path(package.submodule_search_locations[0]) / "static" / "mathjax"

    def other_bundles(folder, names):
        bundles = {name for name in names if re.match(r"(tex|mml)-.*\.js", name)}
        return bundles - {"tex-chtml.js"} if Path(folder) == source else set()

    target = Path(app.outdir) / "_static" / "mathjax"
    shutil.copytree(source, target, ignore=other_bundles, dirs_exist_ok=True)


def keep_environment(app, error):
    """Add what the search is to find to Sphinx's stored environment.

    Sphinx stores it before it writes pages, and would find only what is written again next time.
    Nothing else may be taken from it now: to write the bibliography adds every work once more.
    """
    if error or app.builder.format != "html":
        return
    path = Path(app.doctreedir) / ENV_PICKLE_FILENAME
    stored = pickle.loads(path.read_bytes())
    found = {name: value for name, value in vars(app.env).items() if name.startswith(SEARCH_INDEX)}
    vars(stored).update(found)
    path.write_bytes(pickle.dumps(stored, pickle.HIGHEST_PROTOCOL))


def execute_side_by_side(app, env, docnames):
    """Fill the cache before the pages are read, which would execute one notebook at a time.

    If a notebook fails, it is executed again when its page is read, which reports the error.
    """
    if app.config.nb_execution_mode != "cache":
        return
    cache = get_cache(app.config.nb_execution_cache_path)
    paths = [path for name in docnames if (path := env.doc2path(name)).endswith(".ipynb")]
    records = [cache.add_nb_to_project(path).pk for path in paths]
    if records:
        logger.info("Executing those of %d notebooks that are not cached", len(records))
        quiet = logging.getLogger(__name__)
        quiet.setLevel(logging.WARNING)  # its level becomes that of the pool's own messages
        done = load_executor("local-parallel", cache, quiet).run_and_cache(
            filter_pks=records, timeout=app.config.nb_execution_timeout
        )
        for path in done.succeeded:
            logger.info("Executed notebook %s", path)


def join_streams(outputs):
    """Return the outputs of a cell with all pieces of a stream in one, as they were printed."""
    joined, streams = [], {}
    for output in outputs:
        name = output.get("name") if output["output_type"] == "stream" else None
        if name in streams:
            streams[name]["text"] += output["text"]
            continue
        output = output.copy()
        joined.append(output)
        if name:
            streams[name] = output
    return settle_streams(joined)


def digest_of(patterns, root):
    """Return a hash of the names and contents of all files below `root` that match."""
    digest = hashlib.sha256()
    files = {path for pattern in patterns for path in root.glob(pattern) if path.is_file()}
    for path in sorted(files):
        if path.suffix not in {".pyc", ".nbc", ".nbi"}:
            digest.update(f"{path.relative_to(root)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def published_at(root):
    """Return the GitHub or GitLab address and branch of the checkout, None where unknown.

    Only these hosts: the theme fails on others, and a local path is not an address.
    """
    if Path(_git(root, "rev-parse", "--show-toplevel")) != Path(root).resolve():
        return None, None  # a folder in somebody else's repository, or in none
    remote = REMOTE.fullmatch(_git(root, "remote", "get-url", "origin"))
    upstream = _git(root, "rev-parse", "--abbrev-ref", "@{upstream}")
    branch = upstream.removeprefix("origin/") if upstream.startswith("origin/") else None
    return (f"https://{remote[1]}/{remote[2]}", branch) if remote else (None, None)


def anchor_tagged_equations(app, doctree):
    """Move the anchors of equations with a tag before them: Sphinx numbers all that have one."""
    for equation in list(doctree.findall(nodes.math_block)):
        if r"\tag{" in equation.astext() and equation["ids"]:
            anchor = nodes.target(ids=equation["ids"], names=equation["names"])
            equation["ids"], equation["names"] = [], []
            equation.parent.insert(equation.parent.index(equation), anchor)


def share_folds(app, doctree):
    """Move folded code without an output to the folded code right behind it: one bar for both."""
    for cell in list(doctree.findall(is_folded)):
        following = cell.next_node(descend=False, siblings=True)
        if len(cell.children) == 1 and following is not None and is_folded(following):
            following.children[0].insert(0, cell.children[0].children)
            cell.parent.remove(cell)


def is_folded(node):
    """Say whether a node is a cell of a notebook whose code is folded."""
    return isinstance(node, nodes.container) and (
        node.get("nb_element") == "cell_code"
        and node.get("hide_mode") == "input"
        and node.children[0].get("nb_element") == "cell_code_source"
    )


def mend_body(app, pagename, templatename, context, doctree):
    """Replace a role that ARIA 1.3 deprecates; keep formulas and what belongs to them together.

    The role is what docutils gives to citations. A formula is a box to the browser, which would
    start a line with the full stop after it.
    """
    if "body" in context:
        body = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')
        context["body"] = FORMULA.sub(r'<span class="together">\g<0></span>', body)


def explain_downloads(app, error):
    """Put a note on how to run it before each notebook that readers can download."""
    if error or app.builder.format != "html":
        return
    address = app.config.html_theme_options["repository_url"]
    for path in (Path(app.outdir) / "_sources").rglob("*.ipynb"):
        notebook = json.loads(path.read_text("utf8"))
        note = how_to_run(notebook, address)
        if notebook["cells"][0]["id"] != note["id"]:  # a page that was not written again has it
            notebook["cells"].insert(0, note)
            path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf8")


def how_to_run(notebook, address):
    """Return a cell that says what a notebook needs: the library, and files beside it."""
    code = "".join(
        "".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"
    )
    extra = "[gpt]" if needs_gpt(code) else ""
    text = (
        f"*This chapter of [a book on model collapse]({address}) needs the book's library, "
        f'with Python 3.11 or later:* `pip install "collapse-lib{extra} @ git+{address}"`'
    )
    if "results/" in code:
        text += (
            "\n\n*It also reads recorded results: put the repository's folder* `book/results` "
            "*beside it, or open it in a clone.*"
        )
    return {"cell_type": "markdown", "id": "how-to-run", "metadata": {}, "source": text}


def needs_gpt(code):
    """Say whether a chapter's code uses the part of the library that needs PyTorch."""
    names = r"collapse_lib import (\([^)]*|[^(\n]*)\bgpt\b"  # also over several lines
    return re.search(rf"collapse_lib\.gpt|{names}", code) is not None


def _git(root, *arguments):
    """Return what git prints, or an empty string where it fails or is missing."""
    try:
        done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
