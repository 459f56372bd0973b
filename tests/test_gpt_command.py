"""The command: a whole run, and mistakes that end with one sentence naming the flag."""

import os
import re
import signal
import subprocess
import sys
from functools import partial
from time import monotonic, sleep

import pytest

from collapse_lib import corpora
from collapse_lib.gpt import PRESETS, checkpoint
from collapse_lib.gpt.__main__ import main
from tests.gpt_support import preset, text
from tests.support import interrupt

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
    arguments = ["--schedule", "synthetic", "--generations", "1", "--seeds", "1"]
    main([*RUN, *arguments, "--corpus", corpus_file, "--out", str(out)])
    found = checkpoint.read_json(out / "results.json")
    (command,) = found["commands"]
    assert command.startswith("python -m collapse_lib.gpt run --preset tiny --workers 1")
    assert [entry["seed"] for entry in found["seeds"]] == [0]
    printed = capsys.readouterr().out
    assert "seed 0, all schedules, generation 1: held-out loss" in printed
    assert f"results are in {out / 'results.json'}" in printed


def test_results_name_every_command_that_made_them(tmp_path, corpus_file, monkeypatch):
    monkeypatch.setitem(PRESETS, "tiny", preset())
    common = [*RUN, "--generations", "1", "--corpus", corpus_file, "--out", str(tmp_path / "out")]
    for seeds in ("1", "2", "1"):
        main([*common, "--seeds", seeds])
    found = checkpoint.read_json(tmp_path / "out" / "results.json")
    assert [command[-1] for command in found["commands"]] == ["1", "2"]
    assert len(found["seeds"]) == 2


def test_steps_come_in_the_order_of_the_help(tmp_path, corpus_file, monkeypatch):
    monkeypatch.setitem(PRESETS, "tiny", preset())
    flags = ["--top-p", "0.9", "--temperature", "0.8", "--top-k", "10", "--min-p", "0.01"]
    common = ["--generations", "2", "--seeds", "1", "--corpus", corpus_file]
    schedules = ["--schedule", "synthetic", "recent:2"]
    main([*RUN, *common, *schedules, *flags, "--out", str(tmp_path / "out")])
    (entry,) = checkpoint.read_json(tmp_path / "out" / "results.json")["seeds"]
    step = "temperature 0.8, top-k 10, top-p 0.9, min-p 0.01"
    assert set(entry["processed"]) == {f"synthetic, {step}", f"recent:2, {step}"}
    assert (
        max(k for k, n in enumerate(entry[f"recent:2, {step}"][0]["processed"]["tokens"]) if n)
        <= 10
    )


def test_a_mark_at_the_beginning_of_a_file_is_no_character(tmp_path, monkeypatch):
    monkeypatch.setitem(PRESETS, "tiny", preset())
    (tmp_path / "corpus").write_bytes(b"\xef\xbb\xbf" + text(3000).encode())
    flags = ["--schedule", "real", "--generations", "1", "--seeds", "1"]
    main([*RUN, *flags, "--corpus", str(tmp_path / "corpus"), "--out", str(tmp_path / "out")])
    characters = checkpoint.read_json(tmp_path / "out" / "results.json")["characters"]
    assert characters == "".join(sorted(set(text(3000))))


def test_damaged_files_name_the_folder(tmp_path, corpus_file, monkeypatch, capsys):
    monkeypatch.setitem(PRESETS, "tiny", preset())
    out = tmp_path / "out"
    flags = [*RUN, "--schedule", "real", "--generations", "1", "--seeds", "1"]
    main([*flags, "--corpus", corpus_file, "--out", str(out)])
    for name in ("settings.json", "commands.json", "seed-0/first-8/measures.json"):
        content = (out / name).read_bytes()
        (out / name).write_bytes(content[:-5])
        capsys.readouterr()
        with pytest.raises(SystemExit) as failure:
            main([*flags, "--corpus", corpus_file, "--out", str(out)])
        assert failure.value.code == 2
        assert f"error: argument --out: path must name a JSON file, got '{out}" in (
            capsys.readouterr().err
        )
        (out / name).write_bytes(content)


def test_a_full_disk_ends_it_with_one_sentence(tmp_path, corpus_file, monkeypatch, capsys):
    monkeypatch.setitem(PRESETS, "tiny", preset())
    out = tmp_path / "out"
    calls = []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == 5:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    flags = [*RUN, "--schedule", "real", "--generations", "1", "--seeds", "1"]
    flags += ["--corpus", corpus_file, "--out", str(out)]
    with pytest.raises(SystemExit) as failure:
        main(flags)
    assert failure.value.code == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"'{out}' cannot be written to: [Errno 28] No space left on device" in error
    assert not list(out.rglob(".*"))
    main(flags)  # with room again, it continues


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_ends_it_with_one_sentence_and_all_its_processes(tmp_path, corpus_file, workers):
    command = [sys.executable, "-m", "collapse_lib.gpt", "run", "--preset", "tiny"]
    command += ["--schedule", "synthetic", "real", "--generations", "50", "--seeds", "2"]
    command += ["--corpus", corpus_file, "--out", str(tmp_path / "out"), "--workers", workers]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        assert b"left" in process.stdout.readline()  # it is at work
        group = partial(os.killpg, process.pid, signal.SIGINT)  # as a terminal does
        _, error, seconds = interrupt(process, group)
    assert process.returncode == 130
    assert error == b"interrupted; the same command continues where this one stopped\n"
    assert seconds < 0.5  # PyTorch's own end would take more
    deadline = monotonic() + 60
    while _group_lives(process.pid):  # the pipes of forked helpers close a moment later
        assert monotonic() < deadline
        sleep(0.05)


def test_a_second_run_in_the_same_folder_is_refused_and_the_first_goes_on(tmp_path, corpus_file):
    command = [sys.executable, "-m", "collapse_lib.gpt", "run", "--preset", "tiny"]
    command += ["--schedule", "synthetic", "--generations", "2", "--seeds", "1"]
    command += ["--corpus", corpus_file, "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as first:
        assert b"left" in first.stdout.readline()  # it is at work
        second = subprocess.run(command, capture_output=True, text=True)
        first.communicate()
    assert first.returncode == 0
    assert second.returncode == 2
    assert f"out must not be in use by another process, got '{tmp_path / 'out'}'" in second.stderr


def _group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--preset", "huge"], "argument --preset: invalid choice: 'huge'"),
        (["--schedule", "1/2"], "argument --schedule: must be 'synthetic', 'real-kept:SYNTHETIC/"),
        (["--schedule", "real-kept:49/50"], "shares that add up to 100, got 'real-kept:49/50'"),
        (["--schedule", "real-kept:30/70"], "argument --schedule: schedule must make whole seq"),
        (["--schedule"], "argument --schedule: expected at least one argument"),
        (["--temperature", "0"], "argument --temperature: tau must be a finite number above 0"),
        (["--temperature", "nan"], "argument --temperature: tau must be a finite number above 0"),
        (["--top-k", "0"], "argument --top-k: k must be an integer of at least 1, got 0"),
        (["--top-k", "1.5"], "argument --top-k: must be a number, got '1.5'"),
        (["--top-p", "2"], "argument --top-p: mass must be a number from 0 to 1, got 2.0"),
        (["--min-p", "x"], "argument --min-p: must be a number, got 'x'"),
        (["--generations", "0"], "argument --generations: must be an integer from 1 to 1000"),
        (["--generations", "1000000000"], "must be an integer from 1 to 1000, got '1000000000'"),
        (["--seeds", "two"], "argument --seeds: must be an integer from 1 to 1000, got 'two'"),
        (["--workers", "-1"], "argument --workers: must be an integer from 1 to 256, got '-1'"),
        (["--threads", "0"], "argument --threads: must be an integer from 1 to 256, got '0'"),
        (["--threads", "100000"], "must be an integer from 1 to 256, got '100000'"),
        (["--device", "tpu"], "argument --device: invalid choice: 'tpu'"),
        (["--corpus", "{tmp}/none"], "argument --corpus: cannot be read as text: "),
        (["--corpus", "{tmp}/empty"], "argument --corpus: must not be empty, got "),
        (["--corpus", "{tmp}/short"], "argument --corpus: text must have at least 3"),
        (["--corpus", "{tmp}/latin"], "argument --corpus: cannot be read as text: 'utf-8'"),
        (["--truth", "{tmp}/none"], "argument --truth: truth must be the file of a model"),
        (["--out", "{tmp}/short/out"], "argument --out: out must be a folder that can be written"),
        (["--out"], "argument --out: expected one argument"),
        (["--out", ""], "argument --out: must name a folder, got ''"),
    ],
)
def test_mistakes_name_the_flag(tmp_path, corpus_file, capsys, monkeypatch, flags, message):
    (tmp_path / "empty").write_text("")
    (tmp_path / "short").write_text("to be or not")
    (tmp_path / "latin").write_bytes("é".encode("latin-1"))
    before = sorted(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
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
