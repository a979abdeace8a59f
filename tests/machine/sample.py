"""Small native functions, and tables for them."""

from __future__ import annotations

import numpy as np

from lamina.machine.code import Code
from lamina.machine.module import Compiled, Module
from lamina.machine.target import host
from lamina.machine.team import Team


def table(*arrays: np.ndarray) -> np.ndarray:
    """A table of pointers: slot 0 is the team's, the arrays begin at slot 1."""
    return np.array([0, *(array.ctypes.data for array in arrays)], np.int64)


def module(n: int, rounds: int = 1) -> Module:
    """``f`` turns x (slot 1) round so often, through y (slot 2), with barriers between."""
    made = Module(host())
    code = Code(made.ir, "f", made.target)
    x, y = code.pointer(1), code.pointer(2)
    for _ in code.loop(0, rounds):
        low, high = code.share(n)
        for i in code.loop(low, high):
            code.put(code.scalar(x, i), y, i)
        code.barrier()
        for i in code.loop(low, high):
            code.put(code.scalar(y, code.int(n - 1) - i), x, i)
        code.barrier()
    code.b.ret_void()
    return made


def compiled(n: int, rounds: int = 1) -> Compiled:
    """The same, ready to run."""
    return module(n, rounds).compile(verify=True)


def run(team: Team, code: Compiled, *arrays: np.ndarray, threads: int = 99) -> None:
    """``f`` of the code on a team; what it needs lives until it is done."""
    pointers = table(*arrays)
    team.run(code.address("f"), pointers.ctypes.data, threads)
