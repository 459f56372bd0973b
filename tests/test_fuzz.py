"""Every public callable with hostile arguments: a refusal that names an argument, or an answer.

The callables are found, not listed: what a module says in ``__all__``, or else all that it
defines. Valid arguments come from the name of a parameter (`BY_NAME`), or from `OWN` where a
callable needs others; a new function with the parameters of its neighbours is covered without a
line here. Each parameter in turn is replaced by each hostile value, then pairs of them are.
"""

import importlib
import inspect
import re
import signal
import types
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.sparse import csr_array

import collapse_lib
from collapse_lib import explorers, ngram, schedules, steps, sweeps
from collapse_lib.learners.counting import Counting

#: Seconds of processor time that a call with hostile values may take, and seconds by the clock,
#: which leave room for other processes.
LONGEST, LONGEST_WAIT = 5, 60
PAIRS = 60

MODULES = [
    *(name for name in collapse_lib.__all__ if name not in ("learners", "ngram")),
    *(f"learners.{path.stem}" for path in Path(collapse_lib.__file__).parent.glob("learners/*.py")
      if not path.stem.startswith("_")),
]  # fmt: skip

#: Classes of results, made only by the library, and exceptions: nobody passes them arguments.
RECORDS = {
    "contexts.Collapse",
    "learners.ngram.Table",
    "recursion.Trajectories",
    "softmax.Fit",
    "sweeps.SweepError",
    "symbolic.DerivationError",
    "symbolic.S",  # SymPy's own
}
#: Functions that write, download, train or take seconds; other tests cover what they refuse.
ELSEWHERE = {
    "corpora.check_alphabet",
    "corpora.count_grams",
    "corpora.verified",
    "corpora.write_counts",
    "gpt.Cache",
    "gpt.GPT",
    "gpt.evaluate",
    "gpt.load_model",
    "gpt.results",
    "gpt.run_recursion",
    "gpt.sample",
    "gpt.train",
    "symbolic.cross_entropy_curvature",
    "symbolic.cross_entropy_gradient",
    "symbolic.projection_condition",
    "symbolic.temperature_multiplier",
}
#: Functions that return NaN for a context never seen, or pass the user's own NaN on.
GIVE_NAN = {"softmax.empirical_conditionals", "sweeps.mean_and_margin"}
#: Arguments that are not checked: in the innermost loop, or known to a learner alone.
UNSEEN = {("steps.apply", "p"), ("recursion.run", "truth")}

P = [0.5, 0.3, 0.2]
FEATURES = np.array([[1.0, 0.2], [0.1, 0.9], [-0.5, 0.4]])
CONDITIONALS = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1]])
TEXT = "abracadabra"


@cache
def axes():
    return Figure().subplots()


def task(rng, n):
    return {"n": n}


def draw(ax, a):
    return "A picture."


#: Valid arguments by the name of the parameter; functions make a new one for each call.
BY_NAME = {
    "accept": [0.9, 0.5, 0.1],
    "advantage": 0.1,
    "bias": 0.1,
    "conditionals": lambda: CONDITIONALS.copy(),
    "curvature": 1.0,
    "delta": 0.1,
    "dimension": 2,
    "distance": 0.5,
    "features": lambda: FEATURES.copy(),
    "mean": 2.0,
    "other": lambda: CONDITIONALS[::-1].copy(),
    "parameters": 3,
    "samples": 20,
    "share": 0.5,
    "value": 0.5,
    "variance": 1.0,
    "weight": 0.5,
    "weights": (0.3, 0.3, 0.4),
    "alphabet": "abcdr",
    "ax": lambda: axes(),
    "axis": -1,
    "collision": 0.6,
    "concentration": 1.0,
    "contexts": 40,
    "count": 3,
    "counts": [[3, 1, 0], [1, 1, 2]],
    "draw": lambda: draw,
    "epsilon": 0.3,
    "exact": False,
    "first": P,
    "frequencies": P,
    "generation": 2,
    "generations": 3,
    "grid": [{"n": 1}],
    "iterations": 5,
    "k": 3,
    "kept": False,
    "label": "label",
    "labels": ("a", "b", "c"),
    "largest": 5,
    "learner": Counting(3),
    "length": 8,
    "m": 3,
    "mass": 0.9,
    "mean_product": 0.2,
    "model": P,
    "n": 6,
    "order": 2,
    "p": P,
    "parents": [[0, 1, 1], [2, 2, 0]],
    "probabilities": (1.0, 0.5, 0.2),
    "pseudocounts": 1.0,
    "q": P,
    "ranks": [1, 2, 30],
    "ratio": 0.2,
    "real": 8,
    "replicates": 3,
    "rng": 0,
    "rows": ((5,), (0, 5)),
    "s0": 0.4,
    "schedule": schedules.PartiallySynthetic(6, 3),
    "seed": 0,
    "shape": (3, 4),
    "shift": 0,
    "sign": 1,
    "size": 6,
    "sizes": [4, 2],
    "start": 0,
    "step": steps.TopK(2),
    "support": 3,
    "synthetic": 4,
    "table": ngram.count(TEXT, 2),
    "task": lambda: task,
    "tau": 0.8,
    "text": TEXT,
    "tokens": 3,
    "truth": P,
    "values": [[0.2, 0.3], [0.4, 0.6]],
    "w": [[0.1, 0.2, 0.0, 0.3], [0.0, 0.1, 0.4, 0.2]],
    "widths": 2,
    "window": 2,
    "workers": 1,
    "x": [0, 1, 1],
    "y": [0, 1, 3],
}
#: Valid arguments where a callable means something else by a name, or takes any keyword.
OWN = {
    "coalescent.generating_function": {"x": [0.2, 0.7]},
    "contexts.zipf_task": {"first": 1, "step": 3},
    "corpora.letters_after": {"context": " the "},
    "explorers.Explorer": {"a": explorers.Slider("a", (1, 2))},
    "explorers.Slider": {"values": (1, 2)},
    "gpt.GPTConfig": {"vocabulary_size": 5, "context": 8, "width": 8, "layers": 1, "heads": 2},
    "gpt.Preset": {
        "model": lambda: collapse_lib.gpt.GPTConfig(5, 8, 8, 1, 2),
        "training": lambda: collapse_lib.gpt.TrainConfig(5, 2, 0.1),
        "sequences": 4,
        "length": 30,
    },
    "gpt.TrainConfig": {"iterations": 5, "batch_size": 2, "learning_rate": 0.1},
    "learners.ngram.decode": {"tokens": [0, 1]},
    "learners.ngram.count_tokens": {"tokens": [0, 1, 4, 2]},
    "plotting.exact": {"generations": [0, 1], "values": [0.1, 0.2]},
    "plotting.who_feeds_whom": {"sizes": [[3], [3, 1]], "kept": [True, False]},
    "steps.apply": {"p": np.array(P)},
    "sweeps.grid": {"n": [1, 2]},
    "theory.squared_distances": {"sizes": [[3], [1, 2]]},
    "theory.phi": {"x": 0.2},
}

#: Values made for each call, since some can be used up.
HOSTILE = [
    lambda value=value: value
    for value in (
        None, True, False, -1, 0, 1, 2, 5, 3.0, 0.5, -0.0, 1e-320, 1e308, -1e308, np.nan, np.inf,
        -np.inf, 2**31, 2**53, 2**62, 2**63, 2**64, 10**30, 10**400, -(10**400),
        Fraction(1, 3), Fraction(10**400), Fraction(1, 10**400), Decimal("0.5"), 1j,
        "", "a", "\0", "nan", b"a", (), (1,), (0.5, 0.5), range(3), range(10**30), int, np,
        np.float32(0.5), np.int8(3), np.uint64(2**64 - 1), np.bool_(True), Path("nowhere"),
        np.timedelta64(5, "D"), np.datetime64("2026-01-01"), (Fraction(1, 2), Fraction(1, 2)),
    )
] + [
    lambda: [],
    lambda: [[]],
    lambda: [0],
    lambda: [1],
    lambda: [1, 1],
    lambda: [1.0, 0.0, 0.0],
    lambda: [0.5, 0.5 + 1e-7],
    lambda: [1, [1, 2]],
    lambda: [[0.5, 0.5], [0.5]],
    lambda: [np.nan, 1],
    lambda: [np.inf],
    lambda: [-1, 2],
    lambda: [2**62, 2**62],
    lambda: [2**63],
    lambda: [10**400],
    lambda: ["a"],
    lambda: [None],
    lambda: [[1, 2], [3, 4]],
    lambda: {},
    lambda: {"a": 1},
    lambda: {1, 2},
    lambda: object(),
    lambda: (x for x in (1, 2)),
    lambda: np.array(3),
    lambda: np.array([]),
    lambda: np.array([1, 2], dtype=np.uint8),
    lambda: np.array([2**63], dtype=np.uint64),
    lambda: np.array([1j, 0]),
    lambda: np.array(["a"]),
    lambda: np.array([None, 1]),
    lambda: np.array([1, 2], dtype="m8[s]"),
    lambda: np.ones((2, 2, 2)) / 2,
    lambda: np.ones(3, dtype=np.float32) / np.float32(3),
    lambda: np.ma.array([0.5, 0.5, 0.2], mask=[0, 0, 1]),
    lambda: np.random.RandomState(0),
    lambda: np.random.Generator(np.random.MT19937(0)),
    lambda: np.random.Generator(np.random.Philox(0)),
    lambda: np.random.Generator(np.random.SFC64(0)),
    lambda: np.random.PCG64(0),
    lambda: np.random.SeedSequence(0),
    lambda: csr_array([[0.5, 0.5]]),
    lambda: lambda *values: None,
    lambda: schedules.FullySynthetic,
    lambda: schedules.FullySynthetic(2**53),
    lambda: schedules.RandomlySampled(2**53),
    lambda: schedules.Accumulating(2**53, 0),
    lambda: steps.TopK,
    lambda: steps.Temperature(1e-300),
    lambda: types.SimpleNamespace(sizes=1, is_random=False, keeps=2),
]  # fmt: skip


#: Parameters that take functions: any callable will do, and may fail in its own way.
FUNCTIONS = {"task", "draw", "progress"}


def found():
    """Yield the name and the object of every public callable of the library."""
    for module_name in MODULES:
        module = importlib.import_module(f"collapse_lib.{module_name}")
        names = getattr(module, "__all__", None) or [
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
        ]
        for name in names:
            if callable(value := getattr(module, name)):
                yield f"{module_name}.{name}", value


CALLABLES = {
    name: value
    for name, value in found()
    if name not in RECORDS | ELSEWHERE and inspect.signature(value).parameters
}


def valid(name):
    """Return valid arguments of a callable: its required ones, and others that are known."""
    own, arguments = OWN.get(name, {}), {}
    for parameter in inspect.signature(CALLABLES[name]).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            arguments |= own
        elif parameter.name in own or parameter.name in BY_NAME:
            arguments[parameter.name] = own.get(parameter.name, BY_NAME.get(parameter.name))
        elif parameter.default is parameter.empty:
            raise KeyError(f"{parameter.name} of {name} needs a line in BY_NAME or in OWN")
    return {
        key: value() if isinstance(value, types.FunctionType) else value
        for key, value in arguments.items()
    }


def optional(name):
    """Return the parameters with a default that no table knows: they are replaced, too."""
    parameters = inspect.signature(CALLABLES[name]).parameters.values()
    return [each.name for each in parameters if each.default is not each.empty]


def call(name, arguments):
    """Call it and return the result; if that is an iterator, everything it yields."""
    result = CALLABLES[name](**arguments)
    return list(result) if isinstance(result, types.GeneratorType) else result


def complaint(name, changed, arguments):
    """Return what is wrong with the way a call ends, or None."""
    try:
        result = call(name, arguments)
    except sweeps.SweepError:
        return None
    except (ValueError, TypeError) as error:
        # The argument that was replaced, or one that does not fit it.
        names = [*changed, *arguments]
        if any(re.search(rf"\b{re.escape(key)}\b", str(error)) for key in names):
            return None
        return f"{type(error).__name__} names nothing: {error}"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    numbers = result if isinstance(result, list | tuple) else [result]
    for number in numbers:
        floats = isinstance(number, float) or getattr(number, "dtype", "") == "float64"
        if floats and np.isnan(number).any() and name not in GIVE_NAN:
            return f"gives NaN: {number}"
    return None


def too_long(*_):
    raise TimeoutError(f"takes more than {LONGEST} seconds")


@contextmanager
def limited():
    """Return a function that starts or stops both timers, which raise `TimeoutError`."""
    clocks = {
        signal.SIGPROF: (signal.ITIMER_PROF, LONGEST),
        signal.SIGALRM: (signal.ITIMER_REAL, LONGEST_WAIT),
    }

    def wind(up):
        for clock, seconds in clocks.values():
            signal.setitimer(clock, seconds if up else 0)

    before = {number: signal.signal(number, too_long) for number in clocks}
    try:
        yield wind
    finally:
        wind(False)
        for number, handler in before.items():
            signal.signal(number, handler)


def shown(changed):
    text = {key: (repr(v) if not isinstance(v, int) or abs(v) < 10**40 else "huge")[:60]
            for key, v in changed.items()}  # fmt: skip
    return str(text)


def changes(name):
    """Yield the hostile arguments of each call: one at a time, then two."""
    keys = dict.fromkeys([*valid(name), *optional(name)])
    keys = [key for key in keys if (name, key) not in UNSEEN]
    for key in keys:
        for make in HOSTILE:
            if not (key in FUNCTIONS and callable(make())):
                yield {key: make()}
    rng = np.random.default_rng(len(name))
    for _ in range(PAIRS if len(keys) > 1 else 0):
        two = rng.choice(len(keys), 2, replace=False)
        made = {keys[i]: HOSTILE[rng.integers(len(HOSTILE))]() for i in two}
        if not any(key in FUNCTIONS and callable(value) for key, value in made.items()):
            yield made


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Some calls write where a hostile value says: "a", "nan", Path("nowhere")."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", CALLABLES)
def test_hostile_arguments_are_refused_by_name_or_answered(name):
    given, defaults = valid(name), optional(name)
    assert complaint(name, {}, given) is None
    required = {key: value for key, value in valid(name).items() if key not in defaults}
    assert complaint(name, {}, required) is None  # what is compiled is compiled now
    wrong = []
    with limited() as wind:
        for changed in changes(name):
            wind(True)
            said = complaint(name, changed, valid(name) | changed)
            wind(False)
            if said:
                wrong.append(f"{shown(changed)}: {said[:200]}")
    assert not wrong, f"{len(wrong)} of {name}:\n" + "\n".join(wrong)
