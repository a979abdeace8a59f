"""Trainer: the same weights as a loop by hand; callbacks in their order; how it ends."""

from __future__ import annotations

import datetime
import linecache
import os
import re
import signal
import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import lamina
from lamina import functions as F
from lamina.errors import CheckpointError, DTypeError, NonFiniteError, RangeError
from lamina.training import Callback, Progress, Trainer
from training import small
from training.small import Parts, trainer, weights

BACKENDS = ["eager", "replay", "native"]


class Log(Callback):
    """Notes what is called, and how far training is then."""

    def __init__(self, rank=0, name=""):
        self.rank, self.name, self.calls = rank, name, []

    def start(self, trainer):
        self.calls.append(("start", trainer.iteration, trainer.epoch))

    def before_step(self, trainer, batch):
        self.calls.append(("before_step", trainer.iteration, trainer.epoch))

    def after_step(self, trainer, batch, values):
        self.calls.append(("after_step", trainer.iteration, trainer.epoch))

    def end_epoch(self, trainer, values):
        self.calls.append(("end_epoch", trainer.iteration, trainer.epoch))

    def end(self, trainer):
        self.calls.append(("end", trainer.iteration, trainer.epoch))

    def fail(self, trainer, error):
        self.calls.append(("fail", trainer.iteration, trainer.epoch))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_weights_are_those_of_a_loop_by_hand(backend):
    if backend == "native":
        pytest.importorskip("llvmlite")
    by_hand = Parts(backend)
    for _ in range(3):
        for batch in by_hand.loader:
            by_hand.step(*batch)
    done = trainer(backend).run()
    assert [p.data.tobytes() for p in done.model.params()] == [
        w.tobytes() for w in by_hand.weights()
    ]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_step_may_give_a_dict_whatever_runs_it(backend):
    if backend == "native":
        pytest.importorskip("llvmlite")
    parts = Parts()

    def step(x, t):
        y = parts.model(x)
        loss = F.softmax_cross_entropy(y, t)
        parts.model.cleargrads()
        loss.backward()
        parts.optimizer.update()
        return {"loss": loss, "size": F.mean(y * y)}

    parts.step = step if backend == "eager" else lamina.compile(step, backend=backend)
    found = parts.trainer().run().metrics
    assert list(found) == ["loss", "size"]
    assert all(type(value) is float for value in found.values())


def test_callbacks_are_called_around_steps_and_epochs():
    log = Log()
    Trainer(lambda x: x.sum(), [small.x, small.x], 2, callbacks=[log, Progress(False)]).run()
    assert log.calls == [
        ("start", 0, 0),
        ("before_step", 0, 0),
        ("after_step", 1, 0),
        ("before_step", 1, 0),
        ("after_step", 2, 0),
        ("end_epoch", 2, 1),
        ("before_step", 2, 1),
        ("after_step", 3, 1),
        ("before_step", 3, 1),
        ("after_step", 4, 1),
        ("end_epoch", 4, 2),
        ("end", 4, 2),
    ]


def test_values_of_an_epoch_are_means_over_samples():
    found = {}

    class See:
        def end_epoch(self, trainer, values):
            found.update(values)

    batches = [(np.array([1.0, 2.0, 3.0]),), (np.array([10.0]),)]
    Trainer(lambda x: {"loss": x.mean()}, batches, 1, callbacks=[See(), Progress(False)]).run()
    assert found == {"loss": 4.0}


def test_a_loss_that_is_not_finite_stops_with_its_step_and_the_state_after_it():
    log = Log()
    losses = iter([1.0, 0.5, float("nan"), 0.1])
    made = Trainer(lambda x: next(losses), [small.x] * 4, 1, callbacks=[log, Progress(False)])
    with pytest.raises(NonFiniteError, match="the loss of step 3 is nan"):
        made.run()
    assert log.calls[-1] == ("fail", 3, 0)
    assert made.status == "failed"
    assert made.reason.startswith("NonFiniteError: ")


@pytest.mark.parametrize("event", ["start", "before_step", "after_step", "end_epoch", "end"])
def test_a_callback_that_raises_ends_the_run_as_failed(event, tmp_path):
    class Breaks:
        pass

    def method(self, trainer, *rest):
        raise KeyError("broken")

    setattr(Breaks, event, method)
    made = trainer(folder=tmp_path / "run", callbacks=[Breaks()])
    with pytest.raises(KeyError, match="broken"):
        made.run()
    assert made.run_folder.description["status"] == "failed"
    assert made.run_folder.description["reason"] == "KeyError: 'broken'"


def test_stop_ends_after_the_step_and_run_goes_on_behind_it():
    class Stops:
        def after_step(self, trainer, batch, values):
            if trainer.iteration == 8:
                trainer.stop("enough")

    made = trainer(callbacks=[Stops()]).run()
    assert (made.iteration, made.epoch, made.status, made.reason) == (8, 1, "stopped", "enough")
    made.run()
    assert (made.iteration, made.epoch, made.status, made.reason) == (18, 3, "finished", "")
    assert weights(made) == weights(trainer().run())


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"accuracy": 1.0}, r"should have 'loss' in it, got \['accuracy'\]"),
        (np.zeros(3), r"'loss' as one number, got ndarray of shape \(3,\)"),
        (None, "'loss' as one number, got NoneType None"),
        ({"loss": 1.0, "seen": "many"}, "'seen' as one number, got str 'many'"),
    ],
)
def test_a_step_that_gives_no_numbers_is_told_so(result, words):
    with pytest.raises(DTypeError, match=words):
        Trainer(lambda x: result, [small.x], 1, callbacks=[Progress(False)]).run()


def test_arguments_are_checked():
    with pytest.raises(DTypeError, match="step should be a function, got 3"):
        Trainer(3, [], 1)
    with pytest.raises(DTypeError, match="loader should be gone through once an epoch"):
        Trainer(print, iter([]), 1)
    with pytest.raises(RangeError, match="epochs should be an integer of 1 or more, got 0"):
        Trainer(print, [], 0)
    with pytest.raises(DTypeError, match=r"a callback has one of the methods start, .* got 3"):
        Trainer(print, [], 1, callbacks=[3])
    with pytest.raises(RangeError, match="the loader gave no batch in epoch 0"):
        Trainer(print, [], 1, callbacks=[Progress(False)]).run()


def test_run_refuses_a_folder_with_a_run_in_it(tmp_path):
    trainer(folder=tmp_path).run()
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match=r"there is a run in .* already; resume"):
        trainer(folder=tmp_path).run()
    (tmp_path / "run.json").unlink()
    with pytest.raises(CheckpointError, match=r"there is a run in .* already"):
        trainer(folder=tmp_path).run()  # its lines and checkpoints are still there
    made = trainer(folder=tmp_path, epochs=1).run(overwrite=True)
    assert len(made.run_folder.metrics("epoch")) == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_that_another_training_writes_to_is_refused(tmp_path):
    class Second(Callback):
        def end_epoch(self, one, values):
            for start in ("run", "resume"):
                with pytest.raises(CheckpointError, match="another training writes to"):
                    getattr(trainer(folder=tmp_path), start)()

    trainer(folder=tmp_path, epochs=1, callbacks=[Second()]).run()
    assert trainer(folder=tmp_path, epochs=2).resume().epoch == 2


def test_a_process_that_was_forked_does_not_hold_the_folder(tmp_path):
    code = (
        "import os, time, signal; from pathlib import Path; from lamina.training.hold import Hold\n"
        f"hold = Hold(Path({str(tmp_path)!r}))\n"
        "child = os.fork()\n"
        "if child: print(child, flush=True); os._exit(0)\n"
        "signal.alarm(60); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.wait()
    try:
        assert trainer(folder=tmp_path, epochs=1).run().status == "finished"
    finally:
        os.kill(child, signal.SIGKILL)


def test_what_is_resumed_behind_an_epoch_knows_the_values_of_that_epoch(tmp_path):
    class Extra(Callback):
        def end_epoch(self, trainer, values):
            values["extra"] = float(trainer.epoch)

    made = trainer(folder=tmp_path, epochs=2, callbacks=[Extra()]).run()
    again = trainer(folder=tmp_path, epochs=2, callbacks=[Extra()]).resume()
    assert again.metrics == made.metrics
    assert again.metrics["extra"] == 2


def test_a_configuration_is_kept_as_json_can_hold_it(tmp_path):
    config = {"when": datetime.date(2026, 1, 2), "sizes": (8, 3), "folder": tmp_path}
    made = trainer(folder=tmp_path, config=config).run()
    assert made.config == {"when": "2026-01-02", "sizes": [8, 3], "folder": str(tmp_path)}
    assert made.run_folder.checkpoints().load(model=made.model)["config"] == made.config
    with pytest.raises(DTypeError, match="config should be a dict, got 3"):
        trainer(config=3)


# -- warnings of NumPy ---------------------------------------------------------------------------


def quotient(divisors):
    """A trainer whose step divides by each of some numbers; the loss is infinite behind a 0."""
    return Trainer(
        lambda d: {"loss": float((np.ones(1) / d).min())}, [np.array([d]) for d in divisors], 1,
        callbacks=[Progress(False)],
    )  # fmt: skip


def test_a_loss_that_is_not_finite_is_told_without_a_warning_before_it():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with pytest.raises(NonFiniteError, match="the loss of step 2 is inf"):
            quotient([1.0, 0.0]).run()
    assert heard == []


def test_a_warning_before_a_finite_loss_is_shown_with_its_line():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        quotient([1.0, [0.0, 2.0]]).run()
    (warning,) = heard
    assert str(warning.message) == "divide by zero encountered"
    assert (warning.category, warning.filename) == (RuntimeWarning, __file__)
    assert "np.ones(1) / d" in linecache.getline(__file__, warning.lineno)


def test_where_warnings_are_errors_one_is_raised_in_its_line():
    with pytest.raises(RuntimeWarning, match="divide by zero encountered") as raised:
        quotient([0.0]).run()
    assert "np.ones(1) / d" in str(raised.traceback[-3].statement)  # and two that are lamina's


def test_what_is_not_to_warn_stays_so():
    with np.errstate(divide="ignore"):
        quotient([[0.0, 2.0]]).run()
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError, match="divide by zero"):
        quotient([[0.0, 2.0]]).run()


def test_a_warning_of_a_step_that_fails_otherwise_is_shown():
    def step(d):
        np.ones(1) / d
        raise KeyError("something else")

    failing = Trainer(step, [np.zeros(1)], 1, callbacks=[Progress(False)])
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with pytest.raises(KeyError, match="something else"):
            failing.run()
    assert [str(w.message) for w in heard] == ["divide by zero encountered"]


def test_a_filter_inside_of_a_step_says_what_is_not_to_warn():
    def step(d):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "divide by zero", module=re.escape(__file__[:-3]))
            return {"loss": float((np.ones(2) / d).min())}

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        Trainer(step, [np.array([0.0, 2.0])], 1, callbacks=[Progress(False)]).run()
    assert heard == []


@pytest.mark.parametrize("event", ["before_step", "after_step", "end_epoch"])
def test_a_callback_is_warned_at_once(event):
    seen = []

    def divides(*_):
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            np.ones(1) / np.zeros(1)
        seen.append([str(w.message) for w in heard])

    callback = SimpleNamespace(**{event: divides})
    Trainer(lambda d: 1.0, [np.ones(1)], 1, callbacks=[callback, Progress(False)]).run()
    assert seen == [["divide by zero encountered in divide"]]


def test_after_a_run_numpy_warns_as_before():
    before = np.geterr(), np.geterrcall()
    quotient([1.0]).run()
    with pytest.raises(RuntimeWarning):
        quotient([0.0]).run()
    assert (np.geterr(), np.geterrcall()) == before
