"""Rules about the loss: what it is made of, where it starts, and whether it falls."""

from __future__ import annotations

from math import isfinite, log
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Variable
from .facts import producer
from .rule import Found, rule
from .trial import BOLDER, gain

if TYPE_CHECKING:
    from .facts import Facts

SPREAD = {"Sub", "Mul", "Add", "Div", "SquaredError"}


@rule(
    "loss-fails",
    "Correct what the message names",
    explained_by=("labels-out-of-range", "floating-labels", "batch-of-one", "not-finite-data"),
    always=True,
)
def loss_fails(facts: Facts) -> Found:
    """The loss raised an error."""
    if facts.error is not None:
        notes = "; ".join(getattr(facts.error, "__notes__", []))
        text = f"{type(facts.error).__name__}: {facts.error}" + (f" ({notes})" if notes else "")
        yield "loss", text.rstrip(".")


@rule(
    "loss-without-graph",
    "Compute the loss with lamina's functions of Variables, outside no_grad(), without .data or "
    "numpy() on the way",
    explained_by=("foreign-model",),
    always=True,
)
def loss_without_graph(facts: Facts) -> Found:
    """Nothing can be learnt from a loss that no Parameter led to."""
    if facts.error is not None or facts.foreign:
        return
    if not isinstance(facts.loss, Variable):
        yield "loss", f"it gives a {type(facts.loss).__name__}, not a Variable"
    elif not facts.loss.requires_grad or not _reached(facts):
        yield "loss", "no trained parameter led to it"


def _reached(facts: Facts) -> bool:
    own = {id(p) for p in facts.model.params()}
    return any(id(edge) in own for node in facts.nodes for edge in node.edges)


@rule(
    "loss-not-one-number",
    "End with mean() or sum(), or reduction='mean'",
    explained_by=("loss-without-graph",),
    always=True,
)
def loss_not_one_number(facts: Facts) -> Found:
    """Backward starts from one number."""
    if isinstance(facts.loss, Variable) and facts.loss.size != 1:
        yield "loss", f"it has shape {facts.loss.shape}"


@rule(
    "softmax-before-cross-entropy",
    "Give the loss the logits: leave the softmax or sigmoid out, and use it for prediction only",
)
def softmax_before_cross_entropy(facts: Facts) -> Found:
    """Probabilities where logits are expected: gradients are small and never end."""
    pairs = {
        "SoftmaxCrossEntropy": ("Softmax", "Sigmoid"),
        "LogSoftmax": ("Softmax", "Sigmoid"),
        "SigmoidCrossEntropy": ("Sigmoid", "Softmax"),
    }
    for node in facts.nodes:
        source = producer(node.edges[0]) if node.edges else None
        name = type(source.function).__name__ if source else ""
        if source and name in pairs.get(type(node.function).__name__, ()):
            yield facts.where(source), f"{type(node.function).__name__} takes the result of {name}"


@rule(
    "broadcast-loss",
    "Bring both to one shape, with t.reshape(y.shape), or use F.mean_squared_error, which asks for "
    "it",
)
def broadcast_loss(facts: Facts) -> Found:
    """(n, 1) against (n,) makes (n, n): every prediction is compared with every target."""
    y: Any = facts.prediction
    if y is None or not y.ndim or y.shape[0] < 2:
        return
    n = y.shape[0]
    column, row = (n, 1), (n,)
    targets = {x.shape for x in facts.batch[1:] if isinstance(x, np.ndarray)}
    other = {column: row, row: column}.get(y.shape)
    for node in facts.nodes:
        grown = node.shape == (n, n) and any(
            getattr(e, "shape", None) == y.shape for e in node.edges
        )
        if other in targets and grown and type(node.function).__name__ in SPREAD:
            yield (
                "loss",
                f"a prediction of shape {y.shape} meets targets of shape {other} and "
                f"gives {(n, n)}",
            )
            return


@rule(
    "high-start",
    "Scale the last layer's weights down: a model that knows nothing should be undecided",
    explained_by=("not-normalised", "not-finite-data", "not-finite-weights", "exploding-gradients"),
)
def high_start(facts: Facts) -> Found:
    """A loss at the start far above log(classes)."""
    for node in facts.nodes:
        if type(node.function).__name__ != "SoftmaxCrossEntropy" or node.shape != ():
            continue
        classes, reduction = node.edges[0].shape[1], getattr(node.function, "reduction", "")
        if reduction == "mean" and classes > 1 and isfinite(facts.value):
            if facts.value > 2 * log(classes) + 1:
                yield (
                    "loss",
                    f"it starts at {facts.value:.3g}; guessing among {classes} classes costs "
                    f"log({classes}) = {log(classes):.3g}",
                )


@rule(
    "not-finite-loss",
    "Keep arguments of log, sqrt and division away from 0, and those of exp small; "
    "find_nonfinite(step, *batch) shows what went in",
    explained_by=("not-finite-data", "not-finite-weights"),
)
def not_finite_loss(facts: Facts) -> Found:
    """A loss of NaN or infinity."""
    if not isfinite(facts.value):
        origin = facts.origin
        place = "loss" if origin is None or not origin.layer else origin.layer
        made = "" if origin is None or not origin.operator else f": {origin.maker}, {origin.reason}"
        yield place, f"it is {facts.value:g} at the first step{made}"


@rule(
    "learning-rate-too-large",
    "Divide the learning rate by 3 to 10 until the loss on one batch falls smoothly",
    explained_by=("not-finite-loss", "not-finite-data", "not-finite-weights", "not-normalised",
                  "exploding-gradients"),
)  # fmt: skip
def learning_rate_too_large(facts: Facts) -> Found:
    """The loss grows on the very batch that is learnt."""
    losses = facts.trial.losses
    if facts.optimizer is None or not losses:
        return
    end = losses[-1]
    if not isfinite(end) or end > 1.5 * abs(losses[0]) + 0.1:
        yield (
            "optimizer",
            f"with lr={facts.trial.rate:g} the loss of one batch goes from {losses[0]:.3g} to "
            f"{end:.3g} in {len(losses) - 1} updates",
        )


@rule(
    "learning-rate-too-small",
    "Multiply the learning rate by 10 until the loss on one batch falls",
    explained_by=("loss-without-graph",),
)
def learning_rate_too_small(facts: Facts) -> Found:
    """Nothing moves, and a hundredfold rate would."""
    trial = facts.trial
    if trial.bolder and gain(trial.losses) < 0.01 and gain(trial.bolder) > 0.1:
        yield (
            "optimizer",
            f"with lr={trial.rate:g} the loss of one batch falls by {gain(trial.losses):.2%} in "
            f"{len(trial.losses) - 1} updates, with {BOLDER:g} times that by "
            f"{gain(trial.bolder):.0%}",
        )


@rule(
    "no-progress",
    "Check that the loss depends on what the model predicts, and that its scale is not tiny",
    explained_by=("no-gradient", "bias-only", "symmetric-weights", "dead-units", "constant-input",
                  "vanishing-gradients", "exploding-gradients", "not-finite-loss",
                  "saturated-units",
                  "not-finite-data", "not-finite-weights", "not-normalised", "loss-without-graph",
                  "broadcast-loss", "softmax-before-cross-entropy", "random-prediction",
                  "high-start",
                  "unregistered-layer"),
)  # fmt: skip
def no_progress(facts: Facts) -> Found:
    """No rate of plain gradient descent lowers the loss of one batch."""
    losses = facts.trial.losses
    if facts.optimizer is None and losses and gain(losses) < 0.001 and losses[0] > 1e-6:
        yield (
            "loss",
            f"SGD lowers it by {gain(losses):.2%} on one batch in {len(losses) - 1} updates",
        )


@rule(
    "foreign-optimizer",
    "Call setup(model) of the optimizer after the model was made, and again if it is made anew",
)
def foreign_optimizer(facts: Facts) -> Found:
    """The optimizer changes a model, but not this one."""
    if facts.foreign_optimizer:
        yield "optimizer", "none of the parameters that it was set up with is one of this model"
