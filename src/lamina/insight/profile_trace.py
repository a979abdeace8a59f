"""Chrome's trace format: a JSON file of events, with times in microseconds.

Source:
    "Trace Event Format", the Chromium project: complete events ``X``, counters ``C``, metadata
    ``M``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..files import atomic_write

PROCESS = THREAD = 1


def named(process: str, thread: str) -> list[dict[str, Any]]:
    """Names of the process and its one thread."""
    return [
        {"name": what, "ph": "M", "pid": PROCESS, "tid": THREAD, "args": {"name": name}}
        for what, name in (("process_name", process), ("thread_name", thread))
    ]


def span(name: str, kind: str, start: int, end: int, more: dict[str, Any]) -> dict[str, Any]:
    """Something that ran from ``start`` to ``end``, in nanoseconds."""
    return {
        "name": name,
        "cat": kind,
        "ph": "X",
        "ts": round(start / 1e3, 3),
        "dur": round((end - start) / 1e3, 3),
        "pid": PROCESS,
        "tid": THREAD,
        "args": more,
    }


def counter(name: str, at: float, values: dict[str, int]) -> dict[str, Any]:
    """Values at a moment, in microseconds."""
    return {"name": name, "ph": "C", "ts": at, "pid": PROCESS, "tid": THREAD, "args": values}


def write(path: Any, trace: dict[str, Any]) -> Path:
    """Write a trace; gives where."""
    to = Path(os.fspath(path))
    text = json.dumps(trace, separators=(",", ":"), allow_nan=False)
    atomic_write(to, lambda file: file.write(text.encode()))
    return to
