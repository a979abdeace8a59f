"""One row of a table of operators: how to call it, what it should give, on which inputs."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from ..arrays import Array
from ..core import Variable
from ..errors import DTypeError, RangeError

Inputs: TypeAlias = tuple[Any, ...]
Make: TypeAlias = "Callable[[np.random.Generator, np.dtype[Any]], Any]"


@dataclass(frozen=True, eq=False)
class Case:
    """What `case` gives: see there."""

    f: Callable[..., Any]
    reference: Callable[..., Any]
    name: str
    makes: tuple[Make, ...] = field(repr=False)
    kwargs: dict[str, Any]
    dtypes: tuple[np.dtype[Any], ...]
    order: int
    rtol: float
    reason: str
    keeps_dtype: bool
    unheard: str

    def samples(self, dtype: Any = np.float64) -> Iterator[Inputs]:
        """The inputs of each sample, floating ones in ``dtype``; the same at every call."""
        for i, make in enumerate(self.makes):
            seed = zlib.crc32(f"{self.name} {i}".encode())
            made = make(np.random.default_rng(seed), np.dtype(dtype))
            inputs = made if isinstance(made, tuple) else (made,)
            yield tuple(np.asarray(x) if isinstance(x, np.generic) else x for x in inputs)

    def run(self, *inputs: Any) -> tuple[Variable, ...]:
        """The operator's results on ``inputs``, always as a tuple."""
        return variables_of(self.f(*inputs, **self.kwargs), self.name)

    def expected(self, *inputs: Any) -> tuple[Array, ...]:
        """The reference's results, computed in float64 from the same numbers."""
        wide = [x.astype(np.float64) if _is_real(x) else x for x in inputs]
        return tuple(np.asarray(y) for y in as_tuple(self.reference(*wide, **self.kwargs)))


def case(
    f: Callable[..., Any],
    reference: Callable[..., Any],
    *,
    shapes: Sequence[Any] = (),
    domain: Any = (-2.0, 2.0),
    kwargs: dict[str, Any] | None = None,
    dtypes: Sequence[Any] = (np.float16, np.float32, np.float64),
    order: int = 2,
    make: Make | Sequence[Make] | None = None,
    name: str | None = None,
    rtol: float | None = None,
    reason: str = "",
    keeps_dtype: bool = True,
    unheard: str = "",
) -> Case:
    """A row: the operator ``f`` should agree with ``reference`` on these inputs.

    Args:
        f: called as ``f(*inputs, **kwargs)``; gives a Variable or a tuple of them.
        reference: called with NumPy arrays, floating ones as float64, and the same ``kwargs``.
        shapes: one tuple of input shapes a sample; a bare shape stands for a single input.
        domain: inputs are uniform in ``(low, high)``; or a list of such pairs, one an input.
        kwargs: further arguments of both.
        dtypes: the floating dtypes in which values are compared.
        order: the highest derivative that is checked; 0 for what has none.
        make: instead of ``shapes``: ``make(rng, dtype)`` gives a tuple of inputs; or several such.
        name: shown in messages; default: the name of ``f``.
        rtol: relative error allowed instead of a few roundings, with ``reason``.
        reason: why ``rtol``.
        keeps_dtype: floating results have the dtype of the inputs.
        unheard: why the operator cannot run on arrays that are not there yet; it must then raise
            TraceError.
    Raises:
        RangeError: ``rtol`` without reason, or neither ``shapes`` nor ``make``.
    Example:
        >>> row = case(lambda x: x * x, np.square, shapes=[(2, 3), (0,), ()], name="square")
        >>> [x.shape for (x,) in row.samples()]
        [(2, 3), (0,), ()]
    """
    called = name or getattr(f, "__name__", repr(f))
    if rtol is not None and not reason:
        raise RangeError(f"case {called}: rtol={rtol} needs a reason beside it")
    makes = [make] if callable(make) else list(make or ())
    makes += [_drawn(_shapes_of(sample), domain, called) for sample in shapes]
    if not makes:
        raise RangeError(f"case {called}: needs inputs, give shapes=[...] or make=")
    return Case(
        f,
        reference,
        called,
        tuple(makes),
        dict(kwargs or {}),
        tuple(np.dtype(d) for d in dtypes),
        order,
        rtol or 0.0,
        reason,
        keeps_dtype,
        unheard,
    )


def as_tuple(y: Any) -> tuple[Any, ...]:
    """Results as a tuple, also if there is one."""
    return tuple(y) if isinstance(y, (tuple, list)) else (y,)


def variables_of(y: Any, name: str) -> tuple[Variable, ...]:
    """Results as a tuple of Variables.

    Raises:
        DTypeError: if one is something else.
    """
    ys = as_tuple(y)
    for each in ys:
        if not isinstance(each, Variable):
            raise DTypeError(f"{name}: should give Variables, got {type(each).__name__}")
    return ys


def _is_real(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind == "f"


def _shapes_of(sample: Any) -> tuple[tuple[int, ...], ...]:
    sample = tuple(sample)
    if all(isinstance(n, int) for n in sample):
        return (sample,)
    return tuple(tuple(shape) for shape in sample)


def _drawn(shapes: tuple[tuple[int, ...], ...], domain: Any, name: str) -> Make:
    domains = domain if isinstance(domain, list) else [domain] * len(shapes)
    if len(domains) != len(shapes):
        raise RangeError(f"case {name}: {len(shapes)} inputs need as many domains, got {domain}")

    def make(rng: np.random.Generator, dtype: np.dtype[Any]) -> Inputs:
        pairs = zip(shapes, domains, strict=True)
        return tuple(np.asarray(rng.uniform(*d, size=s)).astype(dtype) for s, d in pairs)

    return make
