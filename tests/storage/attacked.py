"""Loads each file of a folder and tells what happened, in a process of its own.

``python attacked.py FOLDER READER`` prints one line of JSON for each file: the error, what Python's
audit hooks saw, and by how many bytes the memory in use rose at its highest. READER is ``lamina``,
or ``pickle`` to see what would happen without lamina.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lamina.errors import CheckpointError
from lamina.files import load_npz

events: list[list[str]] = []
listening = False


def hook(event: str, arguments: tuple[Any, ...]) -> None:
    if listening:
        events.append([event, str(arguments[0]) if arguments else ""])


def memory(field: str) -> int:
    """A figure of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def with_pickle(path: str) -> None:
    """Read all arrays as NumPy does if it is told to trust the file."""
    with np.load(path, allow_pickle=True) as file:
        dict(file)


READERS = {"lamina": load_npz, "pickle": with_pickle}


def attack(read: Callable[[str], object], path: str) -> dict[str, Any]:
    """Load one file under observation."""
    global listening
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = memory("VmRSS")
    events.clear()
    error = message = ""
    listening = True
    try:
        read(path)
    except CheckpointError as caught:
        error, message = type(caught).__name__, str(caught)
    finally:
        listening = False
    peak = memory("VmHWM") - before
    return {"error": error, "message": message, "events": list(events), "peak": peak}


def warm_up() -> None:
    """Load something once: decoders are imported when they are first needed."""
    file = io.BytesIO()
    np.savez_compressed(file, **{"a": np.zeros(3), "é": np.zeros(2)})
    file.seek(0)
    load_npz(file)


if __name__ == "__main__":
    sys.addaudithook(hook)
    warm_up()
    for name in sorted(os.listdir(sys.argv[1])):
        path = os.path.join(sys.argv[1], name)
        result = {"file": name, "size": os.path.getsize(path), **attack(READERS[sys.argv[2]], path)}
        print(json.dumps(result), flush=True)
