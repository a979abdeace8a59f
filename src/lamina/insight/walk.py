"""The backward walk, recorded: what arrived at each operator, and what it sent on."""

# pyright: reportPrivateUsage=false
# (it walks as the engine does, and looks on)

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np

from ..arrays import to_numpy
from ..config import using
from ..core import Function, Variable
from ..core.backward import _fit, _seed, _shown, _Walk
from ..core.function import Node, Port
from .graph_source import Source, kept_operand
from .walk_numbers import Numbers, numbers


@dataclass(frozen=True)
class Part:
    """One share of a gradient: from which step, and by which operand of its operator."""

    step: int
    operand: int
    numbers: Numbers


@dataclass
class Arrived:
    """The gradient of a result, or of a leaf.

    Attributes:
        name: ``y``, as ``backward`` calls it; or the leaf's.
        value: the result itself; None where nobody kept it and it cannot be computed again.
        gradient: of the loss by it.
        parts: what was summed to it; none for the loss itself.
    """

    name: str
    value: Numbers | None
    gradient: Numbers
    parts: list[Part] = field(default_factory=list)


@dataclass
class Operand:
    """What an operator was applied to, and what it sent there.

    Attributes:
        name: the argument of ``forward``.
        box: where it came from; None if nobody knows.
        value: as in `Arrived`.
        gradient: in the operand's shape; None if it needs none.
        wide: the shape in which ``backward`` gave it, where broadcasting had to be undone.
    """

    name: str
    box: int | None
    value: Numbers | None
    gradient: Numbers | None
    wide: tuple[int, ...] | None = None


@dataclass
class Step:
    """One step of the walk.

    Attributes:
        box: of the operator, or of the leaf whose gradient is complete.
        function: the operator; None for a leaf.
        arrived: one a result; one for a leaf.
        operands: none for a leaf.
    """

    box: int
    function: Function | None
    arrived: list[Arrived]
    operands: list[Operand] = field(default_factory=list)


def record(source: Source) -> list[Step]:
    """Walk back from a result as ``backward`` does; no ``grad`` is touched, nothing is freed.

    Raises:
        ShapeError: the result is not one number.
        BackwardTwiceError: the graph was used and freed.
        InPlaceError: data changed since it was used.
    """
    with using(grad=False), np.errstate(all="ignore"):
        recorder = _Recorder(source)
        variable = source.variable
        recorder.run([variable], [_seed(variable, None)])
        for leaf in [x for x in recorder.pending if isinstance(x, Variable)]:
            recorder.complete(leaf)
    return recorder.in_order()


class _Recorder(_Walk):
    """A walk that keeps what it sees."""

    def __init__(self, source: Source):
        super().__init__(create_graph=False, retain_graph=True)
        self.source = source
        self.values = Values(source)
        self.steps: list[Step] = []
        self.parts: dict[int, list[Part]] = {}  # by id of a Node, a Port or a leaf
        self.leaves: list[tuple[int, Step]] = []  # with the step that completed them
        self.held: list[Any] = []

    def visit(self, node: Node, function: Function, gys: list[Variable]) -> None:
        """As the engine does, with an operator that tells what its ``backward`` gave."""
        spy: Any = type(type(function).__name__, (_Spy,), {})(function, node)
        super().visit(node, spy, gys)
        ports = [node] if node.ports is None else [port() for port in node.ports]
        names = _result_names(function, len(gys))
        arrived = [
            self.arrived(name, port, self.values.of(node, i), gy)
            for i, (name, port, gy) in enumerate(zip(names, ports, gys))
        ]
        place = len(self.steps)
        operands = [
            self.operand(node, i, name, gx, place)
            for i, (name, gx) in enumerate(zip(_operand_names(function, node), spy.given))
        ]
        self.steps.append(Step(self.source.of(node), function, arrived, operands))

    def arrived(self, name: str, place: Any, value: Numbers | None, gradient: Variable) -> Arrived:
        parts = self.parts.get(id(place), [])
        alone = len(parts) == 1 and not place.hooks
        return Arrived(name, value, parts[0].numbers if alone else _numbers(gradient), parts)

    def operand(self, node: Node, i: int, name: str, gx: Any, place: int) -> Operand:
        edge = node.edges[i]
        box, value = self.start(node, i, edge)
        if edge is None or gx is None:
            return Operand(name, box, value, None)
        fitted = _numbers(_fit(gx, edge.shape, edge.dtype))
        self.held.append(edge)  # so its id stays its own
        self.parts.setdefault(id(edge), []).append(Part(place, i, fitted))
        wide = gx.shape if gx.shape != edge.shape else None
        return Operand(name, box, value, fitted, wide)

    def start(self, node: Node, i: int, edge: Any) -> tuple[int | None, Numbers | None]:
        """The box of an operand, and its numbers."""
        if isinstance(edge, Port):
            ports = [port() for port in edge.node.ports or ()]
            return self.source.of(edge.node), self.values.of(edge.node, ports.index(edge))
        if isinstance(edge, Node):
            return self.source.of(edge), self.values.of(edge, 0)
        if edge is not None:
            return self.source.of(edge), self.values.leaf(edge)
        kept = kept_operand(node, i)
        if not isinstance(kept, Variable):
            return None, None if kept is None else numbers(np.asarray(kept))
        return self.source.of(kept._data), self.values.leaf(kept)

    def complete(self, leaf: Variable) -> None:
        box = self.source.of(leaf)
        title, value = self.source.boxes[box].title, self.values.leaf(leaf)
        arrived = self.arrived(title, leaf, value, self.finish(leaf))
        last = arrived.parts[-1].step if arrived.parts else -1
        self.leaves.append((last, Step(box, None, [arrived])))

    def in_order(self) -> list[Step]:
        """Leaves right after the operator that completed them; steps are numbered anew."""
        found: list[Step] = [step for after, step in self.leaves if after < 0]
        place: dict[int, int] = {}
        for i, step in enumerate(self.steps):
            place[i] = len(found)
            found.append(step)
            found += [leaf for after, leaf in self.leaves if after == i]
        for step in found:
            for a in step.arrived:
                a.parts = [Part(place[p.step], p.operand, p.numbers) for p in a.parts]
        return found


class _Spy:
    """Stands for an operator during one visit, and keeps what its ``backward`` gives."""

    def __init__(self, function: Function, node: Node):
        self._keywords, self.function, self.node = function._keywords, function, node
        self.given: list[Any] = []

    def __repr__(self) -> str:
        return repr(self.function)

    def backward(self, *arguments: Any, **named: Any) -> tuple[Any, ...]:
        """The gradients, with those that are functions computed where they are wanted."""
        gxs = self.function.backward(*arguments, **named)
        for edge, gx in zip(self.node.edges, gxs if gxs.__class__ is tuple else (gxs,)):
            wanted = None if edge is None else gx() if isinstance(gx, FunctionType) else gx
            self.given.append(wanted)
        return tuple(self.given)


class Values:
    """The results of operators: kept by those who need them, or computed again from what was."""

    def __init__(self, source: Source):
        self.known: dict[tuple[int, int], Any] = {}  # by id of a Node and place of a result
        self.cache: dict[int, Numbers] = {}  # by id of an array
        self.nodes = [thing for thing in source.things if isinstance(thing, Node)]
        variable = source.variable
        if variable._edge is not None:
            self.known[_key(variable._edge)] = variable._data
        for node in self.nodes:
            self.note_kept(node)
        for node in self.nodes:
            self.compute(node)

    def note_kept(self, node: Node) -> None:
        """Take what an operator keeps for ``backward``."""
        for i, edge in enumerate(node.edges):
            kept = kept_operand(node, i)
            if isinstance(edge, (Node, Port)) and isinstance(kept, Variable):
                self.known[_key(edge)] = kept._data
        for k, kept in zip(node.function._keeps if node.function else (), node.saved or ()):
            if k < 0 and isinstance(kept, Variable):
                self.known[id(node), ~k] = kept._data

    def compute(self, node: Node) -> None:
        """Run ``forward`` again, if all results are not known but all operands are."""
        count = 1 if node.ports is None else len(node.ports)
        function = node.function
        if function is None or all((id(node), i) in self.known for i in range(count)):
            return
        operands = [self.operand(node, i, edge) for i, edge in enumerate(node.edges)]
        if function.acts or any(x is _UNKNOWN for x in operands):
            return
        results: Any = function.forward(*operands)
        for i, y in enumerate(results if isinstance(results, tuple) else (results,)):
            self.known.setdefault((id(node), i), y)

    def operand(self, node: Node, i: int, edge: Any) -> Any:
        """An array or a number, or that it is not known."""
        if isinstance(edge, (Node, Port)):
            return self.known.get(_key(edge), _UNKNOWN)
        if edge is not None:
            return edge._data
        kept = kept_operand(node, i)
        if kept is None and not _is_kept(node, i):
            return _UNKNOWN
        return kept._data if isinstance(kept, Variable) else kept

    def of(self, node: Node, i: int) -> Numbers | None:
        """A result; None if it is not known."""
        array = self.known.get((id(node), i))
        return None if array is None else self.shown(array)

    def leaf(self, leaf: Variable) -> Numbers:
        """The numbers of a leaf, or of data."""
        return self.shown(leaf._data)

    def shown(self, array: Any) -> Numbers:
        """An array, looked at once."""
        if id(array) not in self.cache:
            self.cache[id(array)] = numbers(to_numpy(array))
            self.known[id(array), -1] = array  # so its id stays its own
        return self.cache[id(array)]


_UNKNOWN: Any = object()


def _is_kept(node: Node, i: int) -> bool:
    function = node.function
    return function is not None and (i in function._keeps or 0 <= function._rest <= i)


def _key(edge: Any) -> tuple[int, int]:
    if isinstance(edge, Port):
        return id(edge.node), [port() for port in edge.node.ports or ()].index(edge)
    return id(edge), 0


def _numbers(gradient: Variable) -> Numbers:
    return numbers(to_numpy(_shown(gradient)._data))


def _result_names(function: Function, count: int) -> list[str]:
    """What ``backward`` calls the results; counted where it takes any number of them."""
    names = _parameters(function.backward)
    if names and names[0].startswith("*"):
        return [f"y{i}" for i in range(count)] if count > 1 else ["y"]
    return [name[1:] for name in names[:count]]


def _operand_names(function: Function, node: Node) -> list[str]:
    """The arguments of ``forward``; counted where it takes any number of them."""
    names = _parameters(function.forward)
    count = len(node.edges)
    if names and names[-1].startswith("*"):
        rest = names.pop()[1:].removesuffix("s")
        names += [f"{rest}{i}" for i in range(count - len(names))]
    return names


def _parameters(method: Callable[..., Any]) -> list[str]:
    """Names of arguments; one that takes all the rest begins with a star."""
    found = inspect.signature(method).parameters.values()
    return [f"*{p.name}" if p.kind is p.VAR_POSITIONAL else p.name for p in found]
