"""Set the address of the repository wherever it is written.

    make address URL=https://github.com/someone/book

`_config.yml` has it under ``repository: url``; all other files follow. Needs nothing but Python.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: The files that name the address.
FILES = ("_config.yml", "CITATION.cff", "CONTRIBUTING.md", "README.md", "book/bibliography.md")
ADDRESS = re.compile(r"https://(github|gitlab)\.com/([\w.-]+/[\w.-]*[\w-])")
BINDER = {"github": "gh", "gitlab": "gl"}


def current(root=ROOT):
    """Return the address that _config.yml gives."""
    settings = (root / "_config.yml").read_text("utf8")
    return re.search(r"^repository:\n  url: (\S+)$", settings, re.MULTILINE)[1]


def change(url, root=ROOT):
    """Write the address `url` in the place of the current one, in all files.

    Raises
    ------
    ValueError
        If it is no address of a repository on GitHub or GitLab.
    """
    new = ADDRESS.fullmatch(url)
    if not new:
        raise ValueError(
            f"URL must be like https://github.com/someone/book, or on gitlab.com, got {url!r}"
        )
    old = ADDRESS.fullmatch(current(root))
    for name in FILES:
        text = (root / name).read_text("utf8")
        text = text.replace(binder(old), binder(new)).replace(old[0], new[0])
        if name == "CONTRIBUTING.md":  # the folder that a clone makes
            text = text.replace(f"cd {old[2].split('/')[-1]}\n", f"cd {new[2].split('/')[-1]}\n")
        (root / name).write_text(text, "utf8")


def binder(address):
    """Return how Binder names the repository."""
    repository = address[2] if address[1] == "github" else address[2].replace("/", "%2F")
    return f"mybinder.org/v2/{BINDER[address[1]]}/{repository}/"


if __name__ == "__main__":
    try:
        change(sys.argv[1])
    except ValueError as error:
        sys.exit(str(error))
