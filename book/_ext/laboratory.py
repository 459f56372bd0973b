"""The directive that puts the laboratory on a page.

    ```{laboratory}
    :state: schedule=kept&n=100&real=100
    :controls: n real
    :panels: variety
    What stands here is shown on paper, and where no script runs.
    ```

`state` is what stands after # in the laboratory's own address, `controls` the settings that the
reader may change, `panels` the curves (variety, tokens, collapse; none by default). Without
controls, the page gets the whole laboratory.

JupyterLab shows a warning for directives that it does not know. A notebook has the same in a MyST
comment, which JupyterLab ignores:

    % laboratory | state: schedule=kept&n=100&real=100 | controls: n real | panels: variety

A code cell with the tag `laboratory-still`, an explorer as a rule, is what JupyterLab and paper
show in its place; the web page hides it where scripts run.
"""

import html
import re
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective
from sphinx.util.logging import getLogger

logger = getLogger(__name__)

#: In the order in which they are loaded; shakespeare.js is loaded when a reader asks for it.
SCRIPTS = (
    "random",
    "steps",
    "recursion",
    "exact",
    "work",
    "text",
    "letters",
    "state",
    "sources",
    "drawing",
    "controls",
    "seen",
)
#: What only the whole laboratory needs.
WHOLE = ("guides", "own", "writing", "planner", "plan", "python", "takeaway")


class laboratory(nodes.General, nodes.Element):
    """A laboratory, whose children are what is shown where it cannot run."""


class LaboratoryDirective(SphinxDirective):
    has_content = True
    option_spec = {  # noqa: RUF012
        "state": directives.unchanged,
        "controls": directives.unchanged,
        "panels": directives.unchanged,
    }

    def run(self):
        self.assert_has_content()
        node = laboratory(small="controls" in self.options, **self.options)
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node]


def read_comments(app, doctree):
    """Replace comments that ask for a laboratory."""
    for comment in list(doctree.findall(nodes.comment)):
        name, *settings = (part.strip() for part in comment.astext().split("|"))
        if name != "laboratory":
            continue
        options = dict(re.split(r":\s*", setting, maxsplit=1) for setting in settings)
        if unknown := options.keys() - LaboratoryDirective.option_spec.keys():
            logger.warning("laboratory: unknown options %s", sorted(unknown), location=comment)
        comment.replace_self(laboratory(small="controls" in options, **options))


def visit(translator, node):
    """Open the box that the scripts fill, with the still text in it."""
    builder, env = translator.builder, translator.builder.env
    settings = {"state": node.get("state", "")}
    if node["small"]:
        settings |= {
            "size": "small",
            "controls": node["controls"],
            "panels": node.get("panels", ""),
        }
    elif "panels" in node:
        settings["panels"] = node["panels"]
    page = builder.current_docname
    target = (
        builder.get_relative_uri(page, "book/laboratory")
        if "book/laboratory" in env.found_docs
        else ""
    )
    settings["book"] = target.removesuffix("laboratory.html") if target else ""
    settings["pages"] = " ".join(
        sorted(name.removeprefix("book/") for name in env.found_docs if name.startswith("book/"))
    )
    attributes = "".join(f' data-{key}="{html.escape(value)}"' for key, value in settings.items())
    translator.body.append(f'<div class="laboratory"{attributes}>\n<div class="lab-still">\n')


def depart(translator, node):
    """Close both boxes."""
    translator.body.append("</div>\n</div>\n")


def add_scripts(app, pagename, templatename, context, doctree):
    """Load the scripts on pages that have a laboratory, and no others."""
    if doctree is None or not (found := list(doctree.findall(laboratory))):
        return
    names = list(SCRIPTS)
    if not all(node["small"] for node in found):
        names += WHOLE
    app.add_css_file("laboratory/laboratory.css")
    for name in (*names, "laboratory"):
        app.add_js_file(f"laboratory/{name}.js")


def lighten(app, error):
    """Take comments and indentation out of the scripts that readers load."""
    if error or app.builder.format != "html":
        return
    for name in (*SCRIPTS, *WHOLE, "laboratory"):
        path = Path(app.outdir) / "_static" / "laboratory" / f"{name}.js"
        path.write_text(light(path.read_text("utf8")), "utf8")


def light(script):
    """Return a script without lines of comment and without indentation, except in its texts."""
    kept, inside = [], False
    for line in script.splitlines():
        if not inside:
            line = line.strip()
            if not line or line.startswith("//"):
                continue
        kept.append(line)
        inside ^= line.count("`") % 2 == 1
    return "\n".join(kept) + "\n"


def ignore(translator, node):
    """In other formats only the text inside is written."""


def setup(app):
    app.add_node(
        laboratory,
        html=(visit, depart),
        **dict.fromkeys(("latex", "text", "man", "texinfo", "epub"), (ignore, ignore)),
    )
    app.add_directive("laboratory", LaboratoryDirective)
    app.connect("doctree-read", read_comments)
    app.connect("html-page-context", add_scripts)
    app.connect("build-finished", lighten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
