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
    """``program`` with the calls that `FORMULAS` knows written out, and `joined` what was split."""
    made_by: dict[Value, Instruction] = {}
    pads: dict[Value, list[Instruction]] = {}  # of what is a sum of pads: these

    def change(new: Program, instruction: Instruction, operands: tuple[Any, ...]) -> Any:
        function, start = instruction.function, len(new.instructions)
        made: Any = NotImplemented
        if isinstance(function, Scan):
            made = new.emit("call", *operands, function=function.with_body(lower))
        elif type(function) in FORMULAS:
            made = FORMULAS[type(function)](function, *operands, made_by)
        elif instruction.opcode == "add":
            made = joined([pad for x in operands for pad in pads.get(x, [None])])
        if made is NotImplemented:
            made = repeat(new, instruction, operands)
        for added in new.instructions[start:]:
            made_by.update(dict.fromkeys(added.results, added))
            if added.opcode == "pad":
                pads[added.results[0]] = [added]
            elif added.opcode == "add" and all([x in pads for x in added.operands]):
                pads[added.results[0]] = [pad for x in added.values for pad in pads[x]]
        return made

    return program.mapped(change)


def joined(pads: list[Any]) -> Any:
    """A sum of pads that lie side by side and leave nothing out: so add up gradients of slices.

    Args:
        pads: the instructions; None for what else is added.
    """
    if None in pads or any([pad.fields["value"] != 0 for pad in pads]):
        return NotImplemented
    axes = {axis for pad in pads for axis, width in enumerate(pad.fields["width"]) if any(width)}
    if len(axes) != 1 or len({pad.results[0].spec for pad in pads}) != 1:
        return NotImplemented
    axis, end = axes.pop(), 0
    pads = sorted(pads, key=lambda pad: pad.fields["width"][axis][0])
    for pad in pads:
        if pad.fields["width"][axis][0] != end:
            return NotImplemented
        end += pad.values[0].shape[axis]
    if end != pads[0].results[0].shape[axis]:
        return NotImplemented
    return np.concatenate([pad.values[0] for pad in pads], axis)


def is_place(value: Any, rows: int, made_by: dict[Value, Instruction]) -> bool:
    """Whether all numbers of ``value`` are known to lie in 0..rows - 1: they were checked."""
    instruction = made_by.get(value)
    if instruction is None:
        return False
    if instruction.opcode in ("reshape", "transpose", "broadcast_to", "slice"):
        return is_place(instruction.values[0], rows, made_by)
    check = instruction.function
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
