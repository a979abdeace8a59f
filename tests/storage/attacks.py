"""Runs attacked.py on files: in a process of its own, since audit hooks stay for ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]


def attacked(folder: Path, reader: str = "lamina") -> list[dict[str, Any]]:
    """What happened to each file of ``folder``, in the order of their names."""
    path = os.pathsep.join([str(TESTS), *filter(None, sys.path)])
    output = subprocess.run(
        [sys.executable, TESTS / "storage" / "attacked.py", folder, reader],
        cwd=folder.parent,
        env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    ).stdout
    return [json.loads(line) for line in output.splitlines()]
