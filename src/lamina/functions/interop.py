"""NumPy's functions on Variables: ``ndarray * v`` and ``np.sin(v)`` (NEP 13, ufuncs), ``np.sum(v)``
and ``np.stack([v, w])`` (NEP 18, the others).

What lamina has an operator for gives a Variable, gradient and all. What only asks (``np.shape``,
``np.allclose``) works on the arrays. Anything else raises: its result would have lost the gradient.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import Variable
from ..errors import DTypeError
from . import (
    activation,
    arith,
    arrange,
    bessel,
    compare,
    decompose,
    imaginary,
    index,
    inverse,
    join,
    mesh,
    order,
    product,
    reduce,
    scan,
    shape,
    special,
    statistic,
    trig,
    unary,
)
from .einsum import dot, einsum, outer, tensordot
from .linear import matmul
from .operand import register

Call = Callable[..., Any]

FAMILIES = (
    *(activation, arith, arrange, bessel, compare, decompose, imaginary, index, inverse, join),
    *(mesh, order, product, reduce, scan, shape, special, statistic, trig, unary),
)

OURS: dict[str, Call] = {
    **{name: getattr(family, name) for family in FAMILIES for name in family.__all__},
    **{f.__name__: f for f in (dot, einsum, outer, tensordot, matmul)},
}
"""Operators by name. Where NumPy has the name, it means the same."""

UFUNCS: dict[Any, Call] = {
    **{getattr(np, n): f for n, f in OURS.items() if isinstance(getattr(np, n, None), np.ufunc)},
    np.subtract: arith.sub,
    np.multiply: arith.mul,
    np.divide: arith.div,
    np.floor_divide: arith.floordiv,
    np.power: arith.pow,
    np.negative: arith.neg,
    np.positive: arith.pos,
    np.rint: unary.round,
    np.degrees: special.rad2deg,
    np.radians: special.deg2rad,
    np.fabs: arith.abs,
    np.bitwise_and: compare.AND,
    np.bitwise_or: compare.OR,
    np.bitwise_xor: compare.XOR,
    np.invert: compare.INVERT,
}


def _reduction(f: Call) -> Call:
    """With NumPy's order of arguments, as far as lamina has them."""
    return lambda a, axis=None, *, keepdims=False: f(a, axis, keepdims)


def _first_axis(f: Call) -> Call:
    """The same for ``np.add.reduce`` and its like, which take axis 0 unless told."""
    return lambda a, axis=0, *, keepdims=False: f(a, axis, keepdims)


def _deviation(f: Call) -> Call:
    return lambda a, axis=None, *, ddof=0, keepdims=False: f(a, axis, keepdims, ddof)


def _padded(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Any:
    return arrange.pad(array, pad_width, mode, constant_values)


SAME_ARGUMENTS = (
    "where real imag angle cumsum cumprod concatenate stack split moveaxis swapaxes squeeze "
    "expand_dims broadcast_to ravel diag flip repeat roll tile tril triu take take_along_axis dot "
    "einsum outer tensordot astype sort argsort diff average quantile corrcoef sinc i0 inner vdot "
    "kron rot90 meshgrid broadcast_arrays hstack vstack dstack atleast_1d atleast_2d"
).split()

LINEAR = (
    "inv solve det slogdet cholesky eigh eigvalsh norm cond matrix_power multi_dot svdvals"
).split()
"""Of numpy.linalg, likewise."""

FUNCTIONS: dict[Any, Call] = {
    **{getattr(np, n): OURS[n] for n in SAME_ARGUMENTS if hasattr(np, n)},  # astype: NumPy 2.1
    **{getattr(np, n): _reduction(OURS[n]) for n in "sum mean max min prod all any".split()},
    **{getattr(np, n): _reduction(OURS[n]) for n in "argmax argmin median ptp nansum".split()},
    **{getattr(np, n): _reduction(OURS[n]) for n in "nanprod nanmean nanmax nanmin".split()},
    **{getattr(np, n): _reduction(OURS[n]) for n in ("count_nonzero",)},
    **{getattr(np, n): _deviation(OURS[n]) for n in ("var", "std", "nanvar", "nanstd")},
    **{getattr(np.linalg, n): OURS[n] for n in LINEAR},
    np.clip: lambda a, a_min=None, a_max=None: compare.clip(a, a_min, a_max),
    np.round: lambda a: unary.round(a),
    np.reshape: lambda a, shape: OURS["reshape"](a, shape),
    np.transpose: lambda a, axes=None: OURS["transpose"](a, axes),
    np.pad: _padded,
}
"""NumPy's other functions, called with NumPy's arguments; here they have the same names."""

METHODS: dict[tuple[Any, str], Call] = {
    (np.add, "reduce"): _first_axis(reduce.sum),
    (np.multiply, "reduce"): _first_axis(reduce.prod),
    (np.maximum, "reduce"): _first_axis(reduce.max),
    (np.minimum, "reduce"): _first_axis(reduce.min),
    (np.logical_and, "reduce"): _first_axis(reduce.all),
    (np.logical_or, "reduce"): _first_axis(reduce.any),
    (np.add, "accumulate"): lambda a, axis=0: scan.cumsum(a, axis),
    (np.multiply, "accumulate"): lambda a, axis=0: scan.cumprod(a, axis),
}
"""Methods of ufuncs that are operators."""

QUESTIONS = frozenset(
    getattr(np, name)
    for name in (
        "shape ndim size result_type can_cast min_scalar_type common_type iscomplexobj isrealobj "
        "array_equal array_equiv allclose isclose may_share_memory shares_memory array_repr "
        "array_str array2string zeros_like ones_like full_like empty_like save savez "
        "savez_compressed savetxt"
    ).split()
)
"""NumPy's functions that ask, show, write, or take no more than shape and dtype."""

_INSTEAD = "pass its .data, the array, which has no gradient"


def array_ufunc(self: Variable, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    """NEP 13: a ufunc, or a method of one, with a Variable among its arguments."""
    ours = UFUNCS.get(ufunc)
    if method != "__call__":
        name = f"np.{ufunc.__name__}.{method}"
        return _called(METHODS.get((ufunc, method)), name, "", inputs, options)
    if ours is None or options:
        name = f"np.{ufunc.__name__}"
        return _called(ours, name, getattr(ours, "__name__", ""), inputs, options)
    return ours(*inputs)


def array_function(self: Variable, f: Any, types: Any, args: Any, options: Any) -> Any:
    """NEP 18: any other function of NumPy with a Variable among its arguments."""
    if f in QUESTIONS:
        return f(*_plain(args), **_plain(options))
    name = f"{f.__module__}.{f.__name__}".replace("numpy", "np", 1)
    return _called(FUNCTIONS.get(f), name, f.__name__, args, options)


def _called(f: Call | None, name: str, ours: str, args: Any, options: Any) -> Any:
    """``f``, if it takes these arguments; ``ours`` is what it is called in lamina.functions."""
    if f is None:
        raise DTypeError(
            f"{name} of a Variable: lamina has no such operator; use those of lamina.functions, "
            f"write a Function, or {_INSTEAD}"
        )
    try:
        inspect.signature(f).bind(*args, **options)
    except TypeError as error:
        instead = f"call lamina.functions.{ours}, or {_INSTEAD}" if ours else _INSTEAD
        raise DTypeError(f"{name} of a Variable: {error}; {instead}") from None
    return f(*args, **options)


def _plain(x: Any) -> Any:
    """``x`` with the array in place of each Variable."""
    if isinstance(x, Variable):
        return x.data
    if type(x) in (list, tuple):
        return type(x)([_plain(item) for item in x])
    if type(x) is dict:
        return {key: _plain(value) for key, value in x.items()}
    return x


register(
    __array_ufunc__=array_ufunc,
    __array_function__=array_function,
    # CuPy asks for this before it lets another class take over an operator; its own is 100
    __array_priority__=200,
)
