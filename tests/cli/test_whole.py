"""From a config to a report, with a Ctrl-C and a kill in between: as it is lived."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from fixtures.small_run import same, weights
from lamina.cli.experiment.example import EXAMPLE
from lamina.cli.main import main
from lamina.data import digits
from lamina.training import Run

TRAPS = """\
import os
import signal

class Traps:
    '''Ends the process at some steps, once each, as somebody else would.'''

    def after_step(self, trainer, batch, values):
        for step, number in ((20, signal.SIGINT), (50, signal.SIGKILL)):
            trap = f"trap-{step}"
            if trainer.iteration == step and os.path.exists(trap):
                os.remove(trap)
                os.kill(os.getpid(), number)
"""
WORDS = (
    "epochs=3",
    "data.workers=1",
    "training.compile=auto",
    "training.callbacks=['traps.py:Traps', {callback='Checkpoint', every=15, keep=9}]",
)


@pytest.fixture
def python(tmp_path):
    """Runs the command in a process of its own, which can be killed."""

    def run(*words):
        command = [sys.executable, "-W", "error", "-m", "lamina", *words]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=250
        )

    return run


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Runs the command in this process; gives its status and its object."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        capsys.readouterr()
        status = main([*words, "--json"])
        return status, json.loads(capsys.readouterr().out)

    yield run
    sys.modules.pop("traps", None)


def test_a_run_that_was_stopped_and_killed_ends_as_one_that_was_not(python, here, tmp_path):
    pytest.importorskip("sklearn")
    (tmp_path / "digits.toml").write_text(EXAMPLE, encoding="utf-8")
    (tmp_path / "traps.py").write_text(TRAPS, encoding="utf-8")
    (tmp_path / "trap-20").touch()
    (tmp_path / "trap-50").touch()

    stopped = python("train", "digits.toml", *WORDS, "folder=a")
    assert stopped.returncode == 130, stopped.stderr
    assert "lamina: Ctrl-C after step 20, goes on with: lamina resume a\n" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    (tmp_path / "digits.toml").rename(tmp_path / "elsewhere.toml")
    (tmp_path / "traps.py").rename(tmp_path / "elsewhere.py")

    killed = python("resume", "a")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert Run("a").description["status"] == "running"
    finished = python("resume", "a", "--json")
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    assert (found["status"], found["iteration"]) == ("finished", 69)

    (tmp_path / "elsewhere.toml").rename(tmp_path / "digits.toml")
    (tmp_path / "elsewhere.py").rename(tmp_path / "traps.py")
    assert here("train", "digits.toml", *WORDS, "folder=b")[0] == 0
    assert same(weights("a"), weights("b"))
    a, b = ([(r["iteration"], r["loss"]) for r in Run(f).metrics("step")] for f in ("a", "b"))
    assert a == b
    assert len(a) == 69
    assert here("diff", "a", "b")[0] == 0

    measured = here("eval", "a")[1]
    assert measured["metrics"]["accuracy"] > 0.8
    assert measured["samples"] == 360
    x, t = digits(train=False)
    np.save("new.npy", x)
    predicted = here("predict", "a", "new.npy", "--argmax")[1]
    assert np.mean(np.array(predicted["outputs"]) == t) == measured["metrics"]["accuracy"]
    assert here("report", "a", "b")[0] == 0
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")
