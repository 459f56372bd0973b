"""Texts to train on. None is shipped: they are downloaded once, by checksum, and kept."""

import os
from pathlib import Path

TINY_SHAKESPEARE = (
    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
)


def tiny_shakespeare():
    """Return the tiny Shakespeare text: 1,115,394 characters, 65 distinct ones.

    The file is ``tinyshakespeare.txt`` in the folder that the environment variable
    ``COLLAPSE_DATA`` names, or in the user's cache; where it is not there yet, it is
    downloaded. Either way it is used only if its checksum is right.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the file is not the text that is meant.
    OSError
        If the file is missing and cannot be downloaded.
    """
    url, checksum = TINY_SHAKESPEARE
    return verified(folder() / "tinyshakespeare.txt", url, checksum).read_text("utf8")


def folder():
    """Return where the texts are kept: ``COLLAPSE_DATA``, or the user's cache."""
    import pooch

    return Path(os.environ.get("COLLAPSE_DATA") or pooch.os_cache("collapse_lib"))


def verified(path, url, checksum):
    """Return `path`, downloaded from `url` if it does not exist, with its checksum checked.

    Parameters
    ----------
    path : pathlib.Path
    url : str
    checksum : str
        The SHA-256 of the file, in hexadecimal.
    """
    import pooch

    if not path.exists():
        try:
            pooch.retrieve(url, checksum, path.name, path.parent)
        except OSError as error:
            raise OSError(
                f"{path} does not exist and {url} cannot be downloaded ({error}); download it"
                " by other means and let COLLAPSE_DATA name its folder"
            ) from error
    found = pooch.file_hash(str(path))
    if found != checksum:
        raise ValueError(f"{path} must have the SHA-256 {checksum}, got {found}")
    return path
