"""A compiled program as it is told of: what runs together, what it moves, how long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ..errors import CheckpointError
from ..listen import Instruction


@dataclass(frozen=True)
class Row:
    """What runs together: a group of a native program, an instruction of a replayed one.

    Attributes:
        kind: "nest", "product", "kernel" or "numpy".
        space: the lengths of its loops.
        what: its instructions.
        nbytes: of the arrays that it reads and writes, each once.
        work: operations, about; 0 where they are not counted.
        seconds: a run takes; None if the step was not compiled with ``profile=True``.
        reached: the share of what this machine can do at most, in products or in bytes; None where
            it is not known.
    """

    kind: str
    space: str
    what: str
    nbytes: int
    work: int
    seconds: float | None = None
    reached: float | None = None


@dataclass(frozen=True)
class Described:
    """One program of a step.

    Attributes:
        backend: ``"native"`` or ``"replay"``; empty before its first run.
        program: its text.
        instructions: how many.
        source: the Python that runs.
        arena: bytes of the memory in which results lie.
        results: bytes of all results together.
        threads: that run it.
        rows: what runs together, in order.
    """

    backend: str
    program: str
    instructions: int
    source: str = ""
    arena: int = 0
    results: int = 0
    threads: int = 1
    rows: list[Row] = field(default_factory=list)

    @property
    def seconds(self) -> float | None:
        """Of one run, in what has a clock; None if nothing has."""
        found = [row.seconds for row in self.rows if row.seconds is not None]
        return sum(found) if found else None

    def as_dict(self) -> dict[str, Any]:
        """All of it in what JSON can hold."""
        return asdict(self)

    @classmethod
    def of_dict(cls, found: Any) -> Described:
        """What `as_dict` gave.

        Raises:
            CheckpointError: it is something else.
        """
        known = _fitting(cls, found)
        if not isinstance(known.get("rows"), list):
            raise CheckpointError(f"a compiled program should have rows, got {found!r:.60}")
        rows = [Row(**_fitting(Row, row)) for row in known.pop("rows")]
        return cls(**known, rows=rows)


KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float | None": (int, float, type(None)),
    "list[Row]": (list,),
}


def _fitting(kind: type, found: Any) -> dict[str, Any]:
    """The fields of a dataclass from JSON, each of its type and of 0 or more."""
    wanted = {f.name: KINDS[str(f.type)] for f in fields(kind)}
    if not isinstance(found, dict) or set(found) != set(wanted):
        raise CheckpointError(f"a {kind.__name__} should have {', '.join(wanted)}")
    for name, value in found.items():
        number = isinstance(value, (int, float))
        if not isinstance(value, wanted[name]) or (number and not 0 <= value < float("inf")):
            raise CheckpointError(f"{kind.__name__}.{name} should be another, got {value!r:.60}")
    return found


def name_of(instruction: Instruction) -> str:
    """The opcode of an instruction, or the operator that it calls."""
    function = instruction.function
    return instruction.opcode if function is None else type(function).__name__


def text(found: Sequence[Row]) -> str:
    """A table of rows as text."""
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
