"""A training that is killed at random instants and started again ends as if it never was.

LAMINA_KILLS says how many such runs there are for each backend; the suite makes two. LAMINA_WORKERS
makes both workers threads, or processes, or has none: "thread", "process", "none".
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from training import killed

HERE = Path(killed.__file__)
ROOT = HERE.parents[2]
RUNS = int(os.environ.get("LAMINA_KILLS", "2"))
KIND = os.environ.get("LAMINA_WORKERS", "thread")


def ends(folder: Path, backend: str, kind: str, runs: int) -> list[dict]:
    """What the undisturbed run ended with, and each of those that were killed."""
    output = subprocess.run(
        [sys.executable, HERE, folder, backend, kind, str(runs), "5"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")]),
            "OPENBLAS_NUM_THREADS": "1",  # no thread may be lost in a fork
            "LAMINA_CACHE": str(folder / "cache"),
        },
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    return list(map(json.loads, output.splitlines()))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("backend", ["eager", "replay", "native"])
def test_a_training_killed_at_random_instants_ends_equal_to_the_last_bit(backend, tmp_path):
    if backend == "native":
        pytest.importorskip("llvmlite")
    whole, *found = ends(tmp_path, backend, KIND, RUNS)
    kills = sum(run["kills"] for run in found)
    print(f"{backend}, {KIND}: {len(found)} runs, {kills} kills")
    assert len(whole["end"]) == 64
    assert [run for run in found if run["end"] != whole["end"]] == []
    assert (len(found), kills > 0) == (RUNS, True)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_workers_that_are_processes_end_with_the_one_that_is_killed(tmp_path):
    whole, run = ends(tmp_path, "eager", "process", 1)
    assert run["end"] == whole["end"]
    assert run["kills"] > 0
