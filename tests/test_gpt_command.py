"""The command: a whole run, and mistakes that end with one sentence naming the flag."""

import re

import pytest

from collapse_lib import corpora
from collapse_lib.gpt import PRESETS, checkpoint
from collapse_lib.gpt.__main__ import main
from tests.gpt_support import preset, text

RUN = ("run", "--preset", "tiny", "--workers", "1")


@pytest.fixture
def corpus_file(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text(text(3000))
    return str(path)


def test_a_run_ends_with_results_that_say_what_made_them(
    tmp_path, corpus_file, capsys, monkeypatch
):
    monkeypatch.setitem(PRESETS, "tiny", preset())  # a still smaller one
    out = tmp_path / "out"
    arguments = ["--mixture", "synthetic", "--generations", "1", "--seeds", "1"]
    main([*RUN, *arguments, "--corpus", corpus_file, "--out", str(out)])
    found = checkpoint.read_json(out / "results.json")
    (command,) = found["commands"]
    assert command.startswith("python -m collapse_lib.gpt run --preset tiny --workers 1")
    assert [entry["seed"] for entry in found["seeds"]] == [0]
    printed = capsys.readouterr().out
    assert "seed 0, all mixtures, generation 1: held-out loss" in printed
    assert f"results are in {out / 'results.json'}" in printed


def test_results_name_every_command_that_made_them(tmp_path, corpus_file, monkeypatch):
    monkeypatch.setitem(PRESETS, "tiny", preset())
    common = [*RUN, "--generations", "1", "--corpus", corpus_file, "--out", str(tmp_path / "out")]
    for seeds in ("1", "2", "1"):
        main([*common, "--seeds", seeds])
    found = checkpoint.read_json(tmp_path / "out" / "results.json")
    assert [command[-1] for command in found["commands"]] == ["1", "2"]
    assert len(found["seeds"]) == 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--preset", "huge"], "argument --preset: invalid choice: 'huge'"),
        (["--mixture", "1/2"], "argument --mixture: invalid choice: '1/2'"),
        (["--generations", "0"], "argument --generations: must be an integer of at least 1"),
        (["--seeds", "two"], "argument --seeds: must be an integer of at least 1, got 'two'"),
        (["--workers", "-1"], "argument --workers: must be an integer of at least 1, got '-1'"),
        (["--threads", "0"], "argument --threads: must be an integer of at least 1, got '0'"),
        (["--device", "tpu"], "argument --device: invalid choice: 'tpu'"),
        (["--corpus", "{tmp}/none"], "argument --corpus: cannot be read as text: "),
        (["--corpus", "{tmp}/empty"], "argument --corpus: must not be empty, got "),
        (["--corpus", "{tmp}/short"], "argument --corpus: text must have at least 3"),
        (["--corpus", "{tmp}/latin"], "argument --corpus: cannot be read as text: 'utf-8'"),
        (["--truth", "{tmp}/none"], "argument --truth: truth must be the file of a model"),
        (["--out", "{tmp}/short/out"], "argument --out: out must be a folder that can be written"),
        (["--out"], "argument --out: expected one argument"),
    ],
)
def test_mistakes_name_the_flag(tmp_path, corpus_file, capsys, flags, message):
    (tmp_path / "empty").write_text("")
    (tmp_path / "short").write_text("to be or not")
    (tmp_path / "latin").write_bytes("é".encode("latin-1"))
    before = sorted(tmp_path.iterdir())
    flags = [flag.format(tmp=tmp_path) for flag in flags]
    if "--out" not in flags:
        flags += ["--out", str(tmp_path / "out")]
    if not {"--corpus", "--truth"} & set(flags):
        flags += ["--corpus", corpus_file]
    with pytest.raises(SystemExit) as failure:
        main([*RUN, *flags])
    assert failure.value.code == 2
    assert re.search(re.escape(message), capsys.readouterr().err)
    assert sorted(tmp_path.iterdir()) == before


def test_the_corpus_is_missing_or_not_the_right_one(tmp_path, monkeypatch, capsys):
    (tmp_path / "tinyshakespeare.txt").write_text("something else")
    monkeypatch.setenv("COLLAPSE_DATA", str(tmp_path))
    with pytest.raises(SystemExit):
        main([*RUN, "--out", str(tmp_path / "out")])
    printed = capsys.readouterr().err
    assert "without --corpus or --truth, tiny Shakespeare is needed" in printed
    assert corpora.TINY_SHAKESPEARE[1] in printed
    assert not (tmp_path / "out").exists()
