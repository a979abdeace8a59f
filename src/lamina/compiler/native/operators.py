"""Operators that `lamina.kernels` has code for, as groups of a program: what each is given."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ...config import current
from ...functions.conv import Conv, ConvTranspose, ConvWeight
from ...functions.pool import MaxPool, PoolArgMax, PoolGather, PoolScatter, PoolSpread, PoolSum
from ...functions.recurrent import GRU, LSTM, GRUGradient, LSTMGradient
from ...kernels import attention, sequence
from ...kernels.conv import ConvPlan
from ...kernels.gemm import Then
from ...kernels.pool import PoolPlan
from ...listen import Instruction, Spec, Value
from ...machine.code import Code
from ...machine.target import Target, host
from ..attend import Attention, AttentionGradient
from ..layout import Layouts
from .kernels import Kernel

CONVOLUTIONS = {Conv: "forward", ConvTranspose: "data", ConvWeight: "weight"}
POOLS = {
    MaxPool: "max",
    PoolArgMax: "argmax",
    PoolScatter: "scatter",
    PoolSum: "sum",
    PoolSpread: "spread",
    PoolGather: "gather",
}
RECURRENT: dict[type, Any] = {
    LSTM: sequence.LSTMForward,
    LSTMGradient: sequence.LSTMBackward,
    GRU: sequence.GRUForward,
    GRUGradient: sequence.GRUBackward,
}
ATTENTION: dict[type, Any] = {Attention: attention.Forward, AttentionGradient: attention.Backward}


class Operator(Kernel):
    """A kernel that is planned from sizes alone.

    Attributes:
        plan: has scratch, shared, and ``emit(code, pointers, scratch, shared)``.
    """

    def __init__(self, target: Target, instruction: Instruction, layouts: Layouts):
        super().__init__(target, instruction, layouts)
        plan = self.plan = self.planned(instruction)
        self.scratch, self.shared = -(-plan.scratch // 64) * 64, plan.shared

    def planned(self, instruction: Instruction) -> Any:
        """The plan."""
        raise NotImplementedError

    @classmethod
    def takes(cls, instruction: Instruction, made_by: dict[Value, Instruction]) -> bool:
        """Arrays of float32."""
        return all([x.dtype == np.float32 for x in instruction.values])

    def write(self, code: Code, pointers: list[Any], scratch: Any, shared: Any) -> None:
        """The plan."""
        self.plan.emit(code, pointers, scratch, shared)


class Convolution(Operator):
    """One of the three operators of a convolution."""

    def planned(self, instruction: Instruction) -> ConvPlan:
        """With Winograd's algorithm, if the settings allow it."""
        self.winograd = current().winograd
        return ConvPlan(self.target, *self.shape(instruction), winograd=self.winograd)

    @staticmethod
    def shape(instruction: Instruction) -> tuple[Any, ...]:
        """The arguments of its `ConvPlan`."""
        function = instruction.function
        sizes = function.sizes(*instruction.operands)
        return CONVOLUTIONS[type(function)], function.window, function.groups, *sizes

    @classmethod
    def takes(cls, instruction: Instruction, made_by: dict[Value, Instruction]) -> bool:
        """Arrays of float32, and a window that there is code for."""
        real = super().takes(instruction, made_by)
        return real and ConvPlan.supports(*cls.shape(instruction))

    def key(self) -> Any:
        """What is equal for equal code."""
        return super().key(), self.winograd

    @classmethod
    def takes_along(cls, instruction: Instruction) -> bool:
        """Images, of one group."""
        return ConvPlan.takes_along(*cls.shape(instruction))

    def write(
        self, code: Code, pointers: list[Any], scratch: Any, shared: Any, then: Then | None = None
    ) -> None:
        """The plan."""
        self.plan.emit(code, *pointers, scratch, shared, then)


class Pool(Operator):
    """One of the operators of pooling."""

    def planned(self, instruction: Instruction) -> PoolPlan:
        """For each number of the window."""
        self.work *= prod(instruction.function.window.kernel)
        return PoolPlan(self.target, *self.shape(instruction))

    @staticmethod
    def shape(instruction: Instruction) -> tuple[Any, ...]:
        """The arguments of its `PoolPlan`."""
        function, image = instruction.function, instruction.values[0]
        return POOLS[type(function)], function.window, *image.shape[:2]

    @classmethod
    def takes(cls, instruction: Instruction, made_by: dict[Value, Instruction]) -> bool:
        """Arrays of float32, with indices that are bytes."""
        values = (*instruction.values, *instruction.results)
        known = all([x.dtype in (np.float32, np.uint8) for x in values])
        return known and PoolPlan.supports(*cls.shape(instruction))

    def write(self, code: Code, pointers: list[Any], scratch: Any, shared: Any) -> None:
        """The plan."""
        self.plan.emit(code, pointers[:-1], pointers[-1], scratch)


class Recurrent(Operator):
    """LSTM, GRU, and their derivatives: a whole sequence."""

    def planned(self, instruction: Instruction) -> Any:
        """The first operand has an axis of steps."""
        plan = RECURRENT[type(instruction.function)]
        n, steps, _ = instruction.values[0].shape
        size = min([x.shape[-1] for x in instruction.results])  # the others are of all gates
        return plan(self.target, n, steps, size)


class Attend(Operator):
    """Attention, or its derivatives; `attends` was asked before there were such instructions."""

    def planned(self, instruction: Instruction) -> Any:
        """For the places of all its matrices."""
        function, (q, _, v) = instruction.function, instruction.values[-3:]
        places = [(x.strides, x.start) for x in (*self.layouts, *self.results)]
        sizes = q.shape[:-2], *q.shape[-2:], v.shape[-1]
        return ATTENTION[type(function)](self.target, function.causal, *sizes, places)


def attends(q: Spec, k: Spec, v: Spec) -> bool:
    """Whether there is a kernel: as many keys as queries, of whole vectors of float32."""
    whole = all([n > 0 and n % host().lanes == 0 for n in (q.shape[-1], v.shape[-1])])
    alike = q.shape[:-1] == k.shape[:-1] == v.shape[:-1] and 0 not in q.shape
    return whole and alike and {x.dtype for x in (q, k, v)} == {np.dtype(np.float32)}
