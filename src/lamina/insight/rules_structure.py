"""Rules about the model: what is registered, used, shared, and in which mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..layers import BatchNorm, Layer, registry
from ..parameter import Parameter
from .rule import Found, listed, rule

if TYPE_CHECKING:
    from .facts import Call, Facts

REPEATED = 1e-4  # sums in another order, by other threads, differ less: 1e-6 in a deep network


@rule(
    "foreign-model",
    "Write loss(model, *batch) so that it uses the model it is given, and no other",
    always=True,
)
def foreign_model(facts: Facts) -> Found:
    """The loss does not use its argument."""
    if facts.foreign:
        yield "loss", "it calls a model from outside, not its first argument"


@rule(
    "unregistered-layer",
    "Assign it to an attribute of the Layer that uses it, or keep it in a list or a dict there, in "
    "__init__: else it is neither trained, nor saved, nor moved",
)
def unregistered_layer(facts: Facts) -> Found:
    """Layers with Parameters that are called, and that the model does not hold."""
    strangers: dict[int, Call] = {}
    for call in facts.calls:
        if not call.known and any(
            isinstance(h, Parameter) for _, h in registry.members(call.layer)
        ):
            strangers.setdefault(id(call.layer), call)
    for call in strangers.values():
        inside = [c.path for c in facts.calls if c.known and c.start < call.start < c.end]
        yield inside[-1] if inside else "loss", f"{call.path} is called and not registered"


def unused(facts: Facts) -> dict[str, Layer]:
    """Layers with Parameters of their own of which none was used, by path."""
    called = {id(call.layer) for call in facts.calls}
    found: dict[str, Layer] = {}
    for path, layer in facts.model.named_layers():
        own = [held for _, held in registry.members(layer) if isinstance(held, Parameter)]
        idle = all(p.state == "lazy" or p.grad is None for p in own)
        if own and idle and id(layer) not in called:
            found[path] = layer
    return found


@rule(
    "unused-layer",
    "Call it in forward, or take it out of the model: its parameters never change",
    explained_by=("loss-without-graph", "foreign-model"),
)
def unused_layer(facts: Facts) -> Found:
    """Registered, and never called."""
    idle = unused(facts)
    if idle:
        yield listed(idle), "registered, and not used by forward"


@rule(
    "no-gradient",
    "Look for detach(), .data, no_grad() or a rounding between this parameter and the loss; "
    "freeze(path) says that it is meant",
    explained_by=("loss-without-graph", "foreign-model"),
)
def no_gradient(facts: Facts) -> Found:
    """Trained Parameters that the gradient does not reach."""
    idle = tuple(f"{path}/" for path in unused(facts))
    named = {path: p for path, p in facts.model.named_params() if p.requires_grad}
    lost = [
        path
        for path in named
        if facts.gradients.get(path) is None and not path.startswith(idle or "\0")
    ]
    if lost:
        yield listed(lost), f"no gradient arrives at {len(lost)} of {len(named)} parameters"


@rule(
    "bias-only",
    "Unfreeze the weights, or take away what cuts or zeroes the features before the last layer",
    explained_by=("symmetric-weights", "constant-input", "dead-units", "no-gradient"),
)
def bias_only(facts: Facts) -> Found:
    """Only biases learn: the model can fit nothing but a mean."""
    moved = {path: g for path, g in facts.gradients.items() if g is not None and g.any()}
    matrices = [path for path, w in facts.weights.items() if w.ndim > 1]
    if moved and matrices and not any(path in moved for path in matrices):
        yield "the model", f"a gradient arrives at {listed(moved)} only, at no matrix of weights"


@rule(
    "same-layer-twice",
    "Make a layer for each place: [Linear(8) for _ in range(3)], not [Linear(8)] * 3",
    always=True,
)
def same_layer_twice(facts: Facts) -> Found:
    """One Layer in several places of one list: `[layer] * 3` makes no copies."""
    places: dict[tuple[int, str], list[str]] = {}
    for path, held in registry.walk(facts.model):
        if isinstance(held, Layer) and any(True for _ in held.params()):
            parent, _, name = path.rpartition("/")
            if name.isdigit():
                places.setdefault((id(held), parent), []).append(path)
    for paths in places.values():
        if len(paths) > 1:
            yield listed(paths), f"{len(paths)} places of a list hold one and the same layer"


@rule(
    "prediction-mode",
    "Call model.train() before training, and leave test_mode() to prediction",
)
def prediction_mode(facts: Facts) -> Found:
    """Layers that differ in training were called in prediction mode."""
    kinds = ("Dropout", "BatchNorm", "DropPath", "Noise")
    calm = {
        call.path: type(call.layer).__name__
        for call in facts.calls
        if not call.train and any(kind in type(call.layer).__name__ for kind in kinds)
    }
    if calm:
        yield (
            listed(calm),
            f"{listed(dict.fromkeys(calm.values()))} in prediction mode in a training step",
        )


@rule(
    "random-prediction",
    "Ask current().train before drawing, or use F.dropout, which does",
)
def random_prediction(facts: Facts) -> Found:
    """In prediction mode, the same batch gives different losses."""
    if facts.silent is None or not np.isfinite(facts.silent).all():
        return
    first, second = facts.silent
    if abs(first - second) > REPEATED * (abs(first) + abs(second)):
        yield (
            "the model",
            f"in prediction mode one batch gives a loss of {first:.6g}, then {second:.6g}",
        )


@rule(
    "batch-of-one",
    "Use larger batches, or LayerNorm or GroupNorm; let the loader drop a last batch of one",
    always=True,
)
def batch_of_one(facts: Facts) -> Found:
    """Statistics of a batch of one sample."""
    for call in facts.calls:
        alone = call.inputs and np.shape(call.inputs[0])[:1] == (1,)
        if isinstance(call.layer, BatchNorm) and call.train and alone:
            yield call.path, "BatchNorm learns its statistics from a single sample"
            return
