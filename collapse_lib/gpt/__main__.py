"""The command ``python -m collapse_lib.gpt``: run the experiment from the shell."""

import argparse
import os
import shlex
import sys
from pathlib import Path

import torch

from collapse_lib import _checks, corpora
from collapse_lib.gpt import checkpoint
from collapse_lib.gpt.presets import MIXTURES, PRESETS, SHIPPED_TRUTH
from collapse_lib.gpt.run import DEVICES, THREE, run_recursion


def main(arguments=None):
    """Run the command; a mistake in a flag ends it with one sentence that names the flag."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    try:
        text = None if chosen.truth else chosen.corpus or _shakespeare(parser)
        found = run_recursion(
            chosen.preset,
            chosen.out,
            text,
            chosen.truth,
            chosen.mixture,
            chosen.generations,
            chosen.seeds,
            getattr(chosen, "workers", 1 if chosen.device == "cuda" else os.cpu_count() or 1),
            chosen.device,
            say=lambda line: print(line, flush=True),
        )
    except ValueError as error:
        flags = {"out": "--out", "truth": "--truth", "text": "--corpus", "device": "--device"}
        name = str(error).partition(" ")[0]
        if name not in flags:
            raise
        parser.error(f"argument {flags[name]}: {error}")
    command = shlex.join(["python", "-m", "collapse_lib.gpt", *(arguments or sys.argv[1:])])
    commands = _and_before(Path(chosen.out) / "commands.json", command)
    checkpoint.write_json(Path(chosen.out) / "results.json", {"commands": commands} | found)
    print(f"results are in {Path(chosen.out) / 'results.json'}")


def _and_before(path, command):
    """Return all commands that have filled this folder, and keep them there."""
    before = checkpoint.read_json(path) if path.exists() else []
    commands = [*before, *([] if command in before else [command])]
    checkpoint.write_json(path, commands)
    return commands


def _parser():
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        "python -m collapse_lib.gpt",
        description="Train a small language model on its own output, generation after generation.",
    )
    commands = parser.add_subparsers(required=True, metavar="run")
    run = commands.add_parser(
        "run",
        help="run the experiment, or go on with one that was stopped",
        description="Run the experiment, or go on with one that was stopped: the same command"
        " again continues where it was, and more mixtures, generations or seeds can be asked"
        " for later. OUT/results.json holds all that was measured.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    run.add_argument("--preset", choices=PRESETS, default="laptop", help="the size of it all")
    run.add_argument(
        "--mixture",
        choices=MIXTURES,
        nargs="+",
        default=THREE,
        help="what later generations are trained on: synthetic/real, in percent",
    )
    run.add_argument(
        "--generations", type=_at_least(1), default=10, help="number of the last generation"
    )
    run.add_argument("--seeds", type=_at_least(1), default=3, help="number of repetitions")
    run.add_argument("--out", required=True, help="folder that keeps everything")
    source = run.add_mutually_exclusive_group()
    source.add_argument(
        "--corpus", type=_text, help="a text file to train p^(0) on, instead of tiny Shakespeare"
    )
    source.add_argument(
        "--truth",
        type=lambda path: str(SHIPPED_TRUTH) if path == "shipped" else path,
        help="a model to take as p^(0), instead of training one; 'shipped' is the one that comes"
        " with this library, for the presets laptop and scarce",
    )
    run.add_argument("--device", choices=DEVICES, default="cpu", help="where it runs")
    run.add_argument(
        "--workers",
        type=_at_least(1),
        default=argparse.SUPPRESS,
        help="processes to run side by side (default: as many as there are cores; 1 with cuda)",
    )
    run.add_argument(
        "--threads",
        type=_at_least(1),
        default=1,
        help="threads of the first process; each other one has a single thread",
    )
    return parser


def _at_least(minimum):
    """Return the type of a flag that is a whole number."""

    def number(value):
        try:
            return _checks.integer(int(value), "the value", minimum)
        except ValueError:
            message = f"must be an integer of at least {minimum}, got {value!r}"
            raise argparse.ArgumentTypeError(message) from None

    return number


def _text(path):
    """Return the text of a file."""
    try:
        text = Path(path).read_text("utf8")
    except (OSError, UnicodeDecodeError) as error:
        raise argparse.ArgumentTypeError(f"cannot be read as text: {error}") from None
    if not text:
        raise argparse.ArgumentTypeError(f"must not be empty, got {path!r}")
    return text


def _shakespeare(parser):
    try:
        return corpora.tiny_shakespeare()
    except (OSError, ValueError) as error:
        parser.error(f"without --corpus or --truth, tiny Shakespeare is needed: {error}")


if __name__ == "__main__":
    main()
