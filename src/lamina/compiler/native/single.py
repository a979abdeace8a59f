"""One operator as a native function of its own, called with arrays: for eager execution."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np

from ...core import Function
from ...core.variable import Shape
from ...listen import Instruction, Program
from ...machine.code import Code
from ...machine.module import Compiled, Module, compile_recipe
from ...machine.scratch import empty, workspace
from ...machine.target import Target, host
from ...machine.team import Team, team
from ..access import dense
from ..layout import Order, ordered
from .kernels import Kernel
from .program import FEW
from .table import kernel_of, wants

Spec: TypeAlias = "tuple[Shape, np.dtype[Any]]"


class Single:
    """An operator for operands of certain shapes and dtypes.

    Operands may lie in any way; they are copied if the code needs them otherwise. Results are new
    arrays, which lie as the code writes them: images with their channels last, sequences with
    their steps first. Several threads may call one at a time.

    Args:
        function: the operator.
        specs: shape and dtype of each operand.
        target: the processor.
        crew: who runs it; None is the team of this process.
        few: operations below which one thread runs it.
    Attributes:
        operations: how many it does.
    Raises:
        KeyError: if there is no code for it; `supported` says so beforehand.
    """

    def __init__(
        self,
        function: Function,
        specs: Sequence[Spec],
        target: Target | None = None,
        crew: Team | None = None,
        few: int = FEW,
    ):
        self.crew = team() if crew is None else crew
        target = host() if target is None else target
        kernel, orders = planned(function, specs, target)
        count = len(specs)
        self.orders = orders[:count]
        self.results = [
            (tuple([x.shape[i] for i in order]), x.dtype, [order.index(i) for i in range(x.ndim)])
            for x, order in zip(kernel.instruction.results, orders[count:])
        ]
        self.one = len(self.results) == 1
        self.threads = 1 if kernel.work < few else self.crew.threads
        self.each = -(-kernel.scratch // 4096) * 4096
        self.shared, self.operations = kernel.shared, kernel.work
        self._kernel, self._target = kernel, target

    @cached_property
    def code(self) -> Compiled:
        """Machine code, made at the first call."""
        return compiled(self._kernel, self.each, self._target)

    @cached_property
    def _address(self) -> int:
        return self.code.address("single")

    def __call__(self, *arrays: Any, threads: int = 0) -> Any:
        """The result, or a tuple of them; on so many threads, if it is said."""
        threads = threads or self.threads
        held = [np.ascontiguousarray(x.transpose(i)) for x, i in zip(arrays, self.orders)]
        found = [empty(shape, dtype) for shape, dtype, _ in self.results]
        scratch = workspace.of(self.each * threads + self.shared)
        addresses = [x.__array_interface__["data"][0] for x in (*held, *found)]
        start = scratch.__array_interface__["data"][0]
        table = np.array([0, start, start + self.each * threads, *addresses], np.int64)
        self.crew.run(self._address, table.__array_interface__["data"][0], threads)
        views = [y.transpose(back) for y, (_, _, back) in zip(found, self.results)]
        return views[0] if self.one else tuple(views)


def supported(function: Function, specs: Sequence[Spec]) -> bool:
    """Whether there is native code for an operator on such arrays."""
    if function.spec is None:
        return False  # a formula, and not a kernel
    instruction = heard(function, specs)
    kernel, values = kernel_of(instruction), (*instruction.values, *instruction.results)
    return kernel is not None and all([x.size for x in values]) and kernel.takes(instruction, {})


def heard(function: Function, specs: Sequence[Spec]) -> Instruction:
    """The instruction of an operator, in a program of nothing else."""
    program = Program()
    program.emit("call", *[program.input(*spec) for spec in specs], function=function)
    return program.instructions[0]


def planned(
    function: Function, specs: Sequence[Spec], target: Target
) -> tuple[Kernel, list[Order]]:
    """The kernel of an operator, and in which order the axes of operands and results lie."""
    instruction = heard(function, specs)
    kernel, words = kernel_of(instruction), wants(instruction)
    if kernel is None:
        raise KeyError(f"single: there is no native code for {function!r}")
    values = [*instruction.values, *instruction.results]
    lying = {x: ordered(word or "plain", x.ndim) for word, x in zip(words, values, strict=True)}
    # what a kernel asks of `Layouts`, where every value lies as it has to, and none is a view
    given: Any = SimpleNamespace(layout=lambda x: dense(x.shape, lying[x]), base=lambda x: x)
    return kernel(target, instruction, given), list(lying.values())


def compiled(kernel: Kernel, each: int, target: Target) -> Compiled:
    """Its code: slots of the table are scratch, shared, and then operands and results."""

    def write(module: Module) -> None:
        code = Code(module.ir, "single", target)
        scratch = code.at(code.pointer(1), code.tid * each, np.int8)
        shared = code.pointer(2)
        pointers = [code.pointer(slot) for slot in range(3, 3 + len(kernel.values))]
        kernel.write(code, pointers, scratch, shared)
        code.b.ret_void()

    return compile_recipe(repr(("single", kernel.key(), each)), target, write)
