"""Products of matrices in a program: which ones, and how their operands lie."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.gemm import Product, Strides, Then
from ...listen import Instruction, Value, multiply_adds
from ...machine.code import Code
from ...machine.target import Target
from ..access import Layout
from ..layout import Layouts


def takes_product(instruction: Instruction) -> bool:
    """Whether a ``matmul`` is one of float32 matrices."""
    return all([x.dtype == np.float32 for x in instruction.operands])  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]


class ProductPlan:
    """A product, planned.

    Args:
        target: the processor.
        instruction: a ``matmul``.
        layouts: how its operands and its result lie.
        into: where the result goes: nowhere but through an epilogue (None), or into the memory of
            a value, as a layout says.
    Attributes:
        values: whose addresses it is given.
        hosts: none.
        scratch: bytes for each thread.
        shared: bytes for all.
        work: operations.
    """

    def __init__(
        self,
        target: Target,
        instruction: Instruction,
        layouts: Layouts,
        into: tuple[Value, Layout] | None,
    ):
        operands: Any = instruction.operands
        (a, b), c = operands, instruction.results[0]
        self.starts: list[int] = []
        self.values = [layouts.base(x) for x in (a, b)] + ([] if into is None else [into[0]])
        self.hosts: list[Any] = []
        self.fixed: dict[Value, Any] = {}
        self.stacks = c.shape[:-2]
        strides, along = [], []
        for x in (a, b, c):
            layout: Any = layouts.layout(x) if x is not c or into is None else into[1]
            self.starts.append(layout.start)
            strides.append(Strides(*layout.strides[-2:]))
            lead = [0] * (c.ndim - x.ndim) + [
                0 if n == 1 else step for n, step in zip(x.shape[:-2], layout.strides)
            ]
            along.append(lead)
        self.stored = stored = into is not None
        m, n, k = c.shape[-2], c.shape[-1], a.shape[-1]
        self._sizes = (target.lanes, m, n, k, *strides, self.stacks, str(along), stored)
        stack = tuple(zip(self.stacks, *along))
        c_strides = strides[2] if stored else None
        self.product = Product(target, m, n, k, strides[0], strides[1], c_strides, stack)
        self.scratch, self.shared = self.product.scratch, 0
        self.work = 2 * multiply_adds(instruction)

    def key(self) -> Any:
        """What is equal for equal code."""
        return "product", self._sizes, tuple(self.starts)

    def write(
        self, code: Code, pointers: list[Any], scratch: Any, shared: Any, then: Then | None = None
    ) -> None:
        """Write the product."""
        places = [code.at(p, start) for p, start in zip(pointers, self.starts)]
        c = places[2] if self.stored else None
        self.product.emit(code, places[0], places[1], c, scratch, then)
