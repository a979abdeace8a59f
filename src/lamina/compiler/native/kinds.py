"""Which kind of group an instruction belongs to, and how a group is planned."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from ...listen import TABLE, VIEWS, Instruction, Program, Value
from ...machine.code import Code
from ...machine.target import Target
from ..fuse import Fuser
from ..group import Group
from ..layout import Layouts
from ..lower import is_place
from ..sources import KNOWN, REDUCTIONS, Sources
from .elementwise import computed_in
from .nests import NestPlan
from .table import kernel_of, takes_along


def kind_of(instruction: Instruction, made_by: dict[Value, Instruction]) -> str:
    """One of "constant", "view", "elementwise", "reduction", "product", "kernel", "numpy"."""
    values = [*instruction.values, *instruction.results]
    opcode = instruction.opcode
    if opcode in ("full", "arange"):
        return "constant"  # also of a dtype that no loop has: it is there before the run
    if any([0 in v.shape for v in values]):
        return "numpy"
    if opcode in VIEWS:
        return "view"
    kernel = kernel_of(instruction)
    if kernel is not None:
        return kernel.kind if kernel.takes(instruction, made_by) else "numpy"
    if opcode == "call":
        return "numpy"
    if any([v.dtype not in KNOWN for v in values]):
        return "numpy"
    if opcode in REDUCTIONS:
        return "reduction" if {v.dtype for v in values} == {np.dtype(np.float32)} else "numpy"
    if opcode == "gather":
        table, *places = instruction.values
        fits = len(places) == 1 and instruction.fields["axes"] == (0,)
        known = fits and is_place(places[0], table.shape[0], made_by)
        return "elementwise" if known else "numpy"
    dtypes = computed_in(instruction)
    fused = dtypes is not None and all([dtype in KNOWN for dtype in dtypes])
    return "elementwise" if fused else "numpy"


class Grouped:
    """The groups of a program, and how each is written.

    Attributes:
        program, layouts: what was grouped.
        places: what makes each value.
        groups: what runs together, in order.
        sources: which values are stored.
        plans: of the groups that are not NumPy's.
        constants: arrays that are there before the run, in a fixed order.
    """

    def group(
        self, program: Program, layouts: Layouts, effects: Any = None, after: Any = None
    ) -> Fuser:
        """Make the groups; see `Fuser` for ``after``, and `Fuser.made` for ``effects``."""
        self.program, self.layouts, self.places = program, layouts, program.makers()
        fuser = Fuser(program, self.kind, layouts, takes_along, after)
        self.groups, self.sources = fuser.made(effects), fuser.sources
        return fuser

    def plan(self, target: Target) -> None:
        """Plan how each group is written."""
        native = [group for group in self.groups if group.kind != "numpy"]
        self.plans = {g: plan_of(target, g, self.sources, self.layouts) for g in native}
        self.constants = self.stored()
        for plan in self.plans.values():
            self.constants.update(plan.fixed)

    def stored(self) -> dict[Value, Any]:
        """The constants of the program that have to be in memory."""
        made = [i for i in self.program.instructions if self.sources.kind[i] == "constant"]
        needed = [i for i in made if i.results[0] in self.sources.must]
        return {i.results[0]: np.asarray(TABLE[i.opcode].run(**i.fields)) for i in needed}

    def kind(self, instruction: Instruction) -> str:
        """Which kind of group an instruction belongs to."""
        return kind_of(instruction, self.places)


def plan_of(target: Target, group: Group, sources: Sources, layouts: Layouts) -> Any:
    """What writes a group that is not NumPy's."""
    if group.kind == "nest":
        return NestPlan(target, group, sources, layouts)
    kernel: Any = kernel_of(group.members[0])
    return kernel(target, group.members[0], layouts)


def function_of(group: Group, plan: Any) -> str:
    """The name of a group's function: what it does depends on nothing else."""
    return f"{group.kind}_{hashlib.sha256(repr(plan.key()).encode()).hexdigest()[:16]}"


def call(code: Code, name: str, plan: Any, *pointers: Any) -> None:
    """Run a group: its arrays, the host's numbers, scratch memory of the thread and of all."""
    code.call(
        name, lambda inner, *given: plan.write(inner, list(given[:-2]), *given[-2:]), *pointers
    )
