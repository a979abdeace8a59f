"""What `Step.explain` says of a native program's groups: what they move, how long they take."""

from __future__ import annotations

import functools
import time
from typing import Any

import numpy as np

from ...machine.code import I64, Code, Int
from ...machine.lanes import intrinsic
from ...machine.limits import limits
from ...machine.module import Module
from ...machine.target import host
from ...machine.team import team
from ..described import Row, name_of
from ..group import Group
from ..loop import Scan
from .loop import Loop, why_not


def rows(native: Any) -> list[Row]:
    """The groups of a native program, in the order in which they run."""
    runs = int(native.clock[-1])
    per_second = cycles_per_second() if native.profile and runs else 0.0
    found = []
    for i, group in enumerate(native.groups):
        plan = native.plans.get(group)
        counted = runs and plan is not None and per_second
        seconds = int(native.clock[i]) / runs / per_second if counted else None
        nbytes = sum([value.nbytes for value in (*group.reads, *group.stores)])
        work = int(plan.work) if plan is not None else 0
        found.append(
            Row(
                group.kind,
                "x".join(map(str, group.space)),
                _what(group, plan),
                nbytes,
                work,
                seconds,
                reached(work, nbytes, seconds),
            )
        )
    return found


def _what(group: Group, plan: Any) -> str:
    """The instructions of a group; of a loop, those of a turn, or why NumPy runs it."""
    if isinstance(plan, Loop):
        turn = [f"{g.kind} ({_what(g, plan.turn.plans[g])})" for g in plan.turn.groups]
        return f"Scan of {plan.length} turns: {', '.join(turn)}"
    names = " ".join([name_of(instruction) for instruction in group.instructions])
    if group.kind == "numpy" and isinstance(group.members[0].function, Scan):
        return f"{names}, by NumPy: {why_not(group.members[0])}"
    return names


def reached(work: int, nbytes: int, seconds: float | None) -> float | None:
    """The share of what this machine can do at most, in products or in bytes."""
    if not seconds:
        return None
    most = limits()
    return max(work / most.flops, nbytes / most.copied) / seconds


@functools.cache
def cycles_per_second() -> float:
    """How fast the clock runs that native code reads."""
    module = Module(host())
    code = Code(module.ir, "clock", module.target)
    now = Int(code, intrinsic(code, "llvm.readcyclecounter", I64))
    code.put(now.value, code.pointer(1))
    code.b.ret_void()
    compiled, place = module.compile(), np.zeros(1, np.int64)
    table = np.array([0, place.ctypes.data], np.int64)

    def read() -> tuple[int, float]:
        team().run(compiled.address("clock"), table.ctypes.data, 1)
        return int(place[0]), time.perf_counter()

    read()
    (cycles, start), _ = read(), time.sleep(0.02)
    later, end = read()
    return (later - cycles) / (end - start)
