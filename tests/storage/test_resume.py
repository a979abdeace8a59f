"""A training run that is killed at random instants and started again ends as if it never was."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lamina import optimizers as O
from storage import resumed

HERE = Path(resumed.__file__)
ROOT = HERE.parents[2]


def start(folder: Path, backend: str) -> subprocess.Popen:
    path = os.pathsep.join(
        [str(ROOT / "src"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    )
    return subprocess.Popen(
        [sys.executable, HERE, folder, backend],
        env={**os.environ, "PYTHONPATH": path, "LAMINA_CACHE": str(folder / "cache")},
        stdout=subprocess.PIPE,
    )


def run_and_kill(folder: Path, backend: str, steps: int, delay: float) -> str:
    """Kill it ``delay`` seconds after it made some steps; what it printed when it was faster."""
    with start(folder, backend) as process:
        assert process.stdout is not None
        output = process.stdout.read(steps)  # so that each of the runs gets on
        time.sleep(delay)
        process.kill()
        output += process.stdout.read()
    return output.decode().strip(".\n")


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["eager", "replay", "native"])
def test_a_run_killed_at_random_instants_ends_equal_to_the_last_bit(backend, tmp_path):
    if backend == "native":
        pytest.importorskip("llvmlite")
    whole = resumed.main(str(tmp_path / "whole"), backend)
    rng, folder = random.Random(backend), tmp_path / "killed"
    folder.mkdir()
    for _ in range(2):
        assert run_and_kill(folder, backend, rng.randrange(1, 9), rng.uniform(0, 0.03)) == ""
    with start(folder, backend) as process:
        output, _ = process.communicate(timeout=120)
    made = output.decode().strip()
    assert 0 < made.count(".") < resumed.STEPS  # it went on, and did not start anew
    assert made.strip(".") == whole


def test_the_program_of_the_page_goes_on_where_it_was(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?Checkpoints.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    whole, again = {}, {}
    exec(program, whole)
    files = sorted((tmp_path / "runs" / "first").iterdir())
    assert [f.name for f in files] == [f"step-0000000{n}0.npz" for n in (1, 2)]
    files[-1].unlink()
    exec(program, again)
    assert isinstance(again["optimizer"], O.Adam)
    assert again["optimizer"].step == 20
    for name, param in whole["model"].named_params():
        assert np.array_equal(param.data, dict(again["model"].named_params())[name].data)
