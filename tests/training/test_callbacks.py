"""Evaluate, Average, EarlyStopping, Schedule and Progress."""

from __future__ import annotations

import numpy as np
import pytest

from lamina import functions as F
from lamina import no_grad, test_mode
from lamina import optimizers as O
from lamina.config import current
from lamina.data import Loader
from lamina.errors import DTypeError, RangeError
from lamina.training import (
    Average,
    EarlyStopping,
    Evaluate,
    Metrics,
    Progress,
    Run,
    Schedule,
    Trainer,
)
from training.small import Parts, t, trainer, x


def seen(callbacks, epochs=3, **more) -> list[dict[str, float]]:
    """The values of each epoch."""
    found = []

    class See:
        rank = 1

        def end_epoch(self, trainer, values):
            found.append(dict(values))

    trainer(callbacks=[See(), *callbacks], epochs=epochs, **more).run()
    return found


# -- Evaluate ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["arrays", "loader", "list"])
def test_held_out_values_are_means_over_samples_in_test_mode(kind):
    parts, modes = Parts(), []
    batches = Loader((x, t), 4, shuffle=False)
    data = {"arrays": (x, t), "loader": batches, "list": list(batches)}[kind]

    def measure(x, t):
        modes.append((current().train, current().grad))
        y = parts.model(x)
        right = (y.numpy().argmax(1) == t).mean()
        return {"loss": F.softmax_cross_entropy(y, t), "accuracy": right}

    evaluate = Evaluate(data, measure)
    made = parts.trainer(callbacks=[evaluate]).run()
    assert modes == [(False, False)] * (3 if kind == "arrays" else 18)
    assert (current().train, current().grad) == (True, True)
    y = parts.model
    with no_grad(), test_mode():
        whole = F.softmax_cross_entropy(y(x), t).item()
        right = float((y(x).numpy().argmax(1) == t).mean())
    assert made.metrics["held_out/accuracy"] == pytest.approx(right, abs=1e-12)
    # a mean of float32 means of batches, against the float32 mean of all
    assert made.metrics["held_out/loss"] == pytest.approx(whole, rel=1e-6)


def test_an_array_alone_is_one_batch_and_one_number_is_the_loss():
    found = seen([Evaluate(x, lambda x: x.shape[0], name="seen")], epochs=1)
    assert found[0]["seen/loss"] == 22


def test_evaluation_may_leave_epochs_out_but_not_the_last():
    found = seen([Evaluate(x, lambda x: 1.0, every=3)], epochs=7)
    assert ["held_out/loss" in values for values in found] == [False, False, True] * 2 + [True]


def test_an_evaluation_of_nothing_or_of_no_numbers_is_told():
    with pytest.raises(RangeError, match=r"there is nothing to measure in \[\]"):
        seen([Evaluate([], lambda x: 1.0)])
    with pytest.raises(DTypeError, match="'loss' as one number"):
        seen([Evaluate(x, lambda x: x)])
    with pytest.raises(DTypeError, match=r"the function of Evaluate should give 'loss' .* NoneTyp"):
        seen([Evaluate(x, lambda x: None)])
    with pytest.raises(DTypeError, match="function should be one, got 3"):
        Evaluate(x, 3)


def test_values_of_evaluation_reach_whoever_stands_before_it_in_the_list(tmp_path):
    seen([Metrics(), Evaluate(x, lambda x: 2.0)], folder=tmp_path)
    assert Run(tmp_path).metrics("epoch")[0]["held_out/loss"] == 2.0


# -- Average -------------------------------------------------------------------------------------


def test_averages_stand_in_for_the_weights_in_evaluation_only():
    parts, during = Parts(), []
    average = O.EMA(0.5).setup(parts.model)
    evaluate = Evaluate(x, lambda x: during.append(parts.model.l2.b.data.copy()) or 0.0)
    made = parts.trainer(callbacks=[evaluate, Average(average)]).run()
    assert average.step == 18
    assert np.array_equal(during[-1], average.state_dict()["arrays"]["l2/b.average"])
    assert not np.array_equal(during[-1], made.model.l2.b.data)


def test_an_average_of_epochs_is_taken_at_their_ends():
    parts = Parts()
    average = O.SWA().setup(parts.model)
    parts.trainer(callbacks=[Average(average, every=None)]).run()
    assert average.step == 3
    with pytest.raises(DTypeError, match=r"should get an EMA or a SWA, got 0\.99"):
        Average(0.99)


# -- EarlyStopping and Schedule ------------------------------------------------------------------


def measured(values):
    numbers = iter(values)
    return Evaluate(x, lambda x: next(numbers))


def test_early_stopping_has_patience_and_says_why():
    stopping = EarlyStopping(patience=1)
    made = trainer(epochs=9, callbacks=[stopping, measured([3, 2, 2.5, 1.5, 9, float("nan"), 0])])
    made.run()
    assert (made.epoch, made.status) == (6, "stopped")
    assert made.reason == "EarlyStopping: held_out/loss was no better than 1.5 for 2 epochs"


def test_early_stopping_can_look_for_larger_values_and_wants_a_margin():
    stopping = EarlyStopping("held_out/loss", patience=0, larger=True, margin=0.1)
    made = trainer(epochs=9, callbacks=[stopping, measured([0.5, 0.7, 0.75, 0.9])]).run()
    assert (made.epoch, stopping.best) == (3, 0.7)


def test_an_epoch_without_a_measurement_does_not_count():
    evaluate = measured([3, 3, 3, 3])
    evaluate.every = 2
    made = trainer(epochs=9, callbacks=[EarlyStopping(patience=1), evaluate]).run()
    assert made.epoch == 6


@pytest.mark.parametrize("make", [EarlyStopping, Schedule])
def test_a_value_that_is_never_there_is_told(make):
    with pytest.raises(RangeError, match=r"there is no value 'held_out/los'; .* are loss"):
        trainer(lr=O.Plateau(0.1), callbacks=[make("held_out/los")]).run()


def test_the_rate_falls_when_a_value_gets_no_better(tmp_path):
    made = trainer(
        lr=O.Plateau(0.08, factor=0.5, patience=0),
        epochs=4,
        folder=tmp_path,
        callbacks=[Schedule(), measured([3, 2, 2, 2])],
    ).run()
    rates = [r["lr"] for r in made.run_folder.metrics("epoch")]
    assert rates == [0.08, 0.08, 0.08, 0.04]
    with pytest.raises(RangeError, match=r"a schedule that is fed, such as lr=Plateau"):
        trainer(callbacks=[Schedule()]).run()


# -- Progress ------------------------------------------------------------------------------------


def test_without_a_terminal_there_is_a_line_for_each_epoch(capsys):
    Trainer(lambda x: 0.5, [x] * 4, 10, callbacks=[]).run()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("epoch  1/10  loss 0.5000  ")
    assert "samples/s" in lines[0]
    assert lines[0].endswith(" left")
    assert lines[-1].startswith("epoch 10/10")


def test_lines_may_leave_epochs_out_but_not_the_last(capsys):
    Trainer(lambda x: 0.5, [x], 10, callbacks=[Progress(every=4)]).run()
    lines = capsys.readouterr().out.splitlines()
    assert [line[:11] for line in lines] == ["epoch  4/10", "epoch  8/10", "epoch 10/10"]


def test_progress_can_be_silent(capsys):
    trainer().run()
    assert capsys.readouterr().out == ""


def test_a_long_epoch_gives_lines_too(capsys, monkeypatch):
    monkeypatch.setattr("lamina.training.progress.SILENCE", 0.0)
    Trainer(lambda x: 0.5, [x] * 2, 1).run()
    assert [line[:6] for line in capsys.readouterr().out.splitlines()] == [
        "step 1",
        "step 2",
        "epoch ",
    ]


def test_a_live_line_moves_and_is_closed_after_an_error(capsys, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setattr("lamina.training.progress.REDRAW", 0.0)
    live = Progress(True)
    held_out = Evaluate(x, lambda x: 0.75)
    Trainer(lambda x: 0.25, [x] * 2, 3, callbacks=[live, held_out]).run()
    shown = capsys.readouterr().out
    for epoch in (1, 2, 3):
        assert f"epoch {epoch}/3  loss 0.2500  held_out/loss 0.7500  " in shown

    def fails(x):
        raise KeyError("broken")

    live = Progress(True)
    with pytest.raises(KeyError, match="broken"):
        Trainer(fails, [x], 1, callbacks=[live]).run()
    assert live._display is None
