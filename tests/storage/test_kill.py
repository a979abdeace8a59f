"""Processes that are killed while they save: the file is the old one or the new one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KILLED = Path(__file__).with_name("killed.py")
KILLS = {signal.SIGKILL: 200, signal.SIGTERM: 40, signal.SIGINT: 40}


def outcomes(folder: Path, how: signal.Signals) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What was found after each kill, and after one more save."""
    output = subprocess.run(
        [sys.executable, KILLED, folder, str(KILLS[how]), str(int(how)), "5"],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # no thread may be lost in a fork
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    ).stdout
    *found, last = map(json.loads, output.splitlines())
    return found, last


@pytest.mark.slow
@pytest.mark.parametrize("how", KILLS, ids=lambda how: how.name)
def test_killed_saves_leave_the_last_acknowledged_file_or_the_next_and_one_orphan(tmp_path, how):
    found, last = outcomes(tmp_path, how)  # all in one test: a worker of its own runs it once
    assert len(found) == KILLS[how]
    assert [f for f in found if f["found"] not in (f["acknowledged"], f["acknowledged"] + 1)] == []
    numbers = [f["found"] for f in found]
    assert numbers == sorted(set(numbers))
    assert max(f["left"] for f in found) <= 1
    assert last == {"left": 0}
