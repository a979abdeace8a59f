"""What the elementwise instructions are on vectors: one line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...listen import Instruction, Value
from ...machine import elementary
from ...machine.lanes import Vec
from ...machine.scaling import copysign

Operation = Callable[..., Vec]


def _sign(x: Vec) -> Vec:
    one, zero = x._other(1), x._other(0)
    return (x > 0).select(one, (x < 0).select(-one, (x == 0).select(zero, x)))


OPERATIONS: dict[str, Operation] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "negative": lambda x: -x,
    "positive": lambda x: x,
    "copy": lambda x: x,
    "absolute": lambda x: x.abs(),
    "fabs": lambda x: x.abs(),
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1.0 / x,
    "sqrt": lambda x: x.sqrt(),
    "sign": _sign,
    "floor": lambda x: x.floor(),
    "ceil": lambda x: x.ceil(),
    "rint": lambda x: x.rint(),
    "trunc": lambda x: x.trunc(),
    "copysign": lambda x, y: copysign(x.abs(), y),
    "maximum": lambda x, y: x.maximum(y),
    "minimum": lambda x, y: x.minimum(y),
    "greater": lambda x, y: x > y,
    "greater_equal": lambda x, y: x >= y,
    "less": lambda x, y: x < y,
    "less_equal": lambda x, y: x <= y,
    "equal": lambda x, y: x == y,
    "not_equal": lambda x, y: x != y,
    "isnan": lambda x: x != x,
    "isinf": lambda x: x.abs() == np.inf,
    "isfinite": lambda x: x.abs() < np.inf,
    "logical_and": lambda x, y: x & y,
    "logical_or": lambda x, y: x | y,
    "logical_not": lambda x: ~x,
    "bitwise_and": lambda x, y: x & y,
    "bitwise_or": lambda x, y: x | y,
    "invert": lambda x: ~x,
    "where": lambda c, x, y: c.select(x, y),
    "exp": elementary.exp,
    "exp2": elementary.exp2,
    "expm1": elementary.expm1,
    "log": elementary.log,
    "log1p": elementary.log1p,
    "log2": elementary.log2,
    "log10": elementary.log10,
    "tanh": elementary.tanh,
    "sin": elementary.sin,
    "cos": elementary.cos,
    "tan": elementary.tan,
    "arctan": elementary.arctan,
    "power": elementary.power,
}

FLOATING = frozenset(
    "divide reciprocal sqrt floor ceil rint trunc exp exp2 expm1 log log1p log2 tanh sin cos power "
    "log10 tan arctan isnan isinf isfinite fabs copysign".split()
)
"""What is done on float32 only."""

NOT_OF_BITS = frozenset("add subtract multiply maximum minimum negative".split())
"""What means something else on bools."""

REDUCERS: dict[str, tuple[Callable[[Vec, Vec], Vec], Any]] = {
    "sum": (lambda x, y: x + y, 0.0),
    "max": (lambda x, y: x.maximum(y), -np.inf),
    "min": (lambda x, y: x.minimum(y), np.inf),
}
"""How two results become one, and the result of nothing."""


def computed_in(instruction: Instruction) -> list[np.dtype[Any]] | None:
    """The dtypes in which an instruction takes its operands; None if vectors do not have them.

    They are NumPy's: a Python number takes that of the array it meets.
    """
    opcode = instruction.opcode
    result = instruction.results[0].dtype
    if opcode in ("astype", "copy"):
        return [instruction.values[0].dtype]
    if opcode == "where":
        return [np.dtype(bool), result, result]
    if opcode not in OPERATIONS:
        return None
    ufunc = getattr(np, opcode)
    given = [
        x.dtype if isinstance(x, (Value, np.generic)) else _weak(x) for x in instruction.operands
    ]
    try:
        found = list(ufunc.resolve_dtypes((*given, None)))[:-1]
    except TypeError:
        return None
    logical = opcode.startswith(("logical", "bitwise")) or opcode == "invert"
    if logical and any([dtype.kind != "b" for dtype in found]):
        return None
    if opcode in FLOATING and any([dtype != np.float32 for dtype in found]):
        return None
    if opcode in NOT_OF_BITS and any([dtype.kind == "b" for dtype in found]):
        return None
    return found


def _weak(x: Any) -> Any:
    if isinstance(x, bool):
        return np.dtype(bool)
    return float if isinstance(x, float) else type(x)
