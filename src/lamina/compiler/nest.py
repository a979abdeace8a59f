"""A nest of loops as a short list of nodes: what an emitter turns into code, and what is compared.

Two nests that read the same are the same code, run on other arrays: what a model does in each of
its layers is compiled once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, TypeAlias

import numpy as np

from ..listen import Host, Value
from .access import Index, broadcast, through
from .group import Group, loops_of
from .layout import Layouts
from .sources import Sources

Steps: TypeAlias = "tuple[int, ...]"

COSTLY = frozenset("exp exp2 expm1 log log1p log2 tanh sin cos power".split())
"""What counts as 20 operations."""


@dataclass(frozen=True)
class Node:
    """One thing that is computed at a turn of the loops.

    Attributes:
        kind: "load", "tile", "constant", "host", "counter", "gather", "reduce", or "op".
        name: the opcode of an "op" or a "reduce".
        dtype: of the result.
        arguments: numbers of other nodes.
        dtypes: those in which an "op" takes its arguments.
        slot: the array of a "load" or "gather"; the number of a "host".
        steps: elements from turn to turn of each loop.
        start: where the first turn is; the first number of a "counter".
        value: of a "constant"; the rows of a table for "gather".
    """

    kind: str
    name: str = ""
    dtype: Any = None
    arguments: tuple[int, ...] = ()
    dtypes: tuple[Any, ...] = ()
    slot: int = -1
    steps: Steps = ()
    start: int = 0
    value: Any = None


@dataclass(frozen=True)
class Store:
    """A node that is written to memory."""

    node: int
    slot: int
    steps: Steps
    start: int


@dataclass
class Nest:
    """Loops, what they compute, and where it goes.

    Attributes:
        lengths: of the loops, from the outermost to the innermost.
        inner: how many of them, from the end, are run for each turn of the others, once a stage.
        columns: whether vectors run along the last of the outer loops, and not the innermost.
        nodes: in an order in which they can be computed.
        stores: what is written.
        arrays: the value of each slot.
        hosts: the numbers that the host gives, for the slots of "host" nodes.
        over_product: whether it runs on the blocks of a product.
        depends: for each node the loops with which it changes.
        inside: whether these are inner ones.
        stage: for each node how many reductions come before it, one after another.
    """

    lengths: list[int]
    inner: int
    columns: bool
    nodes: list[Node]
    stores: list[Store]
    arrays: list[Value] = field(default_factory=list)
    hosts: list[Host] = field(default_factory=list)
    over_product: bool = False
    depends: list[frozenset[int]] = field(default_factory=list)
    inside: list[bool] = field(default_factory=list)
    stage: list[int] = field(default_factory=list)

    def key(self) -> Any:
        """What is equal for equal code."""
        return (
            tuple(self.lengths),
            self.inner,
            self.columns,
            self.over_product,
            tuple(self.nodes),
            tuple(self.stores),
        )

    @property
    def outer(self) -> int:
        """How many loops are outside."""
        return len(self.lengths) - self.inner

    @property
    def vector(self) -> int:
        """The loop that vectors run along."""
        return self.outer - 1 if self.columns else len(self.lengths) - 1

    @property
    def work(self) -> int:
        """Operations, about."""
        each = sum([20 if n.name in COSTLY else 1 for n in self.nodes if n.kind == "op"])
        return prod(self.lengths) * (each + 1)

    def analyse(self) -> None:
        """Note for each node the loops it depends on, and the stage in which it is known."""
        inner = frozenset(range(self.outer, len(self.lengths)))
        for node in self.nodes:
            loops = frozenset([i for i, n in enumerate(node.steps) if n])
            loops = loops.union(*[self.depends[a] for a in node.arguments])
            stage = max([self.stage[a] for a in node.arguments], default=0)
            if node.kind == "tile":
                loops = frozenset(range(len(self.lengths)))
            if node.kind == "reduce":
                loops, stage = loops - inner, stage + 1
            self.depends.append(loops)
            self.inside.append(not inner.isdisjoint(loops))
            self.stage.append(stage)


class NestMaker:
    """Makes the `Nest` of a group.

    Args:
        group: of kind "nest".
        sources: which values are made anew.
        layouts: where stored values lie.
        computed_in: the dtypes in which an instruction takes its operands.
    """

    def __init__(self, group: Group, sources: Sources, layouts: Layouts, computed_in: Any):
        self.group, self.sources, self.layouts = group, sources, layouts
        self.computed_in = computed_in
        self.nodes: list[Node] = []
        self._numbers: dict[Node, int] = {}
        self._made: dict[Any, int] = {}
        self.arrays: list[Value] = []
        self.hosts: list[Host] = []
        self.members = {v: i for i in group.members for v in i.results}
        self.result = None if group.product is None else group.product.results[0]

    def made(self) -> Nest:
        """The nest, its loops in order and collapsed."""
        group, stores = self.group, []
        for instruction in group.members:
            value = instruction.results[0]
            node = self._value(value, group.index[value])
            if value in group.stores:
                target = group.in_place.get(value, value)
                layout: Any = self.layouts.layout(target)
                steps, start = layout.steps(group.index[value], len(group.space))
                stores.append(Store(node, self._slot(target), steps, start))
        order, inner, columns = self._order(stores)
        nest = Nest(
            [group.space[i] for i in order],
            inner,
            columns,
            [_with_loops(node, order) for node in self.nodes],
            [_with_loops(store, order) for store in stores],
            self.arrays,
            self.hosts,
            group.product is not None,
        )
        return collapsed(nest)

    # -- nodes -------------------------------------------------------------------------------

    def _node(self, **fields: Any) -> int:
        node = Node(**fields)
        if node not in self._numbers:
            self._numbers[node] = len(self.nodes)
            self.nodes.append(node)
        return self._numbers[node]

    def _slot(self, value: Value) -> int:
        return _place_of(value, self.arrays)

    def _value(self, value: Value, index: Index) -> int:
        """The node of a value at the place that ``index`` says."""
        key = id(value), index
        if key not in self._made:
            self._made[key] = self._make(value, index)
        return self._made[key]

    def _make(self, value: Value, index: Index) -> int:
        made = self.sources.made_by.get(value)
        if value is self.result:
            return self._node(kind="tile", dtype=value.dtype)
        if made is None or (value not in self.members and not self.sources.is_made_anew(value)):
            return self._load(value, index)
        kind = self.sources.kind[made]
        if kind == "view":
            below = through(made, index)
            if below is None:
                return self._load(value, index)
            return self._value(made.values[0], below)
        if kind == "constant":
            return self._constant(made, index)
        if kind == "reduction":
            return self._reduce(made)
        if made.opcode == "gather":
            return self._gather(made, index)
        dtypes = tuple(self.computed_in(made))
        arguments = tuple(
            [self._operand(x, index, dtype) for x, dtype in zip(made.operands, dtypes)]
        )
        return self._node(
            kind="op", name=made.opcode, dtype=value.dtype, arguments=arguments, dtypes=dtypes
        )

    def _operand(self, x: Any, index: Index, dtype: Any) -> int:
        if isinstance(x, Value):
            return self._value(x, broadcast(index, x.shape) if x.shape else ())
        if isinstance(x, Host):
            number = _place_of(x, self.hosts)
            return self._node(kind="host", dtype=dtype, slot=number, steps=self._still())
        return self._node(kind="constant", dtype=dtype, value=_plain(x, dtype), steps=self._still())

    def _still(self) -> Steps:
        return (0,) * len(self.group.space)

    def _load(self, value: Value, index: Index) -> int:
        # a view that no index describes is one that can be read in memory
        base = self.sources.base(value)
        layout: Any = self.layouts.layout(value)
        steps, start = layout.steps(index, len(self.group.space))
        return self._node(
            kind="load", dtype=value.dtype, slot=self._slot(base), steps=steps, start=start
        )

    def _constant(self, made: Any, index: Index) -> int:
        value = made.results[0]
        if made.opcode == "full":
            number = _plain(made.fields["value"], value.dtype)
            return self._node(kind="constant", dtype=value.dtype, value=number, steps=self._still())
        step = made.fields["step"]
        steps = tuple([n * step for n in index[0][:-1]])
        start = made.fields["start"] + index[0][-1] * step
        return self._node(kind="counter", dtype=value.dtype, steps=steps, start=start)

    def _reduce(self, made: Any) -> int:
        x, count = made.operands[0], len(self.group.space)
        index = loops_of(x.shape, range(count), count)
        return self._node(
            kind="reduce",
            name=made.opcode,
            dtype=made.results[0].dtype,
            arguments=(self._value(x, index),),
        )

    def _gather(self, made: Any, index: Index) -> int:
        table, place = made.operands
        layout: Any = self.layouts.layout(table)
        rest = ((0,) * len(index[0]), *index[place.ndim :])
        steps, start = layout.steps(rest, len(self.group.space))
        return self._node(
            kind="gather",
            dtype=table.dtype,
            arguments=(self._value(place, index[: place.ndim]),),
            slot=self._slot(self.sources.base(table)),
            steps=steps,
            start=start,
            value=layout.strides[0],
        )

    # -- loops -------------------------------------------------------------------------------

    def _order(self, stores: list[Store]) -> tuple[list[int], int, bool]:
        """The loops from the outermost to the innermost; how many are inner; if in columns."""
        count = len(self.group.space)
        if self.result is not None:
            return list(self.group.order), 1, False
        accesses = [s.steps for s in stores] + [n.steps for n in self.nodes if n.kind == "load"]
        main = max(accesses, key=lambda steps: sum([n != 0 for n in steps]), default=())
        order = sorted(range(count), key=lambda i: (-abs(main[i]) if main else 0, i))
        still = [i for i in order if main and not main[i]]
        order = still + [i for i in order if i not in still]
        if self.group.reduced is None:
            return order, min(1, count), False
        kept = [i for i in order if i not in self.group.reduced]
        reduced = [i for i in order if i in self.group.reduced]
        columns = bool(kept) and bool(reduced) and order[-1] in kept
        return kept + reduced, len(reduced), columns


def _plain(x: Any, dtype: Any) -> Any:
    """A number as one of ``dtype``, in a form that compares and prints."""
    number = np.dtype(dtype).type(x).item()
    return repr(number) if isinstance(number, float) else number


def _place_of(x: Any, found: list[Any]) -> int:
    """Where this very object is in a list; at its end, if it was not there."""
    if not any([y is x for y in found]):
        found.append(x)
    return next(i for i, y in enumerate(found) if y is x)


def _with_loops(x: Any, loops: list[int]) -> Any:
    """A node, or a store, whose loops are these of the loops that it had."""
    return replace(x, steps=tuple([x.steps[i] for i in loops])) if x.steps else x


def collapsed(nest: Nest) -> Nest:
    """One loop in place of two neighbours wherever all arrays run through both without a jump."""
    plain = not nest.over_product and not any([n.kind == "reduce" for n in nest.nodes])
    for i in reversed(range(len(nest.lengths) - 1)):
        outer, n = nest.outer, nest.lengths[i + 1]
        border = i + 1 == outer and not (nest.inner == 1 and plain)
        border = border or (nest.columns and i + 1 == outer - 1)
        moving = [x.steps for x in (*nest.nodes, *nest.stores) if x.steps]
        if not border and all([steps[i] == steps[i + 1] * n for steps in moving]):
            nest.lengths[i : i + 2] = [nest.lengths[i] * n]
            rest = [j for j in range(len(nest.lengths) + 1) if j != i]
            nest.nodes = [_with_loops(x, rest) for x in nest.nodes]
            nest.stores = [_with_loops(x, rest) for x in nest.stores]
            nest.inner -= i + 1 > outer
    nest.analyse()
    return nest
