"""What `Step.explain` says of a native program: groups, what they move, how long they take."""

from __future__ import annotations

import functools
import html
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..group import Group
from ..loop import Scan
from .code import I64, Code, Int
from .kinds import name_of
from .lanes import intrinsic
from .limits import limits
from .loop import Loop, why_not
from .module import Module
from .target import host
from .team import team


@dataclass(frozen=True)
class Row:
    """One group.

    Attributes:
        kind: "nest", "product", "kernel" or "numpy".
        space: the lengths of its loops.
        what: its instructions.
        nbytes: of the arrays that it reads and writes, each once.
        work: operations, about; 0 for NumPy's calls, which are not counted.
        seconds: a run takes; None if the step was not compiled with ``profile=True``.
    """

    kind: str
    space: str
    what: str
    nbytes: int
    work: int
    seconds: float | None

    @property
    def reached(self) -> float | None:
        """The share of what this machine can do at most, in products or in bytes."""
        if not self.seconds:
            return None
        most = limits()
        return max(self.work / most.flops, self.nbytes / most.copied) / self.seconds


def rows(native: Any) -> list[Row]:
    """The groups of a native program, in the order in which they run."""
    runs = int(native.clock[-1])
    per_second = cycles_per_second() if native.profile and runs else 0.0
    found = []
    for i, group in enumerate(native.groups):
        plan = native.plans.get(group)
        counted = runs and plan is not None
        found.append(
            Row(
                group.kind,
                "x".join(map(str, group.space)),
                _what(group, plan),
                sum([value.nbytes for value in (*group.reads, *group.stores)]),
                plan.work if plan is not None else 0,
                int(native.clock[i]) / runs / per_second if counted and per_second else None,
            )
        )
    return found


def _what(group: Group, plan: Any) -> str:
    """The instructions of a group; of a loop, those of a turn, or why NumPy runs it."""
    if isinstance(plan, Loop):
        turn = [f"{g.kind} ({_what(g, plan.turn.plans[g])})" for g in plan.turn.groups]
        return f"Scan of {plan.length} turns: {', '.join(turn)}"
    names = " ".join([name_of(instruction) for instruction in group.instructions])
    if group.kind == "numpy" and isinstance(group.members[0].fields.get("function"), Scan):
        return f"{names}, by NumPy: {why_not(group.members[0])}"
    return names


def text(found: Sequence[Row]) -> str:
    """A table of groups as text."""
    timed = any([row.seconds for row in found])
    lines = []
    for row in found:
        measured = f"{row.nbytes / 1e6:9.3f} MB {row.work / 1e6:9.3f} M"
        if timed:
            spent = f"{row.seconds * 1e6:9.1f} us" if row.seconds else " " * 12
            share = f"{row.reached:5.0%}" if row.reached else " " * 5
            measured = f"{spent} {share} {measured}"
        lines.append(f"  {measured}  {row.kind} {row.space}: {row.what}".rstrip())
    head = "bytes and operations of each group"
    if timed:
        head = f"time, share of the machine's limit, {head}"
    return "\n".join([head, *lines])


def page(found: Sequence[Row], around: str) -> str:
    """The same as a part of a HTML page: a table with bars, and the rest as it is."""
    longest = max([row.seconds or row.work for row in found], default=1) or 1
    cells = []
    for row in found:
        width = 100 * (row.seconds or row.work) / longest
        spent = f"{row.seconds * 1e6:.1f} µs" if row.seconds else ""
        share = f"{row.reached:.0%}" if row.reached else ""
        values = (spent, share, f"{row.nbytes / 1e6:.3f}", f"{row.work / 1e6:.3f}", row.kind,
                  row.space, row.what)  # fmt: skip
        bar = f'<td><div style="width:{width:.1f}px;height:.8em;background:#4a7"></div></td>'
        cells.append(bar + "".join([f"<td>{html.escape(value)}</td>" for value in values]))
    names = ("", "time", "of the limit", "MB", "Mflop", "kind", "loops", "instructions")
    head = "".join([f"<th>{name}</th>" for name in names])
    body = "".join([f"<tr>{row}</tr>" for row in cells])
    return (
        f'<table class="lamina-groups"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f"<pre>{html.escape(around)}</pre>"
    )


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
