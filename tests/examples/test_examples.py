"""Each example runs, quickly, with warnings as errors."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


@cache
def run(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(path), "--quick"],
        capture_output=True,
        text=True,
        check=False,
        # Where tests run side by side, threads of BLAS only wait for one another.
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs(path):
    done = run(path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_under_150_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 150


def test_digits_learns_and_gives_the_same_scores_after_loading():
    out = run(next(path for path in EXAMPLES if path.name == "digits.py")).stdout
    share = float(out.partition("unseen digits read right: ")[2].partition("%")[0])
    assert share > 80  # of ten digits, after three looks at 500 of them; chance is 10
    assert "the same scores to the last bit: True" in out
