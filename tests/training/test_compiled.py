"""A run that was trained compiled keeps what the step tells of itself, for its report."""

from __future__ import annotations

import json

import numpy as np
import pytest

import lamina
from fixtures.step import step_of
from lamina import Linear
from lamina import functions as F
from lamina import optimizers as O
from lamina.compiler import replay as emitter
from lamina.compiler.described import Described
from lamina.training import Progress, Trainer

BATCHES = [(np.ones((n, 3), np.float32), np.zeros((n, 2), np.float32)) for n in (4, 4, 1, 1)]


@pytest.fixture
def train(tmp_path):
    model = Linear(2, in_size=3)
    step = step_of(model, O.SGD(lr=0.1).setup(model), F.mean_squared_error)

    def run(make, **more):
        settings = {"epochs": 2, "folder": tmp_path / "run", "callbacks": [Progress(False)]}
        trainer = Trainer(make(step), BATCHES, model=model, **settings)
        return trainer.run(**more).run_folder.folder / "compiled.json"

    return run


def replay(step, **more):
    return lamina.compile(step, backend="replay", **more)


def test_each_program_of_a_compiled_step_is_kept(train):
    found = json.loads(train(replay).read_text())["programs"]
    programs = [Described.of_dict(program) for program in found]
    assert [p.backend for p in programs] == ["replay", "replay"]
    assert ["input('x0')" in p.program for p in programs] == [True, True]
    assert all([row.seconds is None for p in programs for row in p.rows])


def test_clocks_are_kept_with_it(train, monkeypatch):
    monkeypatch.setattr(emitter, "_reached", lambda *args: None)  # else it measures this machine
    found = json.loads(train(lambda step: replay(step, profile=True)).read_text())["programs"]
    rows = [Described.of_dict(program).rows for program in found]
    assert all([row.seconds > 0 for program in rows for row in program])


def test_an_eager_run_keeps_nothing_and_takes_away_what_was_there(train):
    path = train(replay)
    assert path.is_file()
    train(lambda step: step, overwrite=True)
    assert not path.exists()
