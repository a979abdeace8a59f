"""Ctrl-C and SIGTERM: the step is finished and saved, and the command that goes on is told."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lamina.training import Run
from training import interrupted
from training.small import trainer

HERE = Path(interrupted.__file__)
ROOT = HERE.parents[2]


def start(folder: Path, *how: str) -> subprocess.Popen:
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    return subprocess.Popen(
        [sys.executable, HERE, folder, *how],
        env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("number", "how", "reason"),
    [
        (signal.SIGINT, (), "Ctrl-C"),
        (signal.SIGINT, ("ignored",), "Ctrl-C"),
        (signal.SIGTERM, (), "SIGTERM"),
    ],
)
def test_the_step_is_finished_and_saved_and_the_command_is_told(number, how, reason, tmp_path):
    with start(tmp_path, *how) as process:
        assert process.stdout.read(2) == ".."
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    command = [sys.executable, str(HERE), str(tmp_path), *how]
    assert output == ""  # the second step was the last
    assert "ends after this step; Ctrl-C again ends at once" in errors
    assert f"{reason} after step 2, goes on with: {shlex.join(command)}" in errors
    run = Run(tmp_path)
    assert run.description["status"] == "interrupted"
    assert run.description["reason"] == reason
    assert shlex.split(run.description["resume"]) == command
    assert run.checkpoints().steps() == [2]
    assert [r["iteration"] for r in run.metrics("step")] == [1, 2]


def test_a_second_ctrl_c_ends_at_once(tmp_path):
    with start(tmp_path) as process:
        assert process.stdout.read(2) == ".."
        process.send_signal(signal.SIGINT)
        while "at once" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT  # as Python ends after a KeyboardInterrupt
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert Run(tmp_path).description["status"] == "interrupted"
    assert Run(tmp_path).checkpoints().steps() == []


def test_a_signal_after_the_last_step_leaves_a_finished_run(tmp_path, capsys):
    class Asks:
        def end_epoch(self, trainer, values):
            if trainer.epoch == 3:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit, match="143"):
        trainer(folder=tmp_path, callbacks=[Asks()]).run()
    assert Run(tmp_path).description["status"] == "finished"
    assert capsys.readouterr().err.endswith("lamina: SIGTERM after step 18, finished\n")


def test_handlers_are_as_before_afterwards():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    trainer(epochs=1).run()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_another_thread_can_train_and_hears_no_signals():
    done = []
    thread = threading.Thread(target=lambda: done.append(trainer(epochs=1).run()))
    thread.start()
    thread.join(60)
    assert done[0].status == "finished"


def test_an_interactive_session_is_not_left(monkeypatch):
    class Asks:
        def after_step(self, trainer, batch, values):
            if trainer.iteration == 4:
                os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    made = trainer(callbacks=[Asks()])
    with pytest.raises(KeyboardInterrupt):
        made.run()
    assert (made.iteration, made.status) == (4, "interrupted")
    made.callbacks.pop(1)
    assert made.run().iteration == 18
