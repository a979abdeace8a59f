"""The files of a run as a report reads them: what is damaged is left out, and said."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array

PLACE = ("iteration", "epoch", "seconds")  # where a record stands; everything else is a metric
LONGEST_LINE = 1 << 24  # bytes; what is longer is no record of ours


class Note(NamedTuple):
    """Something a reader of the report must know: a key of `words.WORDS`, and what fills it."""

    key: str
    fill: dict[str, Any]


def records(path: Path, notes: list[Note]) -> Iterator[dict[str, Any]]:
    """Each JSON object of a ``.jsonl`` file, one a line.

    A last line that was not written to its end, of a run that goes on or was killed, is left out
    silently. Other damaged lines are left out too, and ``notes`` says how many there were, and
    where the first.
    """
    damaged: list[int] = []
    with open(path, "rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            record = _parsed(line)
            if isinstance(record, dict):
                yield record
            elif line.strip() and (line.endswith(b"\n") or len(line) == LONGEST_LINE):
                damaged.append(number)
    if damaged:
        fill = {"file": path.name, "count": len(damaged), "line": damaged[0]}
        notes.append(Note("damaged_lines", fill))


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def number(value: Any) -> float | None:
    """A JSON value as a number, if it is one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


class Columns:
    """The records of one event, column by column: a million take tens of megabytes, not hundreds.

    Attributes:
        columns: the values of each metric, with the numbers of the records that they are from.
    """

    def __init__(self) -> None:
        self.place = {name: array("d") for name in PLACE}
        self.columns: dict[str, tuple[array[int], array[float]]] = {}
        self.length = 0

    def add(self, record: dict[str, Any]) -> None:
        """Note what is a number in it."""
        for name, column in self.place.items():
            found = number(record.get(name))
            column.append(_kept(column, self.length, name) if found is None else found)
        for name, value in record.items():
            found = float("nan") if value is None else number(value)  # JSON has no NaN
            if found is not None and name not in self.place:
                if name not in self.columns:
                    self.columns[name] = (array("q"), array("d"))
                rows, values = self.columns[name]
                rows.append(self.length)
                values.append(found)
        self.length += 1

    def series(self, name: str) -> tuple[Array, Array]:
        """Places (n, 3) and values (n,) of a metric, in ascending order of the iteration."""
        rows, values = (np.array(column) for column in self.columns[name])
        x = np.stack([np.array(self.place[key]) for key in PLACE], axis=1)[rows]
        x = np.nan_to_num(x, posinf=0, neginf=0)
        if np.any(np.diff(x[:, 0]) < 0):
            order = np.argsort(x[:, 0], kind="stable")
            x, values = x[order], values[order]
        return x, values


def _kept(column: array[float], length: int, name: str) -> float:
    """What stands for a place that a record does not tell."""
    if name == "iteration":
        return float(length + 1)
    return column[-1] if column else 0.0


def json_file(path: Path, notes: list[Note]) -> dict[str, Any] | None:
    """A file that holds one JSON object; None, and a note, if it holds anything else."""
    try:
        found = _parsed(path.read_bytes())
    except OSError as error:
        notes.append(Note("unreadable", {"file": path.name, "why": error.strerror or str(error)}))
        return None
    if not isinstance(found, dict):
        notes.append(Note("damaged_file", {"file": path.name}))
        return None
    return found
