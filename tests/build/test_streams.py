"""What a cell prints does not depend on where the kernel cuts it into messages."""

import sys

import nbformat
import pytest

from tests.support import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import book_build

PRINTED = "share left: 0.2888 in the limit\nshare left: 0.4690\n"


def stream(text, name="stdout"):
    return nbformat.v4.new_output("stream", name=name, text=text)


@pytest.mark.parametrize("cut", range(len(PRINTED) + 1))
def test_a_text_cut_anywhere_reads_the_same(cut):
    pieces = [stream(PRINTED[:cut]), stream(PRINTED[cut:])]
    assert [found["text"] for found in book_build.join_streams(pieces)] == [PRINTED]


def test_pictures_and_the_other_stream_stay_between():
    picture = nbformat.v4.new_output("display_data", data={"text/plain": "figure"})
    outputs = [stream("a"), picture, stream("oh", "stderr"), stream("b\n")]
    for _ in range(2):  # a second call finds what the first one found
        found = book_build.join_streams(outputs)
        assert [output.get("text") for output in found] == ["ab\n", None, "oh\n"]
