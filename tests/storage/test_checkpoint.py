"""A training run in one file: what comes back, what is refused, and that nothing changes then."""

from __future__ import annotations

import io
import json
import math
import random
import zipfile

import numpy as np
import pytest

import lamina
from lamina import Linear, Sequential
from lamina import functions as F
from lamina import optimizers as O
from lamina.errors import (
    CheckpointError,
    CheckpointWriteError,
    DTypeError,
    GraphError,
    StateMismatchError,
    UninitializedError,
)
from lamina.random import state_dict as streams
from lamina.storage import load_checkpoint, save_checkpoint, save_npz
from storage.run import Net, Run, x


@pytest.fixture
def path(tmp_path):
    run = Run().train(4)
    save_checkpoint(tmp_path / "run", **run.parts, epoch=2)
    return tmp_path / "run.npz"


# -- what comes back -----------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [{}, {"in_size": 3}], ids=["lazy", "ready"])
def test_everything_comes_back(path, sizes):
    lamina.seed(0)
    saved = Run().train(4)
    again = Run(**sizes)
    lamina.seed(5)
    assert load_checkpoint(path, **again.parts) == {"epoch": 2}
    for v in saved.model.params():
        v.cleargrad()
    saved_contents, contents = saved.contents(), again.contents()
    assert contents[:3] == saved_contents[:3]
    assert again.loader.state_dict() == {**saved.loader.state_dict(), "batch": 1}
    assert contents[4]["seed"] == 0
    assert contents[4]["counts"]["dropout"] == 4


def test_arrays_are_filled_in_place(path):
    run = Run().train(1)
    held = run.model.l1.W.data, run.optimizer.state_dict
    load_checkpoint(path, **run.parts)
    assert run.model.l1.W.data is held[0]


def test_plain_numpy_opens_it(path):
    file = np.load(path)
    assert file["model/l1/W"].shape == (3, 4)
    assert file["optimizer/arrays/l1/W.m"].shape == (3, 4)
    words = json.loads(file["__meta__"].tobytes())["meta"]
    assert words["versions"]["numpy"] == np.__version__
    assert words["versions"]["lamina"] == lamina.__version__


def test_values_come_back_as_they_were(tmp_path):
    values = {
        "text": "é\n",
        "numbers": [1, 2.5, -0.0, 10**40, True, None],
        "odd": (math.inf, -math.inf, [math.nan]),
        "arrays": {"a": np.arange(6).reshape(2, 3), "b": (np.float16(2.5),), "": np.zeros(0)},
        "nested": {"a/b": np.ones(2), "a": {"b": np.zeros(3)}, "..": np.ones(1)},
        "empty": [{}, [], ()],
    }
    save_checkpoint(tmp_path / "v", **values)
    found = load_checkpoint(tmp_path / "v")
    assert repr(found) == repr(values)
    assert found["arrays"]["a"].dtype == np.int64


def test_the_random_streams_can_be_left(path):
    run = Run()
    lamina.seed(5)
    load_checkpoint(path, **run.parts, random=False)
    assert streams()["seed"] == 5


def test_a_part_alone_is_loaded_and_the_log_says_what_was_left(path, caplog):
    model = Net()
    load_checkpoint(path, model=model)
    assert model.seen.item() == 4
    assert f"{path}: optimizer, loader, average were left" in caplog.messages


def test_other_versions_are_told(path, caplog, monkeypatch):
    monkeypatch.setattr(np, "__version__", "1.0")
    load_checkpoint(path, **Run().parts)
    (message,) = caplog.messages
    assert f"saved with numpy {np.load(path) and np.version.version!r}" in message


def test_a_plateau_inside_of_the_optimizer_comes_back(tmp_path):
    def make():
        return O.SGD(lr=O.Plateau(0.5, patience=0))

    run = Run(make).train(1)
    for loss in (1.0, 2.0):
        run.optimizer.lr.feed(loss)
    save_checkpoint(tmp_path / "p", **run.parts)
    again = Run(make)
    load_checkpoint(tmp_path / "p", **again.parts)
    assert again.optimizer.rate == run.optimizer.rate == 0.05


# -- what is refused when saving -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        ({"loss": lamina.Variable(1.0)}, r"extra/loss should be .* got a Variable; give its numb"),
        ({"a": {"b": [object]}}, r"extra/a/b/0 should be text, a number.* got type"),
        ({"a": {1: 2}}, r"extra/a should have text for keys, got 1"),
        ({"a": {"__array__": 2}}, r"extra/a has the key '__array__', which files use"),
        ({"a": np.array(["text"])}, r"'extra/a': dtype <U4 cannot be stored"),
        ({"model": 3}, r"model should be a Layer, got 3"),
        ({"optimizer": 3}, r"optimizer should have state_dict and load_state_dict, got 3"),
    ],
)
def test_what_a_file_cannot_hold_is_refused_and_the_old_file_stays(path, extra, why):
    before = path.read_bytes()
    with pytest.raises(DTypeError, match=why):
        save_checkpoint(path, **extra)
    assert path.read_bytes() == before


def test_values_nested_too_deep_are_refused(tmp_path):
    value = []
    for _ in range(30):
        value = [value]
    with pytest.raises(DTypeError, match="is nested deeper than 24 levels"):
        save_checkpoint(tmp_path / "deep", a=value)


def test_a_model_without_numbers_is_refused(tmp_path):
    with pytest.raises(UninitializedError, match=r"save_checkpoint: l1/W, l2/W are uninit"):
        save_checkpoint(tmp_path / "run", model=Net())


def test_swapped_averages_are_refused_both_ways(path):
    run = Run().train(1)
    with run.average.swapped():
        with pytest.raises(GraphError, match="save_checkpoint: the averages of average are swapp"):
            save_checkpoint(path, **run.parts)
        with pytest.raises(GraphError, match="load_checkpoint: the averages of average are swapp"):
            load_checkpoint(path, **run.parts)


def test_a_disk_that_refuses_is_told(tmp_path):
    with pytest.raises(CheckpointWriteError, match="there is no folder"):
        save_checkpoint(tmp_path / "no" / "run", a=1)


# -- what is refused when loading, with nothing changed ------------------------------------------


def refused(path, run, error, **more):
    """The error of loading ``path``, once it is seen that nothing changed."""
    lamina.seed(9)
    before = run.contents()
    with pytest.raises(error) as caught:
        load_checkpoint(path, **run.parts, **more)
    assert run.contents() == before
    return str(caught.value)


@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ({"width": 5}, [r"model: l1/b: expected shape (5,), got (4,)"]),
        ({"more": True}, ["model: not in the file: l3/W, l3/b"]),
        ({"method": O.AdamW}, ["optimizer: expected the state of AdamW, got that of Adam"]),
        ({"method": O.SGD}, ["optimizer: expected the state of SGD, got that of Adam"]),
        ({"batch_size": 2}, ["loader: Loader: the state is of another Loader: batch_size 3 there"]),
        ({"dtype": np.float64}, ["model: l1/W: expected dtype float64, got float32"]),
        (
            {"method": O.SGD, "batch_size": 2, "width": 5},
            ["model: l1/b: expected", "optimizer: expected", "loader: Loader: the state is"],
        ),
    ],
)
def test_what_does_not_fit_is_told_at_once_and_nothing_is_changed(path, options, lines, steps):
    run = Run(**options)
    if steps:
        if options.get("more"):
            run.model.l1(x)
        else:
            run.train(steps)
    message = refused(path, run, StateMismatchError)
    assert message.startswith(f"load_checkpoint: {path} does not fit; nothing was changed.\n")
    for line in lines:
        assert line in message


def test_an_optimizer_with_another_memory_of_the_same_class_is_refused(tmp_path):
    save_checkpoint(tmp_path / "run", **Run(lambda: O.SGD(momentum=0.9)).train(2).parts)
    for run in (Run(lambda: O.SGD(lr=0.1)), Run(lambda: O.SGD(lr=0.1)).train(3)):
        message = refused(tmp_path / "run", run, StateMismatchError)
        assert "optimizer: only in the file: l1/W.velocity" in message


def test_a_part_that_the_file_does_not_have_is_refused(tmp_path):
    run = Run().train(1)
    save_checkpoint(tmp_path / "run", model=run.model)
    message = refused(tmp_path / "run", run, StateMismatchError)
    assert "  optimizer: is not in the file\n  loader: is not in the file" in message


def test_an_object_without_a_state_is_refused(path):
    message = refused(path, Run(), DTypeError, epoch=3)
    assert message == "load_checkpoint: epoch has no state to fill: 3"


class Failing:
    """Something with a state that refuses in a way nobody expects."""

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        raise KeyboardInterrupt


@pytest.mark.parametrize("steps", [0, 2])
def test_an_interrupt_in_the_middle_changes_nothing(tmp_path, steps):
    save_checkpoint(tmp_path / "run", **Run().train(4).parts, last=Failing())
    run = Run().train(steps)
    refused(tmp_path / "run", run, KeyboardInterrupt, last=Failing())


def test_an_interrupt_while_arrays_are_filled_changes_nothing(path, monkeypatch):
    from lamina.layers import weights

    run, fill, filled = Run().train(2), weights.fill, []

    def stop(variable, array, name):
        if len(filled) == 2:
            raise KeyboardInterrupt
        filled.append(fill(variable, array, name))
        return ""

    monkeypatch.setattr(weights, "fill", stop)
    refused(path, run, KeyboardInterrupt)


def test_another_file_is_refused(path, tmp_path):
    Run().train(1).model.save_weights(tmp_path / "w")
    assert "it holds weights; use load_weights" in refused(tmp_path / "w", Run(), CheckpointError)
    np.savez(tmp_path / "n", a=np.ones(3))
    assert "it holds something else" in refused(tmp_path / "n", Run(), CheckpointError)
    with pytest.raises(FileNotFoundError, match=r"missing\.npz"):
        load_checkpoint(tmp_path / "missing")


# -- damaged files -------------------------------------------------------------------------------


def test_damaged_files_are_refused_whole_with_nothing_changed(path, tmp_path):
    whole, rng = path.read_bytes(), random.Random(7)
    run, damaged = Run().train(2), tmp_path / "damaged.npz"
    for case in range(60):
        data = bytearray(whole)
        if case % 3:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        else:
            del data[rng.randrange(len(data)) :]
        damaged.write_bytes(data)
        assert "damaged.npz" in refused(damaged, run, CheckpointError)


def written(path, change):
    """A checkpoint with right checksums, whose words someone changed."""
    with zipfile.ZipFile(path) as archive:
        raw = archive.read("__meta__.npy")
    meta = json.loads(np.load(io.BytesIO(raw)).tobytes())["meta"]
    arrays = {n: a for n, a in np.load(path).items() if n != "__meta__"}
    save_npz(path, arrays, meta=change(meta))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda m: {**m, "version": 2}, "is a checkpoint of version 2, and 1 can be read"),
        (lambda m: {**m, "parts": [1]}, "its parts are not what lamina writes"),
        (lambda m: {**m, "parts": {"model": 1}}, "its parts are not what lamina writes"),
        (lambda m: {**m, "extra": 1}, "its parts are not what lamina writes"),
        (lambda m: {**m, "random": 1}, "random: state should hold a seed"),
        (lambda m: {**m, "extra": {"a": {"__array__": "b"}}}, "a value is not what lamina writes"),
        (lambda m: {**m, "extra": {"a": {"__float__": [1]}}}, "a value is not what lamina writes"),
        (lambda m: {**m, "extra": {"a": {"__tuple__": 1}}}, "a value is not what lamina writes"),
        (
            lambda m: {**m, "parts": {**m["parts"], "optimizer": {"class": "Adam", "state": 3}}},
            "optimizer: Adam.load_state_dict: should get what",
        ),
    ],
)
def test_words_that_lamina_does_not_write_are_refused(path, change, why):
    written(path, change)
    assert why in refused(path, Run().train(1), CheckpointError)


def test_a_sequential_model_with_a_shared_layer_comes_back(tmp_path):
    shared = Linear(3, in_size=3)
    save_checkpoint(tmp_path / "s", model=Sequential(shared, F.tanh, shared))
    other = Linear(3)
    again = Sequential(other, F.tanh, other)
    load_checkpoint(tmp_path / "s", model=again)
    assert np.array_equal(other.W.data, shared.W.data)
