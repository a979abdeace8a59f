"""Where the results of a native program lie: one arena, each result in it while it is needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...listen import Value
from ...machine.scratch import LINE, aligned
from ..access import dense
from ..group import Group
from ..layout import Layouts, array_of


@dataclass
class Span:
    """Bytes that are in use from one group to another."""

    nbytes: int
    first: int
    last: int
    offset: int = 0


@dataclass
class Memory:
    """The arrays of a program.

    Attributes:
        buffers: for each stored value, its bytes.
        ranges: for each stored value, where these are: an object that is the same for all that may
            share memory, and the first and last byte in it.
        arena: bytes of all results together.
        naive: bytes that they would take if none were given on.
        scratch: the shared scratch memory of each group.
    """

    buffers: dict[Value, Any] = field(default_factory=dict)
    ranges: dict[Value, tuple[Any, int, int]] = field(default_factory=dict)
    arena: int = 0
    naive: int = 0
    scratch: dict[Group, Any] = field(default_factory=dict)
    scratch_ranges: dict[Group, tuple[Any, int, int]] = field(default_factory=dict)


def planned(
    groups: Sequence[Group],
    layouts: Layouts,
    fixed: dict[Value, Any],
    lasting: Iterable[Value],
    shared: dict[Group, int],
) -> Memory:
    """Give each stored value a place.

    Args:
        groups: in the order in which they run.
        layouts: how values lie.
        fixed: arrays that are there: captured ones, and targets.
        lasting: values that are read after the run.
        shared: bytes of scratch memory that groups need.
    """
    memory, spans = Memory(), spans_of(groups, fixed, lasting, shared)
    memory.arena = arena_of(spans)
    memory.naive = sum([span.nbytes for span in spans.values()])
    arena = aligned(memory.arena)
    for owner, span in spans.items():
        part = arena[span.offset : span.offset + span.nbytes]
        place = (id(arena), span.offset, span.offset + span.nbytes)
        if isinstance(owner, Group):
            memory.scratch[owner], memory.scratch_ranges[owner] = part, place
        else:
            memory.buffers[owner], memory.ranges[owner] = part, place
    return memory


def spans_of(
    groups: Sequence[Group],
    fixed: dict[Value, Any],
    lasting: Iterable[Value],
    shared: dict[Group, int],
) -> dict[Any, Span]:
    """For each stored value, and each group that needs scratch memory: how long it is in use.

    Arguments as of `planned`.
    """
    spans: dict[Any, Span] = {}
    last: dict[Value, int] = dict.fromkeys(lasting, len(groups))
    for i, group in enumerate(groups):
        for value in group.reads:
            last[value] = max(last.get(value, i), i)
    for i, group in enumerate(groups):
        for value in group.stores:
            if value not in fixed and value not in group.in_place:
                spans[value] = Span(rounded(value.nbytes), i, last.get(value, i))
        if shared.get(group):
            spans[group] = Span(rounded(shared[group]), i, i)
    return spans


def arena_of(spans: dict[Any, Span]) -> int:
    """Bytes of an arena in which all have a place."""
    return _packed(list(spans.values()))


def rounded(nbytes: int) -> int:
    """Bytes of a place for so many: a whole vector may be read at the last element."""
    return -(-nbytes // LINE) * LINE + LINE


def _packed(spans: list[Span]) -> int:
    """Give each span an offset, those that are in use together apart; how much it is in all."""
    placed: list[Span] = []
    for span in sorted(spans, key=lambda span: -span.nbytes):
        offset = 0
        near = [s for s in placed if s.first <= span.last and span.first <= s.last]
        for other in sorted(near, key=lambda other: other.offset):
            if offset + span.nbytes <= other.offset:
                break
            offset = max(offset, other.offset + other.nbytes)
        span.offset = offset
        placed.append(span)
    return max([span.offset + span.nbytes for span in placed], default=0)


def stored_array(memory: Memory, layouts: Layouts, value: Value) -> Any:
    """The array of a stored value, or of a view of one."""
    layout: Any = layouts.layout(value) or dense(value.shape)
    base: Any = value
    while base not in memory.buffers:
        base = layouts.made_by[base].operands[0]
    return array_of(memory.buffers[base], value, layout)


class Since:
    """What was read and written since the last barrier."""

    def __init__(self, memory: Memory):
        self.memory = memory
        self.reads: list[Any] = []
        self.writes: list[Any] = []

    def _ranges(self, group: Group) -> tuple[list[Any], list[Any]]:
        ranges = self.memory.ranges
        reads = [ranges[v] for v in group.reads if v in ranges]
        writes = [ranges[v] for v in group.stores if v in ranges]
        if group in self.memory.scratch_ranges:
            writes.append(self.memory.scratch_ranges[group])
        return reads, writes

    def conflicts(self, group: Group) -> bool:
        """Whether a group needs a barrier before it; then nothing is noted any more."""
        reads, writes = self._ranges(group)
        found = _overlap(reads, self.writes) or _overlap(writes, self.writes + self.reads)
        if found:
            self.reads, self.writes = [], []
        return found

    def note(self, group: Group) -> None:
        """A group ran."""
        reads, writes = self._ranges(group)
        self.reads += reads
        self.writes += writes


def _overlap(a: list[Any], b: list[Any]) -> bool:
    return any([x[0] == y[0] and x[1] < y[2] and y[1] < x[2] for x in a for y in b])
