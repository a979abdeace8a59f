"""A traced program, bound to the Variables it captured: what a compiled step calls.

The checks before a run and what is put in place after it are written as Python code for each
program, as the program is: loops over some hundred Variables would cost more than a small step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..config import changes
from ..core import Function, Variable
from ..core.function import Node
from ..core.variable import result
from ..errors import GraphError
from ..listen import Value, run, verify
from ..resident import give_back
from .described import Described
from .pack import leveled
from .pause import no_collection
from .plan import ELEMENTWISE, bases_of, last_uses
from .replay import Replay, Source
from .simplify import simplify
from .trace import Traced
from .tree import flatten


class Ended(Function):
    """What a compiled step gave, of which it kept no graph: eagerly, ``backward`` would go on."""

    def forward(self, x):
        """Nothing is done."""
        return x

    def backward(self, gy):
        """Refuse."""
        raise GraphError(
            "backward: it came to the result of a compiled step, which keeps no graph; call "
            "backward inside of the step, or detach() the result where no gradient is meant to pass"
        )


def ended(array: Any) -> Variable:
    """A result around ``array`` whose ``backward`` is an error."""
    new = result(array)
    new._edge = node = Node(Ended(), ())
    new._requires_grad = True
    node.shape, node.dtype = array.shape, array.dtype
    return new


def _is_open(heard: Variable) -> bool:
    """Whether ``backward`` could begin at a result of the step as it was heard."""
    node = getattr(heard._edge, "node", heard._edge)
    return node is not None and node.function is not None and node.saved is not None


class Bound:
    """One traced program.

    Args:
        traced: what was heard.
        native: whether machine code may run it.
        profile: whether it times its groups.
    Attributes:
        fits: whether the model is what it was when the step was heard.
        again: all runs but the first.
        repeated: `step.repeated`, once it was called.
    """

    @no_collection()
    def __init__(self, traced: Traced, native: bool, profile: bool = False):
        self.traced, self.native, self.profile = traced, native, profile
        self.program = verify(simplify(traced.program))
        self.emitted: Any = None  # a Replay is made by the first run, which learns how results lie
        self.results = len(self.program.outputs) - len(traced.changed) - len(traced.grads)
        self.first_grad = self.results + len(traced.changed)
        bases, there = bases_of(self.program), {*self.program.inputs, *self.program.captures}
        self.early = {i for i, v in enumerate(self.program.outputs) if bases.get(v, v) in there}
        self.fits: Callable[[], bool] = self._written_fits()
        self.again: Callable[..., Any] | None = None
        self.repeated: Any = None

    def __call__(self, inputs: list[Any]) -> Any:
        """Run, then change what the step changes."""
        if self.again is not None:
            return self.again(*inputs)
        values = self._emit(inputs)
        self.again = self._written_again()
        made = self._after(values)
        del values
        give_back()  # what only this run took
        return made

    # -- checks ------------------------------------------------------------------------------

    def _written_fits(self) -> Callable[[], bool]:
        """The settings, the arrays, the containers and the gradients are those that were seen."""
        source, traced = Source({}), self.traced
        count = source.object(changes, "changes")
        checks = [f"{count}() == {changes()}"]
        for variable in traced.variables:
            array = source.object(variable._data, "a")
            checks.append(f"{source.object(variable, 'v')}._data is {array}")
        for held, n in traced.watched:
            checks.append(f"len({source.object(held, 'w')}) == {n}")
        for variable, had in traced.had_grad:
            sign = "is not" if had else "is"
            checks.append(f"{source.object(variable, 'v')}._grad {sign} None")
        for variable, grad in traced.read:
            held = source.object(grad, "g")
            checks.append(f"{source.object(variable, 'v')}._grad is {held}")
        return source.function_of("fits", [], [f"return {' and '.join(checks)}"])

    # -- the first run -----------------------------------------------------------------------

    @no_collection()
    def _emit(self, inputs: list[Any]) -> tuple[Any, ...]:
        """Make what runs from now on, and run for the first time."""
        changed = [v._data for v in self.traced.changed]
        targets = dict(enumerate(changed, self.results))
        arrays = (*self.program.captures.values(), *inputs)
        if self.native and all([isinstance(array, np.ndarray) for array in arrays]):
            from .native.program import Native  # needs llvmlite

            emitted = Native(self.program, targets, self.profile)
            if emitted.is_native:
                self.copies = [(a, i) for i, a in targets.items() if i not in emitted.straight]
                self.emitted = emitted
                return self._copied(self._before(emitted.run(*inputs)))
        return self._first(inputs, targets)

    def _first(self, inputs: list[Any], targets: dict[int, Any]) -> tuple[Any, ...]:
        """Run with NumPy, each result where NumPy puts it, and plan the next runs after that."""
        axes: dict[Value, list[int]] = {}

        def seen(value: Value, array: Any) -> None:
            order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
            if order != list(range(array.ndim)):
                axes[value] = order

        values = run(self.program, *inputs, seen=seen)
        outputs, program = self.program.outputs, leveled(self.program)
        fixed = _straight(program, {outputs[i]: array for i, array in targets.items()})
        self.emitted = Replay(program, fixed, axes, self.profile)
        self.copies = [(a, i) for i, a in targets.items() if fixed.get(outputs[i]) is not a]
        values = self._before(values)
        _write(list(targets.values()), [values[i] for i in targets])
        return values

    def _before(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """``values``, with copies of what lies in arrays from before: the step may change these."""
        return tuple([v.copy() if i in self.early else v for i, v in enumerate(values)])

    def _copied(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        _write([target for target, _ in self.copies], [values[i] for _, i in self.copies])
        return values

    def _after(self, values: tuple[Any, ...]) -> Any:
        """What a run leaves behind, beside the arrays that it changed."""
        traced = self.traced
        for variable in traced.changed:
            variable._version[0] += 1
        for variable in traced.cleared:
            variable._grad = None
        for (variable, added_to), array in zip(traced.grads, values[self.first_grad :]):
            if added_to is not None:
                np.copyto(added_to._data, array)
            variable._grad = result(array) if added_to is None else added_to
        for effect in traced.effects:
            effect()
        return self._outputs(values[: self.results])

    def _outputs(self, values: tuple[Any, ...]) -> Any:
        leaves, rebuild = flatten(self.traced.outputs)
        copies = iter([value.copy() for value in values])
        return rebuild([_filled(leaf, copies) for leaf in leaves])

    # -- all further runs --------------------------------------------------------------------

    def _written_again(self) -> Callable[..., Any]:
        """What `_emit` and `_after` do, without their loops."""
        source, traced = Source({}), self.traced
        inputs = [f"x{i}" for i in range(len(self.program.inputs))]
        lines = [f"values = {source.object(self.emitted.run, 'run')}({', '.join(inputs)})"]
        if self.early:
            lines.append(f"values = {source.object(self._before, 'before')}(values)")
        if self.copies:
            lines.append(f"{source.object(self._copied, 'copied')}(values)")
        for variable in traced.changed:
            lines.append(f"{source.object(variable._version, 'n')}[0] += 1")
        for variable in traced.cleared:
            lines.append(f"{source.object(variable, 'v')}._grad = None")
        for i, (variable, added_to) in enumerate(traced.grads, self.first_grad):
            lines += self._grad_lines(source, variable, added_to, i)
        for effect in traced.effects:
            lines.append(f"{source.object(effect, 'effect')}()")
        if isinstance(traced.outputs, Variable):
            made = source.function("result", ended if _is_open(traced.outputs) else result)
            lines.append(f"return {made}(values[0].copy())")
        else:
            made = source.object(self._outputs, "outputs")
            lines.append(f"return {made}(values[:{self.results}])")
        return source.function_of("again", inputs, lines)

    def _grad_lines(self, source: Source, variable: Any, added_to: Any, i: int) -> list[str]:
        """A gradient that a run leaves behind: the same Variable, if its array is the same."""
        name, value = source.object(variable, "v"), self.program.outputs[i]
        if added_to is not None:
            held = source.object(added_to, "g")
            copy = f"copyto({source.object(added_to._data, 'a')}, values[{i}])"
            return [copy, f"{name}._grad = {held}"]
        array = None if i in self.early else self.emitted.lasting(i, value)
        if array is None:
            return [f"{name}._grad = {source.function('result', result)}(values[{i}])"]
        return [f"{name}._grad = {source.object(result(array), 'g')}"]

    def described(self) -> Described:
        """All that there is to tell."""
        if self.emitted is None:
            return Described("", str(self.program), len(self.program.instructions))
        return self.emitted.described(self.program)

    def explain(self) -> str:
        """Program, memory, source."""
        if self.emitted is None:
            return str(self.program)
        count = len(self.program.instructions)
        return f"{self.program}\n\n{count} instructions; {self.emitted.explain()}"


def _write(targets: list[Any], values: Sequence[Any]) -> None:
    """Copy values into targets, also if one is another's array: two that were exchanged."""
    own = [v.copy() if any(np.may_share_memory(v, t) for t in targets) else v for v in values]
    for target, value in zip(targets, own):
        np.copyto(target, value)


def _filled(leaf: Any, copies: Any) -> Any:
    if isinstance(leaf, Variable):
        return ended(next(copies)) if _is_open(leaf) else result(next(copies))
    return next(copies) if isinstance(leaf, Value) else leaf


def _straight(program: Any, targets: dict[Value, Any]) -> dict[Value, Any]:
    """Which of the changed arrays their last instruction can write into directly.

    Its captured Value must not be read afterwards, and no kernel may follow: one may raise, and
    then nothing of the state is to have changed.
    """
    place = {r: i for i, x in enumerate(program.instructions) for r in x.results}
    captured = {id(array): value for value, array in program.captures.items()}
    last_call = max([-1, *[i for i, x in enumerate(program.instructions) if x.opcode == "call"]])
    last = last_uses(program, bases_of(program))
    return {
        value: target
        for value, target in targets.items()
        if value in place
        and place[value] > last_call
        and program.instructions[place[value]].opcode in ELEMENTWISE
        and (value.shape, value.dtype) == (target.shape, target.dtype)
        and (id(target) not in captured or last.get(captured[id(target)], -1) <= place[value])
    }
