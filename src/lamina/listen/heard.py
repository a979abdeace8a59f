"""What a NumPy call on a Value becomes.

NumPy hands its ufuncs (NEP 13) and its functions (NEP 18) to the arrays they are given. A ufunc is
an instruction of its own name. A function is looked up in a table, which the families
(`heard_shape`, `heard_reduce`, ...) fill: most are a few instructions of the small vocabulary. What
is not in the table raises TraceError.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import DTypeError, LaminaError, ShapeError
from .ir import Value
from .place import trace_error

HEARD: dict[Any, tuple[Callable[..., Any], inspect.Signature]] = {}
"""For each NumPy function: the function that hears it, and its signature."""

MADE_LIKE: set[Any] = set()
"""Functions that make arrays from nothing, and take ``like=``; they are given the Program."""

_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "out": (None,),
    "order": (None, "K", "A", "C"),
    "subok": (True, False),
    "where": (True,),
    "device": (None, "cpu"),
}
"""Arguments that say nothing new with these values, and are left out."""


def heard(*functions: Any, like: bool = False) -> Callable[[Any], Any]:
    """Let the decorated function hear ``functions`` of NumPy."""

    def enter(handler: Any) -> Any:
        for function in functions:
            HEARD[function] = handler, inspect.signature(handler)
            if like:
                MADE_LIKE.add(function)
        return handler

    return enter


def emit(opcode: str, *operands: Any, **fields: Any) -> Any:
    """`Program.emit`, in the Program of the first operand that is a Value."""
    program = next(x.program for x in operands if isinstance(x, Value))
    return program.emit(opcode, *operands, **fields)


def values(*operands: Any) -> list[Value]:
    """All operands as Values of the Program of the first that is one; arrays are captured."""
    program = next(x.program for x in operands if isinstance(x, Value))
    return [x if isinstance(x, Value) else program.capture(np.asarray(x)) for x in operands]


def _stands_above(kind: type) -> bool:
    """Whether objects of a class hold arrays and differentiate them, as a Variable does.

    Such an object hears the call itself: captured as an array it would lose its gradient.
    """
    return hasattr(kind, "backward")


# -- NEP 18: functions ---------------------------------------------------------------------------


def _hear_function(self: Value, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    if any(map(_stands_above, types)):
        return NotImplemented
    name = f"np.{getattr(function, '__name__', function)}"
    if function not in HEARD:
        raise trace_error(
            f"{name} is not heard: it cannot become part of a program",
            "write it with functions that are, or as an operator with a spec()",
        )
    given = _told(kwargs)
    if function in MADE_LIKE:
        given["program"] = self.program
    return _hear(name, *HEARD[function], args, given)


def _hear(name: str, handler: Any, signature: inspect.Signature, args: Any, kwargs: Any) -> Any:
    """Call a handler; what it does not take is a TraceError, what NumPy refuses a ShapeError."""
    out = kwargs.pop("out", None)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise trace_error(
            f"{name}: {error}", f"it is heard with these arguments: {_plain(signature)}"
        ) from None
    try:
        result = handler(*bound.args, **bound.kwargs)
    except LaminaError:
        raise
    except ValueError as error:  # NumPy's AxisError is one
        raise ShapeError(f"{name}: {', '.join(map(_shown, args))}: {error}") from error
    return result if out is None else overwrite(out, result, name)


def _told(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that say something."""
    return {
        name: value
        for name, value in kwargs.items()
        if not any(value is default for default in _DEFAULTS.get(name, ()))
    }


def _plain(signature: inspect.Signature) -> str:
    return ", ".join(name for name in signature.parameters if name != "program")


def _shown(x: Any) -> str:
    if isinstance(x, (list, tuple)):
        return ", ".join(map(_shown, x))
    return str(x.shape) if hasattr(x, "shape") else repr(x)


# -- NEP 13: ufuncs ------------------------------------------------------------------------------

_METHODS = {
    (np.add, "reduce"): np.sum,
    (np.multiply, "reduce"): np.prod,
    (np.maximum, "reduce"): np.max,
    (np.minimum, "reduce"): np.min,
    (np.logical_or, "reduce"): np.any,
    (np.logical_and, "reduce"): np.all,
    (np.add, "accumulate"): np.cumsum,
    (np.multiply, "accumulate"): np.cumprod,
}


def _hear_ufunc(self: Value, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
    if any(_stands_above(type(x)) for x in inputs):
        return NotImplemented
    name = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
    out = options.pop("out", (None,))
    options = _told(options)
    function = _METHODS.get((ufunc, method))
    if function is not None:
        options = {"axis": 0, **options}
        result = _hear(name, *HEARD[function], inputs, options)
    elif method == "__call__" and ufunc is np.matmul and not options:
        result = HEARD[np.matmul][0](*inputs)
    elif method in ("__call__", "outer") and ufunc.signature is None and not options:
        known = getattr(np, ufunc.__name__, None) is ufunc
        if not known:
            raise trace_error(f"{ufunc.__name__} is not a ufunc of NumPy", "give it a spec()")
        result = _outer(ufunc, *inputs) if method == "outer" else emit(ufunc.__name__, *inputs)
    else:
        raise trace_error(
            f"{name}({', '.join(options)}) is not heard: it cannot become part of a program",
            "write it with functions that are, np.where among them",
        )
    if len(out) == 1:
        return result if out[0] is None else overwrite(out[0], result, name)
    return tuple(r if o is None else overwrite(o, r, name) for o, r in zip(out, result))


def _outer(ufunc: np.ufunc, a: Any, b: Any) -> Any:
    a, b = values(a, b)
    return ufunc(a.reshape((*a.shape, *[1] * b.ndim)), b)


def overwrite(target: Any, result: Value, name: str) -> Value:
    """What ``out=target`` and ``target += ...`` become: a new Value takes the place of ``target``.

    ``target`` and whatever is a view of it cannot be used from now on; to read one raises
    TraceError.

    Raises:
        TraceError: if ``target`` came from outside: others may look at it.
        ShapeError, DTypeError: if the result does not fit into ``target``.
    """
    if not isinstance(target, Value) or target.memory.foreign:
        raise trace_error(
            f"{name}: an array from outside the step would be changed in place, {_shown(target)}",
            "make a new one: x = x + y instead of x += y",
        )
    target.program.operand(target)
    if not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise DTypeError(f"{name}: a result of {result.dtype} does not fit into {target!r}")
    if result.shape != target.shape:
        if np.broadcast_shapes(result.shape, target.shape) != target.shape:
            raise ShapeError(f"{name}: a result of {result.shape} does not fit into {target!r}")
        result = emit("broadcast_to", result, shape=target.shape)
    if result.dtype != target.dtype:
        result = emit("astype", result, dtype=target.dtype)
    target.program.replace(target, result)
    return result


# -- operators and methods -----------------------------------------------------------------------

_POWERS = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal, 1: np.positive}
"""What NumPy's arrays make of ``x ** number``, which is not what ``np.power`` makes of it."""


def _pow(self: Value, other: Any) -> Any:
    plain = type(other) in (int, float) and other in _POWERS
    if plain and (self.dtype.kind in "fc" or (other == 2 and type(other) is int)):
        return _POWERS[other](self)
    return np.power(self, other)


def _astype(
    self: Value,
    dtype: Any,
    order: str = "K",
    casting: str = "unsafe",
    *,
    copy: bool = True,
    subok: bool = True,
) -> Value:
    """``self`` in another dtype; order and subok say nothing here."""
    wanted = np.dtype(dtype)
    if not np.can_cast(self.dtype, wanted, casting):  # pyright: ignore[reportArgumentType]
        raise DTypeError(f"astype: {self.dtype} to {wanted} is not {casting}")
    if wanted != self.dtype:
        return emit("astype", self, dtype=wanted)
    return emit("copy", self) if copy else self


def _hear_operator(self: Value, function: Any, arrays: list[Any]) -> Any:
    """One ``call`` instruction, for an operator with a ``spec``; its results."""
    return self.program.emit("call", *arrays, function=function)


Value.__array_ufunc__ = _hear_ufunc
Value.__array_function__ = _hear_function
Value.__hear__ = _hear_operator
Value.__pow__ = _pow
Value.astype = _astype
