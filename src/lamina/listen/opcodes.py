"""The vocabulary of programs: what each instruction's result is, and how NumPy computes it.

An opcode is two functions. ``spec`` gets Specs (or numbers, where an operand is a constant) and the
instruction's fields, and gives the Spec of the result, or a tuple of them; where it raises, NumPy
would. ``run`` gets arrays and computes. Every elementwise ufunc of NumPy is an opcode under its own
name; those below are the others. NumPy itself is asked for dtypes, and for shapes where that costs
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import ceil, prod
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from ..errors import DTypeError, LaminaError, ShapeError
from .host import Host
from .spec import Spec, stand_in

Specs: TypeAlias = "Spec | tuple[Spec, ...]"
Axes: TypeAlias = tuple[int, ...]
Rule = TypeVar("Rule", bound="Callable[..., Specs]")


class Opcode(NamedTuple):
    """The rule for the result of an instruction, and the computation."""

    spec: Callable[..., Specs]
    run: Callable[..., Any]


TABLE: dict[str, Opcode] = {}

INDEX = np.dtype(np.intp)
"""The dtype of places."""

VIEWS = frozenset(("reshape", "transpose", "broadcast_to", "slice"))
"""Opcodes whose result may share the memory of their operand."""


def opcode(run: Callable[..., Any]) -> Callable[[Rule], Rule]:
    """Enter the decorated rule into the table, under its name, beside its computation."""

    def enter(rule: Rule) -> Rule:
        TABLE[rule.__name__.strip("_")] = Opcode(rule, run)
        return rule

    return enter


def result_specs(name: str, operands: tuple[Any, ...], fields: dict[str, Any]) -> Specs:
    """The Spec of an instruction's result, or a tuple of them.

    Args:
        name: the opcode.
        operands: a Spec each, or a number, or None.
        fields: the parameters.
    Raises:
        ShapeError: if NumPy would refuse the shapes.
        DTypeError: if NumPy would refuse the dtypes, the number of operands, or a field.
    """
    rule = TABLE[name].spec
    if name == "call":
        return rule(*operands, **fields)  # a user's rule: its errors are its own
    try:
        return rule(*operands, **fields)
    except LaminaError:
        raise
    except ValueError as error:
        raise ShapeError(f"{name}: {_shown(operands, fields)}: {error}") from error
    except TypeError as error:
        raise DTypeError(f"{name}: {_shown(operands, fields)}: {error}") from error


def _shown(operands: tuple[Any, ...], fields: dict[str, Any]) -> str:
    return ", ".join([*map(str, operands), *(f"{name}={value}" for name, value in fields.items())])


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of an operand; a number has the shape ()."""
    return getattr(x, "shape", ())


def weak_dtype(x: Any) -> Any:
    """The dtype of an operand, for ``ufunc.resolve_dtypes``.

    A Python number's is its type, which NumPy calls weak; a bool is not weak.
    """
    if hasattr(x, "dtype"):
        return x.dtype
    return float if isinstance(x, Host) else np.dtype(bool) if type(x) is bool else type(x)


def _smallest(x: Any) -> Any:
    """One number of an operand's dtype; a Python number stays one."""
    return np.zeros((), x.dtype) if hasattr(x, "dtype") else x


# -- elementwise ---------------------------------------------------------------------------------


def _elementwise(ufunc: np.ufunc, *operands: Any) -> Specs:
    if len(operands) != ufunc.nin:
        raise TypeError(f"takes {ufunc.nin} operands, got {len(operands)}")
    shape = np.broadcast_shapes(*map(shape_of, operands))
    dtypes = ufunc.resolve_dtypes((*map(weak_dtype, operands), *[None] * ufunc.nout))
    results = tuple([Spec(shape, dtype) for dtype in dtypes[ufunc.nin :]])
    return results if ufunc.nout > 1 else results[0]


def _enter_ufuncs() -> None:
    for ufunc in vars(np).values():  # not dir(np): that would import NumPy's lazy parts
        if isinstance(ufunc, np.ufunc) and ufunc.signature is None:
            TABLE[ufunc.__name__] = Opcode(partial(_elementwise, ufunc), ufunc)


_enter_ufuncs()


@opcode(np.where)
def where(condition: Any, a: Any, b: Any) -> Spec:
    """``a`` where the condition holds, else ``b``."""
    shape = np.broadcast_shapes(shape_of(condition), shape_of(a), shape_of(b))
    return Spec(shape, np.where(np.False_, _smallest(a), _smallest(b)).dtype)


@opcode(lambda x, dtype: x.astype(dtype))
def astype(x: Spec, *, dtype: Any) -> Spec:
    """``x`` in another dtype."""
    return Spec(x.shape, dtype)


@opcode(np.copy)
def copy(x: Spec) -> Spec:
    """``x`` in memory of its own."""
    return Spec(x.shape, x.dtype)


# -- from nothing --------------------------------------------------------------------------------


@opcode(lambda shape, value, dtype: np.full(shape, value, dtype))
def full(*, shape: tuple[int, ...], value: Any, dtype: Any) -> Spec:
    """One number everywhere."""
    return Spec(shape, dtype)


@opcode(np.arange)
def arange(*, start: Any, stop: Any, step: Any, dtype: Any) -> Spec:
    """Numbers at equal distances, ``stop`` not among them."""
    return Spec((max(ceil((stop - start) / step), 0),), dtype)


# -- along axes ----------------------------------------------------------------------------------


def _reduced(shape: tuple[int, ...], axis: Axes, keepdims: bool) -> tuple[int, ...]:
    if not set(axis) <= set(range(len(shape))):
        raise ValueError(f"axes {axis} are outside an array of {len(shape)} axes")
    if keepdims:
        return tuple([1 if i in axis else n for i, n in enumerate(shape)])
    return tuple([n for i, n in enumerate(shape) if i not in axis])


def _not_empty(x: Spec, axis: Axes) -> None:
    if 0 in [x.shape[i] for i in axis] and prod(_reduced(x.shape, axis, False)):
        raise ValueError("no element to choose from: an axis has length 0")


def _enter_reduction(name: str, ufunc: np.ufunc) -> None:
    def spec(x: Spec, *, axis: Axes, keepdims: bool, dtype: Any = None) -> Spec:
        shape = _reduced(x.shape, axis, keepdims)
        if ufunc.identity is None:
            _not_empty(x, axis)
        return Spec(shape, ufunc.reduce(np.zeros(1, x.dtype), dtype=dtype).dtype)

    TABLE[name] = Opcode(spec, ufunc.reduce)


for _name, _ufunc in {
    "sum": np.add,
    "prod": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "any": np.logical_or,
    "all": np.logical_and,
}.items():
    _enter_reduction(_name, _ufunc)


@opcode(np.argmax)
def argmax(x: Spec, *, axis: int, keepdims: bool) -> Spec:
    """The place of the first largest element along an axis."""
    shape = _reduced(x.shape, (axis,), keepdims)
    _not_empty(x, (axis,))
    return Spec(shape, INDEX)


@opcode(np.cumsum)
def cumsum(x: Spec, *, axis: int, dtype: Any = None) -> Spec:
    """Sums of the elements so far."""
    _reduced(x.shape, (axis,), False)
    return Spec(x.shape, np.cumsum(np.zeros(1, x.dtype), dtype=dtype).dtype)


@opcode(np.sort)
def sort(x: Spec, *, axis: int, kind: str | None = None) -> Spec:
    """Elements in rising order along an axis."""
    _reduced(x.shape, (axis,), False)
    return Spec(x.shape, x.dtype)


TABLE["argmin"] = Opcode(argmax, np.argmin)
TABLE["cumprod"] = Opcode(cumsum, np.cumprod)
TABLE["argsort"] = Opcode(
    lambda x, *, axis, kind=None: Spec(sort(x, axis=axis, kind=kind).shape, INDEX), np.argsort
)


# -- elements in other places --------------------------------------------------------------------


@opcode(lambda x, shape: x.reshape(shape))
def reshape(x: Spec, *, shape: tuple[int, ...]) -> Spec:
    """The elements, in their order, in another shape."""
    return Spec(stand_in(x).reshape(shape).shape, x.dtype)


@opcode(np.transpose)
def transpose(x: Spec, *, axes: Axes) -> Spec:
    """Axis ``i`` of the result is axis ``axes[i]`` of ``x``."""
    return Spec(stand_in(x).transpose(axes).shape, x.dtype)


@opcode(np.broadcast_to)
def broadcast_to(x: Spec, *, shape: tuple[int, ...]) -> Spec:
    """``x`` repeated along new axes and along those of length 1."""
    return Spec(np.broadcast_to(stand_in(x), shape).shape, x.dtype)


def _slices(start: Axes, stop: Axes, step: Axes) -> tuple[slice, ...]:
    # a stop of -1 says: down to the first element, and this included
    return tuple(
        [slice(a, None if b < 0 else b, c) for a, b, c in zip(start, stop, step, strict=True)]
    )


@opcode(lambda x, start, stop, step: x[_slices(start, stop, step)])
def _slice(x: Spec, *, start: Axes, stop: Axes, step: Axes) -> Spec:
    """On each axis the elements of ``range(start, stop, step)``; ``stop`` may be -1."""
    if len(start) != x.ndim:
        raise ValueError(f"{len(start)} slices for {x.ndim} axes")
    return Spec(stand_in(x)[_slices(start, stop, step)].shape, x.dtype)


def _take(x: Any, *indices: Any, axes: Axes) -> Any:
    index: list[Any] = [slice(None)] * np.ndim(x)
    for axis, part in zip(axes, indices):
        index[axis] = part
    return x[tuple(index)]


@opcode(_take)
def gather(x: Spec, *indices: Any, axes: Axes) -> Spec:
    """``x[..., i, ..., j, ...]`` with arrays of integers at ``axes``, slices ``:`` elsewhere."""
    if len(indices) != len(axes) or list(axes) != sorted(set(axes)):
        raise ValueError(f"{len(indices)} index arrays for axes {axes}")
    for part in indices:
        if np.dtype(weak_dtype(part)).kind not in "iu":
            raise TypeError(f"index arrays should hold integers, got {part}")
    rest = _reduced(x.shape, axes, False)
    place = axes[0] if axes[-1] - axes[0] == len(axes) - 1 else 0  # NumPy: first, if set apart
    chosen = np.broadcast_shapes(*map(shape_of, indices))
    return Spec((*rest[:place], *chosen, *rest[place:]), x.dtype)


@opcode(lambda *xs, axis: np.concatenate(xs, axis=axis))
def concatenate(*xs: Spec, axis: int) -> Spec:
    """Arrays one after another along an axis."""
    others = {_reduced(x.shape, (axis,), False) for x in xs}
    if len(others) != 1:
        raise ValueError(f"lengths should be equal, but for axis {axis}")
    shape = list(xs[0].shape)
    shape[axis] = sum([x.shape[axis] for x in xs])
    return Spec(tuple(shape), np.result_type(*[x.dtype for x in xs]))


@opcode(lambda x, width, value: np.pad(x, width, constant_values=value))
def pad(x: Spec, *, width: tuple[tuple[int, int], ...], value: Any) -> Spec:
    """``x`` between ``width[i]`` copies of ``value``, before and after, on axis ``i``."""
    if min([0, *sum(width, ())]) < 0:
        raise ValueError("widths should not be negative")
    return Spec(tuple([a + n + b for n, (a, b) in zip(x.shape, width, strict=True)]), x.dtype)


# -- products and kernels ------------------------------------------------------------------------


@opcode(np.matmul)
def matmul(a: Spec, b: Spec) -> Spec:
    """Products of matrices, or of stacks of them."""
    if min(a.ndim, b.ndim) < 2 or a.shape[-1] != b.shape[-2]:
        raise ValueError("the last length of the first should be the last but one of the second")
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    dtype = np.matmul.resolve_dtypes((a.dtype, b.dtype, None))[-1]
    return Spec((*stack, a.shape[-2], b.shape[-1]), dtype)


def label_lengths(subscripts: str, xs: tuple[Spec, ...]) -> dict[str, int]:
    """The length of each label of an einsum.

    Raises:
        ValueError: if a label has two lengths, or an operand has not as many axes as labels.
    """
    lengths: dict[str, int] = {}
    for labels, x in zip(subscripts.partition("->")[0].split(","), xs, strict=True):
        for label, n in zip(labels, x.shape, strict=True):
            if lengths.setdefault(label, n) == 1:
                lengths[label] = n
            if n not in (1, lengths[label]):
                raise ValueError(f"label {label} has lengths {lengths[label]} and {n}")
    return lengths


@opcode(lambda *xs, subscripts, optimize=False: np.einsum(subscripts, *xs, optimize=optimize))
def einsum(*xs: Spec, subscripts: str, optimize: bool = False) -> Spec:
    """The sum of products that labelled axes describe, as in ``ab,bc->ac``."""
    lengths = label_lengths(subscripts, xs)
    shape = tuple([lengths[label] for label in subscripts.partition("->")[2]])
    return Spec(shape, np.result_type(*[x.dtype for x in xs]))


@opcode(lambda *xs, function: function.forward(*xs))
def call(*xs: Any, function: Any) -> Specs:
    """A kernel: an operator of lamina, which says by its ``spec`` what comes out."""
    given = function.spec(*xs)
    if isinstance(given, Spec):
        return given
    if len(given) == 2 and isinstance(given[1], (np.dtype, type, str)):
        return Spec(*given)
    return tuple([x if isinstance(x, Spec) else Spec(*x) for x in given])
