"""Instructions that have native code of their own: what takes them, by class or by opcode."""

from __future__ import annotations

from typing import Any

from ...listen import Instruction

KERNELS: dict[Any, Any] = {}
"""By opcode, or by the class of the operator of a ``call``."""


def kernel_of(instruction: Instruction) -> Any:
    """What writes an instruction, or None."""
    function = instruction.fields.get("function")
    return KERNELS.get(instruction.opcode if function is None else type(function))


def images(instruction: Instruction) -> tuple[Any, ...]:
    """Which operands of an instruction are images, and "result" if that is one."""
    kernel = kernel_of(instruction)
    return () if kernel is None else kernel.images
