"""Two runs are compared by what they wrote: the first tensor that differs is named."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import lamina
import lamina.functions as F
import lamina.optimizers as O
from lamina import Linear, Sequential
from lamina.data import Loader
from lamina.errors import CheckpointError, RangeError
from lamina.insight import Difference, Fingerprints, diff
from lamina.insight.fingerprint import fingerprint
from lamina.layers import BatchNorm, Dropout, Layer
from lamina.storage import Checkpoints

rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, (12, 3)).astype(np.float32)
t = rng.uniform(-1, 1, (12, 2)).astype(np.float32)


class Net(Layer):
    def __init__(self, drop: float):
        super().__init__()
        self.first = Linear(5)
        self.norm = BatchNorm()
        self.drop = Dropout(drop)
        self.last = Linear(2)

    def forward(self, x: Any) -> Any:
        return self.last(self.drop(F.relu(self.norm(self.first(x)))))


def train(
    folder: Path,
    *,
    seed: int = 0,
    order: int = 0,
    lr: float = 0.1,
    decay: float = 0.0,
    drop: float = 0.5,
    change: Any = None,
    steps: int = 6,
    hashes: Any = None,
    backend: Any = None,
    loss: Any = F.mean_squared_error,
    log: bool = True,
    start: int = 0,
) -> Path:
    """A small training that writes what a Trainer writes."""
    lamina.seed(seed)
    model = Net(drop)
    opt = O.SGD(lr=lr, momentum=0.9, weight_decay=decay).setup(model)

    def step(x, t):
        value = loss(model(x), t)
        model.cleargrads()
        value.backward()
        if change is not None:
            change(model, opt.step + 1)
        opt.update()
        return value

    folder.mkdir(exist_ok=True)
    config = {"seed": seed, "optimizer": {"lr": lr}, "folder": str(folder)}
    text = {"kind": "lamina run", "version": 1, "config": config, "environment": {"numpy": "2"}}
    (folder / "run.json").write_text(json.dumps(text))
    trainer = SimpleNamespace(
        model=model, iteration=start, run_folder=SimpleNamespace(folder=folder)
    )
    callback = hashes or (Fingerprints() if log else None)
    run = lamina.compile(step, backend=backend) if backend else step
    loader, lines = Loader((x, t), 4, seed=order), []
    if callback:
        callback.start(trainer)
    while trainer.iteration < steps:
        for batch in loader:
            if callback:
                callback.before_step(trainer, batch)
            value = float(run(*batch).item())
            trainer.iteration += 1
            if callback:
                callback.after_step(trainer, batch, {"loss": value})
            lines.append({"event": "step", "iteration": trainer.iteration, "loss": value})
            if trainer.iteration % 3 == 0:
                Checkpoints(folder / "checkpoints").save(trainer.iteration, model=model)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return train(tmp_path / "one")


# -- what is written -----------------------------------------------------------------------------


def names(folder: Path, line: int) -> list[str]:
    return list(json.loads((folder / "hashes.jsonl").read_text().splitlines()[line])["hashes"])


def test_a_line_is_in_order_of_computation(one: Path):
    assert names(one, 1) == [
        "batch/0", "batch/1", "output/first", "output/norm", "output/drop", "output/last", "output",
        "loss",
        "gradient/first/W", "gradient/first/b", "gradient/norm/gamma", "gradient/norm/beta",
        "gradient/last/W", "gradient/last/b",
        "parameter/first/W", "parameter/first/b", "parameter/norm/gamma", "parameter/norm/beta",
        "parameter/last/W", "parameter/last/b",
        "buffer/norm/mean", "buffer/norm/variance",
    ]  # fmt: skip


def test_the_first_line_is_what_training_starts_from(one: Path):
    line = json.loads((one / "hashes.jsonl").read_text().splitlines()[0])
    assert line["iteration"] == 0
    assert all(name.startswith(("parameter/", "buffer/")) for name in line["hashes"])
    assert all(len(value) == 8 for value in line["hashes"].values())


def test_of_so_many_steps_one_is_written(tmp_path: Path):
    train(tmp_path / "a", hashes=Fingerprints(every=3), steps=6)
    lines = (tmp_path / "a" / "hashes.jsonl").read_text().splitlines()
    assert [json.loads(line)["iteration"] for line in lines] == [0, 1, 4]


def test_outputs_can_be_left_out(tmp_path: Path):
    train(tmp_path / "a", hashes=Fingerprints(outputs=False))
    assert [n for n in names(tmp_path / "a", 2) if n.startswith("output")] == []


def test_of_a_compiled_step_all_but_outputs_is_written(tmp_path: Path, one: Path):
    train(tmp_path / "a", backend="replay")
    assert names(tmp_path / "a", -1) == [n for n in names(one, -1) if not n.startswith("output")]


def test_a_second_call_of_a_layer_has_a_number_and_several_results_have_theirs():
    layer = Linear(3, in_size=3)

    class Twice(Layer):
        def __init__(self):
            super().__init__()
            self.inner = layer

        def forward(self, x: Any) -> Any:
            return self.inner(self.inner(x)), {"mean": F.mean(x)}

    model, callback = Twice(), Fingerprints()
    trainer = SimpleNamespace(model=model, iteration=0, run_folder=None)
    callback.before_step(trainer, ())
    model(x)
    found = dict(callback._found or {})
    callback.fail(trainer, ValueError())
    assert list(found) == ["output/inner", "output/inner#2", "output:0", "output:1/mean"]


def test_after_a_failure_nobody_looks_on():
    model, callback = Linear(3, in_size=3), Fingerprints()
    callback.before_step(SimpleNamespace(model=model, iteration=0), (x,))
    callback.fail(None, ValueError())
    assert lamina.layers.calls.calls.observer is None


def test_after_a_resume_lines_behind_the_checkpoint_are_gone(tmp_path: Path):
    folder = train(tmp_path / "a")
    callback = Fingerprints()
    callback.start(
        SimpleNamespace(model=None, iteration=3, run_folder=SimpleNamespace(folder=folder))
    )
    lines = (folder / "hashes.jsonl").read_text().splitlines()
    assert [json.loads(line)["iteration"] for line in lines] == [0, 1, 2, 3]


def test_without_a_folder_there_is_nowhere_to_write():
    with pytest.raises(RangeError, match="the Trainer has no folder"):
        Fingerprints().start(SimpleNamespace(model=None, iteration=0, run_folder=None))


@pytest.mark.parametrize("every", [0, True, 1.5])
def test_every_is_checked(every: Any):
    with pytest.raises(RangeError, match="every should be an integer of 1 or more, got"):
        Fingerprints(every)


def test_a_fingerprint_knows_bits_dtype_and_shape():
    a = np.arange(6.0)
    others = [a.astype("f4"), a.reshape(2, 3), a + 1e-15 * a, a[:5], -0.0 * a, np.zeros(0)]
    prints = {fingerprint(b) for b in [a, *others]}
    assert len(prints) == 7
    assert fingerprint(a) == fingerprint(a.copy()) == fingerprint(np.arange(12.0)[::2] / 2)


def test_python_objects_have_no_fingerprint():
    with pytest.raises(RangeError, match="an array of object has no bits"):
        fingerprint(np.array([None]))


# -- what differs --------------------------------------------------------------------------------


def test_two_runs_of_one_program_are_the_same(one: Path, tmp_path: Path):
    found = diff(one, train(tmp_path / "two"))
    assert (found.same, found.by, found.steps, found.settings) == (True, "hashes", 7, {})
    assert str(found) == "First difference  none in 7 steps, by hashes\nSettings          same"


def spoil(path: str, at: int) -> Any:
    """Change one gradient a little, at one step."""

    def change(model: Any, step: int) -> None:
        if step == at:
            dict(model.named_params())[path].grad.data[...] *= np.float32(1.0001)

    return change


def nudged(y: Any, t: Any) -> Any:
    return F.mean_squared_error(y, t) * np.float32(1.0001)


PLANTED = [
    (
        {"seed": 1},
        1,
        "output/first",
        "first",
        "its weights were drawn in this step",
    ),
    ({"order": 1}, 1, "batch/0", "", "the data: other files, another order"),
    ({"drop": 0.25}, 1, "output/drop", "drop", "this layer: what it got is the same"),
    ({"loss": nudged}, 1, "loss", "", "what stands between batch and loss"),
    ({"change": spoil("norm/gamma", 4)}, 4, "gradient/norm/gamma", "norm", "backward: the loss"),
    ({"lr": 0.2}, 1, "parameter/first/W", "first", "the update: batch, loss and gradients are"),
    ({"decay": 0.1}, 1, "parameter/first/W", "first", "optimizer, learning rate, clipping"),
]


@pytest.mark.parametrize(("options", "step", "tensor", "layer", "reason"), PLANTED)
def test_the_first_difference_is_named(
    one: Path, tmp_path: Path, options: Any, step: int, tensor: str, layer: str, reason: str
):
    found = diff(one, train(tmp_path / "two", **options))
    assert (found.iteration, found.tensor, found.layer) == (step, tensor, layer)
    assert reason in found.reason
    assert not found.same


def test_weights_that_are_there_at_the_start_differ_at_the_start(one: Path, tmp_path: Path):
    two = train(tmp_path / "two")
    for folder, value in ((one, "00000000"), (two, "11111111")):
        lines = (folder / "hashes.jsonl").read_text().splitlines()
        lines[0] = json.dumps({"iteration": 0, "hashes": {"parameter/first/W": value}})
        (folder / "hashes.jsonl").write_text("\n".join(lines) + "\n")
    found = diff(one, two)
    assert (found.iteration, found.tensor) == (0, "parameter/first/W")
    assert "another seed, another initializer" in str(found)


def test_what_is_the_same_before_is_counted(one: Path, tmp_path: Path):
    found = diff(one, train(tmp_path / "two", change=spoil("norm/gamma", 4)))
    assert (found.since, len(found.agreed), found.agreed[-1]) == (3, 10, "gradient/first/b")
    assert "parameter/norm/gamma" in found.others
    assert "Same before       all up to step 3 and 10 of this step" in str(found)


def test_steps_that_were_not_written_are_told(tmp_path: Path):
    a = train(tmp_path / "a", hashes=Fingerprints(every=3))
    b = train(tmp_path / "b", hashes=Fingerprints(every=3), change=spoil("last/W", 2))
    found = diff(a, b)
    assert (found.iteration, found.since) == (4, 1)
    assert "the steps from 2 on, which were not written" in found.reason


def test_an_eager_and_a_compiled_run_are_compared_by_what_both_wrote(one: Path, tmp_path: Path):
    found = diff(one, train(tmp_path / "two", backend="replay"))
    assert (found.same, found.steps) == (True, 7)


def test_settings_that_differ_are_listed_and_the_folder_is_not(one: Path, tmp_path: Path):
    found = diff(one, train(tmp_path / "two", lr=0.2))
    assert found.settings == {"config.optimizer.lr": (0.1, 0.2)}
    assert "Settings          config.optimizer.lr: 0.1 and 0.2" in str(found)


def test_names_that_only_one_run_has_are_listed(one: Path, tmp_path: Path):
    two = train(tmp_path / "two", backend="replay", lr=0.2)
    found = diff(one, two)
    assert found.only == ([], [])  # the first step of a compiled one runs as it is
    other = diff(one, train(tmp_path / "b", hashes=Fingerprints(outputs=False), lr=0.2))
    assert other.only[0][0] == "output/first"


def test_runs_without_hashes_are_compared_by_metrics_and_checkpoints(tmp_path: Path):
    a = train(tmp_path / "a", log=False)
    found = diff(a, train(tmp_path / "b", log=False, change=spoil("last/W", 2)))
    assert (found.by, found.iteration, found.tensor) == ("metrics", 3, "loss")
    assert found.weights is not None
    step, name, largest = found.weights
    assert (step, name) == (3, "first/W")
    assert 0 < largest < 0.1
    assert "run both with Fingerprints()" in str(found)


def test_a_difference_that_metrics_do_not_show_is_seen_in_checkpoints(tmp_path: Path):
    a = train(tmp_path / "a", log=False, steps=3)
    found = diff(a, train(tmp_path / "b", log=False, steps=3, change=spoil("last/b", 3)))
    assert (found.iteration, found.same) == (None, False)
    assert found.weights is not None
    assert found.weights[:2] == (3, "last/b")


def test_runs_without_a_common_step_cannot_be_compared(tmp_path: Path):
    a, b = train(tmp_path / "a", log=False), train(tmp_path / "b", log=False)
    (b / "metrics.jsonl").unlink()
    found = diff(a, b)
    assert (found.by, found.same) == ("nothing", False)
    assert "unknown: there is no step that both runs wrote" in str(found)


def test_a_run_can_be_given_as_an_object(one: Path):
    assert diff(SimpleNamespace(folder=one), str(one)).same


def test_all_of_it_is_json(one: Path, tmp_path: Path):
    found = diff(one, train(tmp_path / "two", seed=1))
    again = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert (again["tensor"], again["layer"], again["same"]) == ("output/first", "first", False)
    assert again["reason"] == found.reason


# -- what cannot be read -------------------------------------------------------------------------


def test_a_folder_without_a_run_is_refused(tmp_path: Path, one: Path):
    with pytest.raises(CheckpointError, match=r"is no run: it has no run\.json"):
        diff(one, tmp_path)


def test_a_last_line_that_was_torn_is_left_out(one: Path, tmp_path: Path):
    two = train(tmp_path / "two")
    text = (two / "hashes.jsonl").read_text()
    (two / "hashes.jsonl").write_text(text[:-30])
    assert diff(one, two).steps == 6


def test_a_damaged_line_is_named(one: Path, tmp_path: Path):
    two = train(tmp_path / "two")
    lines = (two / "hashes.jsonl").read_text().splitlines()
    lines[2] = lines[2][:-10]
    (two / "hashes.jsonl").write_text("\n".join(lines) + "\n")
    with pytest.raises(CheckpointError, match=r"hashes\.jsonl, line 3: is no JSON"):
        diff(one, two)


def test_a_run_that_is_no_json_is_named(one: Path, tmp_path: Path):
    two = train(tmp_path / "two")
    (two / "run.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"run\.json cannot be read"):
        diff(one, two)


def test_nothing_compared_is_not_the_same():
    assert not Difference(("a", "b")).same


def test_a_sequential_names_its_layers_by_number(tmp_path: Path):
    model, callback = Sequential(Linear(3, in_size=3), F.tanh), Fingerprints()
    callback.before_step(SimpleNamespace(model=model, iteration=0), (x,))
    model(x)
    found = dict(callback._found or {})
    callback.fail(None, ValueError())
    assert list(found) == ["batch/0", "output/0", "output"]
