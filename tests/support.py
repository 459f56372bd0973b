"""What build and browser tests share: the built book, and a copy of the repository."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
NOT_COPIED = shutil.ignore_patterns(
    ".venv", "_build", ".git", "__pycache__", ".*_cache", "*.egg-info", ".hypothesis"
)


def copy_repository(target):
    """Copy the repository without what is installed or built; return where it is."""
    return shutil.copytree(ROOT, target, ignore=NOT_COPIED)


def pages():
    """Return the built pages, relative to the site; the book must have been built."""
    found = sorted(path.relative_to(SITE).as_posix() for path in SITE.glob("book/**/*.html"))
    if not found:
        raise FileNotFoundError(f"no pages below {SITE}: run 'make book' first")
    return [*found, "search.html", "genindex.html"]
