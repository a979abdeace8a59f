"""The profile of a compiled step: its groups of instructions, each with its time."""

# pyright: reportPrivateUsage=false
# (it asks a step for the program that ran)

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from ..compiler import Step
from .profile_report import shown_time
from .profile_trace import named, span, write
from .summary_table import Shown, Table

SHOWN = 6
"""Instructions of a group in a table; a trace has all."""


@dataclass(frozen=True)
class GroupTime:
    """One group of instructions, which run as one loop, one product or one kernel; of a replay one
    instruction.

    Attributes:
        kind: ``"nest"``, ``"product"``, ``"kernel"``, or ``"numpy"`` for a call of NumPy.
        loops: the lengths of its loops.
        instructions: what it does.
        seconds: of one run; None for NumPy's calls in a native program, which have no clock.
        nbytes: of the arrays that it reads and writes.
        work: operations, about.
        reached: the share of what this machine can do at most.
    """

    kind: str
    loops: str
    instructions: str
    seconds: float | None
    nbytes: int
    work: int
    reached: float | None


class CompiledProfile(Shown):
    """Time of a compiled step by groups of instructions.

    Attributes:
        steps: how many ran.
        seconds: of one of them, on average, with a clock and a barrier behind each group.
        backend: ``"native"`` or ``"replay"``.
        groups: in the order in which they run.
        arena: bytes of the memory in which results lie.
    """

    def __init__(
        self, steps: int, seconds: float, backend: str, groups: list[GroupTime], arena: int
    ):
        self.steps, self.seconds, self.backend = steps, seconds, backend
        self.groups, self.arena = groups, arena

    def tables(self) -> list[Table]:
        """The groups, the slowest first."""
        cells = [
            (
                _short(group.instructions),
                group.kind,
                group.loops,
                shown_time(group.seconds or 0.0) if group.seconds is not None else "",
                f"{(group.seconds or 0) / self.seconds:.1%}",
                "" if group.reached is None else f"{group.reached:.0%}",
                f"{group.nbytes / 1e6:.3f}",
                f"{group.work / 1e6:.3f}",
            )
            for group in sorted(self.groups, key=lambda group: -(group.seconds or 0))
        ]
        head = ("instructions", "kind", "loops", "time", "of all", "of the limit", "MB", "Mop")
        return [Table(head, cells, self._foot(), words=3)]

    def _foot(self) -> list[str]:
        inside = sum([group.seconds or 0 for group in self.groups])
        lines = [f"one of {self.steps} steps, {self.backend}: {shown_time(self.seconds)}"]
        lines[0] += f", {shown_time(inside)} of them in groups with a clock"
        return [*lines, f"memory of results: {self.arena / 2**20:.1f} MiB"]

    def description(self) -> dict[str, Any]:
        """Figures of one step, in what JSON can hold."""
        groups = [vars(group) for group in self.groups]
        return {
            "steps": self.steps,
            "seconds": self.seconds,
            "backend": self.backend,
            "arena_bytes": self.arena,
            "groups": groups,
        }

    def trace(self) -> dict[str, Any]:
        """A step of average times as a Chrome trace: groups with a clock, one after another."""
        events, at = named("lamina", "compiled step"), 0
        for group in [group for group in self.groups if group.seconds is not None]:
            length = round((group.seconds or 0) * 1e9)
            more = {"loops": group.loops, "bytes": group.nbytes, "operations": group.work}
            events.append(span(group.instructions, group.kind, at, at + length, more))
            at += length
        return {"traceEvents": events, "displayTimeUnit": "ms"}

    def save(self, path: Any) -> Path:
        """Write the trace to a ``.json`` file; gives its path.

        Raises:
            CheckpointWriteError: the disk refuses.
        """
        return write(path, self.trace())


def _short(instructions: str) -> str:
    """The first of many instructions, and how many there are."""
    words = instructions.split()
    if len(words) <= SHOWN:
        return instructions
    return f"{' '.join(words[:SHOWN])} ... ({len(words)})"


def profile_compiled(step: Step, batch: tuple[Any, ...], steps: int) -> CompiledProfile:
    """`profile` of a compiled step: compiled once more, with clocks."""
    backend = "native" if step.native else "replay"
    timed = Step(step.function, backend, profile=True)
    for _ in range(2):  # the first makes what lasts, the second is heard
        timed(*batch)
    emitted = [run.emitted for run in timed._runs.values() if run is not None][-1]
    emitted.restart()
    start = perf_counter()
    for _ in range(steps):
        timed(*batch)
    seconds = (perf_counter() - start) / steps
    found = emitted.described(emitted.program)
    groups = [
        GroupTime(r.kind, r.space, r.what, r.seconds, r.nbytes, r.work, r.reached)
        for r in found.rows
    ]
    return CompiledProfile(steps, seconds, found.backend, groups, found.arena)
