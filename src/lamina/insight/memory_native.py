"""The memory of a compiled step: it is planned before the first run, so it is known exactly."""

# pyright: reportPrivateUsage=false
# (it lets Variables hold arrays that are not there, and puts back what they held)

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..arrays import Array
from ..compiler.simplify import simplify
from ..compiler.step import chooses_native
from ..compiler.trace import trace
from ..config import using
from ..core import Variable
from ..listen import Program, Spec

CODE_OF_A_GROUP = 256 << 10
"""Bytes that the machine code of one group takes, about: the measured memory of a step of ResNet-18
is 17 MiB above what is planned for its 82 kinds of groups, that of a GPT 13 for 34, that of an MLP
2 or 3 for 12 (benchmarks/memory.py measures all of it together)."""


@dataclass(frozen=True)
class Plan:
    """What a compiled step needs.

    Attributes:
        arena: bytes in which its results lie, gradients among them.
        scratch: bytes of its threads.
        copied: bytes of results that are copied to where they belong after each run.
        code: bytes of machine code.
    """

    arena: int
    scratch: int
    copied: int
    code: int


def phantom(spec: Spec) -> Array:
    """An array of which nobody touches an element: it takes addresses, and no memory. It lies as
    any other does, for the compiler asks captured arrays that.
    """
    return np.empty(spec.shape, spec.dtype)


def shape_only(spec: Spec) -> Array:
    """An array of any size that takes the memory of one number: all of its elements lie there."""
    return as_strided(np.zeros(1, spec.dtype), spec.shape, (0,) * spec.ndim)


def let_be_phantoms(variables: Iterable[Variable], optimizer: Any) -> None:
    """Let Variables hold phantoms of what they hold, and what the optimizer remembers be some."""
    for variable in variables:
        variable._data, variable._grad = phantom(Spec(variable.shape, variable.dtype)), None
    for slot in optimizer._slots.values() if optimizer is not None else ():
        if slot.param.requires_grad:
            slot.fit()
        for buffer in slot.state.values():
            buffer._data = phantom(Spec(buffer.shape, buffer.dtype))


def native_plan(step: Callable[..., Any], batch: Sequence[Spec]) -> Plan:
    """The memory that machine code for a step needs, without making it.

    Args:
        step: all that it touches holds arrays, or what `phantom` gives.
        batch: its arguments.
    Raises:
        DependencyError: if llvmlite is missing.
        TraceError: if it cannot be compiled.
    """
    chooses_native("native")
    with using(stand_in=None, debug=False):
        traced = trace(step, tuple([shape_only(spec) for spec in batch]), {}, native=True)
    program = simplify(traced.program)
    first = len(program.outputs) - len(traced.changed) - len(traced.grads)
    targets = dict(enumerate([variable._data for variable in traced.changed], first))
    return _planned(program, targets)


def _planned(program: Program, targets: dict[int, Any]) -> Plan:
    from ..compiler.native.memory import arena_of, spans_of
    from ..compiler.native.program import Native  # needs llvmlite
    from ..machine.team import team

    class Sized(Native):
        """Native code of which only the sizes are asked."""

        def _emit(self) -> None:
            fixed = {**self._fixed(), **self.constants}
            shared = {group: plan.shared for group, plan in self.plans.items()}
            outputs = [self.sources.base(value) for value in self.program.outputs]
            self.arena = arena_of(spans_of(self.groups, fixed, outputs, shared))
            wide = max([plan.scratch for plan in self.plans.values()], default=0)
            self.scratch = wide * team().threads

    sized = Sized(program, targets)
    copied = [sized.program.outputs[i].nbytes for i in targets if i not in sized.straight]
    kernels = {repr(plan.key()) for plan in sized.plans.values()}
    return Plan(sized.arena, sized.scratch, max(copied, default=0), CODE_OF_A_GROUP * len(kernels))
