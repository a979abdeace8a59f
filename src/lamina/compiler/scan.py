"""`scan` and `cond`: loops and choices that stay what they are in a compiled step.

A Python loop is heard turn by turn, so that a thousand steps are a thousand copies of its body. In
`scan` the body is heard once, as a Program of its own, and one instruction runs it for each step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..config import current, using
from ..core import Function, Variable, gradients
from ..core.variable import result
from ..errors import DTypeError, ShapeError, TraceError
from ..functions.compare import where
from ..functions.index import get_item
from ..functions.join import stack
from ..functions.noise import KeepMask
from ..functions.sample import Draw
from ..listen import Program, Spec, Value
from .replay import Replay
from .simplify import simplify
from .trace import Tracer
from .tree import flatten

Step = Callable[[Any, Any], tuple[Any, Any]]


def scan(f: Step, init: Any, xs: Any, *, reverse: bool = False) -> tuple[Any, Any]:
    """A loop over the first axis that carries something along: ``carry, y[t] = f(carry, x[t])``.

    Args:
        f: the body. It may use Parameters and other Variables from around it; gradients reach them.
        init: the first carry: Variables or arrays, or tuples, lists and dicts of them.
        xs: what the loop runs over, likewise; all with the same first length.
        reverse: begin at the last.
    Returns:
        The last carry, and all ``y`` along a new first axis, each in its place.
    Raises:
        ShapeError: if first lengths differ or are 0, or the body changes a shape of the carry.
        DTypeError: if it changes a dtype, or there is nothing to run over.
    Example:
        >>> total, sums = scan(lambda c, x: (c + x, c + x), np.zeros(()), np.array([1.0, 2.0, 3.0]))
        >>> sums
        Variable([1., 3., 6.], float64)
    """
    carry, remade = flatten(init)
    parts, each = flatten(xs)
    carry, parts = [_variable(x) for x in carry], [_variable(x) for x in parts]
    length = _length(parts)
    if current().tracer is None:
        return _in_python(f, carry, remade, parts, each, length, reverse)
    body = Body(f, carry, remade, parts, each)
    operands = [*carry, *parts, *body.around]
    found: Any = Scan(body, reverse)(*operands)
    results = list(found) if isinstance(found, tuple) else [found]
    return remade(results[: len(carry)]), body.remade_y(results[len(carry) :])


def cond(choice: Any, yes: Callable[..., Any], no: Callable[..., Any], *operands: Any) -> Any:
    """``yes(*operands)`` if ``choice`` is true, else ``no(*operands)``.

    In a compiled step both are computed, and one is chosen: use it where both are defined.

    Args:
        choice: one bool, as a Variable or array.
        yes: gives Variables, or tuples, lists and dicts of them.
        no: the same structure, shapes and dtypes.
        operands: given to both.
    Raises:
        ShapeError: if ``choice`` is not one bool.
    Example:
        >>> cond(Variable(np.array(True)), lambda x: x + 1, lambda x: x - 1, Variable([1.0]))
        Variable([2.], float64)
    """
    decided = _variable(choice)
    if decided.size != 1 or decided.dtype.kind != "b":
        raise ShapeError(
            f"cond: choice should be one bool, got {decided.dtype} of shape {decided.shape}"
        )
    if current().tracer is None:
        return yes(*operands) if decided.item() else no(*operands)
    first, remade = flatten(yes(*operands))
    second, _ = flatten(no(*operands))
    if len(first) != len(second):
        raise ShapeError(f"cond: yes gives {len(first)} results and no {len(second)}")
    one = decided.reshape(())
    return remade([where(one, a, b) for a, b in zip(first, second)])


class Body:
    """The body of a loop, heard once.

    Attributes:
        around: Variables that it uses beside its arguments.
        program: takes carry, parts and ``around``, gives the next carry and what is stacked.
        carried: how many results are the carry.
    """

    def __init__(self, f: Step, carry: Any, remade: Any, parts: Any, each: Any):
        self.f, self.remade, self.each = f, remade, each
        self.carried, self.parts = len(carry), len(parts)
        self.tracer = BodyTracer()
        program: Any = self.tracer.program
        given = [_stand_in(program, x.shape, x) for x in carry]
        given += [_stand_in(program, x.shape[1:], x) for x in parts]
        try:
            with using(tracer=self.tracer, grad=True):  # a derivative is a body as well
                after, y = f(remade(given[: self.carried]), each(given[self.carried :]))
                found, _ = flatten(after)
                ys, self.remade_y = flatten(y)
                results = [_variable(x) for x in (*found, *ys)]
                _check_carry(carry, results[: self.carried], len(found))
                program.outputs = tuple([program.operand(x.data) for x in results])
        finally:
            self.tracer.restore()
        for instruction in program.instructions:
            _check_repeats(instruction.fields.get("function"))
        self.around = list(self.tracer.around)
        self.program = simplify(program)
        self._replay: Replay | None = None

    def run(self, *arrays: Any) -> list[Any]:
        """One step, with NumPy; the results are nobody else's."""
        if self._replay is None:
            self._replay = Replay(self.program)
        return [np.array(x) for x in self._replay.run(*arrays)]

    def __repr__(self) -> str:
        return f"body of {len(self.program.instructions)} instructions"


class BodyTracer(Tracer):
    """Hears a body by itself: Variables from around become inputs of its Program."""

    def __init__(self) -> None:
        super().__init__()
        self.around: dict[Variable, Value] = {}

    def stand_in(self, variable: Variable) -> Any:
        """The Value of this Program for a Variable; at first a new input."""
        data = variable._data
        if data is None or (isinstance(data, Value) and data.program is self.program):
            return data
        value = self.program.input(data.shape, data.dtype)
        self.kept[variable] = data, variable._grad
        self.around[variable] = value
        variable._data = value
        return value

    def host(self, source: Callable[[], float]) -> Any:
        """Refuse: the number would have to be asked for within the loop."""
        raise TraceError("scan: an optimizer's number is read in the body; update behind the loop")


class Scan(Function):
    """A body run for each step, as one instruction. Its derivative is a scan from the end."""

    body: Body
    reverse: bool

    def forward(self, *arrays):
        """The loop, in NumPy."""
        body: Any = self.body
        carry, rest = list(arrays[: body.carried]), arrays[body.carried :]
        parts, around = rest[: body.parts], rest[body.parts :]
        length = len(parts[0])
        kept: list[Any] = [None] * length
        for t in range(length - 1, -1, -1) if self.reverse else range(length):
            found = body.run(*carry, *[part[t] for part in parts], *around)
            carry, kept[t] = found[: body.carried], found[body.carried :]
        results: Any = (*carry, *[np.stack(column) for column in zip(*kept)])
        return results if len(results) > 1 else results[0]

    def spec(self, *specs):
        """The carry, and the results along a new axis."""
        body: Any = self.body
        length = specs[body.carried].shape[0]
        results: Any = [x.spec for x in body.program.outputs]
        stacked = [Spec((length, *x.shape), x.dtype) for x in results[body.carried :]]
        found: Any = (*results[: body.carried], *stacked)
        return found if len(found) > 1 else found[0]

    def backward(self, *gys, arrays):
        """The loop once more for its states, then another from its end."""
        body, f = self.body, self.body.f
        init, rest = arrays[: body.carried], arrays[body.carried :]
        parts, around = rest[: body.parts], list(rest[body.parts :])
        _, before = scan(
            lambda c, x: (f(c, x)[0], c), body.remade(list(init)), body.each(list(parts)),
            reverse=self.reverse,
        )  # fmt: skip

        def back(state: Any, now: Any) -> Any:
            g, sums = state
            gy, c, x = now
            leaves = [_leaf(v) for v in (*flatten(c)[0], *x)]
            after, y = f(body.remade(leaves[: body.carried]), body.each(leaves[body.carried :]))
            results = [_variable(v) for v in (*flatten(after)[0], *flatten(y)[0])]
            wanted = [v for v in (*leaves, *body.around) if v.dtype.kind in "fc"]
            found = _gradients(results, wanted, [*g, *gy])
            grads = [found.get(v, v * 0) for v in (*leaves, *body.around)]
            n = len(leaves)
            added = [a + b for a, b in zip(sums, grads[n:])]
            return (grads[: body.carried], added), grads[body.carried : n]

        start = [_zero(gy, x) for gy, x in zip(gys, init)], [v * 0 for v in around]
        later = list(gys[body.carried :])
        (first, sums), gxs = scan(
            back, start, (later, before, list(parts)), reverse=not self.reverse
        )
        return (*first, *gxs, *sums)


def _check_repeats(function: Any) -> None:
    """Raise for an operator that does not do the same twice: the derivative runs the body again."""
    if isinstance(function, (Draw, KeepMask)):
        raise TraceError(
            f"scan: the body draws random numbers ({type(function).__name__}); draw them before, "
            "for all steps at once, and give them among xs"
        )


def _gradients(results: list[Any], wanted: list[Any], gys: list[Any]) -> dict[Any, Any]:
    """The gradients that there are, of results that lead to something."""
    pairs = [(y, gy) for y, gy in zip(results, gys) if y.requires_grad]
    if not pairs or not wanted:
        return {}
    ys, seeds = zip(*pairs)
    found = gradients(list(ys), wanted, list(seeds), create_graph=True)
    return {v: g for v, g in zip(wanted, found) if g is not None}


def _zero(gy: Any, x: Any) -> Any:
    return x * 0 if gy is None else gy


def _leaf(x: Any) -> Variable:
    """A Variable of the same numbers, at which gradients end."""
    v = _variable(x)
    leaf = result(v.data)
    leaf._requires_grad = v.dtype.kind in "fc"
    return leaf


def _variable(x: Any) -> Variable:
    return x if isinstance(x, Variable) else result(x if isinstance(x, Value) else np.asarray(x))


def _stand_in(program: Program, shape: tuple[int, ...], x: Variable) -> Variable:
    return result(program.input(shape, x.dtype))


def _length(parts: list[Variable]) -> int:
    """The number of steps.

    Raises:
        DTypeError: if there is nothing to run over.
        ShapeError: if lengths differ, or there is no step.
    """
    if not parts:
        raise DTypeError("scan: xs holds no array; give at least one, such as np.arange(steps)")
    lengths = {x.shape[0] if x.ndim else None for x in parts}
    if len(lengths) > 1 or not lengths - {None, 0}:
        shapes = ", ".join([str(x.shape) for x in parts])
        raise ShapeError(f"scan: xs should have one first length of 1 or more, got {shapes}")
    return parts[0].shape[0]


def _check_carry(before: list[Any], after: list[Any], count: int) -> None:
    """Raise unless the body gives a carry like the one that it got."""
    if count != len(before):
        raise ShapeError(f"scan: the carry has {len(before)} arrays, and the body gives {count}")
    for a, b in zip(before, after):
        if a.shape != b.shape:
            raise ShapeError(f"scan: the body makes a carry of {b.shape} from one of {a.shape}")
        if a.dtype != b.dtype:
            raise DTypeError(f"scan: the body makes a carry of {b.dtype} from one of {a.dtype}")


def _in_python(
    f: Step, carry: Any, remade: Any, parts: Any, each: Any, length: int, reverse: bool
) -> tuple[Any, Any]:
    """The loop as it is: each turn is recorded by itself."""
    kept: list[Any] = [None] * length
    again: Any = None
    now = remade(carry)
    for t in range(length - 1, -1, -1) if reverse else range(length):
        now, y = f(now, each([get_item(x, t) for x in parts]))
        found = [_variable(x) for x in flatten(now)[0]]
        _check_carry(carry, found, len(found))
        ys, again = flatten(y)
        kept[t], now = [_variable(v) for v in ys], remade(found)
    return now, again([stack(list(column)) for column in zip(*kept)])
