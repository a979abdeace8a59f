"""What has native code of its own, in one table; what nests are made of is in `elementwise`."""

from __future__ import annotations

from typing import Any

from ...functions.conv import Conv, ConvTranspose, ConvWeight
from ...functions.index import ScatterAdd
from ...functions.pool import MaxPool, PoolArgMax, PoolGather, PoolScatter, PoolSpread, PoolSum
from ...functions.recurrent import GRU, LSTM, GRUGradient, LSTMGradient
from ...listen import Instruction
from ..attend import Attention, AttentionGradient
from .kernels import Concatenate, Kernel, Pad, Scatter
from .operators import Attend, Convolution, Pool, Recurrent
from .product import Matmul

KERNELS: dict[Any, tuple[type[Kernel], str]] = {
    "matmul": (Matmul, ""),
    "concatenate": (Concatenate, ""),
    "pad": (Pad, ""),
    ScatterAdd: (Scatter, "plain"),
    Conv: (Convolution, "image plain image"),
    ConvTranspose: (Convolution, "image plain image"),
    ConvWeight: (Convolution, "image image plain"),
    MaxPool: (Pool, "image"),
    PoolArgMax: (Pool, "image"),
    PoolScatter: (Pool, "image"),
    PoolSum: (Pool, "image"),
    PoolSpread: (Pool, "image"),
    PoolGather: (Pool, "image"),
    LSTM: (Recurrent, "steps plain plain plain steps steps steps"),
    LSTMGradient: (Recurrent, "steps steps plain plain steps steps steps plain plain"),
    GRU: (Recurrent, "steps plain plain plain steps steps steps"),
    GRUGradient: (Recurrent, "steps plain plain steps steps steps steps steps plain"),
    Attention: (Attend, "rows rows rows any any"),
    AttentionGradient: (Attend, "rows rows rows rows rows any any any"),
}
"""By opcode, or by the class of the operator of a ``call``: what writes it, and how its operands
and then its results have to lie (see `Layouts`); one word is for all. `loop` adds `Scan`, whose
bodies are made of all others."""


def kernel_of(instruction: Instruction) -> type[Kernel] | None:
    """What writes an instruction, or None."""
    return KERNELS.get(_name(instruction), (None, ""))[0]


def takes_along(instruction: Instruction) -> bool:
    """Whether a kernel lets a nest run on the blocks of its result."""
    kernel = kernel_of(instruction)
    return kernel is not None and kernel.takes_along(instruction)


def wants(instruction: Instruction) -> tuple[str | None, ...]:
    """How operands and results have to lie, None in any way; empty if that is so for all."""
    words = KERNELS.get(_name(instruction), (None, ""))[1].split()
    count = len(instruction.operands) + len(instruction.results)
    words = words * count if len(words) == 1 else words
    return tuple([None if word == "any" else word for word in words])


def _name(instruction: Instruction) -> Any:
    function = instruction.function
    return instruction.opcode if function is None else type(function)
