"""Run: the folder is read as it was written, and what is no run, or damaged, is told."""

from __future__ import annotations

import json

import numpy as np
import pytest

import lamina
from lamina.errors import CheckpointError, RangeError
from lamina.training import Progress, Run, Statistics, Trainer, environment
from lamina.training.statistics import describe
from training import small
from training.small import Parts, trainer


def test_the_folder_says_what_the_run_is(tmp_path):
    made = trainer(folder=tmp_path / "first", config={"lr": 0.05, "layers": [8, 3]}).run()
    found = Run(tmp_path / "first").description
    assert (found["kind"], found["version"], found["status"]) == ("lamina run", 1, "finished")
    assert (found["name"], found["reason"], found["resume"]) == ("first", "", None)
    assert found["config"] == {"lr": 0.05, "layers": [8, 3]}
    assert (found["epochs"], found["epoch"], found["iteration"]) == (3, 3, 18)
    assert found["model"] == {"class": "Net", "parameters": 5 * 8 + 8 + 8 * 3 + 3}
    assert found["metrics"] == made.metrics
    assert found["environment"] == environment()
    assert found["environment"]["lamina"] == lamina.__version__
    assert found["environment"]["numpy"] == np.__version__
    assert found["started"].endswith("+00:00")


def test_metrics_have_a_line_for_each_step_and_each_epoch(tmp_path):
    trainer(folder=tmp_path).run()
    run = Run(tmp_path)
    steps, epochs = run.metrics("step"), run.metrics("epoch")
    assert [s["iteration"] for s in steps] == list(range(1, 19))
    assert [(e["iteration"], e["epoch"]) for e in epochs] == [(6, 1), (12, 2), (18, 3)]
    assert list(steps[0]) == ["event", "iteration", "epoch", "seconds", "lr", "loss"]
    sizes = [4, 4, 4, 4, 4, 2]
    mean = sum(s["loss"] * n for s, n in zip(steps, sizes)) / 22
    assert epochs[0]["loss"] == mean
    assert len(run.metrics()) == 21


def test_numbers_that_are_not_finite_are_null(tmp_path):
    parts = Parts()
    made = parts.trainer(folder=tmp_path)
    made.step = lambda x, t: {"loss": 1.0, "ratio": float("inf")}
    made.run()
    assert Run(tmp_path).metrics("step")[0]["ratio"] is None
    assert Run(tmp_path).description["metrics"] == {"loss": 1.0, "ratio": None}


def test_a_value_cannot_have_the_name_of_a_field(tmp_path):
    made = trainer(folder=tmp_path)
    made.step = lambda x, t: {"loss": 1.0, "epoch": 7.0}
    with pytest.raises(RangeError, match="a value cannot be called epoch"):
        made.run()


def test_a_training_without_model_and_optimizer_has_a_folder_too(tmp_path):
    def make(epochs):
        callbacks = [Progress(False)]
        return Trainer(
            lambda x, t: 0.5, small.Parts().loader, epochs, folder=tmp_path, callbacks=callbacks
        )

    make(2).run()
    again = make(3).resume()
    assert (again.samples, again.iteration) == (22, 18)
    assert Run(tmp_path).description["model"] is None


def test_statistics_describe_each_parameter(tmp_path):
    made = trainer(folder=tmp_path, callbacks=[Statistics(every=6)]).run()
    found = Run(tmp_path).statistics()
    assert [record["iteration"] for record in found] == [1, 6, 12, 18]
    last = found[-1]["parameters"]
    assert list(last) == ["l1/W", "l1/b", "l2/W", "l2/b"]
    W = made.model.l1.W.data.astype(np.float64)
    assert last["l1/W"]["mean"] == W.mean()
    assert last["l1/W"]["norm"] == np.sqrt((W**2).sum())
    assert sum(last["l1/W"]["histogram"]["counts"]) == 40
    assert len(last["l1/W"]["histogram"]["counts"]) == 32
    assert 0 < last["l1/W"]["update_ratio"] < 1
    assert last["l1/W"]["gradient_norm"] > 0


def test_statistics_of_odd_parameters():
    nothing = describe(np.zeros((0, 3)), None, None)
    assert (nothing["mean"], nothing["norm"], nothing["update_ratio"]) == (None, 0.0, None)
    broken = describe(np.array([1.0, np.nan, np.inf, 3.0]), None, np.zeros(4))
    assert broken["histogram"]["low"], broken["histogram"]["high"] == (1.0, 3.0)
    assert sum(broken["histogram"]["counts"]) == 2
    equal = describe(np.full(5, 2.0, np.float32), np.ones(5), np.full(5, 2.0, np.float32))
    assert equal["histogram"]["counts"][:2] == [5, 0]
    assert equal["update_ratio"] == 0.0


# -- what is no run ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "run.json is damaged"),
        ("[]", "its kind is ''"),
        ('{"kind": "other"}', "its kind is 'other'"),
        ('{"kind": "lamina run", "version": 2}', "of version 2, and 1 can be read"),
    ],
)
def test_what_is_no_run_is_told(text, words, tmp_path):
    with pytest.raises(CheckpointError, match=r"is no run: there is no run\.json"):
        Run(tmp_path)
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(CheckpointError, match=words):
        _ = Run(tmp_path).description


def made_of(folder, text) -> Run:
    (folder / "run.json").write_text("{}")
    (folder / "metrics.jsonl").write_text(text)
    return Run(folder)


def test_a_torn_last_line_is_left_out_and_one_in_the_middle_is_an_error(tmp_path):
    good = '{"event": "step", "iteration": 1}\n'
    for torn in ('{"event": "st', '{"event": "step", "iteration": 2}', "\0\0\0"):
        assert made_of(tmp_path, good + torn).metrics() == [json.loads(good)]
    for torn in ('{"event": "st', "[1]", "\0\0\0"):
        with pytest.raises(CheckpointError, match=r"metrics\.jsonl: line 2 is damaged"):
            made_of(tmp_path, good + torn + "\n" + good.replace("1", "3") + good).metrics()


def test_a_file_is_cut_to_a_step_and_an_epoch(tmp_path):
    lines = [
        {"event": "step", "iteration": 1, "epoch": 0},
        {"event": "step", "iteration": 2, "epoch": 0},
        {"event": "epoch", "iteration": 2, "epoch": 1},
        {"event": "step", "iteration": 3, "epoch": 1},
    ]
    text = "".join([json.dumps(line) + "\n" for line in lines])
    for iteration, epoch, left in [(0, 0, 0), (1, 0, 1), (2, 0, 2), (2, 1, 3), (3, 1, 4)]:
        run = made_of(tmp_path, text + '{"torn')
        run.cut(iteration, epoch)
        assert (tmp_path / "metrics.jsonl").read_text().count("\n") == left
        assert run.metrics() == lines[:left]
        assert not (tmp_path / "metrics.jsonl").read_text().endswith("torn")
