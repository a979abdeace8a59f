"""Products of matrices in a program: which ones, and how their operands lie."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.gemm import Product, Strides, Then
from ...listen import Instruction, Value
from ...machine.code import Code
from ...machine.target import Target
from ..access import Layout
from ..layout import Layouts
from .kernels import Kernel


class Matmul(Kernel):
    """A ``matmul``: its result may go nowhere but through what runs on its blocks."""

    kind = "product"

    def __init__(self, target: Target, instruction: Instruction, layouts: Layouts):
        super().__init__(target, instruction, layouts)
        self.stacks = instruction.results[0].shape[:-2]
        self.goes_to((instruction.results[0], self.results[0]))

    @classmethod
    def takes(cls, instruction: Instruction, made_by: dict[Value, Instruction]) -> bool:
        """Matrices of float32."""
        return all([x.dtype == np.float32 for x in instruction.values])

    @classmethod
    def takes_along(cls, instruction: Instruction) -> bool:
        """All do."""
        return True

    def goes_to(self, into: tuple[Value, Layout] | None) -> None:
        """Let the result go to the memory of a value, as a layout says; None: to no memory."""
        (a, b), c = self.instruction.values, self.instruction.results[0]
        self.values[2:] = [] if into is None else [into[0]]
        self.lie = [*self.layouts, *self.results] if into is None else [*self.layouts, into[1]]
        strides = [Strides(*layout.strides[-2:]) for layout in self.lie]
        along = [
            [0] * (c.ndim - x.ndim)
            + [0 if n == 1 else step for n, step in zip(x.shape[:-2], layout.strides)]
            for x, layout in zip((a, b, c), self.lie)
        ]
        stack = tuple(zip(self.stacks, *along))
        m, n, k = *c.shape[-2:], a.shape[-1]
        c_strides = None if into is None else strides[2]
        self.product = Product(self.target, m, n, k, strides[0], strides[1], c_strides, stack)
        self.scratch = self.product.scratch

    def key(self) -> Any:
        """What is equal for equal code."""
        return super().key(), self.lie, len(self.values)

    def write(
        self, code: Code, pointers: list[Any], scratch: Any, shared: Any, then: Then | None = None
    ) -> None:
        """Write the product."""
        a, b, *c = [code.at(p, layout.start) for p, layout in zip(pointers, self.lie)]
        self.product.emit(code, a, b, c[0] if c else None, scratch, then)
