"""Checkpoint and resume: all comes back, the writer never makes training wait, errors show."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from lamina import optimizers as O
from lamina.data import Loader
from lamina.errors import (
    CheckpointError,
    CheckpointWriteError,
    CorruptFileError,
    RangeError,
    StateMismatchError,
)
from lamina.storage import Checkpoints
from lamina.training import Average, Checkpoint, EarlyStopping, Evaluate, Schedule
from lamina.training.writer import Writer
from training.small import Parts, trainer, weights


class StopAt:
    rank = 3  # behind the checkpoint of the step

    def __init__(self, step):
        self.step = step

    def after_step(self, trainer, batch, values):
        if trainer.iteration == self.step:
            raise KeyError("pulled the plug")


def names(folder):
    return [path.name for path in sorted((folder / "checkpoints").iterdir())]


@pytest.mark.parametrize("every", [1, 4])  # with 4, lines are written behind the checkpoint
@pytest.mark.parametrize("step", [1, 6, 7, 17])
def test_a_resumed_training_ends_as_the_undisturbed_one(step, every, tmp_path):
    whole = trainer(folder=tmp_path / "whole").run()
    with pytest.raises(KeyError, match="pulled"):
        trainer(folder=tmp_path / "cut", callbacks=[Checkpoint(every=every), StopAt(step)]).run()
    again = trainer(folder=tmp_path / "cut").resume()
    assert weights(again) == weights(whole)
    assert again.run_folder is not None
    lines = [{k: v for k, v in r.items() if k != "seconds"} for r in again.run_folder.metrics()]
    assert lines == [
        {k: v for k, v in r.items() if k != "seconds"} for r in whole.run_folder.metrics()
    ]
    assert [line["iteration"] for line in lines if line["event"] == "step"] == list(range(1, 19))


def test_resume_of_nothing_starts_and_of_a_finished_run_does_nothing(tmp_path):
    first = trainer(folder=tmp_path).resume()
    assert first.iteration == 18
    again = trainer(folder=tmp_path).resume()
    assert (again.iteration, again.status, again.samples) == (18, "finished", 0)
    assert weights(again) == weights(first)
    more = trainer(folder=tmp_path, epochs=4).resume()
    assert more.iteration == 24
    assert weights(more) == weights(trainer(epochs=4).run())


def test_a_loader_without_a_position_is_taken_to_the_batch_it_was_at(tmp_path):
    def make(folder):
        parts = Parts()
        parts.loader = list(parts.loader)
        return parts.trainer(folder=folder, callbacks=[Checkpoint(every=1), StopAt(9)])

    with pytest.raises(KeyError, match="pulled"):
        make(tmp_path).run()
    whole = make(tmp_path / "whole")
    whole.callbacks.pop()
    whole.run()
    again = make(tmp_path)
    again.callbacks.pop()
    assert weights(again.resume()) == weights(whole)
    with pytest.raises(KeyError, match="pulled"):
        make(tmp_path / "other").run()
    other = make(tmp_path / "other")
    del other.loader[2:]
    with pytest.raises(
        CheckpointError, match=r"3 batches .* the loader gives 2: it is not the one"
    ):
        other.resume()


def test_a_damaged_newest_file_falls_back_to_the_one_before_and_says_so(tmp_path, capsys):
    whole = trainer(folder=tmp_path, callbacks=[Checkpoint(every=5, asynchronous=False)]).run()
    newest = sorted((tmp_path / "checkpoints").iterdir())[-1]
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    again = trainer(folder=tmp_path, callbacks=[Checkpoint(every=5)]).resume()
    assert weights(again) == weights(whole)
    assert again.samples == 10  # of the three steps behind step 15
    assert "step-000000018.npz is passed over: " in capsys.readouterr().out
    for path in (tmp_path / "checkpoints").iterdir():
        path.write_bytes(b"nothing")
    with pytest.raises(CorruptFileError, match="none of its 3 files is whole"):
        trainer(folder=tmp_path).resume()


def test_a_checkpoint_of_another_model_is_refused_and_stays(tmp_path):
    trainer(folder=tmp_path).run()
    other = Parts()
    other.model.l2 = type(other.model.l2)(4)
    other.model.build((1, 5))
    other.optimizer.setup(other.model)
    with pytest.raises(StateMismatchError, match="l2/W"):
        other.trainer(folder=tmp_path).resume()
    assert names(tmp_path) == ["step-000000018.npz"]


def test_another_configuration_is_told(tmp_path, capsys):
    net = {"class": "MLP", "sizes": [8, 3]}
    trainer(folder=tmp_path, config={"lr": 0.05, "net": net, "note": "x"}).run()
    trainer(folder=tmp_path, config={"lr": 0.01, "net": net | {"p": 0.5}, "note": "x"}).resume()
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("saved: lr was 0.05 and is 0.01; net.p was not there and is 0.5")


@pytest.mark.parametrize("asynchronous", [True, False])
def test_the_lines_before_a_checkpoint_are_on_the_disk_before_it_is_there(
    asynchronous, tmp_path, monkeypatch
):
    lines = tmp_path / "metrics.jsonl"
    real_sync, real_replace, synced, found = os.fsync, os.replace, [0], []

    def fsync(fd):
        if lines.exists() and os.path.samestat(os.fstat(fd), lines.stat()):
            synced[0] = len(lines.read_text().splitlines())
        real_sync(fd)

    def replace(source, target):
        real_replace(source, target)
        if "step-" in str(target):
            found.append((int(str(target)[-13:-4]), synced[0]))

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    trainer(folder=tmp_path, callbacks=[Checkpoint(every=4, asynchronous=asynchronous)]).run()
    assert found[-1] == (18, 21)  # 18 steps, 3 epochs
    assert len(found) >= 2
    assert all(count >= step + (step - 1) // 6 for step, count in found)


def test_lines_that_the_disk_refuses_end_the_run_and_are_named(tmp_path, monkeypatch):
    def fsync(fd):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(CheckpointWriteError, match=r"metrics.jsonl: Input/output error; its lines"):
        trainer(folder=tmp_path).run()
    assert not (tmp_path / "checkpoints").exists()


def test_the_last_and_the_best_are_kept(tmp_path):
    measured = iter([3.0, 1.0, float("nan"), 2.0, 5.0])
    evaluate = Evaluate((np.zeros((2, 5), np.float32),), lambda x: next(measured))
    keep = Checkpoint(every=4, keep=2, best="held_out/loss", asynchronous=False)
    trainer(folder=tmp_path, epochs=5, callbacks=[evaluate, keep]).run()
    assert names(tmp_path) == [f"step-0000000{n}.npz" for n in (12, 28, 30)]
    files = Checkpoints(tmp_path / "checkpoints", best="smallest")
    assert files.best().endswith("step-000000012.npz")


def test_a_best_that_is_no_value_is_told(tmp_path):
    with pytest.raises(RangeError, match=r"best is 'held_out/los', .* epoch are loss"):
        trainer(folder=tmp_path, callbacks=[Checkpoint(best="held_out/los")]).run()


def test_callbacks_and_their_states_go_on(tmp_path):
    def make():
        parts = Parts(lr=O.Plateau(0.05, factor=0.5, patience=0))
        average = O.EMA(0.8).setup(parts.model)
        x, t = parts.loader.dataset.arrays
        held_out = Loader((x, t), 5, seed=7)  # shuffled: where it is matters for the last bits
        evaluate = Evaluate(held_out, lambda x, t: (parts.model(x) * parts.model(x)).sum() + 1)
        callbacks = [
            Average(average), evaluate, Schedule(), EarlyStopping(patience=1), Checkpoint(every=1)
        ]  # fmt: skip
        return parts, average, callbacks

    parts, average, callbacks = make()
    whole = parts.trainer(epochs=8, folder=tmp_path / "whole", callbacks=callbacks).run()
    assert (whole.status, whole.reason[:14]) == ("stopped", "EarlyStopping:")
    cut = make()
    with pytest.raises(KeyError, match="pulled"):
        cut[0].trainer(epochs=8, folder=tmp_path / "cut", callbacks=[*cut[2], StopAt(10)]).run()
    again = make()
    resumed = again[0].trainer(epochs=8, folder=tmp_path / "cut", callbacks=again[2]).resume()
    assert weights(resumed) == weights(whole)
    assert (resumed.iteration, resumed.reason) == (whole.iteration, whole.reason)
    assert resumed.metrics == whole.metrics
    assert parts.optimizer.rate == again[0].optimizer.rate < 0.05
    for name, array in average.state_dict()["arrays"].items():
        assert np.array_equal(array, again[1].state_dict()["arrays"][name])
    stays = make()
    assert stays[0].trainer(epochs=8, folder=tmp_path / "cut", callbacks=stays[2]).resume(
    ).samples == 0  # fmt: skip


# -- the writer ----------------------------------------------------------------------------------


def test_whoever_submits_never_waits_and_what_is_late_is_left_out():
    writer, go, done = Writer(), threading.Event(), []

    def job(name):
        def write():
            assert go.wait(10)
            done.append(name)

        return write

    writer.submit(job("first"))
    while writer._waiting:  # until the thread has it
        pass
    for name, must in [("a", False), ("best", True), ("b", False), ("c", False)]:
        writer.submit(job(name), must)
    assert done == []
    go.set()
    writer.wait()
    assert done == ["first", "best", "c"]
    writer.submit(lambda: done.append("later"))
    writer.wait()
    assert done[-1] == "later"


def test_training_goes_on_while_a_file_is_written(tmp_path, monkeypatch):
    go, write = threading.Event(), Checkpoints.write

    def slow(self, step, snapshot):
        assert go.wait(10)
        return write(self, step, snapshot)

    class Release:
        def after_step(self, trainer, batch, values):
            if trainer.iteration == 17:
                assert names_or_none(tmp_path) == []
                go.set()

    monkeypatch.setattr(Checkpoints, "write", slow)
    done = trainer(folder=tmp_path, callbacks=[Checkpoint(every=1), Release()]).run()
    assert names(tmp_path)[-1] == "step-000000018.npz"
    again = trainer(folder=tmp_path).resume()
    assert weights(again) == weights(done)


def names_or_none(folder):
    return names(folder) if (folder / "checkpoints").exists() else []


def test_a_file_holds_its_step_however_long_it_waits(tmp_path, monkeypatch):
    go, write, held, there = threading.Event(), Checkpoints.write, {}, {}
    began = threading.Event()

    def slow(self, step, snapshot):
        began.set()
        assert go.wait(10)
        held[step] = snapshot.arrays["model/l1/W"].tobytes()
        return write(self, step, snapshot)

    class Watch:
        def after_step(self, trainer, batch, values):
            there[trainer.iteration] = trainer.model.l1.W.data.tobytes()
            if trainer.iteration == 3:
                assert began.wait(10)  # on a busy machine the writer's turn comes late
            if trainer.iteration == 10:
                go.set()

    monkeypatch.setattr(Checkpoints, "write", slow)
    trainer(folder=tmp_path, callbacks=[Checkpoint(every=1), Watch()]).run()
    assert min(held) < 10
    assert held == {step: there[step] for step in held}


@pytest.mark.parametrize("refused", [1, 18])
def test_an_error_of_the_writer_shows_at_the_next_step_or_at_the_end(
    refused, tmp_path, monkeypatch
):
    write, told = Checkpoints.write, threading.Event()

    def full(self, step, snapshot):
        if step == refused:
            told.set()
            raise CheckpointWriteError(28, "save: the disk is full", "x")
        return write(self, step, snapshot)

    class Wait:
        def before_step(self, trainer, batch):
            if trainer.iteration == 1 == refused:
                assert told.wait(10)
                while trainer.callbacks[-1]._writer._thread:
                    pass

    monkeypatch.setattr(Checkpoints, "write", full)
    made = trainer(folder=tmp_path, callbacks=[Checkpoint(every=1), Wait()])
    with pytest.raises(CheckpointWriteError, match="the disk is full"):
        made.run()
    assert made.iteration == (2 if refused == 1 else 18)
    assert made.run_folder.description["status"] == "failed"
