"""Small updates side by side: what is done with many arrays alike becomes one instruction.

An optimizer does the same with each parameter, and a call costs as much as some thousand numbers.
So arrays that are treated alike lie next to one another, and whoever needs one of them finds it
there. Arrays that users hold stay where they are: what reads or writes them is done one by one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from copy import copy
from itertools import groupby
from typing import Any

import numpy as np

from ..listen import Instruction, Program, Spec, Value
from ..listen.ir import Memory
from .plan import ELEMENTWISE, INTO, REDUCTIONS, bases_of
from .simplify import identity

LIMIT = 2**20
"""Bytes of all results of the update: more would not stay in the cache from level to level."""


def levels(program: Program) -> dict[Value, int]:
    """How many elementwise instructions at the end of a program lead to each of their results.

    None, if they are too large to lie next to one another.
    """
    found: dict[Value, int] = {}
    for instruction in _update(program):
        below = [found.get(x, 0) for x in instruction.values]
        found[instruction.results[0]] = 1 + max(below, default=0)
    return found if sum([value.nbytes for value in found]) <= LIMIT else {}


def leveled(program: Program) -> Program:
    """``program`` with its update sorted by `levels`, so that what is done alike comes together."""
    level, made = levels(program), copy(program)
    made.instructions = sorted(program.instructions, key=lambda i: level.get(i.results[0], 0))
    return made


def _update(program: Program) -> list[Instruction]:
    rest = [n for n, i in enumerate(program.instructions) if i.opcode not in ELEMENTWISE]
    return program.instructions[max(rest, default=-1) + 1 :]


class Packer:
    """Puts arrays next to one another.

    Args:
        program: `leveled`.
        fixed: Values whose arrays are there already.
        axes: those whose memory does not run as their axes do.
    Attributes:
        program: ``program`` with fewer instructions.
        arrays: where values lie, and all those together that one instruction makes.
        nbytes: of all packs.
        naive: of all that lies in them.
    """

    def __init__(self, program: Program, fixed: dict[Value, Any], axes: Any):
        self.arrays: dict[Value, Any] = {}
        self.nbytes = self.naive = 0
        self._outputs = set(program.outputs)
        self._members: dict[Value, list[Value]] = {}
        self._pack: dict[Value, Value] = {}
        self._elsewhere = {*fixed, *axes}
        level, bases = levels(program), bases_of(program)
        self._free = {i.results[0] for i in program.instructions if i.opcode in INTO and not
                      (i.opcode in REDUCTIONS and i.operands[0] in bases)}  # fmt: skip
        self._uses = Counter([x for i in program.instructions for x in i.operands
                              if isinstance(x, Value)])  # fmt: skip
        self.program = copy(program)
        self.program.instructions = []
        for n, found in groupby(program.instructions, lambda i: level.get(i.results[0], 0)):
            same = [*found]
            self.program.instructions += self._done(same) if n else same

    def _done(self, instructions: list[Instruction]) -> list[Instruction]:
        """What stands for instructions of one level; last, those that write over what is fixed."""
        alike: dict[Any, list[Instruction]] = defaultdict(list)
        for i in instructions:
            alike[self._kind(i)].append(i)
        last = alike.pop(None, [])
        return [i for found in alike.values() for i in self._together(found)] + last

    def _kind(self, instruction: Instruction) -> Any:
        """What instructions have in common that may be one; None for those that may not."""
        value = instruction.results[0]
        if value in self._elsewhere or not value.shape:
            return None
        return instruction.opcode, value.dtype, *[
            (id(self._pack.get(x)), x.dtype, x.shape == value.shape)
            if isinstance(x, Value) and x.shape else identity(x)
            for x in instruction.operands
        ]  # fmt: skip

    def _together(self, alike: list[Instruction]) -> list[Instruction]:
        if len(alike) == 1:
            return alike
        columns = list(zip(*[i.operands for i in alike]))
        operands: Any = [self._packed(x) if isinstance(x[0], Value) and x[0].shape else x[0]
                         for x in columns]  # fmt: skip
        fits = all([v is not None for v in operands]) and all(
            [x.shape == i.results[0].shape for i in alike for x in i.operands
             if isinstance(x, Value) and x.shape]
        )  # fmt: skip
        results = [i.results[0] for i in alike]
        packs = [x for x in operands if isinstance(x, Value) and x.shape] if fits else []
        ending = [x for x in packs if x.dtype == results[0].dtype and self._ends(x, operands)]
        made = self._side_by_side(results, ending[0] if ending else None)
        return [Instruction(alike[0].opcode, tuple(operands), {}, (made,))] if fits else alike

    def _ends(self, pack: Value, operands: list[Any]) -> bool:
        """Whether a pack is needed by nobody else."""
        uses = sum([x is pack for x in operands])
        return all([self._uses[x] == uses and x not in self._outputs for x in self._members[pack]])

    def _packed(self, values: Any) -> Value | None:
        """The pack of just these; a new one if they may lie anywhere."""
        pack = self._pack.get(values[0])
        if pack is not None:
            members = self._members[pack]
            same = len(members) == len(values) and all([x is v for x, v in zip(members, values)])
            return pack if same else None
        free = [
            x in self._free and x not in self._elsewhere and x not in self._pack for x in values
        ]
        return self._side_by_side(values) if all(free) and len({*values}) == len(values) else None

    def _side_by_side(self, values: Any, over: Value | None = None) -> Value:
        """A new pack; in the place of an old one, if that is given."""
        spec = Spec((sum([x.size for x in values]),), values[0].dtype)
        pack = Value(values[0].program, spec, None, Memory(foreign=False))
        self._members[pack] = list(values)
        self._pack.update(dict.fromkeys(values, pack))
        self.naive += spec.nbytes
        if over is None:
            self.arrays[pack] = np.empty(spec.shape, spec.dtype)
            self.nbytes += spec.nbytes
        else:
            self.arrays[pack] = self.arrays[over]
        ends = np.cumsum([x.size for x in values])
        for x, end in zip(values, ends):
            self.arrays[x] = self.arrays[pack][end - x.size : end].reshape(x.shape)
        return pack
