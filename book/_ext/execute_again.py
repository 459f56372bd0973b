"""Forget that a chapter was executed, so that the next build executes it.

    make again CHAPTER=absorption

A build executes what has changed, or uses code that has; this is for all other reasons.
"""

import sys
from pathlib import Path

from jupyter_cache import get_cache

ROOT = Path(__file__).parents[2]


def forget(name, root=ROOT):
    """Remove a chapter from the caches of executed and of read pages.

    Raises
    ------
    ValueError
        If there is no such chapter.
    """
    chapters = sorted(path.stem for path in (root / "book").glob("*.ipynb"))
    if name not in chapters:
        raise ValueError(f"CHAPTER must be one of {', '.join(chapters)}, got {name!r}")
    for folder in (root / "_build" / ".jupyter_cache").glob("*"):
        cache = get_cache(folder)
        for record in cache.list_cache_records():
            if Path(record.uri).name == f"{name}.ipynb":
                cache.remove_cache(record.pk)
        cache.db.dispose()  # or its connections stay open
    for page in (root / "_build").glob(f".doctrees/book/{name}.doctree"):
        page.unlink()


if __name__ == "__main__":
    try:
        forget(sys.argv[1])
    except ValueError as error:
        sys.exit(str(error))
