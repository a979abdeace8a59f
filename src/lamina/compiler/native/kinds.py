"""Which kind of group an instruction belongs to, and how a group is planned."""

from __future__ import annotations

from collections.abc import Callable
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
from .kernels import kernel_of
from .nests import NestPlan
from .product import ProductPlan, takes_product


def kind_of(instruction: Instruction, made_by: dict[Value, Instruction]) -> str:
    """One of "constant", "view", "elementwise", "reduction", "product", "kernel", "numpy"."""
    values = [x for x in (*instruction.operands, *instruction.results) if isinstance(x, Value)]
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
        x = instruction.operands[0]
        plain = x.dtype == instruction.results[0].dtype == np.float32  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]
        return "reduction" if plain else "numpy"
    if opcode == "matmul":
        return "product" if takes_product(instruction) else "numpy"
    if opcode == "gather":
        operands: Any = instruction.operands
        table, *places = operands
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


def writer_of(plan: Any, arrays: int, hosts: int) -> Callable[..., None]:
    """What writes the function of a group: of its arrays, the host's numbers and scratch memory."""

    def write(code: Code, *parameters: Any) -> None:
        pointers, rest = list(parameters[:arrays]), parameters[arrays:]
        numbers, scratch = list(rest[:hosts]), rest[hosts]
        plan.write(code, pointers, numbers, scratch, rest[hosts + 1] if plan.shared else None)

    return write


def constant(instruction: Instruction) -> Any:
    """The array of an instruction without operands."""
    return np.asarray(TABLE[instruction.opcode].run(**instruction.fields))
