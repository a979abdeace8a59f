"""Operators that stand as one call in a program, written out: so that they can be fused.

What eager execution does in one kernel for speed, with copies and assignments that no program
knows, is said here in NumPy's functions, which are heard like any formula.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..functions.entropy import MinusOneHot, SoftmaxCrossEntropy
from ..functions.index import ARRAY, Gather, PutItem
from ..functions.label import CheckLabels
from ..listen import Instruction, Program, Value, repeat
from .loop import Scan


def lower(program: Program) -> Program:
    """``program`` with the calls that `FORMULAS` knows written out."""
    made_by: dict[Value, Instruction] = {}

    def change(new: Program, instruction: Instruction, operands: tuple[Any, ...]) -> Any:
        made: Any = NotImplemented
        if instruction.opcode == "call":
            function = instruction.fields["function"]
            if isinstance(function, Scan):
                return new.emit("call", *operands, function=function.with_body(lower))
            formula = FORMULAS.get(type(function))
            if formula is not None:
                made = formula(function, *operands, made_by)
        if made is NotImplemented:
            made = repeat(new, instruction, operands)
            made_by[made if isinstance(made, Value) else made[0]] = new.instructions[-1]
        return made

    return program.mapped(change)


def is_place(value: Any, rows: int, made_by: dict[Value, Instruction]) -> bool:
    """Whether all numbers of ``value`` are known to lie in 0..rows - 1: they were checked."""
    instruction = made_by.get(value)
    if instruction is None:
        return False
    if instruction.opcode in ("reshape", "transpose", "broadcast_to", "slice"):
        return is_place(instruction.operands[0], rows, made_by)
    check = instruction.fields.get("function")
    return isinstance(check, CheckLabels) and check.ignore is None and check.classes <= rows


def _one_hot(t: Any, x: Any) -> Any:
    """Where the labels of ``x: (n, classes)`` are: bools."""
    return np.reshape(t, (*t.shape, 1)) == np.arange(x.shape[1], like=x)


def _softmax_cross_entropy(function: Any, x: Any, t: Any, made_by: Any) -> Any:
    z = x - x.max((1,), keepdims=True)
    total = np.exp(z).sum((1,), keepdims=True)
    chosen = np.where(_one_hot(t, x), z, 0).sum((1,), keepdims=True)
    y = np.reshape(np.log(total) - chosen, t.shape)
    if function.reduction == "none":
        return y
    return y.mean() if function.reduction == "mean" else y.sum()


def _minus_one_hot(function: Any, x: Any, t: Any, made_by: Any) -> Any:
    return np.where(_one_hot(t, x), x - 1, x)


def _gather(function: Any, x: Any, *rest: Any) -> Any:
    *arrays, made_by = rest
    if function.index != (ARRAY,) or not is_place(arrays[0], x.shape[0], made_by):
        return NotImplemented
    return x[arrays[0]]


def _put_item(function: Any, x: Any, made_by: Any) -> Any:
    """A slice put into zeros is a slice with a border."""
    width, lengths = [], []
    for part, n in zip(_parts(function.index, len(function.shape)), function.shape, strict=True):
        if type(part) is int:
            part = slice(part % n, part % n + 1)
        if part is None or part is Ellipsis or part.indices(n)[2] != 1:
            return NotImplemented
        start, stop, _ = part.indices(n)
        width.append((start, n - max(start, stop)))
        lengths.append(max(start, stop) - start)
    inner = np.reshape(x, tuple(lengths))
    if not any(map(any, width)):
        return inner
    return np.pad(inner, width, constant_values=function.fill)


def _parts(index: tuple[Any, ...], ndim: int) -> list[Any]:
    """An index with its ellipsis written out; as it is if it adds axes."""
    if any(part is None for part in index):
        return [None] * ndim
    at = index.index(Ellipsis) if Ellipsis in index else len(index)
    rest = index[at + 1 :]
    return [*index[:at], *[slice(None)] * (ndim - at - len(rest)), *rest]


FORMULAS: dict[type, Callable[..., Any]] = {
    SoftmaxCrossEntropy: _softmax_cross_entropy,
    MinusOneHot: _minus_one_hot,
    Gather: _gather,
    PutItem: _put_item,
}
