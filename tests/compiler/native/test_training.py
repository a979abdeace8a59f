"""Fifty steps of every layer and of every model: eager, replayed and native, the same losses."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import lamina
from lamina import functions as F
from lamina import optimizers as O
from layers.every import ROWS
from layers.test_every_layer import results
from models.test_models import training

STEPS = 50


def layer_step(row: Any) -> tuple[Any, Any]:
    """A layer that learns to give zeros, and its inputs."""
    lamina.seed(3)
    layer, inputs = row.lazy(), row.inputs(np.float32)
    optimizer = O.Adam(lr=0.01).setup(layer)

    def step(*xs: Any) -> Any:
        ys = results(layer(*xs))
        loss = sum((F.mean((y - 0.5) * (y - 0.5)) for y in ys[1:]), F.mean(ys[0] * ys[0]))
        layer.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    return step, tuple(inputs)


def model_step(name: str) -> tuple[Any, Any]:
    _, step, x, t = training(name)
    return step, (x, t)


def losses(make: Any, wrap: Any, steps: int = STEPS) -> np.ndarray:
    """Of so many steps, from the same weights; the first is never compiled.

    Adam's first update is the sign of a gradient, and behind a norm some are 0 but for rounding.
    """
    step, inputs = make()
    first, run = step(*inputs).item(), wrap(step)
    return np.array([first, *[run(*inputs).item() for _ in range(1, steps)]])


def compiled(backend: str) -> Any:
    return functools.partial(lamina.compile, backend=backend)


def off(make: Any, steps: int) -> np.ndarray:
    """How far the losses of native code are from eager's, relative; replay's are equal.

    A loss is a difference of scores of about 1, which float32 holds to 1e-7: below 0.01 what counts
    is the difference itself.
    """
    eager = losses(make, lambda step: step, steps)
    assert np.array_equal(losses(make, compiled("replay"), steps), eager)
    found = losses(make, compiled("native"), steps)
    return np.abs(found - eager) / np.maximum(np.abs(eager), 0.01)


# Four roundings of a float32 hold for all steps where training is stable. Adam divides a gradient
# by its own size: behind a norm some gradients are 0 but for rounding, and what rounding they have
# is a whole step.
NORM = 2e-5


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_layer_learns_the_same(row):
    normed = "Norm" in row.name or "Transformer" in row.name
    # Adam carries roundings on: of a GRUCell they are 2e-7 in five steps and 2e-6 in fifty
    tolerance = NORM if normed else 4e-6 if row.name == "GRUCell" else 1e-6
    assert off(functools.partial(layer_step, row), STEPS).max() < tolerance


@pytest.mark.parametrize("name", ["mlp", "lstm", "gpt"])
def test_a_model_learns_the_same(name):
    assert off(functools.partial(model_step, name), STEPS).max() < 1e-6


def test_a_residual_net_begins_in_the_same_way():
    # sixteen norms on top of each other: from the fourth step on, rounding decides where it goes
    assert off(functools.partial(model_step, "resnet"), 3).max() < 2e-5
