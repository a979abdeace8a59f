"""A folder of checkpoints: what it keeps, and what it does about damaged ones."""

from __future__ import annotations

import logging
import math

import numpy as np
import pytest

import lamina
from lamina.errors import CorruptFileError, DTypeError, RangeError, StateMismatchError
from lamina.storage import Checkpoints
from storage.run import Net, Run


def test_a_folder_keeps_the_last_ones(tmp_path):
    checkpoints = Checkpoints(tmp_path / "new" / "folder", keep=2)
    assert checkpoints.load() is None
    assert checkpoints.latest() is None
    for step in (0, 10, 20, 30):
        path = checkpoints.save(step, note=f"at {step}")
    assert checkpoints.steps() == [20, 30]
    assert checkpoints.latest() == path == str(tmp_path / "new" / "folder" / "step-000000030.npz")
    assert checkpoints.load() == {"note": "at 30", "step": 30, "metric": None}
    assert checkpoints.load(20) == {"note": "at 20", "step": 20, "metric": None}


def test_a_folder_keeps_the_best_too(tmp_path):
    for best, kept in (("smallest", 3), ("largest", 2)):
        checkpoints = Checkpoints(tmp_path / best, keep=1, best=best)
        for step, metric in enumerate([math.nan, 0.5, np.float32(0.9), 0.2, lamina.Variable(0.5)]):
            checkpoints.save(step, metric=metric)
        assert checkpoints.steps() == [kept, 4]
        assert checkpoints.best() == checkpoints._path(kept)


def test_the_one_just_saved_stays_even_if_others_are_later(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=1)
    checkpoints.save(30)
    checkpoints.save(20)
    assert checkpoints.steps() == [20, 30]


def test_a_damaged_newest_file_is_passed_over_and_named(tmp_path, caplog):
    checkpoints, run = Checkpoints(tmp_path, keep=3), Run()
    for step in (1, 2, 3):
        path = checkpoints.save(step, **run.train(1).parts)
    data = bytearray((tmp_path / "step-000000003.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "step-000000003.npz").write_bytes(data)
    (tmp_path / "step-000000002.npz").write_bytes(b"")
    again = Run()
    state = checkpoints.load(**again.parts)
    assert state is not None
    assert state["step"] == again.model.seen.item() == 1
    newest, before = (r for r in caplog.records if r.levelno == logging.WARNING)
    assert newest.getMessage().startswith(f"{path} is passed over: load: {path}: ")
    assert "step-000000002.npz is passed over: " in before.getMessage()
    assert checkpoints.latest() == str(tmp_path / "step-000000001.npz")


def test_a_folder_without_a_whole_file_is_an_error_and_no_new_start(tmp_path):
    (tmp_path / "step-000000003.npz").write_bytes(b"PK")
    with pytest.raises(CorruptFileError, match="none of its 1 files is whole"):
        Checkpoints(tmp_path).load()


def test_a_wrong_model_is_an_error_and_no_reason_to_go_back(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, model=Run().train(1).model)
    with pytest.raises(StateMismatchError, match="model: l1/b: expected"):
        checkpoints.load(model=Net(width=5))


def test_what_killed_saves_left_is_swept_also_that_of_other_steps(tmp_path):
    orphan = tmp_path / f".step-000000007.npz.4194304-{'a' * 16}.lamina-tmp"  # no such process
    other = tmp_path / f".mine.npz.4194304-{'a' * 16}.lamina-tmp"
    orphan.touch()
    other.touch()
    Checkpoints(tmp_path).save(8)
    assert not orphan.exists()
    assert other.exists()


@pytest.mark.parametrize(
    ("call", "error", "why"),
    [
        (lambda c: Checkpoints(c.folder, keep=0), RangeError, "keep should be an integer of 1 or"),
        (lambda c: Checkpoints(c.folder, best="min"), RangeError, "best should be smallest, large"),
        (lambda c: c.save(-1, metric=1), RangeError, r"step should be from 0 to below 10\*\*18"),
        (lambda c: c.save("1", metric=1), DTypeError, "step should be an integer, got '1'"),
        (lambda c: c.save(1), RangeError, "metric should be a number, to know the best, got None"),
        (lambda c: c.load(1), FileNotFoundError, "No such file"),
        (lambda c: Checkpoints(c.folder).best(), RangeError, "make it with best="),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path, call, error, why):
    with pytest.raises(error, match=why):
        call(Checkpoints(tmp_path, best="smallest"))
    assert list(tmp_path.iterdir()) == []


def test_an_unnamed_best_is_none_yet(tmp_path):
    assert Checkpoints(tmp_path, best="largest").best() is None
