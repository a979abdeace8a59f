"""The trial: some updates on one batch, which any model that can learn should learn by heart."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from ..arrays import Array
from ..layers import Layer
from ..optimizers import SAM, Optimizer

STEPS = 20
BOLDER = 100.0  # a rate so many times larger tells a rate that is too small from a hard problem
RATES = (0.3, 0.03, 0.003)  # what is tried where no optimizer was given


@dataclass
class Trial:
    """What happened.

    Attributes:
        losses: before each update, and after the last.
        bolder: the same with a rate `BOLDER` times larger, where the first lowered nothing.
        first: the change of each parameter in the first update, by path.
        rate: the learning rate of the first update.
    """

    losses: list[float] = field(default_factory=list)
    bolder: list[float] = field(default_factory=list)
    first: dict[str, Array] = field(default_factory=dict)
    rate: float = 0.0


def gain(losses: list[float]) -> float:
    """Which part of the loss at the start the lowest is lower by; 0 of nothing."""
    seen = [loss for loss in losses if isfinite(loss)]
    return (seen[0] - min(seen)) / (abs(seen[0]) + 1e-12) if seen else 0.0


def overfit(
    model: Layer, loss: Callable[[Layer], Any], optimizer: Optimizer, search: bool
) -> Trial:
    """Update a model on one batch.

    Args:
        model: is copied.
        loss: of the model, on that batch.
        optimizer: set up with that model.
        search: try the rates of `RATES`, and keep the best trial.
    """
    if inspect.signature(optimizer.update).parameters:  # it calls the loss itself, as L-BFGS does
        return Trial()
    if search:
        return max((_fresh(model, loss, optimizer, rate) for rate in RATES), key=_of_trial)
    small = not callable(optimizer.lr) and not optimizer.groups
    trial = _fresh(model, loss, optimizer, None)
    if small and optimizer.rate > 0 and gain(trial.losses) < 0.01:
        bolder = _fresh(model, loss, optimizer, optimizer.rate * BOLDER)
        trial.bolder = bolder.losses
    return trial


def _of_trial(trial: Trial) -> float:
    return gain(trial.losses)


def _fresh(
    model: Layer, loss: Callable[[Layer], Any], optimizer: Optimizer, rate: float | None
) -> Trial:
    """A trial on copies, so that each starts from the same place."""
    model, optimizer = deepcopy((model, optimizer))
    if rate is not None:
        optimizer.lr = rate
    return _run(model, loss, optimizer)


def _run(model: Layer, loss: Callable[[Layer], Any], optimizer: Optimizer) -> Trial:
    trial = Trial(rate=optimizer.rate)
    named = [(path, p) for path, p in model.named_params() if p.state != "lazy"]
    for step in range(STEPS):
        y = loss(model)
        trial.losses.append(float(y.numpy()))
        if not isfinite(trial.losses[-1]):
            return trial
        model.cleargrads()
        y.backward()
        if isinstance(optimizer, SAM):  # it asks for the gradients a second time, farther uphill
            optimizer.climb()
            model.cleargrads()
            loss(model).backward()
        old = {} if step else {path: p.data.copy() for path, p in named}
        optimizer.update()
        trial.first |= {path: p.numpy() - old[path] for path, p in named if path in old}
    trial.losses.append(float(loss(model).numpy()))
    return trial
