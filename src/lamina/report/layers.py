"""What ``statistics.jsonl`` tells: each parameter, and its gradient, over time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .picture import Histogram, read_histogram, spread
from .read import Note, number, records

QUANTITIES = ("update_ratio", "gradient_norm", "norm", "std", "gradient_std")  # none is negative
STATISTICS = ("mean", "std", "min", "max", "norm", "gradient_norm", "gradient_std", "update_ratio")
STRIP_BYTES, CELL_BYTES = 180_000, 8
HISTOGRAM_BYTES = 220_000
MOST_TIMES, FEWEST_TIMES = 80, 16
MOST_PARAMETERS = 240
BROKEN = -1.0  # in place of a number that is not finite


@dataclass
class Time:
    """One record, or some that follow one another: of each quantity the largest.

    Attributes:
        values: of each parameter, one number for each of `QUANTITIES`; NaN where there is none.
    """

    iteration: int
    values: dict[str, list[float]]
    histograms: dict[str, Histogram] = field(default_factory=dict)

    def join(self, later: Time) -> None:
        """Take in the time that follows."""
        self.iteration = later.iteration
        for name, values in later.values.items():
            mine = self.values.setdefault(name, values)
            self.values[name] = [_larger(a, b) for a, b in zip(mine, values)]
        self.histograms |= later.histograms


def _larger(a: float, b: float) -> float:
    """A broken number stays; one that is not there gives way."""
    if BROKEN in (a, b):
        return BROKEN
    return float(np.fmax(a, b))


@dataclass(frozen=True)
class Spread:
    """A picture of the values of a parameter over time, from ``low`` at its bottom to ``high``."""

    source: str
    low: float
    high: float


@dataclass(frozen=True)
class Layers:
    """The parameters of a run over time.

    Attributes:
        names: of parameters, in the order of the file.
        times: at most 80.
        last: the newest statistics of each, as they are in the file.
        spreads: of those parameters that have histograms.
    """

    names: list[str]
    times: list[Time]
    last: dict[str, dict[str, float]]
    spreads: dict[str, Spread]


def read_layers(path: Path, notes: list[Note], of: int) -> Layers | None:
    """Read the file; None if nothing is in it.

    Args:
        path: of ``statistics.jsonl``.
        notes: where to say what was left out.
        of: how many runs share the page.
    """
    line = Timeline()
    try:
        for record in records(path, notes):
            line.add(record, MOST_TIMES, STRIP_BYTES // of)
    except OSError as error:
        fill = {"file": path.name, "why": error.strerror or str(error)}
        notes.append(Note("unreadable", fill))
    if not line.times:
        notes.append(Note("empty_statistics", {}))
        return None
    names = list(line.last)
    if len(names) > MOST_PARAMETERS // of:
        fill = {"count": len(names), "shown": MOST_PARAMETERS // of}
        notes.append(Note("many_parameters", fill))
        names = names[: MOST_PARAMETERS // of]
    return Layers(names, line.times, line.last, _spreads(names, line.times, notes, of))


class Timeline:
    """Records as they come, joined in pairs whenever they are too many.

    Attributes:
        times: the oldest first.
        last: the newest statistics of each parameter.
    """

    def __init__(self) -> None:
        self.times: list[Time] = []
        self.last: dict[str, dict[str, float]] = {}
        self.width = 1  # records in one time
        self.inside = 0  # records in the newest one, or 0 if it is full

    def add(self, record: dict[str, Any], most: int, budget: int) -> None:
        """Take in one line of the file; what is no record of statistics is passed over."""
        iteration, parameters = number(record.get("iteration")), record.get("parameters")
        if iteration is None or not isinstance(parameters, dict):
            return
        found = {name: p for name, p in parameters.items() if isinstance(p, dict)}
        self.last |= {name: _statistics(p) for name, p in found.items()}
        histograms = {name: read_histogram(p.get("histogram")) for name, p in found.items()}
        time = Time(
            int(iteration) if np.isfinite(iteration) else 0,
            {
                name: [_cell(p.get(quantity)) for quantity in QUANTITIES]
                for name, p in found.items()
            },
            {name: histogram for name, histogram in histograms.items() if histogram is not None},
        )
        if self.inside:
            self.times[-1].join(time)
        else:
            self.times.append(time)
        self.inside = (self.inside + 1) % self.width
        room = budget // (CELL_BYTES * len(QUANTITIES) * max(len(self.last), 1))
        self.halve(min(max(room, FEWEST_TIMES), most))

    def halve(self, most: int) -> None:
        """Join the first with the second, the third with the fourth ..., if there are too many."""
        if len(self.times) <= most or len(self.times) % 2 or self.inside:
            return
        for time, later in zip(self.times[::2], self.times[1::2]):
            time.join(later)
        self.times = self.times[::2]
        self.width *= 2


def _statistics(parameter: dict[str, Any]) -> dict[str, float]:
    found = {name: number(parameter.get(name)) for name in STATISTICS}
    return {name: value for name, value in found.items() if value is not None}


def _cell(value: Any) -> float:
    found = number(value)
    if found is None:
        return np.nan
    return found if 0 <= found < np.inf else BROKEN


def _spreads(names: list[str], times: list[Time], notes: list[Note], of: int) -> dict[str, Spread]:
    """The pictures of as many parameters as there is room for."""
    spreads: dict[str, Spread] = {}
    left = HISTOGRAM_BYTES // of
    for name in names:
        drawn = spread([time.histograms.get(name) for time in times])
        if drawn is None:
            continue
        left -= len(drawn[0])
        if left < 0:
            notes.append(Note("many_histograms", {"count": len(names), "shown": len(spreads)}))
            break
        spreads[name] = Spread(*drawn)
    return spreads
