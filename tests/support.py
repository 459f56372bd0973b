"""What build and browser tests share: the built book, and a copy of the repository."""

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
NOT_COPIED = shutil.ignore_patterns(
    ".venv", "_build", ".git", "__pycache__", ".*_cache", "*.egg-info", ".hypothesis"
)
EDITORS = shutil.ignore_patterns(".ipynb_checkpoints", ".*.sw?", "*~", ".#*")


def copy_repository(target):
    """Copy the repository without what is installed or built; return where it is."""
    return shutil.copytree(ROOT, target, ignore=NOT_COPIED)


def files(root):
    """Return the paths of files and folders in a repository, less what git or an editor owns."""
    found = set()
    for folder, folders, names in os.walk(root):
        left_out = {*NOT_COPIED(folder, folders + names), *EDITORS(folder, folders + names)}
        folders[:] = set(folders) - left_out
        found |= {
            Path(folder, name).relative_to(root).as_posix()
            for name in {*folders, *names} - left_out
        }
    return found


def pages():
    """Return the built pages, relative to the site; the book must have been built."""
    found = sorted(path.relative_to(SITE).as_posix() for path in SITE.glob("book/**/*.html"))
    if not found:
        raise FileNotFoundError(f"no pages below {SITE}: run 'make book' first")
    return [*found, "search.html", "genindex.html"]
