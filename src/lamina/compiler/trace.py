"""A user's step, heard once: forward, backward and update become one Program and its effects.

While the step runs, every Variable that it touches holds a Value in place of its array. What the
Variables hold at the end, if it is another Value, is an effect of the step. Afterwards everything
is put back as it was.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

import numpy as np

from ..arrays import is_array
from ..config import using
from ..core import Variable
from ..core.variable import result
from ..errors import TraceError, UnsteadyError
from ..listen import Host, Program, Value
from ..listen.ir import Memory
from ..parameter import Parameter
from .pause import no_collection
from .tree import flatten


@dataclass
class Traced:
    """What was heard of a step.

    Attributes:
        program: outputs are those of the step, then the new data of ``changed``, then ``grads``.
        variables: for each captured Variable, its Value.
        outputs: what the step returned, with Values in it.
        changed: Variables whose data the step replaces.
        grads: leaves whose gradient the step leaves behind, and the gradient that it was added to,
            or None.
        cleared: leaves whose gradient the step takes away.
        had_grad: for each leaf that was met, whether it had a gradient before.
        read: leaves whose gradient from before the step is read or added to, and that gradient.
        effects: what the host does after each run.
        watched: lists and dicts of the layers that ran, with their lengths.
    """

    program: Program
    variables: dict[Variable, Value]
    outputs: Any = None
    changed: list[Variable] = field(default_factory=list)
    grads: list[tuple[Variable, Variable | None]] = field(default_factory=list)
    cleared: list[Variable] = field(default_factory=list)
    had_grad: list[tuple[Variable, bool]] = field(default_factory=list)
    read: list[tuple[Variable, Variable]] = field(default_factory=list)
    effects: list[Callable[[], None]] = field(default_factory=list)
    watched: list[tuple[Any, int]] = field(default_factory=list)


class Tracer:
    """Stands in for arrays while a step is heard; `config.Config.tracer`.

    Args:
        settled: whether the step may make no numbers of parameters.
        native: whether machine code may run it, which rounds differently.
    Attributes:
        loop: `scan`, for operators that are loops; None where sums have to keep their order.
        born: Variables that the step makes itself: nobody sees what becomes of them.
    """

    scan: ClassVar[Callable[..., Any]]
    """`scan.scan`, which stands above and registers itself."""

    def __init__(self, settled: bool = False, native: bool = False) -> None:
        self.settled = settled
        self.loop = self.scan if native else None
        self.program = Program()
        self.kept: dict[Variable, tuple[Any, Variable | None]] = {}  # data and gradient before
        self.values: dict[Variable, Value] = {}
        self.effects: list[Callable[[], None]] = []
        self.watched: dict[int, tuple[Any, int]] = {}
        self.drawn: list[Variable] = []  # parameters whose numbers were made
        self.born: set[Variable] = set()

    def watch(self, containers: Iterable[Any]) -> None:
        """Note the lengths of lists and dicts that hold layers: if one grows, the step changed."""
        self.watched.update({id(x): (x, len(x)) for x in containers})

    def stand_in(self, variable: Variable) -> Any:
        """The Value that a Variable holds now; at first its own array, captured."""
        data = variable._data
        if isinstance(data, Value) or data is None:
            return data
        value = self.program.capture(data)
        value.memory = Memory(foreign=False)  # replaced at the end of the step, not written into
        self.kept[variable] = data, variable._grad
        self.values[variable] = value
        variable._data = value
        return value

    def operands(self, inputs: tuple[Any, ...], arrays: list[Any]) -> list[Any]:
        """What an operator is given: a Value for every array."""
        return [
            self.stand_in(x)
            if isinstance(x, Variable)
            else self.program.capture(a)
            if isinstance(a, np.ndarray)
            else a
            for x, a in zip(inputs, arrays, strict=True)
        ]

    def making(self, what: str) -> None:
        """Refuse what is made for the first time, if all has to be there already."""
        if self.settled:
            raise TraceError(f"compile: {what} is made at this call; the next one can be heard")

    def step_aside(self, variable: Variable) -> bool:
        """Give ``variable`` its own array back for a while; False if it holds another by now."""
        if variable._data is None:
            self.drawn.append(variable)
            return True
        if variable._data is not self.values.get(variable):
            return False
        variable._data = self.kept[variable][0]
        return True

    def step_back(self, variable: Variable) -> None:
        """Go on after `step_aside`."""
        variable._data = self.values.get(variable, variable._data)

    def fail(self) -> None:
        """Let parameters forget the sizes that they learnt from a step that is not to be heard."""
        for variable in self.drawn:
            if isinstance(variable, Parameter) and None in (variable.pattern or (None,)):
                variable.forget()

    def host(self, source: Callable[[], float]) -> Host:
        """A number that is asked for before each run."""
        return Host(source)

    def after_run(self, effect: Callable[[], None]) -> None:
        """Note what the host does after each run."""
        self.effects.append(effect)

    def restore(self) -> None:
        """Give every Variable its array and its gradient back."""
        for variable, (data, grad) in self.kept.items():
            variable._data, variable._grad = data, grad


@no_collection()
def trace(
    function: Callable[..., Any],
    args: Any,
    kwargs: Any,
    settled: bool = False,
    native: bool = False,
) -> Traced:
    """Hear one call of ``function``; nothing that exists is changed by it.

    It is heard twice, to see that it does the same: a step that draws its own random numbers, or
    counts in Python, would be frozen as it was the first time.

    Args:
        function: the step.
        args: as it would be called; arrays and Variables in them become inputs.
        kwargs: the same.
        settled: whether parameters have to be there already, and not to be made by this call.
        native: whether machine code may run the program.
    Raises:
        TraceError: the step asked an array for its numbers, or changes arrays that overlap.
        UnsteadyError: it did not do the same twice.
    """
    made = functools.partial(Tracer, settled, native)
    traced = _heard(function, args, kwargs, made)
    again = _after_one_run(traced, function, args, kwargs, made)
    if again is not None:
        return again
    again = _heard(function, args, kwargs, made)
    if not _same(traced, again):
        raise UnsteadyError(
            f"compile: {getattr(function, '__name__', 'the step')} did not do the same when it was "
            "heard twice: a number or an array that its Python makes changes from call to call; "
            "draw random numbers with lamina.functions, or give what changes as an argument"
            + ("; what is made at the first call alone, make before" if settled else "")
        )
    return traced


def _after_one_run(
    traced: Traced, function: Callable[..., Any], args: Any, kwargs: Any, made: Any
) -> Traced | None:
    """The step heard with the gradients that a first run leaves behind, if it does the same then.

    Most steps begin by forgetting them. So the program of the first call is that of all others.
    """
    had = dict(traced.had_grad)
    new = {variable for variable, _ in traced.grads if not had[variable]}
    if not new:
        return None
    again = _heard(function, args, kwargs, made, new)
    if not _same(traced, again):
        return None
    again.had_grad = [(variable, x) for variable, x in again.had_grad if variable not in new]
    return again


def _same(traced: Traced, again: Traced) -> bool:
    """Whether a step did the same when it was heard again."""
    left = [[id(v) for v in (*x.changed, *dict(x.grads))] for x in (traced, again)]
    same = str(traced.program) == str(again.program) and left[0] == left[1]
    return same and _same_arrays(traced, again)


def _same_arrays(traced: Traced, again: Traced) -> bool:
    """Whether the arrays that were met, but for those of Variables, hold the same."""
    pairs = zip(traced.program.captures.values(), again.program.captures.values(), strict=True)
    return all(a is b or (a == b).all() for a, b in pairs)


def _heard(
    function: Callable[..., Any],
    args: Any,
    kwargs: Any,
    made: Callable[[], Tracer],
    with_gradient: Iterable[Variable] = (),
) -> Traced:
    """Hear a step once; ``with_gradient`` are leaves that are given one for that time."""
    tracer = made()
    leaves, rebuild = flatten((args, kwargs))
    inputs = [_input(tracer.program, x, i) for i, x in enumerate(leaves)]
    before = [(x, x._data) for x in inputs if isinstance(x, Variable)]
    given, named = rebuild(inputs)
    traced, heard = Traced(tracer.program, tracer.values), False
    try:
        for variable in with_gradient:
            array = variable._data
            variable._grad = result(np.broadcast_to(np.zeros((), array.dtype), array.shape))
        with using(tracer=tracer):
            traced.outputs = function(*given, **named)
        _check_arguments(before)
        _note_effects(traced, tracer)
        heard = True
    finally:
        tracer.restore()
        if not heard:
            tracer.fail()
        for variable in with_gradient:
            variable._grad = None
    _check_results(traced.outputs)
    return traced


def _check_results(outputs: Any) -> None:
    """Refuse what is returned with arrays inside of it that a run could not give."""
    for x in flatten(outputs)[0]:
        inside = [] if _is_result(x) else list(getattr(x, "__dict__", {}).values())
        lost = [y for y in inside if isinstance(getattr(y, "_data", y), Value)]
        if lost or isinstance(x, (Iterator, set)):
            raise TraceError(
                f"compile: the step returns a {type(x).__name__}, whose arrays would be missing "
                "after the first calls; return arrays, or tuples, named tuples, lists and dicts "
                "of them"
            )


def _check_arguments(before: list[tuple[Variable, Any]]) -> None:
    for variable, data in before:
        if variable._data is not data:
            raise TraceError(
                f"compile: the step gives an argument, a Variable of shape {variable.shape}, other "
                "numbers, which the caller would not see; return them, or let the step use a "
                "Parameter that stands outside"
            )


def is_input(x: Any) -> bool:
    """Whether an argument is given anew at each call: an array or a Variable."""
    return isinstance(x, Variable) or (is_array(x) and not isinstance(x, np.generic))


def _input(program: Program, x: Any, i: int) -> Any:
    if not is_input(x):
        return x
    value = program.input(x.shape, x.dtype, f"x{i}")
    if not isinstance(x, Variable):
        return value
    variable = result(value)
    variable._requires_grad = x._requires_grad
    return variable


def _note_effects(traced: Traced, tracer: Tracer) -> None:
    results = [x for x in flatten(traced.outputs)[0] if _is_result(x)]
    outputs: list[Any] = [x if isinstance(x, Value) else tracer.stand_in(x) for x in results]
    for variable, (_, grad_before) in tracer.kept.items():
        if variable in tracer.born:
            continue
        if variable._data is not tracer.values[variable]:
            traced.changed.append(variable)
        grad = variable._grad
        if grad is not None and isinstance(grad._data, Value) and grad is not grad_before:
            added_to = grad_before if grad_before in tracer.values else None
            traced.grads.append((variable, added_to))
        elif grad is None and grad_before is not None:
            traced.cleared.append(variable)
        traced.had_grad.append((variable, grad_before is not None))
        if grad_before is not None and grad_before in tracer.values:
            traced.read.append((variable, grad_before))
    outputs += [variable._data for variable in traced.changed]
    outputs += [cast(Variable, variable._grad)._data for variable, _ in traced.grads]
    for value in outputs:
        tracer.program.operand(value)  # raises for what was changed in place since
    tracer.program.outputs = tuple(outputs)
    traced.effects, traced.watched = tracer.effects, list(tracer.watched.values())
    _check_aliases(traced, tracer)


def _is_result(x: Any) -> bool:
    return isinstance(x, (Variable, Value))


def _check_aliases(traced: Traced, tracer: Tracer) -> None:
    """Refuse arrays that overlap others: what is written to one would change the other."""
    arrays = list(tracer.program.captures.values())
    for variable in traced.changed:
        target = tracer.kept[variable][0]
        for other in arrays:
            if other is not target and np.may_share_memory(target, other):
                raise TraceError(
                    f"compile: the step changes {variable.name or 'a Variable'} of shape "
                    f"{target.shape}, whose memory another array of the step shares; give each its "
                    "own, with copy()"
                )
