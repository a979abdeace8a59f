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
from ..listen import Program, Value, repeat
from .draws import DrawingProgram, Draws
from .loop import Body, Scan
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
    heard = Heard(f, carry, remade, parts, each)
    drawn = heard.drawn(parts[0].data, length, reverse)
    results = heard.applied([*carry, *parts, *drawn, *heard.around], reverse)
    return remade(results[: len(carry)]), heard.remade_y(results[len(carry) :])


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


class Heard:
    """The body of a loop, heard once.

    Attributes:
        around: Variables that it uses beside its arguments.
        draws: what draws random numbers in it; its numbers are parts as well, the last ones.
        body: takes carry, parts and ``around``; gives the next carry, and what is stacked; then,
            if it is ``derived``, the carry that it got, which the derivative needs.
        derived: whether gradients may be asked for.
        results: how many results there are, the carry that it got not among them.
    """

    def __init__(self, f: Step, carry: Any, remade: Any, parts: Any, each: Any):
        self.f, self.remade, self.each = f, remade, each
        self.carried, self.given = len(carry), len(parts)
        tracer = BodyTracer()
        program: Any = tracer.program
        given = [_stand_in(program, x.shape, x) for x in carry]
        given += [_stand_in(program, x.shape[1:], x) for x in parts]
        inputs = [*program.inputs]
        try:
            with using(tracer=tracer, grad=True):  # a derivative is a body as well
                before = [x.data for x in given[: self.carried]]
                after, y = f(remade(given[: self.carried]), each(given[self.carried :]))
                found, _ = flatten(after)
                ys, self.remade_y = flatten(y)
                results = [_variable(x) for x in (*found, *ys)]
                _check_carry(carry, results[: self.carried], len(found))
                program.outputs = tuple([program.operand(x.data) for x in results])
        finally:
            tracer.restore()
        program.inputs = [*inputs, *program.drawn, *tracer.around.values()]
        self.draws, self.parts = tuple(program.draws), self.given + len(program.drawn)
        self.results = len(results)
        self.derived = current().grad and any(
            [x.requires_grad for x in (*carry, *parts, *tracer.around)]
        )
        if self.derived:
            program.outputs += tuple(before)
        program, arrays = _without_captures(simplify(program))
        self.around = [*tracer.around, *[result(array) for array in arrays]]
        self.body = Body(program, self.carried, self.parts)

    def drawn(self, like: Any, length: int, reverse: bool) -> list[Any]:
        """The random numbers of all turns, beside the array ``like``."""
        found: Any = Draws(self.draws, length, reverse)(like) if self.draws else ()
        return list(found) if isinstance(found, tuple) else [found]

    def again(self, carry: list[Variable], part: list[Variable]) -> Any:
        """What the body gives, heard within another with the numbers that it drew."""
        tracer: Any = current().tracer
        with tracer.program.supplied(part[self.given :]):
            return self.f(self.remade(carry), self.each(part[: self.given]))

    def applied(self, operands: list[Any], reverse: bool) -> list[Any]:
        """The results of the loop over ``operands``."""
        with using(grad=False):
            done: Any = Scan(self.body, reverse)(*operands)
        done = done if isinstance(done, tuple) else (done,)
        found: Any = Derived(self, reverse)(*done, *operands) if self.derived else done
        return list(found)


def _without_captures(program: Program) -> tuple[Program, list[Any]]:
    """A program whose captured arrays are its last inputs; and these arrays."""
    arrays, moved = list(program.captures.values()), Program()
    known = {v: moved.input(v.shape, v.dtype, v.name) for v in (*program.inputs, *program.captures)}
    for instruction in program.instructions:
        operands = [known[x] if isinstance(x, Value) else x for x in instruction.operands]
        made = repeat(moved, instruction, tuple(operands))
        known.update(zip(instruction.results, made if isinstance(made, tuple) else (made,)))
    moved.outputs = tuple([known[v] for v in program.outputs])
    return moved, arrays


class BodyTracer(Tracer):
    """Hears a body by itself: Variables from around become inputs of its Program."""

    def __init__(self) -> None:
        super().__init__()
        self.born = getattr(current().tracer, "born", self.born)
        self.program = DrawingProgram()
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


class Derived(Function):
    """The results of a `Scan`, as they are, with their derivative: another scan, from its end.

    The first operands are all that the scan gives, the others what it was given. With ``states``
    the results are the carries that each turn began with, which a derivative of second order asks.
    """

    heard: Heard
    reverse: bool
    states: bool = False

    def forward(self, *arrays):
        """Nothing is done: the scan is."""
        results, count = self.heard.results, len(self.heard.body.program.outputs)
        return arrays[results:count] if self.states else arrays[:results]

    def backward(self, *gys, arrays):
        """The gradients of one turn, in a loop from its end; those of ``around`` are added up."""
        heard, n = self.heard, self.heard.carried
        operands = arrays[len(heard.body.program.outputs) :]
        init, parts = operands[:n], operands[n : n + heard.parts]
        before = Derived(heard, self.reverse, True)(*arrays) if n else ()
        floating = [i for i, x in enumerate(init) if x.dtype.kind in "fc"]
        moving = [i for i, x in enumerate(parts) if x.requires_grad]
        wanted = [v for v in heard.around if v.requires_grad]

        def back(state: Any, now: Any) -> Any:
            (g, sums), (gy, c, x) = state, now
            carry = [_leaf(v, i in floating) for i, v in enumerate(c)]
            part = [_leaf(v, i in moving) for i, v in enumerate(x)]
            after, y = heard.again(carry, part)
            ends = [after] if self.states else [after, y]
            ends = [v for v in map(_variable, flatten(ends)[0]) if v.dtype.kind in "fc"]
            below = [*[carry[i] for i in floating], *[part[i] for i in moving], *wanted]
            found = _gradients(ends, below, [*g, *([] if self.states else gy)])
            gc, gx = found[: len(g)], found[len(g) : len(g) + len(moving)]
            gc = [a + b for a, b in zip(gc, gy)] if self.states else gc
            return (gc, [a + b for a, b in zip(sums, found[len(g) + len(moving) :])]), gx

        gys = [gy for gy in gys if gy.dtype.kind in "fc"]
        start = [_zeros(init[i]) for i in floating] if self.states else gys[: len(floating)]
        later = gys if self.states else gys[len(floating) :]
        (first, sums), gxs = scan(
            back, (start, [_zeros(v) for v in wanted]), (later, list(before), list(parts)),
            reverse=not self.reverse,
        )  # fmt: skip
        gradients = {**dict(zip(floating, first)), **{n + i: g for i, g in zip(moving, gxs)}}
        found = [gradients.get(i) for i in range(n + heard.parts)]
        summed = iter(sums)
        around = [next(summed) if v.requires_grad else None for v in heard.around]
        return (*[None] * (len(arrays) - len(operands)), *found, *around)


def _gradients(results: list[Any], below: list[Variable], gys: list[Any]) -> list[Variable]:
    """The gradients of each of ``below``, zeros where no result depends on it."""
    pairs = [(y, gy) for y, gy in zip(results, gys, strict=True) if y.requires_grad]
    found: Any = [None] * len(below)
    if pairs and below:
        ys, seeds = zip(*pairs)
        found = gradients(list(ys), below, list(seeds), create_graph=True)
    return [_zeros(v) if g is None else g for v, g in zip(below, found)]


def _zeros(x: Variable) -> Variable:
    return result(np.zeros(x.shape, x.dtype, like=x.data))  # pyright: ignore[reportArgumentType]


def _leaf(x: Variable, wanted: bool) -> Variable:
    """A Variable by which there are derivatives: ``x`` itself, if it hangs on others already."""
    if x.requires_grad:
        return x
    leaf = result(x.data)
    leaf._requires_grad = wanted
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


Tracer.scan = staticmethod(scan)
