"""Which instructions run together: groups, one loop nest, product or kernel each.

A **nest** runs over one space, the lengths of its loops. Elementwise instructions of that shape and
reductions of it are its members; after a reduction, members may be of the smaller shape that is
left, and then of the whole space again: softmax and layer norm are one nest. A cheap instruction of
one large operand is no member of any group: whoever needs it computes it again from what it is made
of, which costs less than to store and load it (`Sources`).

A product takes along the nest of its results, which then runs on each block while it is in the
cache: bias and activation, or the update of the weight whose gradient it is. So does a convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import prod
from typing import Any

from ..functions.label import CheckLabels
from ..listen import Instruction, Program, Value
from .access import Index, broadcast, dense, through
from .group import Group, loops_of, numbered, same_places, squeezed
from .layout import Layouts
from .sources import REDUCTIONS, Sources


class Fuser:
    """Makes the groups of a program.

    Args:
        program: simplified.
        takes: the kind of each instruction: "view", "constant", "elementwise", "reduction",
            "product", "kernel" or "numpy".
        layouts: how values will lie in memory.
        along: whether a nest may run on the blocks of an instruction's result.
        after: for values that are to be made late, after which other.
    """

    def __init__(
        self,
        program: Program,
        takes: Callable[[Instruction], str],
        layouts: Layouts,
        along: Callable[[Instruction], bool],
        after: Mapping[Value, Value] | None = None,
    ):
        self.program, self.layouts, self.along = program, layouts, along
        self.after = after or {}
        self.sources = Sources(program, takes)
        self.home: dict[Value, Group] = {}
        self.groups: list[Group] = []
        self.called: list[Group] = []  # the last call of an operator
        self._needs: dict[Instruction, frozenset[Value]] = {}

    def made(self, effects: dict[Value, Value] | None = None) -> list[Group]:
        """All groups, in an order in which they can run.

        Args:
            effects: for new values of captured arrays the old ones: those that can be written over
                them are noted in `Group.in_place`.
        """
        for instruction in self.program.instructions:
            kind = self.sources.kind[instruction]
            if kind in ("product", "kernel", "numpy"):
                self._add(Group(kind, [instruction]), instruction)
                self._keep_order(instruction)
            elif kind == "reduction":
                self._reduce(instruction)
            elif kind == "elementwise" and not self.sources.is_made_anew(instruction.results[0]):
                self._join(instruction)
        self._attach()
        self._note()
        self._write_over(effects or {})
        self._sort()
        return self.groups

    # -- making ------------------------------------------------------------------------------

    def _add(self, group: Group, instruction: Instruction) -> None:
        if not group.mask:
            group.mask = 1 << len(self.home)  # as many as there were values before: its own
            self.groups.append(group)
        for value in instruction.results:
            self.home[value] = group
        self._follow(group, self._homes(instruction) - {group})

    def _keep_order(self, instruction: Instruction) -> None:
        """Calls of operators run as they were heard: one may draw random numbers."""
        group, function = self.home[instruction.results[0]], instruction.function
        if group.kind == "numpy" and function is not None and not isinstance(function, CheckLabels):
            self._follow(group, self.called)
            self.called = [group]

    def _follow(self, group: Group, earlier: Iterable[Group]) -> None:
        """Note that a group has to run after others."""
        for before in earlier:
            group.after |= before.mask | before.after
        for other in self.groups:
            if other.after & group.mask:
                other.after |= group.after

    def _homes(self, instruction: Instruction) -> set[Group]:
        """The groups that make what an instruction needs, or that it has to follow."""
        needs, result = self.needs(instruction), instruction.results[0]
        if result in self.after:
            needs |= {self.after[result]}
        return {self.home[v] for v in needs if v in self.home}

    def needs(self, instruction: Instruction) -> frozenset[Value]:
        """The stored values or members that an instruction is made of."""
        found = self._needs.get(instruction)
        if found is None:
            base, of = self.sources.base, self.sources.of
            found = frozenset([base(v) for x in instruction.values for v in of(x)])
            self._needs[instruction] = found
        return found

    def _join(self, instruction: Instruction) -> None:
        """Put an elementwise instruction into the groups of its operands, or into a new one."""
        result = instruction.results[0]
        fitting: dict[Group, Index] = {}
        for group in self._homes(instruction):
            index = self._fits(group, instruction, result.shape)
            if index is not None:
                fitting[group] = index
        group = self._merged(fitting, instruction)
        if group is None:
            shape = squeezed(result.shape)
            group = Group("nest", [], shape)
            fitting[group] = loops_of(result.shape, range(len(shape)), len(shape))
        group.index[result] = fitting[group]
        group.members.append(instruction)
        self._add(group, instruction)

    def _reduce(self, instruction: Instruction) -> None:
        x = instruction.values[0]
        space, loops = squeezed(x.shape), numbered(x.shape)
        reduced = frozenset([loops[i] for i in instruction.fields["axis"] if i in loops])
        fitting: dict[Group, Index] = {}
        for group in self._homes(instruction):
            if group.space == space and group.reduced in (None, reduced):
                index = self._fits(group, instruction, x.shape)
                apart = group.reduced is None and self._is_epilogue(group, x, reduced)
                if index is not None and not apart:
                    fitting[group] = index
        group = self._merged(fitting, instruction) or Group("nest", [], space)
        group.reduced, result = reduced, instruction.results[0]
        group.index[result] = loops_of(result.shape, group.kept, len(space))
        group.members.append(instruction)
        self._add(group, instruction)

    def _is_epilogue(self, group: Group, x: Value, reduced: frozenset[int]) -> bool:
        """Whether a nest is better run on the blocks of a product than reduced along columns."""
        order = [axis for axis in self.layouts.order(x) if x.shape[axis] != 1]
        fastest = numbered(x.shape)[order[-1]] if order else 0
        reads = {v for member in group.members for v in self.needs(member)}
        made = [self.sources.made_by.get(v) for v in reads]
        return fastest not in reduced and any(
            [i is not None and self._takes_along(i) for i in made]
        )

    def _fits(self, group: Group, instruction: Instruction, shape: Any) -> Index | None:
        """How the loops of a nest run over a result of ``shape``; None if it cannot be a member."""
        if group.kind != "nest":
            return None
        lengths, count = squeezed(shape), len(group.space)
        if lengths == group.space:
            index = loops_of(shape, range(count), count)
        elif group.reduced is not None and lengths == tuple([group.space[i] for i in group.kept]):
            index = loops_of(shape, group.kept, count)
        else:
            return None
        needed = self._needed_by(group, instruction, index)
        return index if all([self._agrees(group, *place) for place in needed]) else None

    def _agrees(self, group: Group, value: Value, index: Index | None) -> bool:
        """Whether a turn makes itself what it needs of a value, if that is a member."""
        own = group.index.get(value)
        return own is None or (index is not None and same_places(own, index, value.shape))

    def _needed_by(
        self, group: Group, instruction: Instruction, index: Index
    ) -> Iterator[tuple[Value, Index | None]]:
        """The members and stored values that an instruction is made of, each with its index.

        None is the index of what is read in memory in another way: all of it has to be there.
        """
        operands = instruction.values
        if instruction.opcode == "gather":
            table, place = operands
            yield self.sources.base(table), None
            yield from self._needed(group, place, index[: place.ndim])
            return
        for x in operands:
            yield from self._needed(group, x, broadcast(index, x.shape))

    def _needed(
        self, group: Group, value: Value, index: Index
    ) -> Iterator[tuple[Value, Index | None]]:
        """The same of a value that a turn needs."""
        made, base = self.sources.made_by.get(value), self.sources.base(value)
        if value in group.index:
            yield value, index
        elif made is None or not self.sources.is_made_anew(value):
            yield base, index if base is value else None
        elif self.sources.kind[made] == "view":
            below = through(made, index)
            if below is None:
                yield base, None
            else:
                yield from self._needed(group, made.values[0], below)
        else:
            yield from self._needed_by(group, made, index)

    # -- merging -----------------------------------------------------------------------------

    def _merged(self, fitting: dict[Group, Index], instruction: Instruction) -> Group | None:
        """One group of several that an instruction may join; None if it may join none.

        Args:
            fitting: for each group how its loops would run over the result.
            instruction: which may join.
        """
        others = self._homes(instruction)
        chosen: list[Group] = []
        for group in sorted(fitting, key=lambda group: group.mask, reverse=True):
            trial = [*chosen, group]
            alike = fitting[group] == fitting[trial[0]] and group.space == trial[0].space
            if alike and self._go_together(trial) and self._legal(trial, others):
                chosen = trial
        for group in chosen[1:]:
            self._absorb(chosen[0], group)
        return chosen[0] if chosen else None

    def _go_together(self, trial: list[Group]) -> bool:
        """Whether the members of several nests fit into one."""
        if len(trial) == 1:
            return True
        splits = {g.reduced for g in trial if g.reduced is not None}
        if len(splits) > 1:
            return False
        joint = Group("nest", [], trial[0].space, reduced=max(splits, default=None))
        for group in trial:
            joint.index.update(group.index)
        between = {v for group in trial for v in group.index}
        return all(
            self._stays(joint, i)
            for group in trial
            for i in group.members
            if any([v in between and v not in group.index for v in self.needs(i)])
        )

    def _stays(self, group: Group, member: Instruction) -> bool:
        """Whether a member of a nest that has taken in others is still one."""
        over = (member.values if member.opcode in REDUCTIONS else member.results)[0]
        return self._fits(group, member, over.shape) is not None

    def _legal(self, trial: list[Group], others: Iterable[Group]) -> bool:
        """Whether no other group would have to run both before and after the merged ones."""
        inside = around = 0
        for group in trial:
            inside |= group.mask
            around |= group.after
        for group in others:
            around |= group.mask | group.after
        around &= ~inside
        return not any([g.mask & around and g.after & inside for g in self.groups])

    def _absorb(self, group: Group, other: Group) -> None:
        group.members += other.members
        group.index.update(other.index)
        group.reduced = group.reduced if other.reduced is None else other.reduced
        group.mask |= other.mask
        group.after = (group.after | other.after) & ~group.mask
        for instruction in other.members:
            self.home.update(dict.fromkeys(instruction.results, group))
        self.groups.remove(other)
        self._follow(group, ())

    def _attach(self) -> None:
        """Let products take along the nests that run over their results."""
        for product in [g for g in self.groups if self._takes_along(g.members[0])]:
            result = product.members[0].results[0]
            for nest in [g for g in self.groups if g.after & product.mask]:
                order = self._order_over(nest, result)
                if order is not None and self._legal([nest, product], ()):
                    self._absorb(nest, product)
                    nest.order, nest.product = order, product.members[0]
                    nest.members.remove(nest.product)
                    break

    def _takes_along(self, instruction: Instruction) -> bool:
        return self.sources.kind[instruction] != "numpy" and self.along(instruction)

    def _order_over(self, nest: Group, result: Value) -> tuple[int, ...] | None:
        """The loops of a nest as they run over ``result`` in memory, if each turn is one of it."""
        if nest.kind != "nest" or nest.reduced is not None or nest.product is not None:
            return None
        if prod(nest.space) != result.size or not nest.space:
            return None
        found = {
            index
            for member in nest.members
            for value, index in self._needed_by(nest, member, nest.index[member.results[0]])
            if value is result
        }
        index = found.pop() if len(found) == 1 else None
        if index is None:
            return None
        axes = range(result.ndim)  # blocks of a product are rows and columns, however it lies
        if self.sources.kind[self.sources.made_by[result]] == "kernel":
            axes = self.layouts.order(result)
        steps, start = dense(result.shape, axes).steps(index, len(nest.space))
        order = tuple(sorted(range(len(steps)), key=lambda i: -steps[i]))
        lengths = [nest.space[i] for i in order]
        expected = dense(lengths).strides
        fits = start == 0 and expected == tuple([steps[i] for i in order])
        return order if fits and lengths[-1] == result.shape[axes[-1]] else None

    # -- what is read, stored and written over --------------------------------------------------

    def _note(self) -> None:
        position = {i: n for n, i in enumerate(self.program.instructions)}
        for group in self.groups:
            group.members.sort(key=position.__getitem__)
            made = {v for i in group.instructions for v in i.results}
            needed = {v for i in group.instructions for v in self.needs(i)}
            group.reads = needed - made
        readers: dict[Value, list[Group]] = {}
        for group in self.groups:
            for value in group.reads:
                readers.setdefault(value, []).append(group)
        for group in self.groups:
            results = [v for i in group.instructions for v in i.results]
            kept = group.kind != "nest"
            wanted = [v for v in results if kept or v in readers or v in self.sources.must]
            group.stores = dict.fromkeys(wanted)

    def _write_over(self, effects: dict[Value, Value]) -> None:
        """Let new values of captured arrays be written over the old ones, where nobody minds."""
        may_raise = [g for g in self.groups if g.kind == "numpy"]
        read_after = {self.sources.base(value) for value in self.program.outputs}
        for new, old in effects.items():
            group = self.home.get(new)
            if group is None or group.kind != "nest" or new not in group.index:
                continue
            if old in read_after:
                continue
            read = any([new in g.reads for g in self.groups])
            if read and self.layouts.layout(new) != self.layouts.layout(old):
                continue  # a captured array may have gaps, and its readers count on none
            others = [g for g in self.groups if g is not group and (old in g.reads)]
            earlier = [*others, *[g for g in may_raise if g is not group]]
            if any([g.after & group.mask for g in earlier]) or not self._reads_in_step(
                group, new, old
            ):
                continue
            self._follow(group, earlier)
            group.in_place[new] = old

    def _reads_in_step(self, group: Group, new: Value, old: Value) -> bool:
        """Whether a nest needs of ``old`` at each turn only the element that it writes over."""
        if new.shape != old.shape or new.dtype != old.dtype:
            return False
        if old not in group.reads:
            return True
        if group.product is not None and old in self.needs(group.product):
            return False
        trial = Group("nest", [], group.space, {**group.index, old: group.index[new]})
        trial.reduced = group.reduced
        users = [i for i in group.members if old in self.needs(i)]
        if group.reduced is not None:
            stages = self._stages(group)
            early = stages[new] < max(stages.values())
            if early or any(
                [i.opcode in REDUCTIONS or i.results[0].size != new.size for i in users]
            ):
                return False  # it would be read again after it was written over
        return all([self._fits(trial, i, i.results[0].shape) is not None for i in users])

    def _stages(self, group: Group) -> dict[Value, int]:
        """How many reductions of a nest are one after another before each of its results."""
        found: dict[Value, int] = {}
        for i in group.members:
            before = max([found.get(v, 0) for v in self.needs(i)], default=0)
            found[i.results[0]] = before + (i.opcode in REDUCTIONS)
        return found

    def _sort(self) -> None:
        """NumPy's calls as early as they can be; what nobody reads, such as the update of a weight,
        as soon as it can be: it is the last to need much; the others in the order of the program.
        """
        position = {i: n for n, i in enumerate(self.program.instructions)}
        read = set().union(*[group.reads for group in self.groups])
        rank = {
            g: (g.kind != "numpy", not read.isdisjoint(g.stores), position[g.instructions[-1]])
            for g in self.groups
        }
        waiting = sorted(self.groups, key=rank.__getitem__)
        self.groups, done = [], 0
        while waiting:
            group = next(g for g in waiting if not g.after & ~done)
            self.groups.append(group)
            waiting.remove(group)
            done |= group.mask
