"""Write files that are complete or absent, even if the process is killed while writing."""

import os
import secrets
from pathlib import Path


def write(path, content):
    """Write bytes to a new file beside `path`, then move it there in one step.

    Parameters
    ----------
    path : str or pathlib.Path
        Its folder is created if it is missing.
    content : bytes

    Raises
    ------
    OSError
        If it cannot be written; no partial file is left behind.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")  # several may write at once
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
