"""What every operator promises, each promise a function of one row of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..arrays import Array, is_array
from ..config import no_grad
from ..core import Variable, gradients
from ..errors import GradientError, TraceError
from ..listen import Program, Value, run, verify
from .case import Case, Inputs, case
from .gradient import gradient

ROUNDINGS = 16
"""Values may be off by this many roundings of the dtype, relative to the value and to the largest
number that went in or came out: a formula of a few operations, where differences of numbers of
that size may cancel. Rows that need more say so."""


def operator(
    f: Callable[..., Any],
    reference: Callable[..., Any],
    cases: Sequence[Any] = (),
    **options: Any,
) -> None:
    """Check all that an operator promises: values, dtypes, derivatives, layouts, no surprises.

    Args:
        f: the operator, a function of Variables or a `Function`.
        reference: the same in NumPy, written independently.
        cases: samples, each a tuple of input shapes, or of arrays (floating ones are converted
            to each dtype).
        **options: as in `case`: ``domain``, ``kwargs``, ``dtypes``, ``order``, ``rtol``, ...
    Raises:
        GradientError: naming the promise, the sample, the place, expected and got.
    Example:
        >>> from lamina import Function
        >>> class Square(Function):
        ...     def forward(self, x):
        ...         return x * x
        ...     def backward(self, gy, x):
        ...         return 2.0 * gy * x
        >>> operator(Square(), np.square, [(2, 3), (0,), (1,), ()])
    """
    given = [c for c in cases if _holds_arrays(c)]
    makes = options.pop("make", None)
    makes = [makes] if callable(makes) else list(makes or ())
    makes += [_fixed(inputs) for inputs in given]
    shapes = [c for c in cases if not _holds_arrays(c)]
    row = case(f, reference, shapes=shapes, make=makes, **options)
    for promise in PROMISES.values():
        promise(row)


def _holds_arrays(sample: Any) -> bool:
    return isinstance(sample, tuple) and any(isinstance(x, np.ndarray) for x in sample)


def _fixed(inputs: Inputs) -> Callable[..., Inputs]:
    return lambda _, dtype: tuple(_cast(x, dtype) for x in inputs)


def _cast(x: Any, dtype: Any) -> Any:
    return x.astype(dtype) if _is_floating(x) else x


# -- the promises --------------------------------------------------------------------------------


def values(row: Case) -> None:
    """Values agree with the reference, in every dtype."""
    for dtype, inputs in _all_samples(row):
        _agree(row, dtype, inputs, row.run(*_variables(inputs)), "value")


def dtypes(row: Case) -> None:
    """Results have the dtype of the inputs; comparisons and counts that of the reference."""
    for dtype, inputs in _all_samples(row):
        expected = row.expected(*inputs)
        for k, y in enumerate(row.run(*_variables(inputs))):
            kind = expected[k].dtype.kind
            if kind in "fc" and row.keeps_dtype and any(_is_floating(x) for x in inputs):
                _require(y.dtype == dtype, row, inputs, f"result {k} should be {dtype}", y.dtype)
            elif kind in "biu":
                _require(
                    y.dtype.kind in _like(kind), row, inputs, f"kind should be {kind}", y.dtype
                )


def _like(kind: str) -> str:
    return "b" if kind == "b" else "iu"


def derivatives(row: Case) -> None:
    """Derivatives agree with differences, in float64, up to the row's order."""
    for k, inputs in enumerate(row.samples()):
        if row.order:
            floating = [i for i, x in enumerate(inputs) if _is_floating(x)]
            f = _of(row, inputs, floating)
            try:
                gradient(f, *[inputs[i] for i in floating], order=row.order)
            except GradientError as error:
                raise GradientError(f"{row.name}, sample {k}, {_shapes(inputs)}: {error}") from None


def gradient_dtypes(row: Case) -> None:
    """Gradients have shape and dtype of their inputs, in every dtype, to the second order."""
    for dtype, inputs in _all_samples(row):
        xs = _variables(inputs)
        for level in _levels(row, xs, row.run(*xs)):
            for x, g in level:
                got = f"{g.dtype} {g.shape}"
                _require(got == f"{x.dtype} {x.shape}", row, inputs, f"{dtype} gradient", got)


def layouts(row: Case) -> None:
    """Strides, byte order and whether the inputs may be written do not matter, both ways."""
    for inputs in row.samples():
        plain = _both_ways(row, inputs)
        for name, change in LAYOUTS.items():
            changed = tuple(change(x) if isinstance(x, np.ndarray) else x for x in inputs)
            ys = row.run(*_variables(changed))
            _agree(row, np.dtype(np.float64), inputs, ys, f"value of {name} inputs")
            for one, other in zip(plain, _both_ways(row, changed), strict=True):
                _compare(one, other, _tolerance(row, np.float64), np.inf, row, inputs, name)


def unchanged(row: Case) -> None:
    """Forward, backward and second backward leave the inputs as they were."""
    for inputs in row.samples():
        before = [np.array(x) for x in inputs]
        _all_arrays(row, _variables(inputs))
        for k, (x, old) in enumerate(zip(inputs, before, strict=True)):
            same = np.asarray(x).tobytes() == old.tobytes()
            _require(same, row, inputs, f"input {k} should be left as it was", "another")


def heard(row: Case) -> None:
    """What is heard of it, forward, backward and twice, has the shapes, dtypes and values computed.

    Heard means: run on arrays that are not there yet. What was heard is then run by itself.
    """
    for dtype, inputs in _all_samples(row):
        program = Program()
        absent = tuple(_absent(x, program) for x in inputs)
        if row.unheard:
            _refused(row, absent)
            continue
        real = _all_arrays(row, _variables(inputs))
        told = _all_arrays(row, _variables(absent))
        _require(len(told) == len(real), row, inputs, f"heard: {len(real)} arrays", len(told))
        for y, value in zip(real, told, strict=True):
            right, got = f"{y.dtype} {y.shape}", f"{value.dtype} {value.shape}"
            _require(right == got, row, inputs, f"heard: {right}", got)
        program.outputs = tuple(y if isinstance(y, Value) else program.capture(y) for y in told)
        verify(program)
        arrays = [x for x in inputs if isinstance(x, np.ndarray)]
        for y, again in zip(real, run(program, *arrays), strict=True):
            _compare(y, again, _tolerance(row, dtype), np.inf, row, inputs, "heard and run")


def _absent(x: Any, program: Program) -> Any:
    return program.input(x.shape, x.dtype) if isinstance(x, np.ndarray) else x


def _refused(row: Case, absent: Inputs) -> None:
    """What a row calls unheard raises TraceError."""
    try:
        row.run(*_variables(absent))
    except TraceError:
        return
    raise GradientError(f"{row.name}: is heard, although the row says: {row.unheard}")


def unrecorded(row: Case) -> None:
    """Under ``no_grad`` values are the same and nothing is recorded; the same for constants."""
    for inputs in row.samples():
        ys = row.run(*_variables(inputs))
        with no_grad():
            silent = row.run(*_variables(inputs))
        constant = row.run(*inputs)
        for y, *others in zip(ys, silent, constant, strict=True):
            for other in others:
                recorded = other.requires_grad or not other.is_leaf
                _require(not recorded, row, inputs, "nothing should be recorded", other)
                _require(_same(y, other), row, inputs, f"should be {y}", other)


def kinds(row: Case) -> None:
    """Variables, arrays and nested lists give equal values."""
    for inputs in row.samples():
        ways = {
            "arrays": inputs,
            "lists": tuple(_listed(x) for x in inputs),
            "Variables": tuple(Variable(x) if isinstance(x, np.ndarray) else x for x in inputs),
        }
        ys = row.run(*_variables(inputs))
        for name, given in ways.items():
            for y, other in zip(ys, row.run(*given), strict=True):
                _require(_same(y, other), row, inputs, f"{name} should give {y}", other)


def _listed(x: Any) -> Any:
    """A nested list, if that says the same: it knows neither empty axes nor other dtypes."""
    if not isinstance(x, np.ndarray) or not x.ndim:
        return x
    again = np.asarray(x.tolist())
    return x.tolist() if (again.shape, again.dtype) == (x.shape, x.dtype) else x


PROMISES: dict[str, Callable[[Case], None]] = {
    promise.__name__: promise
    for promise in (
        values,
        dtypes,
        derivatives,
        gradient_dtypes,
        layouts,
        unchanged,
        heard,
        unrecorded,
        kinds,
    )
}
"""All promises by name; each takes a `Case` and raises `GradientError`."""


# -- inputs --------------------------------------------------------------------------------------


def _strided(x: Array) -> Array:
    """Every second number of a larger array, so that no axis is contiguous."""
    wide = np.zeros(tuple(2 * n for n in x.shape), x.dtype)
    view = wide[(*[slice(None, None, 2)] * x.ndim, ...)]
    view[...] = x
    return view


def _backward(x: Array) -> Array:
    """Negative strides."""
    turn = (*[slice(None, None, -1)] * x.ndim, ...)
    return x[turn].copy()[turn]


def _read_only(x: Array) -> Array:
    locked = x.copy()
    locked.flags.writeable = False
    return locked


def _swapped(x: Array) -> Array:
    return x.astype(x.dtype.newbyteorder())


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "strided": _strided,
    "turned": _backward,
    "Fortran-ordered": lambda x: np.asarray(x, order="F"),
    "read-only": _read_only,
    "byte-swapped": _swapped,
}


def _all_samples(row: Case) -> Iterator[tuple[np.dtype[Any], Inputs]]:
    for dtype in row.dtypes:
        for inputs in row.samples(dtype):
            yield dtype, inputs


def _variables(inputs: Inputs) -> Inputs:
    """Floating arrays as leaves; everything else as it is."""
    return tuple(Variable(x) if _is_floating(x) else x for x in inputs)


def _is_floating(x: Any) -> bool:
    return is_array(x) and x.dtype.kind == "f"


def _of(row: Case, inputs: Inputs, places: list[int]) -> Callable[..., tuple[Variable, ...]]:
    """The operator as a function of the inputs at ``places``; the others are bound."""

    def f(*xs: Variable) -> tuple[Variable, ...]:
        given = list(inputs)
        for i, x in zip(places, xs, strict=True):
            given[i] = x
        return row.run(*given)

    return f


# -- results -------------------------------------------------------------------------------------


def _levels(
    row: Case, xs: Inputs, results: tuple[Variable, ...]
) -> Iterator[list[tuple[Variable, Variable]]]:
    """Pairs of a leaf and its gradient, for each derivative of the row, at most two."""
    leaves = [x for x in xs if isinstance(x, Variable)]
    ys = [y for y in results if y.requires_grad]
    for k in range(min(row.order, 2)):
        if not ys or not leaves:
            return
        gys = [np.ones(y.shape, y.dtype) for y in ys]
        gs = gradients(ys, leaves, gys, create_graph=k == 0, retain_graph=True)
        yield [(x, g) for x, g in zip(leaves, gs, strict=True) if g is not None]
        ys = [g for g in gs if g is not None and g.requires_grad]


def _both_ways(row: Case, inputs: Inputs) -> list[Array]:
    """All results and all first gradients."""
    xs = _variables(inputs)
    ys = row.run(*xs)
    return [*[y.data for y in ys], *[g.data for _, g in next(_levels(row, xs, ys), [])]]


def _all_arrays(row: Case, xs: Inputs) -> list[Any]:
    """All results, all first gradients, all second ones."""
    ys = row.run(*xs)
    return [*[y.data for y in ys], *[g.data for level in _levels(row, xs, ys) for _, g in level]]


def _tolerance(row: Case, dtype: Any) -> float:
    return max(row.rtol, ROUNDINGS * float(np.finfo(dtype).eps))


def _agree(row: Case, dtype: Any, inputs: Inputs, ys: tuple[Any, ...], what: str) -> None:
    """Results and reference agree, in shape and in value."""
    expected = row.expected(*inputs)
    _require(len(ys) == len(expected), row, inputs, f"{len(expected)} results", len(ys))
    largest = max([_largest(x) for x in inputs], default=0.0)
    for y, right in zip(ys, expected, strict=True):
        got = y.data
        _require(got.shape == right.shape, row, inputs, f"{what}: shape {right.shape}", got.shape)
        _compare(right, got, _tolerance(row, dtype), largest, row, inputs, f"{what} in {dtype}")


def _largest(x: Any) -> float:
    x = np.asarray(x)
    return float(np.abs(x[np.isfinite(x)]).max(initial=0.0)) if x.dtype.kind == "f" else 0.0


def _compare(
    right: Array, got: Array, rtol: float, size: float, row: Case, inputs: Inputs, what: str
) -> None:
    """Equal for bools and integers; else within ``rtol`` of the value, and of ``size`` at most."""
    if right.dtype.kind not in "fc":
        wrong = right != got
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            rounded = right.astype(got.dtype)
            error = np.abs(got.astype(right.dtype) - right)
        finite = np.isfinite(rounded)
        scale = min(size, _largest(rounded))
        allowed = rtol * (np.abs(np.where(finite, right, 0.0)) + scale)
        allowed = allowed + np.finfo(got.dtype).smallest_subnormal
        equal = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
        wrong = ~(equal | (finite & (error <= allowed)))
    if wrong.any():
        index = tuple(int(i[0]) for i in np.nonzero(np.atleast_1d(wrong)))
        a, b = np.atleast_1d(right)[index], np.atleast_1d(got)[index]
        raise GradientError(
            f"{row.name} of {_shapes(inputs)}, {what}: should be {a!r} at {index}, got {b!r} "
            f"({int(wrong.sum())} of {wrong.size} are off)"
        )


def _same(a: Variable, b: Variable) -> bool:
    one, other = a.data, b.data
    return (one.shape, one.dtype) == (other.shape, other.dtype) and bool(
        np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
    )


def _require(condition: bool, row: Case, inputs: Inputs, expected: str, got: Any) -> None:
    if not condition:
        raise GradientError(f"{row.name} of {_shapes(inputs)}: {expected}, got {got}")


def _shapes(inputs: Inputs) -> str:
    return ", ".join(str(np.shape(x)) for x in inputs)
