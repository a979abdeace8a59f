"""A training that is killed at random instants and started again ends as if it never was.

LAMINA_KILLS says how many such runs there are for each backend; the suite makes one. LAMINA_WORKERS
makes all workers of one kind: thread, process, or none.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from training import resumed

HERE = Path(resumed.__file__)
ROOT = HERE.parents[2]
RUNS = int(os.environ.get("LAMINA_KILLS", "1"))
KINDS = {"eager": "process", "replay": "thread", "native": "thread"}  # of the two workers


def start(folder: Path, backend: str) -> subprocess.Popen:
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, HERE, folder, backend, os.environ.get("LAMINA_WORKERS", KINDS[backend])],
        env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
    )


def run_and_kill(folder: Path, backend: str, steps: int, delay: float) -> str:
    """Kill it ``delay`` seconds after it made some steps; all that it printed."""
    with start(folder, backend) as process:
        assert process.stdout is not None
        output = process.stdout.read(steps)  # so that each of the runs gets on
        time.sleep(delay)
        process.kill()
        output += process.stdout.read()
    return output.decode().strip()


def end_of(folder: Path, backend: str, rng: random.Random) -> tuple[str, int]:
    """What a run prints at its end that is killed again and again; how often it was killed."""
    kills = 0
    while True:
        output = run_and_kill(folder, backend, rng.randrange(1, 16), rng.uniform(0, 0.02))
        if output.strip("."):
            return output.strip("."), kills
        kills += 1


@pytest.mark.slow
@pytest.mark.parametrize("backend", KINDS)
def test_a_training_killed_at_random_instants_ends_equal_to_the_last_bit(backend, tmp_path):
    if backend == "native":
        pytest.importorskip("llvmlite")
    rng, killed = random.Random(backend), 0
    with start(tmp_path / "whole", backend) as process:
        output, _ = process.communicate(timeout=120)
    whole = output.decode().strip().strip(".")
    assert len(whole) == 64
    for run in range(RUNS):
        end, kills = end_of(tmp_path / str(run), backend, rng)
        assert end == whole
        killed += kills
    assert killed > 0
    print(f"{backend}: {RUNS} runs, {killed} kills")
