"""Derivatives against differences of values.

Source: central differences with four points, error of order h^4 (B. Fornberg, "Generation of Finite
Difference Formulas on Arbitrarily Spaced Grids", 1988, table 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, as_array
from ..core import Variable, gradients
from ..errors import DTypeError, GradientError
from .case import variables_of

STENCIL = ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))
"""Steps and weights of the first derivative: Fornberg's table 1, order 4."""

STEP = 2.0**-10
"""Relative step. Truncation is about h^4 / 30 of the fifth derivative, rounding 1.5 eps / h of the
value: 3e-14 and 3e-13 where both are about 1."""

SMALLEST = 2.0**-8
"""Inputs smaller than this are stepped as if they were of this size."""

ROUNDINGS = 100
"""How many roundings of the largest result a difference may be off, apart from the tolerance."""

EPS = float(np.finfo(np.float64).eps)


def gradient(
    f: Callable[..., Any],
    *xs: Any,
    order: int = 2,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    full: int = 64,
    projections: int = 3,
    seed: int = 0,
) -> None:
    """Check the derivatives of ``f`` at ``xs``, up to ``order``, against differences, in float64.

    The second derivative is checked as the first derivative of the gradient, by ``xs`` and by the
    incoming gradients, and so on. Inputs and results of up to ``full`` elements are checked
    element by element (the full Jacobian), larger ones along a few random directions.

    Args:
        f: maps Variables to a Variable or a tuple of them; gives the same for the same inputs.
        *xs: arrays, numbers or Variables. Floating ones are **converted to float64**: differences
            of float32 values tell nothing. Anything else is passed on as it is.
        order: the highest derivative that is checked.
        rtol: allowed difference, relative to the derivative.
        atol: allowed difference beside that; rounding of large values is allowed for in addition.
        full: the largest size that is checked element by element.
        projections: how many random directions are tried above that size.
        seed: of the directions.
    Raises:
        GradientError: a derivative is wrong (largest difference, its place, both values,
            tolerance); or has another shape or dtype than its input; or differs from run to run;
            or ``f`` changed its inputs.
        DTypeError: an input is complex, or ``f`` gives no Variables.
    Example:
        >>> gradient(lambda x, y: x * y, [1.0, 2.0], [[3.0], [4.0]])
        >>> gradient(lambda x: x * x.detach(), [1.0, 3.0])
        Traceback (most recent call last):
        lamina.errors.GradientError: gradient of order 1: output 0 at (1,) by input 0 at (1,): ...
    """
    arrays = [_wide(x, i) for i, x in enumerate(xs)]
    rng = np.random.default_rng(seed)
    tolerance = _Tolerance(rtol, atol, full, projections)
    for k in range(1, order + 1):
        _check(_Problem(f, arrays, k), tolerance, rng)
        if k < order:
            f, arrays = _derivative(f, arrays, rng)


class _Tolerance(NamedTuple):
    rtol: float
    atol: float
    full: int
    projections: int


@dataclass
class _Problem:
    """A function, where it is checked, and which derivative of the user's it is."""

    f: Callable[..., Any]
    arrays: list[Any]
    order: int

    def __post_init__(self) -> None:
        self.places = [i for i, x in enumerate(self.arrays) if _is_float(x)]
        self.sizes = [self.arrays[i].size for i in self.places]

    @property
    def size(self) -> int:
        """How many numbers go in that have a derivative."""
        return sum(self.sizes)

    def variables(self, shift: Array | None = None) -> list[Any]:
        """Fresh leaves, moved by ``shift``, one number an element of all floating inputs."""
        moved = [x.copy() if isinstance(x, np.ndarray) else x for x in self.arrays]
        if shift is not None:
            for i, part in zip(self.places, self.split(shift), strict=True):
                moved[i] += part.reshape(moved[i].shape)
        return [Variable(x) if _is_float(x) else x for x in moved]

    def split(self, flat: Array) -> list[Array]:
        return np.split(flat, np.cumsum(self.sizes)[:-1]) if self.sizes else []

    def outputs(self, shift: Array | None = None) -> tuple[Variable, ...]:
        return self.apply(self.variables(shift))

    def apply(self, xs: list[Any]) -> tuple[Variable, ...]:
        """The results that can have a derivative."""
        return tuple(y for y in variables_of(self.f(*xs), "gradient: f") if y.dtype.kind == "f")

    def values(self, shift: Array | None = None) -> Array:
        """All results as one flat array."""
        return _flat([y.data for y in self.outputs(shift)])

    def analytic(self, direction: Array) -> Array:
        """The derivative of the results along ``direction`` of them, by backward."""
        xs = self.variables()
        before = [_bits(x) for x in xs]
        ys = self.apply(xs)
        wanted = [xs[i] for i in self.places]
        gs = self.gradients(ys, wanted, direction)
        for i, (x, old) in enumerate(zip(xs, before, strict=True)):
            if _bits(x) != old:
                raise GradientError(f"gradient of order {self.order}: input {i} was changed by f")
        for i, x, g in zip(self.places, wanted, gs, strict=True):
            if g is not None and (g.shape, g.dtype) != (x.shape, x.dtype):
                raise GradientError(
                    f"gradient of order {self.order} by input {i}: should be {x.dtype} {x.shape}, "
                    f"got {g.dtype} {g.shape}"
                )
        return _flat([_dense(g, x) for g, x in zip(gs, wanted, strict=True)])

    @staticmethod
    def gradients(ys: Any, xs: list[Any], direction: Array) -> Any:
        parts = np.split(direction, np.cumsum([y.size for y in ys])[:-1])
        kept = [
            (y, part.reshape(y.shape)) for y, part in zip(ys, parts, strict=True) if y.requires_grad
        ]
        if not kept or not xs:
            return [None] * len(xs)
        return gradients([y for y, _ in kept], xs, [g for _, g in kept])

    def steps(self) -> Array:
        """How far each number is moved, in proportion to its size."""
        return STEP * np.maximum(np.abs(_flat([self.arrays[i] for i in self.places])), SMALLEST)

    def numeric(self, move: Array) -> Array:
        """The change of all results along ``move`` to first order, by differences."""
        parts = [weight * self.values(n * move) for n, weight in STENCIL]
        return np.sum(parts, axis=0)

    def where(self, element: int) -> str:
        """Input and index of one number of all floating inputs."""
        return "input " + _place([self.arrays[i] for i in self.places], self.places, element)


def _check(problem: _Problem, tolerance: _Tolerance, rng: np.random.Generator) -> None:
    """Compare derivatives along directions of results (rows) and of inputs (columns)."""
    ys = problem.outputs()
    values = _flat([y.data for y in ys])
    if not np.array_equal(values, problem.values(), equal_nan=True):
        raise GradientError(f"gradient of order {problem.order}: f differs from run to run")
    rows = _directions(values.size, tolerance, rng)
    columns = _directions(problem.size, tolerance, rng) * problem.steps()
    analytic = np.array([problem.analytic(row) for row in rows]).reshape(len(rows), problem.size)
    if not columns.size or not rows.size:
        return
    if problem.analytic(rows[0]).tobytes() != analytic[0].tobytes():
        raise GradientError(f"gradient of order {problem.order}: differs from run to run")
    computed = analytic @ columns.T
    measured = np.array([rows @ problem.numeric(column) for column in columns]).T
    noise = ROUNDINGS * EPS * np.max(np.abs(values), initial=0.0)
    length = np.abs(columns).max(axis=1)
    allowed = _allowed(computed, measured, length, noise, tolerance)
    excess = np.abs(computed - measured) - allowed
    excess = np.where(np.isfinite(excess), excess, np.inf)
    if excess.max() > 0:
        row, column = np.unravel_index(excess.argmax(), excess.shape)
        _fail(problem, ys, rows[row], columns[column], analytic[row], tolerance, noise)


def _allowed(computed: Any, measured: Any, length: Any, noise: float, t: _Tolerance) -> Any:
    relative = t.rtol * np.maximum(np.abs(computed), np.abs(measured))
    return relative + t.atol * length + noise


def _directions(size: int, tolerance: _Tolerance, rng: np.random.Generator) -> Array:
    """Each element by itself, or a few random combinations of all with +1 and -1."""
    if size <= tolerance.full:
        return np.eye(size)
    return rng.choice([-1.0, 1.0], (tolerance.projections, size))


def _fail(
    problem: _Problem,
    ys: tuple[Variable, ...],
    row: Array,
    column: Array,
    analytic: Array,
    tolerance: _Tolerance,
    noise: float,
) -> None:
    """Find the one input element that is most wrong, and say so."""

    def wrong(part: Array) -> float:
        return float(abs(analytic @ part - row @ problem.numeric(part)))

    while np.count_nonzero(column) > 1:  # a random direction: halve it
        inside = np.flatnonzero(column)
        halves = [np.zeros_like(column), np.zeros_like(column)]
        for half, of in zip(halves, np.array_split(inside, 2), strict=True):
            half[of] = column[of]
        column = max(halves, key=wrong)
    element = int(np.flatnonzero(column)[0])
    step = column[element]
    a, n = analytic[element], float(row @ problem.numeric(column)) / step
    allowed = _allowed(a, n, 1.0, noise / abs(step), tolerance)
    raise GradientError(
        f"gradient of order {problem.order}: {_output(ys, row)} by {problem.where(element)}: "
        f"backward gives {a:.10g}, differences give {n:.10g}; they differ by {abs(a - n):.3g}, "
        f"allowed is {allowed:.3g}"
    )


def _output(ys: tuple[Variable, ...], row: Array) -> str:
    if np.count_nonzero(row) != 1:
        return "a random combination of the outputs"
    arrays = [y.data for y in ys]
    return "output " + _place(arrays, range(len(ys)), int(np.flatnonzero(row)[0]))


def _place(arrays: list[Array], names: Any, element: int) -> str:
    for name, array in zip(names, arrays, strict=True):
        if element < array.size:
            index = tuple(int(i) for i in np.unravel_index(element, array.shape))
            return f"{name} at {index}"
        element -= array.size
    raise AssertionError("no such element")


def _derivative(
    f: Callable[..., Any], arrays: list[Any], rng: np.random.Generator
) -> tuple[Callable[..., Any], list[Any]]:
    """The gradient of ``f``, as a function of its inputs and of the incoming gradients."""
    problem = _Problem(f, arrays, 0)
    count = len(arrays)
    seeds = [rng.uniform(0.5, 1.5, y.shape) for y in problem.outputs()]

    def derivative(*xs: Any) -> tuple[Variable, ...]:
        inputs, gys = list(xs[:count]), xs[count:]
        ys = problem.apply(inputs)
        kept = [(y, gy) for y, gy in zip(ys, gys, strict=True) if y.requires_grad]
        wanted = [inputs[i] for i in problem.places]
        if not kept or not wanted:
            return ()
        gs = gradients([y for y, _ in kept], wanted, [gy for _, gy in kept], create_graph=True)
        return tuple(g for g in gs if g is not None)

    return derivative, arrays + seeds


def _wide(x: Any, i: int) -> Any:
    """Floating inputs as float64 arrays, others as they are."""
    if isinstance(x, Variable):
        x = x.data
    if not isinstance(x, (np.ndarray, np.generic, float, complex, list)):
        return x
    array = as_array(x, f"gradient: input {i}")
    if array.dtype.kind == "c":
        raise DTypeError(f"gradient: input {i} is complex; give real and imaginary part apart")
    return np.array(array, np.float64) if array.dtype.kind == "f" else x


def _is_float(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def _bits(x: Any) -> Any:
    x = x.data if isinstance(x, Variable) else x
    return x.tobytes() if isinstance(x, np.ndarray) else x


def _dense(g: Variable | None, x: Variable) -> Array:
    return np.zeros(x.shape) if g is None else np.asarray(g.data)


def _flat(arrays: list[Any]) -> Array:
    return np.concatenate([np.zeros(0), *[np.ravel(x) for x in arrays]])
