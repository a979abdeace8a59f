"""A Trainer stops at the first loss that is not finite, and the step is made again."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import lamina
import lamina.functions as F
import lamina.optimizers as O
from insight.faults import FAULTS, Net, subject
from lamina import Linear, Sequential, random
from lamina.data import Loader
from lamina.errors import NonFiniteError, RangeError
from lamina.insight import NonFinite
from lamina.layers import Dropout
from lamina.storage import Checkpoints

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

x = np.random.default_rng(5).uniform(-1, 1, (24, 3)).astype(np.float32)


def train(made: Any, rows: Any = x, *, watch: Any = None, folder: Any = None, save: int = 0) -> Any:
    """What a Trainer does with its callback, up to the error."""
    loader = Loader((rows,), 4, seed=1) if isinstance(rows, np.ndarray) else rows
    watch = watch or NonFinite()
    trainer = SimpleNamespace(
        step=made.step, loader=loader, model=made.model, optimizer=made.optimizer,
        iteration=0, run_folder=folder and SimpleNamespace(folder=folder),
    )  # fmt: skip
    watch.start(trainer)
    for _ in range(4):
        for batch in loader:
            batch = batch if isinstance(batch, tuple) else (batch,)
            watch.before_step(trainer, batch)
            loss = float(made.step(*batch).item())
            trainer.iteration += 1
            watch.after_step(trainer, batch, {"loss": loss})
            if save and trainer.iteration % save == 0:
                Checkpoints(folder / "checkpoints").save(
                    trainer.iteration, model=made.model, optimizer=made.optimizer, loader=loader
                )
    return watch


def caught(*arguments: Any, **options: Any) -> Any:
    watch = NonFinite(options.pop("keep", None))
    with pytest.raises(NonFiniteError) as info:
        train(*arguments, watch=watch, **options)
    assert str(info.value) == str(watch.origin)
    return watch.origin


def poisoned(at: int, backend: str | None = None) -> Any:
    """A network with dropout and momentum that fails at one step of training, and not before."""
    made = subject()
    made.model.middle = Sequential(Dropout(0.3), F.tanh, Linear(4, in_size=4))
    made.optimizer = opt = O.SGD(lr=0.1, momentum=0.9).setup(made.model)
    count = lamina.Buffer(np.zeros((), np.float32))
    made.model.count = count
    model = made.model

    def step(x):
        count.data = count.data + np.float32(1)
        y = model(x)
        loss = F.mean(y * y) + F.mean(F.log(F.abs(count - float(at)))) * 1e-3
        model.cleargrads()
        loss.backward()
        opt.update()
        return loss

    made.step = lamina.compile(step, backend=backend) if backend else step
    return made


BACKENDS = [None, "replay", "native"]


NATIVE = list(FAULTS)[::4]  # code for each takes a third of a second


@pytest.mark.parametrize(
    ("name", "backend"), [(n, "replay") for n in FAULTS] + [(n, "native") for n in NATIVE]
)
def test_a_planted_fault_of_a_compiled_step_is_named(name: str, backend: str):
    if backend == "native":
        pytest.importorskip("llvmlite")
    fault = FAULTS[name]
    made = fault.make()
    made.step = lamina.compile(made.step, backend=backend)
    rows = np.repeat(made.batch[0], 2, axis=0)
    found = caught(made, rows)
    assert (found.operator, found.layer, found.stage) == (fault.operator, fault.layer, fault.stage)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("keep", [None, 1, 4])
def test_the_step_that_fails_is_found_again(backend: Any, keep: Any):
    if backend == "native":
        pytest.importorskip("llvmlite")
    found = caught(poisoned(11, backend), keep=keep)
    assert (found.operator, found.iteration, found.stage) == ("Log", 11, "forward")


def test_a_gradient_that_spoils_the_parameters_is_found_one_step_before_the_loss():
    made = subject()
    made.model.middle.formula = lambda y: F.sqrt(F.relu(y * y - 1e-6))
    calls = []

    def formula(y):
        calls.append(1)
        return F.sqrt(y * (0.0 if made.optimizer.step == 5 else 1.0) * y)

    made.model.middle.formula = formula
    found = caught(made)
    assert (found.operator, found.stage, found.iteration) == ("Sqrt", "backward", 6)


def test_afterwards_the_model_is_as_before_that_step():
    made, straight = poisoned(11), poisoned(100)
    caught(made)
    reached = iter(range(10))
    loader = Loader((x,), 4, seed=1)
    random.load_state_dict({"seed": 0, "counts": {}})
    while True:
        for (batch,) in ((b if isinstance(b, tuple) else (b,)) for b in loader):
            if next(reached, None) is None:
                break
            straight.step(batch)
        else:
            continue
        break
    pairs = zip(made.model.named_params(), straight.model.named_params(), strict=True)
    assert all(np.array_equal(p.numpy(), q.numpy()) for (_, p), (_, q) in pairs)


def test_a_checkpoint_shortens_the_way(tmp_path: Any):
    made = poisoned(11)
    steps = []
    step = made.step
    made.step = lambda x: steps.append(1) or step(x)
    found = caught(made, folder=tmp_path, save=4)
    assert found.iteration == 11
    assert len(steps) == 11 + 3 + 1  # trained; from 8 on again; looked at


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Any):
    made = poisoned(11)
    step, count = made.step, []

    def damaging(x):
        count.append(1)
        if len(count) == 10:
            newest = sorted((tmp_path / "checkpoints").iterdir())[-1]
            newest.write_bytes(newest.read_bytes()[:-100])
        return step(x)

    made.step = damaging
    assert caught(made, folder=tmp_path, save=4).iteration == 11


def test_the_report_stands_in_the_run_folder(tmp_path: Any):
    found = caught(poisoned(3), folder=tmp_path)
    written = json.loads((tmp_path / "nonfinite.json").read_text())
    assert (written["operator"], written["iteration"], written["text"]) == ("Log", 3, str(found))


def test_the_error_tells_what_was_found():
    with pytest.raises(NonFiniteError, match=r"(?s)at step 3\.\nMade by  Log.*logarithm of 0"):
        train(poisoned(3))


def test_without_a_position_of_the_loader_the_last_batch_is_tried():
    made = subject(lambda y: F.log(y + 100.0))
    rows = [(x[:4],), (x[4:8],), (x[8:12] * 1e6,)]
    assert caught(made, rows).operator == "Log"


def test_what_does_not_come_again_is_said_to_be_gone():
    made = subject()
    step, count = made.step, []

    def haunted(x):
        count.append(1)
        return step(x) * (np.float32(np.nan) if len(count) == 3 else 1.0)

    made.step = haunted
    found = caught(made)
    assert (found.operator, found.iteration) == ("", 3)
    assert "the steps since step 0 give finite numbers" in found.reason


def test_a_model_that_learns_its_sizes_at_the_failing_first_step_is_replayed():
    model = Sequential(Linear(4), lambda y: F.log(y * 0.0), Linear(2))
    opt = O.Adam(lr=0.1).setup(model)

    def step(x):
        loss = F.mean(model(x))
        model.cleargrads()
        loss.backward()
        opt.update()
        return loss

    made = SimpleNamespace(step=step, model=model, optimizer=opt)
    assert caught(made).operator == "Log"


def test_a_healthy_run_costs_no_look():
    watch = train(subject(dtype=np.float32))
    assert watch.origin is None


@pytest.mark.parametrize("keep", [0, True, 2.5])
def test_keep_is_checked(keep: Any):
    with pytest.raises(RangeError, match="keep should be an integer of 1 or more, got"):
        NonFinite(keep)


def test_a_net_of_these_tests_is_healthy_by_itself():
    assert Net(F.tanh)(x).shape == (24, 2)
