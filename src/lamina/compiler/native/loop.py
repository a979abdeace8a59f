"""A loop as native code: its body is planned as a program is, and run from the first to the last.

The turns follow one another without Python. A carry has two places, between which it goes to and
fro, so that the last one is that of the result. What a turn reads and stacks are slices of arrays
from outside; all else that it makes lies in the loop's own memory, the same at each turn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from ...listen import VIEWS, Instruction, Program, Value, repeat
from ...machine.code import Code, Int
from ...machine.target import Target
from ..described import name_of
from ..layout import Layouts, laid_out
from ..loop import Scan
from .kernels import Kernel
from .kinds import Grouped, call, function_of, kind_of
from .memory import Memory, Since, arena_of, rounded, spans_of
from .table import KERNELS, wants


class Turn(Grouped):
    """The body of a loop, planned.

    Args:
        target: the processor.
        heard: its program, of whose outputs copies are made: no two are to be one value, and none
            an input or a view.
    Attributes:
        shared: bytes for what a turn makes and nobody outside reads.
        offsets: where that lies.
    """

    def __init__(self, target: Target, heard: Program):
        self.group(*_apart(heard))
        self.plan(target)
        self._plan_memory()

    def _plan_memory(self) -> None:
        program, plans = self.program, self.plans
        outside = dict.fromkeys([*program.inputs, *program.outputs, *self.constants])
        scratch = {group: plan.shared for group, plan in plans.items()}
        spans = spans_of(self.groups, outside, [], scratch)
        self.shared = arena_of(spans)
        self.offsets = {owner: span.offset for owner, span in spans.items()}
        ranges = {o: ("inside", s.offset, s.offset + s.nbytes) for o, s in spans.items()}
        self.memory = Memory(scratch_ranges={o: r for o, r in ranges.items() if o in plans})
        self.memory.ranges = {o: r for o, r in ranges.items() if o not in plans}
        self.memory.ranges.update({value: (id(value), 0, 1) for value in program.outputs})

    def key(self) -> Any:
        """What is equal for equal code."""
        plans = [repr(plan.key()) for plan in self.plans.values()]
        return str(self.program), plans, list(self.offsets.values())

    def write(self, code: Code, given: dict[Value, ir.Value], scratch: Any, shared: Any) -> None:
        """One turn.

        Args:
            code: where to.
            given: the addresses of inputs, outputs and constants.
            scratch: that of this thread's memory.
            shared: that of the loop's.
        """
        since = Since(self.memory)
        places = {owner: code.at(shared, n, np.int8) for owner, n in self.offsets.items()}
        places = {**places, **given}
        for group in self.groups:
            plan = self.plans[group]
            if since.conflicts(group):
                code.barrier()
            pointers = [places[value] for value in plan.values]
            own = places.get(group, scratch)
            call(code, function_of(group, plan), plan, *pointers, scratch, own)
            since.note(group)
        code.barrier()


class Loop(Kernel):
    """`Scan`: operands are carry, parts and around; then the constants of the body."""

    def __init__(self, target: Target, instruction: Instruction, layouts: Layouts):
        super().__init__(target, instruction, layouts)
        self.body, self.reverse = instruction.function.body, instruction.function.reverse
        operands = instruction.values
        self.length = operands[self.body.carried].shape[0]
        self.turn = Turn(target, self.body.program)
        count = Program().input((1,), np.int64)  # of turns: the code is that of any number
        self.fixed = {count: np.array([self.length]), **self.turn.constants}
        self.values += self.fixed
        plans = self.turn.plans.values()
        self.scratch = max([plan.scratch for plan in plans], default=0)
        self.work += self.length * sum([plan.work for plan in plans])
        self.spare = []  # the other place of each carry
        self.shared = self.turn.shared
        for x in operands[: self.body.carried]:
            self.spare.append(self.shared)
            self.shared += rounded(x.nbytes)

    @classmethod
    def takes(cls, instruction: Instruction, made_by: dict[Value, Instruction]) -> bool:
        """All of the body is native."""
        return why_not(instruction) is None

    def key(self) -> Any:
        """What is equal for equal code."""
        return "loop", self.body.carried, self.body.parts, self.reverse, self.turn.key()

    def write(self, code: Code, pointers: list[Any], scratch: Any, shared: Any) -> None:
        """All turns; a barrier follows each."""
        program, body = self.turn.program, self.body
        inputs, outputs = len(program.inputs), len(program.outputs)
        given = pointers[:inputs]
        results = pointers[inputs : inputs + outputs]
        count, *constants = pointers[inputs + outputs :]
        length = Int(code, code.scalar(count, 0, np.int64))
        spare = [code.at(shared, place, np.int8) for place in self.spare]
        parts = range(body.carried, body.carried + body.parts)
        for turn in code.loop(0, length):
            left = length - 1 - turn
            t = left if self.reverse else turn
            last, first = (left % 2).equals(0), turn.equals(0)
            known = dict(zip(program.inputs, given))
            known |= dict(zip(program.outputs, results))
            known |= dict(zip(self.turn.constants, constants))
            for i in range(body.carried):
                x, y, b = program.inputs[i], program.outputs[i], code.b
                other = b.select(last, spare[i], results[i])
                known[x] = b.select(first, given[i], other)
                known[y] = b.select(last, results[i], spare[i])
            for value in [*[program.inputs[i] for i in parts], *program.outputs[body.carried :]]:
                known[value] = code.at(known[value], t * value.size, value.dtype)
            self.turn.write(code, known, scratch, shared)


def why_not(instruction: Instruction) -> str | None:
    """Why a `Scan` is run by NumPy: what of its body has no native code; None if all has."""
    program = instruction.function.body.program
    made_by = program.makers()
    for inner in program.instructions:
        if kind_of(inner, made_by) == "numpy":
            return f"{name_of(inner)} of {inner.results[0].spec} has no native code"
    return None


def _apart(heard: Program) -> tuple[Program, Layouts]:
    """A body laid out, with a copy of each output that has no plain place of its own."""
    program, layouts = laid_out(heard, wants)
    copied, outputs = program.mapped(repeat), []
    for old, value in zip(program.outputs, copied.outputs):
        made = layouts.made_by.get(old)
        own = made is not None and made.opcode not in (*VIEWS, "full", "arange")
        plain = own and layouts.order(old) == tuple(range(old.ndim))
        fresh = plain and value not in set(outputs)
        outputs.append(value if fresh else copied.emit("copy", value))
    copied.outputs = tuple(outputs)
    return laid_out(copied, wants)


KERNELS[Scan] = Loop, "plain"  # an element of a part is one piece of memory
