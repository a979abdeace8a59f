"""Convolution and pooling in a program: which operators have native code, and how it is given."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ...config import current
from ...functions.conv import Conv, ConvTranspose, ConvWeight
from ...functions.pool import MaxPool, PoolArgMax, PoolGather, PoolScatter, PoolSpread, PoolSum
from ...kernels.conv import ConvPlan
from ...kernels.gemm import Then
from ...kernels.pool import PoolPlan
from ...listen import Instruction, Value
from ...machine.code import Code
from ...machine.target import Target
from ..layout import Layouts
from .kernels import KERNELS, Kernel


class Convolution(Kernel):
    """One of the three operators of a convolution."""

    kind = ""

    def __init__(self, target: Target, instruction: Instruction, layouts: Layouts):
        super().__init__(target, instruction, layouts)
        self.winograd = current().winograd
        self.plan = ConvPlan(target, *self.shape(instruction), winograd=self.winograd)
        self.scratch, self.shared = self.plan.scratch, self.plan.shared
        function: Any = instruction.fields["function"]
        specs = [x.spec for x in instruction.operands if isinstance(x, Value)]
        self.work = 2 * function.multiply_adds(*specs)

    @classmethod
    def shape(cls, instruction: Instruction) -> tuple[Any, ...]:
        """The arguments of its `ConvPlan`."""
        function: Any = instruction.fields["function"]
        n, c_in, c_out = function.sizes(*instruction.operands)
        return cls.kind, function.window, function.groups, n, c_in, c_out

    @classmethod
    def takes(cls, instruction: Instruction, made_by: dict[Value, Instruction]) -> bool:
        """Arrays of float32, and a window that there is code for."""
        real = all([x.dtype == np.float32 for x in instruction.operands])  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]
        return real and ConvPlan.supports(*cls.shape(instruction))

    def key(self) -> Any:
        """What is equal for equal code."""
        return super().key(), self.winograd

    @classmethod
    def takes_along(cls, instruction: Instruction) -> bool:
        """Images, of one group."""
        return ConvPlan.takes_along(*cls.shape(instruction))

    def write(
        self, code: Code, pointers: list[Any], hosts: list[Any], scratch: Any, shared: Any,
        then: Then | None = None,
    ) -> None:  # fmt: skip
        """The plan."""
        first, second, result = pointers
        self.plan.emit(code, first, second, result, scratch, shared, then)


class Forward(Convolution):
    """An image of an image and weights."""

    kind, wants = "forward", ("image", "plain", "image")


class Data(Convolution):
    """The transpose of `Forward` by the image."""

    kind, wants = "data", ("image", "plain", "image")


class Weight(Convolution):
    """The transpose of `Forward` by the weights."""

    kind, wants = "weight", ("image", "image", "plain")


class Pool(Kernel):
    """One of the operators of pooling."""

    def __init__(self, target: Target, instruction: Instruction, layouts: Layouts):
        super().__init__(target, instruction, layouts)
        self.plan = PoolPlan(target, *self.shape(instruction))
        self.scratch = -(-self.plan.scratch // 64) * 64
        self.work = prod(self.plan.window.kernel) * max(self.work, 1)

    @classmethod
    def shape(cls, instruction: Instruction) -> tuple[Any, ...]:
        """The arguments of its `PoolPlan`."""
        function: Any = instruction.fields["function"]
        image: Any = instruction.operands[0]
        n, c = image.shape[:2]
        return POOLS[type(function)], function.window, n, c

    @classmethod
    def takes(cls, instruction: Instruction, made_by: dict[Value, Instruction]) -> bool:
        """Arrays of float32, with indices that are bytes."""
        values = [x for x in (*instruction.operands, *instruction.results) if isinstance(x, Value)]
        known = all([x.dtype in (np.float32, np.uint8) for x in values])
        return known and PoolPlan.supports(*cls.shape(instruction))

    def write(
        self, code: Code, pointers: list[Any], hosts: list[Any], scratch: Any, shared: Any
    ) -> None:
        """The plan."""
        self.plan.emit(code, pointers[:-1], pointers[-1], scratch)


class PoolOfTwo(Pool):
    """One that takes indices, or gives them."""

    wants = ("image", "image", "image")


class PoolOfOne(Pool):
    """One of a single image."""

    wants = ("image", "image")


POOLS = {
    MaxPool: "max",
    PoolArgMax: "argmax",
    PoolScatter: "scatter",
    PoolSum: "sum",
    PoolSpread: "spread",
    PoolGather: "gather",
}

KERNELS.update({Conv: Forward, ConvTranspose: Data, ConvWeight: Weight})
KERNELS.update(dict.fromkeys((MaxPool, PoolSum, PoolSpread), PoolOfOne))
KERNELS.update(dict.fromkeys((PoolArgMax, PoolScatter, PoolGather), PoolOfTwo))
