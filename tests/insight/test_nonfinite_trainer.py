"""`NonFinite` and `Fingerprints` as callbacks of a Trainer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina
import lamina.functions as F
import lamina.optimizers as O
from lamina import Linear, Sequential, Variable
from lamina.data import Loader
from lamina.errors import NonFiniteError
from lamina.insight import Fingerprints, NonFinite, diff
from lamina.layers import Dropout
from lamina.training import Checkpoint, Progress, Trainer

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

x = np.random.default_rng(5).uniform(-1, 1, (24, 3)).astype(np.float32)
calm = Progress(False)


class Batches:
    """A list of batches that cannot tell where it is."""

    def __iter__(self) -> Any:
        return iter([x[i : i + 4] for i in range(0, 24, 4)])


def trainer(
    *callbacks: Any,
    at: int = 10**6,
    backend: str | None = None,
    loader: Any = None,
    folder: Any = None,
    epochs: int = 3,
    rate: float = 0.1,
) -> Trainer:
    """A training whose loss is the logarithm of 0 at one step."""
    lamina.seed(0)
    model = Sequential(Linear(4), Dropout(0.3), F.tanh, Linear(2))
    model.count = lamina.Buffer(np.zeros((), np.float32))
    opt = O.SGD(lr=rate, momentum=0.9).setup(model)

    def step(x: Any) -> Variable:
        model.count.data = model.count.data + np.float32(1)
        y = model(x)
        loss = F.mean(y * y) + F.mean(F.log(F.abs(model.count - float(at)))) * 1e-3
        model.cleargrads()
        loss.backward()
        opt.update()
        return loss

    run = lamina.compile(step, backend=backend) if backend else step
    batches = loader if loader is not None else Loader((x,), 4, seed=1)
    return Trainer(run, batches, epochs, model, opt, folder, [calm, *callbacks])


@pytest.mark.parametrize("backend", [None, "replay"])
@pytest.mark.parametrize("loader", [None, Batches()])
def test_the_error_of_a_trainer_has_a_note_that_names_the_operator(backend: Any, loader: Any):
    watch = NonFinite()
    with pytest.raises(NonFiniteError) as info:
        trainer(watch, at=9, backend=backend, loader=loader).run()
    [note] = info.value.__notes__
    assert note == str(watch.origin)
    assert note.startswith("The loss is inf at step 9.\nMade by  Log.")


def test_with_checkpoints_and_workers_it_is_found_too(tmp_path: Path):
    loader = Loader((x,), 4, seed=1, workers=2)
    watch, saver = NonFinite(), Checkpoint(every=3, asynchronous=False)  # files are there at once
    with pytest.raises(NonFiniteError):
        trainer(watch, saver, at=15, loader=loader, folder=tmp_path / "run").run()
    written = json.loads((tmp_path / "run" / "nonfinite.json").read_text())
    assert (written["operator"], written["iteration"]) == ("Log", 15)
    assert watch._kept is None  # there were checkpoints to go back to


def test_a_checkpoint_that_is_spoilt_already_is_passed_over(tmp_path: Path):
    class Spoil:
        def after_step(self, trainer: Any, batch: Any, values: Any) -> None:
            if trainer.iteration == 13:  # after the loss was read, before the file is written
                trainer.model[0].b.data[0] = np.nan

    saver = Checkpoint(every=1, keep=3, asynchronous=False)
    with pytest.raises(NonFiniteError) as info:
        trainer(NonFinite(), Spoil(), saver, folder=tmp_path / "run").run()
    # made again from step 12 on, without the one who wrote into the array, all is finite
    assert "made again, the steps since step 12 give finite numbers" in info.value.__notes__[0]


def test_after_a_resume_in_the_middle_of_an_epoch_it_is_found(tmp_path: Path):
    class Stop:
        def after_step(self, trainer: Any, batch: Any, values: Any) -> None:
            if trainer.iteration == 8:
                trainer.stop("enough")

    trainer(Stop(), at=15, folder=tmp_path / "run").run()
    again = trainer(NonFinite(), at=15, folder=tmp_path / "run")
    with pytest.raises(NonFiniteError) as info:
        again.resume()
    assert "The loss is inf at step 15." in info.value.__notes__[0]
    whole = trainer(NonFinite(), at=15)
    with pytest.raises(NonFiniteError):
        whole.run()
    pairs = zip(again.model.params(), whole.model.params(), strict=True)
    assert all(np.array_equal(p.numpy(), q.numpy()) for p, q in pairs)


def test_another_error_gets_no_note():
    def step(x: Any) -> Any:
        raise ValueError("no such file")

    with pytest.raises(ValueError, match="no such file") as info:
        Trainer(step, Batches(), 1, callbacks=[calm, NonFinite()]).run()
    assert not hasattr(info.value, "__notes__")


def test_a_step_under_debug_that_refuses_its_numbers_itself_is_looked_at():
    with lamina.using(debug=True), pytest.raises(NonFiniteError, match=r"Log\(\)") as info:
        trainer(NonFinite(), at=3).run()
    assert "The loss is" in info.value.__notes__[-1]
    assert "Made by  Log." in info.value.__notes__[-1]


# -- fingerprints --------------------------------------------------------------------------------


def test_two_trainings_of_one_program_leave_the_same_hashes(tmp_path: Path):
    for name in ("a", "b"):
        trainer(Fingerprints(), folder=tmp_path / name).run()
    found = diff(tmp_path / "a", tmp_path / "b")
    assert (found.same, found.steps) == (True, 19)


def test_a_resumed_training_leaves_the_hashes_of_one_that_was_not_stopped(tmp_path: Path):
    class Stop:
        def after_step(self, trainer: Any, batch: Any, values: Any) -> None:
            if trainer.iteration == 8:
                trainer.stop("enough")

    trainer(Fingerprints(), folder=tmp_path / "whole").run()
    trainer(Fingerprints(), Stop(), folder=tmp_path / "parts").run()
    trainer(Fingerprints(), folder=tmp_path / "parts").resume()
    texts = [(tmp_path / n / "hashes.jsonl").read_text() for n in ("whole", "parts")]
    assert texts[0] == texts[1]


def test_another_rate_is_seen_in_the_first_update(tmp_path: Path):
    trainer(Fingerprints(), folder=tmp_path / "a").run()
    trainer(Fingerprints(), folder=tmp_path / "b", rate=0.2).run()
    found = diff(tmp_path / "a", tmp_path / "b")
    assert (found.iteration, found.tensor, found.layer) == (1, "parameter/0/W", "0")


def test_without_hashes_the_metrics_of_a_trainer_are_compared(tmp_path: Path):
    trainer(folder=tmp_path / "a").run()
    trainer(folder=tmp_path / "b", rate=0.2).run()
    found = diff(tmp_path / "a", tmp_path / "b")
    assert (found.by, found.same) == ("metrics", False)
