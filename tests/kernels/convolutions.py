"""Convolutions for the tests of native code: shapes, operands, and the operators they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from lamina.functions.conv import Conv, ConvTranspose, ConvWeight
from lamina.functions.window import Padding, Window, window_of
from lamina.kernels.conv import ConvPlan
from lamina.machine.code import Code
from lamina.machine.module import Compiled, Module
from lamina.machine.target import narrowed
from machine.sample import table

OPERATORS = {"forward": Conv, "data": ConvTranspose, "weight": ConvWeight}


@dataclass(frozen=True)
class Case:
    """A convolution: `size` and `kernel` along each axis, ``n`` images, channels."""

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    n: int
    c_in: int
    c_out: int
    stride: int | tuple[int, ...] = 1
    padding: Padding = 0
    dilation: int | tuple[int, ...] = 1
    groups: int = 1
    winograd: bool = True

    @property
    def window(self) -> Window:
        return window_of(self.size, self.kernel, self.stride, self.padding, self.dilation, "conv")

    def operands(self, kind: str, rng: np.random.Generator) -> list[np.ndarray]:
        """As the operator takes them: images (n, c, *size)."""
        x = rng.standard_normal((self.n, self.c_in, *self.size), np.float32)
        weights = (self.c_out, self.c_in // self.groups, *self.kernel)
        W = rng.standard_normal(weights, np.float32)
        gy = rng.standard_normal((self.n, self.c_out, *self.window.out), np.float32)
        return {"forward": [x, W], "data": [gy, W], "weight": [x, gy]}[kind]

    def expected(self, kind: str, operands: list[np.ndarray]) -> np.ndarray:
        """What the operator gives in float64, laid out as the native code has it."""
        operator = OPERATORS[kind](self.window, self.groups)
        y = operator.forward(*[a.astype(np.float64) for a in operands])
        return y if kind == "weight" else channels_last(y)

    def result_shape(self, kind: str) -> tuple[int, ...]:
        return {
            "forward": (self.n, *self.window.out, self.c_out),
            "data": (self.n, *self.size, self.c_in),
            "weight": (self.c_out, self.c_in // self.groups, *self.kernel),
        }[kind]

    def terms(self, kind: str) -> int:
        """Of the longest sum."""
        taps = prod(self.kernel)
        places = self.n * prod(self.window.out)
        channels = {"forward": self.c_in, "data": self.c_out}
        return places if kind == "weight" else taps * channels[kind] // self.groups

    def plan(self, kind: str, lanes: int) -> ConvPlan:
        sizes = (self.n, self.c_in, self.c_out)
        return ConvPlan(narrowed(lanes), kind, self.window, self.groups, *sizes, self.winograd)


def channels_last(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


@dataclass
class Built:
    """Convolutions compiled together."""

    plans: dict[tuple[Case, str], tuple[str, ConvPlan]]
    code: Compiled


def build(lanes: int, cases: list[tuple[Case, str]]) -> Built:
    """Compile them: a function each, with slots first, second, result, scratch, shared."""
    module, plans = Module(narrowed(lanes)), {}
    for number, (case, kind) in enumerate(cases):
        plan = case.plan(kind, lanes)
        code = Code(module.ir, f"f{number}", module.target)
        first, second, result, scratch, shared = (code.pointer(slot) for slot in range(1, 6))
        mine = code.at(scratch, code.tid * (plan.scratch // 4))
        code.barrier()  # where a thread of a `LateTeam` is late for the first time
        plan.emit(code, first, second, result, mine, shared)
        code.b.ret_void()
        plans[case, kind] = (f"f{number}", plan)
    return Built(plans, module.compile(verify=True))


def memory(nbytes: int) -> np.ndarray:
    """So many bytes on a cache line, full of NaN, and a line behind that has to stay so."""
    numbers = np.full(nbytes // 4 + 32, np.nan, np.float32)
    start = -(numbers.ctypes.data // 4) % 16
    return numbers[start : start + nbytes // 4 + 16]


def run(built: Built, team, case: Case, kind: str, operands: list[np.ndarray], threads: int):
    """The result, NaN where nothing was written. Memory behind what was asked for stays NaN."""
    name, plan = built.plans[case, kind]
    images = operands if kind == "weight" else operands[:1]
    arrays = [channels_last(x) if any(x is y for y in images) else x for x in operands]
    result = np.full(case.result_shape(kind), np.nan, np.float32)
    scratch, shared = memory(plan.scratch * threads), memory(plan.shared)
    pointers = table(*arrays, result, scratch, shared)
    team.run(built.code.address(name), pointers.ctypes.data, threads)
    assert np.isnan(scratch[-16:]).all()
    assert np.isnan(shared[-16:]).all()
    return result
