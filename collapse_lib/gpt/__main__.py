"""The command ``python -m collapse_lib.gpt``: run the experiment from the shell."""

import argparse
import atexit
import os
import shlex
import sys
from pathlib import Path

from collapse_lib import _checks, corpora, steps
from collapse_lib.gpt import checkpoint
from collapse_lib.gpt.names import GRAMMAR, parse_schedule
from collapse_lib.gpt.presets import PRESETS, SHIPPED_TRUTH
from collapse_lib.gpt.run import (
    DEVICES,
    MOST_GENERATIONS,
    MOST_SEEDS,
    MOST_THREADS,
    MOST_WORKERS,
    THREE,
    run_recursion,
)

FLAGS = {
    "out": "--out",
    "path": "--out",
    "truth": "--truth",
    "text": "--corpus",
    "device": "--device",
    "schedule": "--schedule",
}
INTERRUPTED = 130  # the exit status after Ctrl-C


def main(arguments=None):
    """Run the command; a mistake in a flag ends it with one sentence that names the flag."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        _run(chosen, parser, arguments)
    except ValueError as error:
        name = str(error).partition(" ")[0]
        if name not in FLAGS:
            raise
        parser.error(f"argument {FLAGS[name]}: {error}")
    except OSError as error:
        parser.exit(1, f"{parser.prog}: error: {chosen.out!r} cannot be written to: {error}\n")
    except KeyboardInterrupt:
        parser.exit(INTERRUPTED, "interrupted; the same command continues where this one stopped\n")


def _leave_at_once(status):
    """Exit at once: PyTorch takes a second or more to unload."""
    atexit._run_exitfuncs()  # as at any exit: ends processes, removes semaphores
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _run(chosen, parser, arguments):
    """Run the experiment, and record the commands that made the results."""
    text = None if chosen.truth else chosen.corpus or _shakespeare(parser)
    found = run_recursion(
        chosen.preset,
        chosen.out,
        text,
        chosen.truth,
        chosen.schedule,
        chosen.generations,
        chosen.seeds,
        getattr(chosen, "workers", os.cpu_count() or 1 if chosen.device == "cpu" else 1),
        chosen.device,
        chosen.threads,
        _step(chosen),
        log=lambda line: print(line, flush=True),
    )
    command = shlex.join(["python", "-m", "collapse_lib.gpt", *(arguments or sys.argv[1:])])
    commands = _and_before(Path(chosen.out) / "commands.json", command)
    checkpoint.write_json(Path(chosen.out) / "results.json", {"commands": commands} | found)
    print(f"results are in {Path(chosen.out) / 'results.json'}")


def _step(chosen):
    """Return the chosen steps in the order of the help, or None."""
    found = (chosen.temperature, chosen.top_k, chosen.top_p, chosen.min_p)
    return tuple(step for step in found if step is not None) or None


def _and_before(path, command):
    """Add a command to those that have written to this folder, and return all of them."""
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
        help="run the experiment, or continue one that was stopped",
        description="Run the experiment. If it is stopped, the same command continues it. Later"
        " commands may ask for more schedules, steps, generations or seeds, and for another number"
        " of workers; preset, source of p^(0), device and threads must stay the same."
        " OUT/results.json holds all that was measured.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_what(run)
    _add_steps(run)
    _add_where(run)
    return parser


def _add_what(run):
    """Add the flags that say what is run."""
    run.add_argument(
        "--preset",
        choices=PRESETS,
        default="laptop",
        help="size of the experiment: paper (Table 1 of the paper, for a GPU); laptop (0.8 million"
        " weights, half a million characters); scarce (laptop with a sixteenth of the characters);"
        " laptop-16, scarce-16, ... (width 16 instead of 128); readable (laptop trained eight times"
        " as long); tiny (takes seconds)",
    )
    run.add_argument(
        "--schedule",
        type=_schedule,
        nargs="+",
        default=list(THREE),
        metavar="NAME",
        help="what later generations are trained on, one or several of: synthetic;"
        " real-kept:20/80, 20%% synthetic text and 80%% real text that is drawn once;"
        " real-fresh:20/80, the same with new real text each time; recent:3, the last 3 models;"
        " recent-kept:3, their texts drawn once; accumulating, all texts so far; random, all"
        " models so far; random-kept; real, the real text alone",
    )
    run.add_argument(
        "--generations",
        type=_whole(1, MOST_GENERATIONS),
        default=10,
        help="number of the last generation",
    )
    run.add_argument(
        "--seeds",
        type=_whole(1, MOST_SEEDS),
        default=3,
        help="independent runs of each schedule",
    )
    run.add_argument("--out", type=_folder, required=True, help="folder for all results")
    source = run.add_mutually_exclusive_group()
    longest = max(preset.model.context for preset in PRESETS.values())
    source.add_argument(
        "--corpus",
        type=_text,
        help="a text file in UTF-8 to train p^(0) on, instead of tiny Shakespeare; every character"
        f" is a token; at least {10 * (longest + 1) + 1} characters suffice for every preset",
    )
    source.add_argument(
        "--truth",
        type=lambda path: str(SHIPPED_TRUTH) if path == "shipped" else path,
        help="a checkpoint to use as p^(0) instead of training one; 'shipped' is the one that comes"
        " with this library, for presets with a context of 64",
    )


def _add_steps(run):
    """Add the flags for steps: what is done to predictions before a model is sampled."""
    group = run.add_argument_group(
        "steps", "Change the predictions of a model, in this order, before it is sampled."
    )
    group.add_argument(
        "--temperature",
        type=_step_of(steps.Temperature, float),
        metavar="TAU",
        help="above 0; below 1 sharpens",
    )
    group.add_argument(
        "--top-k", type=_step_of(steps.TopK, int), metavar="K", help="keep the K likeliest tokens"
    )
    group.add_argument(
        "--top-p",
        type=_step_of(steps.Nucleus, float),
        metavar="MASS",
        help="keep the smallest set of likeliest tokens with at least this mass",
    )
    group.add_argument(
        "--min-p",
        type=_step_of(steps.MinP, float),
        metavar="RATIO",
        help="keep the tokens that have at least this fraction of the largest probability",
    )


def _add_where(run):
    """Add the flags for the computation: device, processes, threads."""
    run.add_argument("--device", choices=DEVICES, default="cpu", help="where to compute")
    run.add_argument(
        "--workers",
        type=_whole(1, MOST_WORKERS),
        default=argparse.SUPPRESS,
        help="processes to run side by side (default: one per core on the CPU, else 1)",
    )
    run.add_argument(
        "--threads", type=_whole(1, MOST_THREADS), default=1, help="threads per process"
    )


def _whole(minimum, maximum):
    """Return the argparse type of an integer in a range."""

    def number(value):
        try:
            return _checks.integer(int(value), "the value", minimum, maximum)
        except ValueError:
            message = f"must be an integer from {minimum} to {maximum}, got {value!r}"
            raise argparse.ArgumentTypeError(message) from None

    return number


def _schedule(name):
    """Return the name of a schedule; whether its shares fit the preset is checked later."""
    try:
        parse_schedule(name, 10**6)
    except ValueError as error:
        if "whole sequences" not in str(error):
            message = f"must be {GRAMMAR}, with shares that add up to 100, got {name!r}"
            raise argparse.ArgumentTypeError(message) from None
    return name


def _step_of(kind, number):
    """Return the argparse type of a step that has one number."""

    def step(value):
        try:
            parsed = number(value)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be a number, got {value!r}") from None
        try:
            return kind(parsed)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return step


def _folder(name):
    """Return the name of a folder, which must not be empty."""
    if not name:
        raise argparse.ArgumentTypeError("must name a folder, got ''")
    return name


def _text(path):
    """Return the text of a file."""
    try:
        text = Path(path).read_text("utf-8-sig")  # without a byte order mark
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
    try:
        main()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _leave_at_once(INTERRUPTED)
        raise
