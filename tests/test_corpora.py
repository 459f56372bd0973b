"""The loader of texts: what is right is read, all else is a clear error."""

import hashlib
import os
import re
import string
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from collapse_lib import corpora
from collapse_lib.learners import ngram

TEXT = b"All the world's a stage\n"
CHECKSUM = hashlib.sha256(TEXT).hexdigest()
NOWHERE = "http://127.0.0.1:9/nothing"  # no server listens there


def test_a_file_that_is_there_is_checked_and_used(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT)
    assert corpora.verified(path, NOWHERE, CHECKSUM) == path


def test_a_wrong_checksum_is_an_error_that_shows_both(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT + b"!")
    with pytest.raises(ValueError, match=f"text.txt must have the SHA-256 {CHECKSUM}, got "):
        corpora.verified(path, NOWHERE, CHECKSUM)
    assert path.read_bytes() == TEXT + b"!"


def test_without_network_the_error_says_what_to_do(tmp_path):
    with pytest.raises(OSError, match=r"cannot be downloaded .* set COLLAPSE_DATA to its folder"):
        corpora.verified(tmp_path / "text.txt", NOWHERE, CHECKSUM)
    assert not list(tmp_path.glob("text*"))


def test_a_download_is_verified_and_kept(tmp_path, serve):
    path = tmp_path / "cache" / "text.txt"
    assert corpora.verified(path, serve(TEXT), CHECKSUM).read_bytes() == TEXT
    assert corpora.verified(path, NOWHERE, CHECKSUM).read_bytes() == TEXT
    with pytest.raises(ValueError, match="hash"):
        corpora.verified(tmp_path / "other.txt", serve(TEXT + b"!"), CHECKSUM)
    assert not (tmp_path / "other.txt").exists()


def test_the_folder_is_the_one_that_the_environment_names(monkeypatch, tmp_path):
    monkeypatch.setenv("COLLAPSE_DATA", str(tmp_path))
    assert corpora.folder() == tmp_path
    monkeypatch.delenv("COLLAPSE_DATA")
    assert "collapse_lib" in str(corpora.folder())


def test_tiny_shakespeare_is_read_from_that_folder(monkeypatch, tmp_path):
    (tmp_path / "tinyshakespeare.txt").write_bytes(TEXT)
    monkeypatch.setenv("COLLAPSE_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=r"tinyshakespeare.txt must have the SHA-256 86c4e6"):
        corpora.tiny_shakespeare()
    monkeypatch.setattr(corpora, "TINY_SHAKESPEARE", (NOWHERE, CHECKSUM))
    assert corpora.tiny_shakespeare() == TEXT.decode()


def test_letters_after_a_context_are_those_that_the_table_has():
    table = ngram.tiny_shakespeare(5)
    names = [table.name(context) for context in range(table.contexts.size)]
    row = table.counts[[names.index(" the ")]].toarray()[0]
    counted = Counter()
    for character, count in zip(table.alphabet, row.tolist(), strict=True):
        if character in string.ascii_letters:
            counted[character.lower()] += count
    letters, counts = corpora.letters_after(" the ")
    assert dict(zip(letters, counts.tolist(), strict=True)) == +counted
    assert (np.diff(counts) <= 0).all()
    assert counts.dtype == np.int64


def test_capitals_count_as_small_letters_and_other_characters_not_at_all():
    alphabet, grams, counts = corpora.ngram_counts(1)
    after = dict(zip(grams.tolist(), counts.tolist(), strict=True))
    letters, counts = corpora.letters_after("\n")
    line = alphabet.index("\n") * len(alphabet)
    first = [after.get(line + alphabet.index(c), 0) for c in "aA"]
    assert min(first) > 0
    assert counts[letters.index("a")] == sum(first)
    assert set(letters) <= set(string.ascii_lowercase)
    assert "\n" in {alphabet[gram % 65] for gram in after if gram // 65 == line // 65}


@pytest.mark.parametrize("context", ["", " their", 3, None])
def test_a_context_has_as_many_characters_as_the_table(context):
    message = f"context must be a string of 1 to 5 characters, got {context!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        corpora.letters_after(context)


@pytest.mark.parametrize("context", ["zzz", "é", "the\0"])
def test_a_context_must_be_followed_by_a_letter(context):
    message = f"context must be one that a letter follows in tiny Shakespeare, got {context!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        corpora.letters_after(context)


# Whoever has the text names its folder; nothing else that the tests do needs it.
if "COLLAPSE_DATA" in os.environ:

    def test_the_real_text_is_what_the_paper_trains_on():
        text = corpora.tiny_shakespeare()
        assert (len(text), len(set(text))) == (1_115_394, 65)
        assert text.startswith("First Citizen:\nBefore we proceed any further, hear me speak.")


@pytest.fixture
def serve():
    """Return a function that serves bytes from this machine and returns their address."""
    servers = []

    def start(content):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments):
                """Stay silent."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/text.txt"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
