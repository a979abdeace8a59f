"""Results that are computed twice, since to keep them for backward takes more memory.

Forward ends with most results alive, and that is the peak. Many of these are a few elementwise
instructions away from others that backward needs anyway: the result of a gelu from its operand,
that of a norm from the numbers that were normed. Such a result is forgotten after its early
readers. A copy of its instruction makes it again for the late ones, on the same numbers, with the
same bits. It joins the nest that is the last to read what it is made of; if there is none, the
result is kept.

Source: T. Chen and others, "Training Deep Nets with Sublinear Memory Cost", 2016. What is computed
again, the plan of the memory says here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..listen import Instruction, Program, Value, repeat
from .fuse import Fuser
from .group import Group, squeezed

LEAST = 1 << 18
"""Bytes of a result that is worth it."""

LONGEST = 4
"""Instructions that are written again, besides those that every reader does anyway (`Sources`)."""

WORTH = 0.1
"""The part of the peak that has to be saved: to group a program a second time takes a moment."""


@dataclass(eq=False)
class Again:
    """A result that is computed again.

    Attributes:
        value: it.
        chain: the instructions that make it, in order.
        needs: the stored values that it is made of.
        end: the place of its last early reader.
        start: from which place on it is there again.
        late: the groups that read what was computed again.
        anchor: what is there before it is computed again: a result of the nest that it joins.
        delayed: the bits of late groups that ran before that nest.
    """

    value: Value
    chain: list[Instruction]
    needs: set[Value]
    end: int
    start: int
    late: set[Group]
    anchor: Value
    delayed: int


def recomputed(fuser: Fuser, spans: Mapping[Any, Any]) -> tuple[Program, dict[Value, Value]] | None:
    """The program once more; and for each result that it computes again, after which other.

    Args:
        fuser: has made the groups of a program.
        spans: for each stored value, from which group to which it is in use.
    Returns:
        None, if not enough can be saved.
    """
    chosen = Chooser(fuser, spans).chosen()
    return Writer(fuser, chosen).written() if chosen else None


class Chooser:
    """Finds what to compute again."""

    def __init__(self, fuser: Fuser, spans: Mapping[Any, Any]):
        self.fuser, self.spans, self.groups = fuser, spans, fuser.groups
        self.position = {i: n for n, i in enumerate(fuser.program.instructions)}
        self.place = {group: n for n, group in enumerate(self.groups)}
        self.readers: dict[Value, list[int]] = {}
        for i, group in enumerate(self.groups):
            for value in group.reads:
                self.readers.setdefault(value, []).append(i)

    def chosen(self) -> list[Again]:
        """The largest first, each as long as it lowers the peak."""
        live = np.zeros(len(self.groups) + 1, np.int64)
        for span in self.spans.values():
            live[span.first : span.last + 1] += span.nbytes
        peak, found = live.max(), list[Again]()
        values = [v for v in self.spans if v.nbytes >= LEAST]
        waiting = [again for v in values if (again := self._again(v)) is not None]
        for again in sorted(waiting, key=lambda again: -again.value.nbytes):
            trial = live.copy()
            trial[again.end + 1 : again.start] -= self.spans[again.value].nbytes
            for x in again.needs & self.spans.keys():
                trial[self.spans[x].last + 1 : again.start + 1] += x.nbytes
            if trial.max() < live.max() and self._go_together(found, again):
                live = trial
                found.append(again)
        return found if live.max() <= (1 - WORTH) * peak else []

    def _go_together(self, found: list[Again], new: Again) -> bool:
        """Whether none needs what another one forgets, or waits for what waits for it."""
        home = self.fuser.home
        for old in found:
            if old.value in new.needs or new.value in old.needs:
                return False
            if home[old.anchor].after & new.delayed or home[new.anchor].after & old.delayed:
                return False
        return True

    def _again(self, value: Value) -> Again | None:
        """How a value can be computed again; None if it cannot, or nobody reads it late."""
        span, home = self.spans[value], self.fuser.home[value]
        places = self.readers.get(value, [])
        if value not in home.index or span.last >= len(self.groups) or not places:
            return None
        chain = self._chain(self.fuser.sources.made_by[value])
        end, first = max(pairwise([span.first, *places]), key=lambda pair: pair[1] - pair[0])
        needs = set[Value]().union(*[self.fuser.needs(i) for i in chain])
        needs -= {i.results[0] for i in chain}
        late = {self.groups[i] for i in places if i >= first}
        anchor = self._anchor(value, needs, end, late) if chain else None
        if anchor is None:
            return None
        there = self.place[self.fuser.home[anchor]]
        delayed = sum([group.mask for group in late if self.place[group] < there])
        return Again(value, chain, needs, end, min(there, first), late, anchor, delayed)

    def _made_at(self, x: Value) -> tuple[int, int]:
        """The place of the group that makes a value, and of the instruction."""
        return self.place[self.fuser.home[x]], self.position[self.fuser.sources.made_by[x]]

    def _chain(self, made: Instruction) -> list[Instruction]:
        """An instruction, and those that make what it needs and what is not stored; or nothing."""
        chain, waiting = set[Instruction](), [made]
        while waiting:
            instruction = waiting.pop()
            if len(chain) == LONGEST or self.fuser.sources.kind[instruction] != "elementwise":
                return []
            chain.add(instruction)
            for x in self.fuser.needs(instruction):
                home = self.fuser.home.get(x)
                if home is not None and x not in home.stores:
                    waiting.append(self.fuser.sources.made_by[x])
        return sorted(chain, key=self.position.__getitem__)

    def _anchor(self, value: Value, needs: set[Value], end: int, late: set[Group]) -> Value | None:
        """A result of the last nest over the same space that reads the largest that it needs; of a
        nest that reads ``value`` itself, the last that this nest waits for.
        """
        home, masks = self.fuser.home, sum([group.mask for group in late])
        kept = [x for x in self.spans if x in needs]  # in an order that is the same each time
        large = max(kept, key=lambda x: x.nbytes, default=None)
        for i in reversed(self.readers.get(large, []) if large is not None else []):
            group = self.groups[i]
            fits = i > end and group.kind == "nest" and group.space == squeezed(value.shape)
            if fits and not group.after & (masks & ~group.mask):
                if group not in late:
                    return group.members[-1].results[0]
                waits = [x for x in self.readers if x in group.reads - {value} and x in home]
                return max(waits, key=self._made_at, default=None)
        return None


class Writer:
    """Writes a program in which results are computed again.

    Attributes:
        known: the new value of each old one.
        after: for each result that is computed again, after which other.
    """

    def __init__(self, fuser: Fuser, chosen: Iterable[Again]):
        self.old, self.fuser, self.made_by = fuser.program, fuser, fuser.sources.made_by
        self.again = {a.value: a for a in chosen}
        self.new = Program()
        self.known: dict[Value, Value] = {}
        self.after: dict[Value, Value] = {}
        self.copies: dict[Any, Value] = {}
        self.calls: list[Instruction] = []

    def written(self) -> tuple[Program, dict[Value, Value]] | None:
        """As `recomputed` gives it; None if calls, which may draw numbers, would change places."""
        for value in self.old.inputs:
            self.known[value] = self.new.input(value.shape, value.dtype, value.name)
        for value, array in self.old.captures.items():
            self.known[value] = self.new.add_capture(value.spec, array)
        for instruction in self.old.instructions:
            self._write(instruction)
        self.new.outputs = tuple([self.known[value] for value in self.old.outputs])
        calls = [i for i in self.old.instructions if self.fuser.sources.kind[i] == "numpy"]
        return (self.new, self.after) if calls == self.calls else None

    def _write(self, instruction: Instruction) -> None:
        """An instruction, and before it what it needs, if that is not there yet."""
        if instruction.results[0] in self.known:
            return
        for made in [self.made_by.get(x) for x in instruction.values]:
            if made is not None:
                self._write(made)
        if self.fuser.sources.kind[instruction] == "numpy":
            self.calls.append(instruction)
        group = self.fuser.home.get(instruction.results[0])
        read = self.again.keys() & self.fuser.needs(instruction) if group else ()
        late = {v: self._made(a) for v, a in self.again.items() if v in read and group in a.late}
        made = self._copy(instruction, late)
        self.known.update(zip(instruction.results, made if isinstance(made, tuple) else (made,)))

    def _made(self, again: Again) -> Value:
        """What was computed again."""
        if again not in self.copies:
            self._write(self.made_by[again.anchor])
            instead: dict[Value, Value] = {}
            for instruction in again.chain:
                result = self._copy(instruction, instead)
                instead[instruction.results[0]] = result
                self.after[result] = self.known[again.anchor]
            self.copies[again] = instead[again.value]
        return self.copies[again]

    def _copy(self, instruction: Instruction, instead: dict[Value, Value]) -> Any:
        operands = tuple([self._operand(x, instead) for x in instruction.operands])
        return repeat(self.new, instruction, operands)

    def _operand(self, x: Any, instead: dict[Value, Value]) -> Any:
        """The new value of an old one, made of others ``instead`` of those it was made of."""
        if not isinstance(x, Value) or x in instead:
            return instead.get(x, x)
        made = self.made_by.get(x)
        sources = self.fuser.sources
        if made is None or instead.keys().isdisjoint([sources.base(y) for y in sources.of(x)]):
            return self.known[x]
        key = x, tuple(instead.values())
        if key not in self.copies:
            self.copies[key] = self._copy(made, instead)
        return self.copies[key]
