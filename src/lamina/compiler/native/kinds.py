"""Which kind of group an instruction belongs to, and how a group is planned."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from ...listen import TABLE, VIEWS, Instruction, Value
from ...machine.code import Code
from ...machine.target import Target
from ..group import Group
from ..layout import Layouts
from ..lower import is_place
from ..sources import KNOWN, REDUCTIONS, Sources
from .elementwise import computed_in
from .nests import NestPlan
from .product import ProductPlan, takes_product
from .table import kernel_of


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
        return "kernel" if kernel.takes(instruction, made_by) else "numpy"
    if opcode == "call":
        return "numpy"
    if any([v.dtype not in KNOWN for v in values]):
        return "numpy"
    if opcode in REDUCTIONS:
        return "reduction" if {v.dtype for v in values} == {np.dtype(np.float32)} else "numpy"
    if opcode == "matmul":
        return "product" if takes_product(instruction) else "numpy"
    if opcode == "gather":
        table, *places = instruction.values
        fits = len(places) == 1 and instruction.fields["axes"] == (0,)
        known = fits and is_place(places[0], table.shape[0], made_by)
        return "elementwise" if known else "numpy"
    dtypes = computed_in(instruction)
    fused = dtypes is not None and all([dtype in KNOWN for dtype in dtypes])
    return "elementwise" if fused else "numpy"


def plan_of(target: Target, group: Group, sources: Sources, layouts: Layouts) -> Any:
    """What writes a group that is not NumPy's."""
    if group.kind == "nest":
        return NestPlan(target, group, sources, layouts)
    if group.kind == "product":
        product = group.members[0]
        result = product.results[0]
        into: Any = result, layouts.layout(result)
        return ProductPlan(target, product, layouts, into)
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


def constant(instruction: Instruction) -> Any:
    """The array of an instruction without operands."""
    return np.asarray(TABLE[instruction.opcode].run(**instruction.fields))
