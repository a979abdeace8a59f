"""What a profile found: events with their times, tables of them, and a Chrome trace."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import GraphError
from .memory_units import shown_bytes
from .profile_trace import counter, named, span, write
from .summary_table import Shown, Table


class Event:
    """Something that ran: an operator, its backward, a layer, an update, or a step.

    Attributes:
        name: the operator, the path of the layer, or the optimizer.
        kind: ``"operator"``, ``"backward"``, ``"layer"``, ``"update"`` or ``"step"``.
        phase: ``"forward"``, ``"backward"`` or ``"update"``.
        layer: the path of the Layer that it ran in.
        outer: the event that it ran in.
        start: nanoseconds.
        end: nanoseconds.
        inside: nanoseconds of the events that ran in it.
        nbytes: of arrays that it made.
    """

    __slots__ = ("end", "inside", "kind", "layer", "name", "nbytes", "outer", "phase", "start")

    def __init__(self, name: str, kind: str, phase: str, layer: str, outer: Event | None):
        self.name, self.kind, self.phase, self.layer = name, kind, phase, layer
        self.outer = outer
        self.start = self.end = self.inside = self.nbytes = 0

    @property
    def own(self) -> int:
        """Nanoseconds in it and in nothing that ran in it."""
        return self.end - self.start - self.inside


@dataclass
class Row:
    """A line of a table; times are seconds of one step.

    Attributes:
        name: of the layer or the operator.
        calls: of a step, in forward.
        forward: seconds.
        backward: seconds.
        nbytes: of the arrays that it made, in forward and backward.
    """

    name: str
    calls: float = 0
    forward: float = 0.0
    backward: float = 0.0
    nbytes: float = 0.0

    @property
    def seconds(self) -> float:
        """Forward and backward together."""
        return self.forward + self.backward

    def divide(self, steps: int) -> None:
        """From the sum over steps to one of them."""
        self.calls, self.nbytes = self.calls / steps, self.nbytes / steps
        self.forward, self.backward = self.forward / steps, self.backward / steps


class Profile(Shown):
    """Time and memory by layer and operator.

    Attributes:
        steps: how many ran: figures are those of one.
        events: all that ran, in the order in which it ended.
        memory: pairs of nanoseconds and bytes: what results of operators were held then.
        peak: the most of them; temporary arrays inside an operator are not seen.
        peak_at: the operator that made the last of these.
        start: nanoseconds, as all times.
        end: the same.
    """

    def __init__(self, steps: int):
        self.steps = steps
        self.events: list[Event] = []
        self.memory: list[tuple[int, int]] = []
        self.live = self.peak = 0
        self.peak_at: Event | None = None
        self.start = self.end = 0
        self._watch: Any = None

    def span(self, name: str, kind: str = "step") -> AbstractContextManager[None]:
        """Mark what runs in this context as one event, such as a step, while the profile is made.

        Raises:
            GraphError: it is made already.
        """
        if self._watch is None:
            raise GraphError("profile: span() marks what runs inside the profile's context")
        return self._watch.span(name, kind)

    # -- figures -----------------------------------------------------------------------------

    @property
    def seconds(self) -> float:
        """Of one step, all in all."""
        return (self.end - self.start) * 1e-9 / self.steps

    def seconds_of(self, phase: str) -> float:
        """Of one step in ``"forward"``, ``"backward"`` or ``"update"``: what operators and layers
        take there.
        """
        top = [e for e in self.events if _outermost(e) and _phase_of(e) == phase]
        return sum([e.end - e.start for e in top]) * 1e-9 / self.steps

    @property
    def operators(self) -> list[Row]:
        """A row for each operator, the slowest first."""
        rows = self._rows(lambda event: event.name)
        for row in rows:
            row.divide(self.steps)
        return sorted(rows, key=lambda row: -row.seconds)

    @property
    def layers(self) -> list[Row]:
        """A row for each layer, of what ran in it and in no layer inside it; the slowest first.

        In forward the time between its operators counts too.
        """
        rows = self._rows(lambda event: event.layer)
        found = {row.name: row for row in rows}
        for row in rows:
            row.calls = 0
        for event in self.events:
            if event.kind == "layer" and event.phase == "forward":
                row = found.setdefault(event.layer, Row(event.layer))
                row.calls += 1
                row.forward += event.own * 1e-9
        for row in found.values():
            row.divide(self.steps)
        return sorted(found.values(), key=lambda row: -row.seconds)

    def _rows(self, key: Callable[[Event], str]) -> list[Row]:
        """Sums over all steps."""
        rows: dict[str, Row] = {}
        for event in self.events:
            maker = _visit_of(event) if event.phase == "backward" else event
            if (
                maker is None
                or event.phase == "update"
                or event.kind not in ("operator", "backward")
            ):
                continue
            row = rows.setdefault(key(maker), Row(key(maker)))
            row.nbytes += event.nbytes
            if event.kind == "backward":
                row.backward += (event.end - event.start) * 1e-9
            elif event.phase == "forward":
                row.forward += event.own * 1e-9
                row.calls += 1
        return list(rows.values())

    # -- how it is shown ---------------------------------------------------------------------

    def tables(self) -> list[Table]:
        """By layer, and by operator."""
        return [
            self._table("layer", self.layers, []),
            self._table("operator", self.operators, self._foot()),
        ]

    def _table(self, what: str, rows: list[Row], foot: list[str]) -> Table:
        total = self.seconds or 1.0
        cells = [
            (
                row.name or "(outside of layers)",
                f"{row.calls:.4g}",
                shown_time(row.forward),
                shown_time(row.backward),
                f"{row.seconds / total:.1%}",
                shown_bytes(round(row.nbytes)),
            )
            for row in rows
        ]
        head = (what, "calls", "forward", "backward", "of all", "made")
        return Table(head, cells, foot)

    def _foot(self) -> list[str]:
        parts = {phase: self.seconds_of(phase) for phase in ("forward", "backward", "update")}
        between = self.seconds - sum(parts.values())
        shown = ", ".join([f"{name} {shown_time(t)}" for name, t in parts.items()])
        what = f"one of {self.steps} steps" if self.steps > 1 else "all in all"
        lines = [f"{what}: {shown_time(self.seconds)}: {shown}, between them {shown_time(between)}"]
        if self.peak_at is not None:
            where = f"{self.peak_at.layer} " if self.peak_at.layer else ""
            lines.append(
                f"most that results of operators held: {shown_bytes(self.peak)}, in "
                f"{self.peak_at.phase} at {where}{self.peak_at.name}"
            )
        return lines

    def description(self) -> dict[str, Any]:
        """Figures of one step, in what JSON can hold."""
        return {
            "steps": self.steps,
            "seconds": self.seconds,
            "phases": {p: self.seconds_of(p) for p in ("forward", "backward", "update")},
            "layers": [vars(row) for row in self.layers],
            "operators": [vars(row) for row in self.operators],
            "peak_bytes": self.peak,
        }

    # -- the trace ---------------------------------------------------------------------------

    def trace(self) -> dict[str, Any]:
        """The events as a Chrome trace: for ``chrome://tracing`` and ui.perfetto.dev."""
        events: list[dict[str, Any]] = named("lamina", "training")
        ordered = sorted(self.events, key=lambda e: (e.start, -e.end))
        events += [self._span(event) for event in ordered]
        events += [
            counter("memory", (at - self.start) / 1e3, {"bytes": n})
            for at, n in sorted(self.memory)
            if at >= self.start
        ]
        return {"traceEvents": events, "displayTimeUnit": "ms"}

    def _span(self, event: Event) -> dict[str, Any]:
        name = f"{event.name} backward" if event.kind == "backward" else event.name
        more = {"phase": event.phase, "layer": event.layer, "bytes": event.nbytes}
        start, end = event.start - self.start, event.end - self.start
        return span(name, event.kind, start, end, more)

    def save(self, path: Any) -> Path:
        """Write the trace to a ``.json`` file; gives its path.

        Raises:
            CheckpointWriteError: the disk refuses.
        """
        return write(path, self.trace())


def _visit_of(event: Event) -> Event | None:
    """The step of the backward walk that an event is, or is part of."""
    at: Event | None = event
    while at is not None and at.kind != "backward":
        at = at.outer
    return at


def _phase_of(event: Event) -> str:
    return event.kind if event.kind in ("backward", "update") else event.phase


def _outermost(event: Event) -> bool:
    """Whether it runs in nothing but steps."""
    return event.kind != "step" and (event.outer is None or event.outer.kind == "step")


def shown_time(seconds: float) -> str:
    """Seconds in the unit that suits.

    Example:
        >>> shown_time(0.00123), shown_time(0), shown_time(12.5)
        ('1.23 ms', '0 µs', '12.5 s')
    """
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms")):
        if abs(seconds) < limit:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.4g} s"
