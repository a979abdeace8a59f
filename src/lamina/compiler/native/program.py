"""The native emitter: a program as groups of native code, with NumPy's calls between them.

All groups that follow one another without a call of NumPy's are one function, which every thread of
the team runs; each group in it is a function of its own, and equal groups are the same one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ...config import current
from ...listen import TABLE, Instruction, Program, Value
from ...machine.code import I64, Code, Int
from ...machine.lanes import intrinsic
from ...machine.module import Module, compile_recipe
from ...machine.scratch import aligned
from ...machine.target import host
from ...machine.team import team
from ...resident import give_back
from ..attend import attended
from ..described import Described, Row, text
from ..fuse import Fuser
from ..group import Group
from ..hoist import hoisted
from ..layout import laid_out
from ..lower import lower
from ..recompute import recomputed
from ..replay import Source
from ..simplify import simplify
from . import loop, report
from .kinds import Grouped, call, function_of
from .memory import Since, Span, arena_of, planned, spans_of, stored_array
from .operators import attends
from .table import wants

FEW = 1 << 21
"""Operations below which one thread is faster than a team (two Zen cores; see docs/decisions)."""

SCRATCH, HOSTS, CLOCK = 1, 2, 3
"""Slots of the table: scratch memory, the numbers of the host, cycles. The arrays follow."""

SMALL_INPUT = 1 << 15
"""Bytes of an input that is copied: this costs less than to ask for its address."""


class Step(NamedTuple):
    """A group in its segment.

    Attributes:
        name: of its function, which says what the function does.
        slots: of the table, one for each array.
        numbers: which of the host's it is given.
        shared: the slot of its scratch memory.
        barrier: whether all threads wait for one another before it.
        place: of the group among all.
    """

    name: str
    slots: list[int]
    numbers: list[int]
    shared: int | None
    barrier: bool
    place: int


class Native(Grouped):
    """A Program as native code.

    Args:
        program: with its captured arrays.
        targets: for outputs that replace a captured array, that array.
    Attributes:
        run: takes the inputs, gives the outputs, which the next run overwrites.
        fixed: arrays that are there before the run; None for inputs, which are not the same always.
        straight: the places of outputs that are computed into their target.
    """

    def __init__(self, program: Program, targets: dict[int, Any], profile: bool = False):
        give_back()  # what the step took that ran as it is ...
        heard = attended(simplify(lower(program)), attends)
        heard = simplify(hoisted(heard, lambda i: loop.why_not(i) is None))
        self._recompute(self._group(heard, targets), targets)
        self.plan(host())
        captured = {id(array): value for value, array in self.program.captures.items()}
        self.straight = {
            i
            for i, value in enumerate(self.program.outputs)
            if i in targets
            and any([captured.get(id(targets[i]), 0) is g.in_place.get(value) for g in self.groups])
        }
        self.kept_inputs: list[Any] = []
        self.segments: list[list[Group]] = []
        self.profile = profile
        self._emit()
        give_back()  # ... and what was needed to compile, before the arena is there in truth

    def _group(
        self, heard: Program, targets: dict[int, Any], after: Mapping[Value, Value] | None = None
    ) -> Fuser:
        """Lay a program out, and group it."""
        laid, layouts = laid_out(heard, wants)
        captured = {id(array): value for value, array in laid.captures.items()}
        effects = {
            laid.outputs[i]: captured[id(array)]
            for i, array in targets.items()
            if id(array) in captured
        }
        return self.group(laid, layouts, effects, after)

    def _recompute(self, fuser: Fuser, targets: dict[int, Any]) -> None:
        """Group it once more, so that it takes less memory, if nothing is lost by that."""
        spans, places = self._spans(), self.places
        found = recomputed(fuser, spans) if current().recompute else None
        if found is None:
            return
        self._group(found[0], targets, found[1])
        over = [sum([len(g.in_place) for g in groups]) for groups in (fuser.groups, self.groups)]
        better = len(self.groups) <= len(fuser.groups) and arena_of(self._spans()) < arena_of(spans)
        if self.program is not found[0] or over[1] < over[0] or not better:
            self.program, self.layouts, self.places = fuser.program, fuser.layouts, places
            self.groups, self.sources = fuser.groups, fuser.sources

    def _spans(self) -> dict[Any, Span]:
        """How long each result is in use, as far as that is known before groups are planned."""
        outputs = [self.sources.base(value) for value in self.program.outputs]
        return spans_of(self.groups, {**self._fixed(), **self.stored()}, outputs, {})

    def _fixed(self) -> dict[Value, Any]:
        """Arrays that are there before the run, but constants; None for inputs."""
        fixed: dict[Value, Any] = {**self.program.captures, **dict.fromkeys(self.program.inputs)}
        for group in self.groups:
            fixed.update({new: fixed[old] for new, old in group.in_place.items()})
        return fixed

    @property
    def is_native(self) -> bool:
        """Whether anything worth while is."""
        values = [v for g in self.groups if g.kind != "numpy" for v in g.stores]
        return any([v.dtype == np.float32 for v in values])

    # -- emission ----------------------------------------------------------------------------

    def _emit(self) -> None:
        self.fixed = {**self._fixed(), **self.constants}
        self.keys = {group: repr(plan.key()) for group, plan in self.plans.items()}
        shared = {group: plan.shared for group, plan in self.plans.items()}
        outputs = [self.sources.base(value) for value in self.program.outputs]
        self.memory = planned(self.groups, self.layouts, self.fixed, outputs, shared)
        for value, array in self.fixed.items():
            if array is not None:
                first = array.ctypes.data
                self.memory.ranges[value] = "", first, first + max(array.nbytes, 1)
        self.hosts = list({id(h): h for plan in self.plans.values() for h in plan.hosts}.values())
        self.work = sum([plan.work for plan in self.plans.values()])
        self.threads = 1 if self.work < FEW else team().threads
        self._fill_table()
        self._write()

    def _fill_table(self) -> None:
        """The addresses of all arrays that native code is given."""
        wide = max([plan.scratch for plan in self.plans.values()], default=0)
        self.scratch_each = -(-wide // 4096) * 4096 + 4096
        self.scratch = aligned(self.scratch_each * team().threads)
        self.numbers = np.zeros(max(len(self.hosts), 1), np.float32)
        self.clock = np.zeros(len(self.groups) + 1, np.int64)
        addresses = [0, self.scratch.ctypes.data, self.numbers.ctypes.data, self.clock.ctypes.data]
        self.slots: dict[Any, int] = {}
        for group, plan in self.plans.items():
            for value in plan.values:
                if value not in self.slots:
                    self.slots[value] = len(addresses)
                    array = self.fixed.get(value)
                    array = self.memory.buffers.get(value) if array is None else array
                    addresses.append(0 if array is None else array.ctypes.data)
            if plan.shared:
                self.slots[group] = len(addresses)
                addresses.append(self.memory.scratch[group].ctypes.data)
        self.table = np.array(addresses, np.int64)

    def _write(self) -> None:
        source = Source({})
        inputs = [source.local(value) for value in self.program.inputs]
        self.arrays = source.arrays
        body = self._given(source, inputs)
        launches: list[tuple[int, str]] = []
        segment: list[Group] = []
        for group in [*self.groups, None]:
            if group is not None and group.kind != "numpy":
                segment.append(group)
                continue
            if segment:
                self.segments.append(segment)
                launches.append((len(body), f"segment_{len(launches)}"))
                body.append("")
                segment = []
            if group is not None:
                body += self._calls(source, group.members[0])
        if launches:
            self.steps = [self._steps(segment) for segment in self.segments]
            about = "program", self.scratch_each, self.profile and len(self.groups)
            recipe = "\n".join([repr(about), repr(self.steps), *self.keys.values()])
            self.compiled = compile_recipe(recipe, host(), self._write_native)
            run = source.object(team().run, "native")
            table = self.table.ctypes.data
            for line, name in launches:
                body[line] = f"{run}({self.compiled.address(name)}, {table}, {self.threads})"
        for value in self.program.outputs:
            body += self._there(source, value)
        self.run: Callable[..., tuple[Any, ...]] = source.compiled(
            inputs, body, self.program.outputs
        )
        self.source = source.text

    # -- Python ------------------------------------------------------------------------------

    def _given(self, source: Source, names: list[str]) -> list[str]:
        """What is done with the inputs and the numbers of the host."""
        lines = []
        over = [self.fixed[old] for group in self.groups for old in group.in_place.values()]
        apart = source.function("apart", functools.partial(_apart, over)) if over else ""
        read_after = {self.sources.base(value) for value in self.program.outputs}
        for value, name in zip(self.program.inputs, names):
            slot = self.slots.get(value)
            if apart and (value in read_after or (slot and value.nbytes > SMALL_INPUT)):
                lines.append(f"{name} = {apart}({name})")
            if slot is None:
                continue
            table = source.object(self.table, "t")
            dense = source.function("ascontiguousarray", np.ascontiguousarray)
            if value.nbytes <= SMALL_INPUT:
                buffer = aligned(value.nbytes + 64)[: value.nbytes].view(value.dtype)
                buffer = buffer.reshape(value.shape)
                self.table[slot] = buffer.ctypes.data
                self.kept_inputs.append(buffer)
                lines.append(f"copyto({source.object(buffer, 'a')}, {name})")
            else:
                lines.append(f"{name} = {dense}({name}, {source.object(value.dtype, 'f')})")
                lines.append(f"{table}[{slot}] = {name}.__array_interface__['data'][0]")
        for i, number in enumerate(self.hosts):
            lines.append(f"{source.object(self.numbers, 'n')}[{i}] = {source.operand(number)}")
        return lines

    def _calls(self, source: Source, instruction: Instruction) -> list[str]:
        """A call of NumPy."""
        lines = []
        for x in instruction.operands:
            if isinstance(x, Value):
                lines += self._there(source, x)
        for value in instruction.results:
            if value in self.memory.buffers and value not in source.arrays:
                source.arrays[value] = stored_array(self.memory, self.layouts, value)
        return lines + source.lines(instruction)

    def _there(self, source: Source, value: Value) -> list[str]:
        """Let ``value`` have an array, or a name; the lines that make it."""
        made = self.places.get(value)
        if value in source.arrays or value in source.known:
            return []
        if self.fixed.get(value) is not None:
            source.arrays[value] = self.fixed[value]
        elif value in self.memory.buffers:
            source.arrays[value] = stored_array(self.memory, self.layouts, value)
        elif made is not None:
            lines = self._there(source, made.operands[0]) if made.operands else []  # pyright: ignore[reportArgumentType]
            below = source.arrays.get(made.operands[0]) if made.operands else None  # pyright: ignore[reportArgumentType]
            if below is not None:
                source.arrays[value] = TABLE[made.opcode].run(below, **made.fields)
                return lines
            return lines + source.lines(made)
        return []

    # -- native code -------------------------------------------------------------------------

    def _steps(self, groups: list[Group]) -> list[Step]:
        """What a segment does, in words that tell all of it."""
        steps, since = [], Since(self.memory)
        for group in groups:
            plan, barrier = self.plans[group], since.conflicts(group)
            slots = [self.slots[value] for value in plan.values]
            numbers = [[id(h) for h in self.hosts].index(id(number)) for number in plan.hosts]
            shared = self.slots[group] if plan.shared else None
            place = self.groups.index(group)
            steps.append(Step(function_of(group, plan), slots, numbers, shared, barrier, place))
            since.note(group)
            if self.profile:  # then there is a barrier after each
                since = Since(self.memory)
        return steps

    def _write_native(self, module: Module) -> None:
        for i, (groups, steps) in enumerate(zip(self.segments, self.steps)):
            self._segment(Code(module.ir, f"segment_{i}", module.target), groups, steps)

    def _segment(self, code: Code, groups: list[Group], steps: list[Step]) -> None:
        """One function that runs groups one after another."""
        scratch = code.at(code.pointer(SCRATCH), code.tid * self.scratch_each, np.int8)
        hosts = code.pointer(HOSTS)
        if self.profile and groups is self.segments[0]:
            with code.alone():
                clock, runs = code.pointer(CLOCK), len(self.groups)
                count = Int(code, code.scalar(clock, runs, np.int64)) + 1
                code.put(count.value, clock, runs)
        for group, step in zip(groups, steps):
            if step.barrier:
                code.barrier()
            self._mark(code, step.place, -1)
            pointers = [code.pointer(slot) for slot in step.slots]
            numbers = [code.at(hosts, place) for place in step.numbers]
            shared = scratch if step.shared is None else code.pointer(step.shared)
            call(code, step.name, self.plans[group], *pointers, *numbers, scratch, shared)
            if self.profile:
                code.barrier()
            self._mark(code, step.place, 1)
        code.b.ret_void()

    def written(self) -> Module:
        """LLVM's language, written once more; `Module.assembly` gives machine code as text."""
        module = Module(host())
        self._write_native(module)
        return module

    def lasting(self, i: int, value: Value) -> Any:
        """The array that holds output ``i`` after each run; None if it is an input."""
        return self.arrays.get(self.program.outputs[i])

    def _mark(self, code: Code, place: int, sign: int) -> None:
        """Add the time to the cycles of a group, or take it away: the first thread's clock."""
        if not self.profile:
            return
        with code.alone():
            clock = code.pointer(CLOCK)
            before = Int(code, code.scalar(clock, place, np.int64))
            now = Int(code, intrinsic(code, "llvm.readcyclecounter", I64))
            code.put((before + now * sign).value, clock, place)

    def rows(self) -> list[Row]:
        """What `Step.explain` says of the groups."""
        return report.rows(self)

    def restart(self) -> None:
        """Set the clocks to 0."""
        self.clock[...] = 0

    def described(self, program: Program) -> Described:
        """All that there is to tell; ``program`` is as it was heard."""
        sizes = self.memory.arena, self.memory.naive, self.threads
        count = len(program.instructions)
        return Described("native", str(program), count, self.source, *sizes, self.rows())

    def explain(self) -> str:
        """The groups, the memory, and the Python around them."""
        memory = self.memory
        head = (
            f"{len(self.groups)} groups, {len(self.segments)} native functions, "
            f"{self.threads} thread{'s' if self.threads > 1 else ''}; "
            f"buffers {memory.arena:,} bytes for {memory.naive:,} bytes of results"
        )
        return f"{head}\n{text(self.rows())}\n\n{self.source}"


def _apart(over: list[Any], x: Any) -> Any:
    """``x``, copied if it lies in arrays that are written over."""
    return x.copy() if any([np.may_share_memory(x, array) for array in over]) else x
