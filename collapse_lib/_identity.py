"""Identify a task by what it does, not by what it is called."""

import functools
import hashlib
import json
import types
from dataclasses import fields, is_dataclass
from fractions import Fraction
from pathlib import PurePath

import numpy as np

from collapse_lib import _checks

#: The deepest nesting of values.
DEEPEST = 50


def of(value, name, seen=()):
    """Return nested lists, which JSON can store, that are equal only for equal values.

    A function is identified by its code, and by the functions and plain values of its own module
    that it refers to.

    Parameters
    ----------
    value
        None, strings, bytes, numbers, paths, arrays, functions, classes, dataclasses, other
        callable objects, and lists, tuples, sets and dicts of these.
    name : str
        The argument that an error message names.
    seen : tuple, optional
        The values that contain `value`, outermost first.

    Returns
    -------
    list

    Raises
    ------
    ValueError
        If `value` contains anything else.
    """
    if len(seen) > DEEPEST:
        raise ValueError(f"{name} must not be nested more than {DEEPEST} times")
    if any(value is outer for outer in seen):
        return ["again", [value is outer for outer in seen].index(True)]

    def parts(*values):
        return [of(part, name, (*seen, value)) for part in values]

    if isinstance(value, np.generic) and not isinstance(value, np.timedelta64 | np.datetime64):
        value = value.item()
    match value:
        case None | bool() | str() | int() | float() | complex() | Fraction() | PurePath():
            return [type(value).__name__, repr(value)]
        case bytes():
            return ["bytes", value.hex()]
        case list() | tuple():
            return [type(value).__name__, *parts(*value)]
        case dict() if all(isinstance(key, str) for key in value):
            return ["dict", *parts(*(item for key in sorted(value) for item in (key, value[key])))]
        case set() | frozenset():
            return [type(value).__name__, *sorted(parts(*value), key=json.dumps)]
        case np.ndarray() if not value.dtype.hasobject and not np.ma.isMA(value):
            digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
            return ["array", value.dtype.str, list(value.shape), digest]
        case functools.partial():
            return ["partial", *parts(value.func, list(value.args), value.keywords)]
        case types.MethodType():
            return ["method", *parts(value.__func__, value.__self__)]
        case types.BuiltinFunctionType() | types.ModuleType():
            return ["named", getattr(value, "__module__", ""), value.__name__]
        case type():
            own = {k: v for k, v in vars(value).items() if isinstance(v, types.FunctionType)}
            return ["class", value.__module__, value.__qualname__, *parts(own)]
        case types.CodeType():
            names = value.co_names, value.co_varnames, value.co_freevars
            return ["code", value.co_code.hex(), *parts(value.co_consts, *names)]
        case types.FunctionType():
            return _function_identity(value, parts)
    wrapped = getattr(value, "py_func", getattr(value, "__wrapped__", None))
    if isinstance(wrapped, types.FunctionType):  # compiled by Numba, or decorated
        return ["wrapped", *parts(wrapped)]
    kind = type(value)
    if is_dataclass(kind):
        return ["object", *parts(kind, {f.name: getattr(value, f.name) for f in fields(kind)})]
    if callable(value) and hasattr(value, "__dict__") and not hasattr(value, "__slots__"):
        return ["object", *parts(kind, vars(value))]
    raise ValueError(f"{name} must hold only values of known types, got {_checks.shown(value)}")


def _function_identity(function, parts):
    """Identify a function by its code, its defaults, and the values that its names refer to."""
    names = sorted(_names(function.__code__) & function.__globals__.keys())
    local = [name for name in names if _is_local(function.__globals__[name], function.__module__)]
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    defaults = function.__defaults__, function.__kwdefaults__
    globals_ = {name: function.__globals__[name] for name in local}
    whose = ["function", function.__module__, function.__qualname__]
    return [*whose, *parts(function.__code__, *defaults, cells, globals_)]


def _names(code):
    """Return the names that a code object and the functions defined in it refer to."""
    inner = (const for const in code.co_consts if isinstance(const, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _is_local(value, module):
    """Return whether a global is a plain value, or a function or class defined in this module."""
    if isinstance(value, types.FunctionType | type) or hasattr(value, "py_func"):
        return value.__module__ == module
    return isinstance(value, bool | int | float | str | Fraction) or (
        isinstance(value, np.ndarray) and not value.dtype.hasobject and not np.ma.isMA(value)
    )
