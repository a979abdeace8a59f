"""Facts: what one instrumented step of a model shows, on a copy that nobody else sees.

The model, its gradients, buffers and modes stay as they are, and so do all random streams, those of
NumPy and Python among them.
"""

# pyright: reportPrivateUsage=false
# (it reads the graph, and puts back what a step changed)

from __future__ import annotations

import random as python_random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np

from .. import random
from ..arrays import Array, is_array, to_numpy
from ..config import current, using
from ..core import Variable
from ..core.backward import newest
from ..core.function import Node, Port, _order
from ..errors import LaminaError
from ..layers import Layer, registry
from ..layers.calls import calls
from ..optimizers import SGD, Optimizer
from ..parameter import Parameter
from .nonfinite import find_nonfinite
from .nonfinite_origin import Origin
from .trial import Trial, overfit

REFUSALS = (LaminaError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError)
"""What a loss may raise where the batch or the model is wrong; anything else is passed on."""


@dataclass
class Call:
    """One call of a Layer: where, in which mode, with what, and which operators it applied."""

    layer: Layer
    path: str
    known: bool  # registered in the model
    outer: bool  # called by the loss itself
    inputs: tuple[Any, ...]
    train: bool
    start: int
    end: int = 0
    output: Any = None


class WrongModel(Exception):
    """The loss called the model that was given, not the copy that it got."""


@dataclass
class Facts:
    """What one step showed. Arrays are NumPy's and named by the path of their parameter.

    Attributes:
        model: the copy that made the step.
        batch: the arguments of the loss after the model, as arrays where they are arrays.
        before: gradients that the model had.
        calls: of Layers, in order.
        error: what the loss raised.
        foreign: the loss used the given model instead of its argument.
        loss: what it returned.
        nodes: operators behind the loss, oldest first.
        outputs: by Node, the results of activations.
        weights, gradients: by path; a gradient is None if there is none.
        stepped: the loss could be computed, and its gradients.
        silent: two losses in prediction mode, of the same batch.
        optimizer: a copy of the one that was given, or None.
        trial: some updates on this one batch.
        origin: where a loss that is not finite became so.
    """

    model: Layer
    batch: tuple[Any, ...]
    before: dict[str, Array]
    calls: list[Call] = field(default_factory=list)
    error: Exception | None = None
    foreign: bool = False
    loss: Any = None
    nodes: list[Node] = field(default_factory=list)
    outputs: dict[Node, Array] = field(default_factory=dict)
    weights: dict[str, Array] = field(default_factory=dict)
    gradients: dict[str, Array | None] = field(default_factory=dict)
    stepped: bool = False
    silent: tuple[float, float] | None = None
    optimizer: Optimizer | None = None
    trial: Trial = field(default_factory=Trial)
    origin: Origin | None = None

    @property
    def value(self) -> float:
        """The loss at the start."""
        return float(self.loss.numpy())

    @property
    def prediction(self) -> Any:
        """What the last Layer that the loss called gave; None if that is no Variable."""
        outer = [c.output for c in self.calls if c.outer and isinstance(c.output, Variable)]
        return outer[-1] if outer else None

    @property
    def foreign_optimizer(self) -> bool:
        """Whether the optimizer was set up with another model, or one that is gone."""
        own = {id(p) for p in self.model.params()}
        named = self.optimizer.named_params() if self.optimizer else []
        return bool(named) and not any(id(p) in own for _, p in named)

    @property
    def first(self) -> Call | None:
        """The first call of a Layer that has Parameters of its own: the data arrives there."""
        for call in self.calls:
            if any(isinstance(held, Parameter) for _, held in registry.members(call.layer)):
                return call
        return None

    def where(self, node: Node) -> str:
        """The path of the innermost Layer that applied an operator; ``"loss"`` outside of all."""
        inside = [call for call in self.calls if call.start < node.order < call.end]
        return inside[-1].path if inside else "loss"


def producer(edge: Any) -> Node | None:
    """The operator that made something, looking through those that only change its form."""
    node = edge.node if isinstance(edge, Port) else edge
    while isinstance(node, Node) and type(node.function).__name__ in FORMS:
        node = node.edges[0]
    return node if isinstance(node, Node) else None


FORMS = frozenset(("Reshape", "Transpose", "AsType"))
ACTIVATIONS = frozenset(("Relu", "Sigmoid", "Tanh"))


def observe(
    given: Layer, loss: Callable[..., Any], batch: tuple[Any, ...], optimizer: Optimizer | None
) -> Facts:
    """Make one step on a copy, and a trial after it."""
    with _kept(given), using(grad=True), np.errstate(all="ignore"):
        before = {
            path: p.grad.numpy().copy() for path, p in given.named_params() if p.grad is not None
        }
        model, copied, values = deepcopy((given, optimizer, batch))
        model.cleargrads()
        facts = Facts(model, tuple(map(_plain, values)), before, optimizer=copied)
        witness = Witness(given, model, facts)
        try:
            if _runs(facts, witness, loss, values):
                _step(facts, witness, loss, values)
            if facts.stepped and not isfinite(facts.value):
                with witness:
                    facts.origin = find_nonfinite(lambda: loss(model, *values), model=model)
        finally:
            witness.restore()
    return facts


def _runs(facts: Facts, witness: Witness, loss: Callable[..., Any], batch: Any) -> bool:
    """Compute the loss; whether a step can be made from it."""
    try:
        with witness:
            facts.loss = loss(facts.model, *batch)
    except WrongModel:
        facts.foreign = True
    except REFUSALS as error:
        facts.error = error
    if not isinstance(facts.loss, Variable):
        return False
    facts.foreign = facts.foreign or _reaches(facts.loss, witness.given)
    return not facts.foreign


def _plain(x: Any) -> Any:
    x = x.data if isinstance(x, Variable) else x
    if isinstance(x, list):
        try:
            return np.asarray(x)
        except ValueError:  # rows of different lengths: the rules do not look at it
            return x
    return to_numpy(x) if is_array(x) else x


@contextmanager
def _kept(given: Layer) -> Iterator[None]:
    """What a copy and a step change besides the copy is put back: streams, and undrawn numbers."""
    state, legacy, python = random.state_dict(), np.random.get_state(), python_random.getstate()
    root = registry.root_of(given)
    number, planned = root._model, [p for p in given.params() if p.state == "planned"]
    try:
        yield
    finally:
        random.load_state_dict(state)
        np.random.set_state(legacy)
        python_random.setstate(python)
        root._model = number
        for parameter in planned:
            parameter._data = None


def _reaches(loss: Any, given: Layer) -> bool:
    theirs = {id(p) for p in given.params()}
    nodes = newest([loss._edge]) if isinstance(loss, Variable) else ()
    return any(id(edge) in theirs for node in nodes for edge in node.edges)


def _step(facts: Facts, witness: Witness, loss: Callable[..., Any], batch: Any) -> None:
    """Read the graph, walk back, update, try."""
    facts.nodes = list(newest([facts.loss._edge]))[::-1]
    witness.guard([e for node in facts.nodes for e in node.edges if isinstance(e, Variable)])
    for node in facts.nodes:
        if type(node.function).__name__ in ACTIVATIONS and node.saved:
            facts.outputs[node] = node.saved[0].numpy()
    named = {path: p for path, p in facts.model.named_params() if p.state != "lazy"}
    facts.weights = {path: p.numpy().copy() for path, p in named.items()}
    if facts.loss.size != 1 or not facts.loss.requires_grad:
        return
    facts.loss.backward()
    facts.gradients = {
        path: None if p.grad is None else p.grad.numpy().copy() for path, p in named.items()
    }
    facts.stepped = True
    if not any(g is not None for g in facts.gradients.values()):
        return
    with witness:
        facts.silent = _twice_silent(facts.model, loss, batch)
        if facts.foreign_optimizer:
            return
        optimizer = facts.optimizer or SGD(lr=0.01)
        if not optimizer.named_params():
            optimizer.setup(facts.model)
        search = facts.optimizer is None
        facts.trial = overfit(facts.model, lambda m: loss(m, *batch), optimizer, search)


def _twice_silent(model: Layer, loss: Callable[..., Any], batch: Any) -> tuple[float, float]:
    with using(train=False, grad=False):
        return float(loss(model, *batch).numpy()), float(loss(model, *batch).numpy())


class Witness:
    """Looks on while Layers are called, and puts back what a step did to those of others.

    As a context it looks on; the calls of its first time are the facts.
    """

    def __init__(self, given: Layer, model: Layer, facts: Facts):
        self.given = given
        self.theirs = {id(layer) for layer in (given, *given.layers())}
        self.paths = {id(layer): path for path, layer in model.named_layers()}
        self.paths[id(model)] = type(model).__name__
        self.model, self.facts, self.depth = model, facts, 0
        self.held: dict[int, tuple[Any, Any, Any, Any]] = {}
        self.outside: Any = None
        self.done = False

    def __enter__(self) -> None:
        self.outside, calls.observer = calls.observer, self.run

    def __exit__(self, *exception: object) -> None:
        calls.observer = self.outside
        self.done = True

    def run(self, layer: Layer, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call ``forward``, and note it."""
        if id(layer) in self.theirs:
            raise WrongModel
        if self.done:
            return layer.forward(*inputs, **kwargs)
        if id(layer) not in self.paths:
            self.guard([*layer.params(), *layer.buffers()])
        path = self.paths.get(id(layer), repr(layer).split("\n")[0])
        known = id(layer) in self.paths
        call = Call(layer, path, known, not self.depth, inputs, current().train, _order())
        self.facts.calls.append(call)
        self.depth += 1
        try:
            call.output = layer.forward(*inputs, **kwargs)
        finally:
            self.depth -= 1
            call.end = _order()
        return call.output

    def guard(self, variables: list[Any]) -> None:
        """Remember numbers and gradients of what does not belong to the model."""
        own = {id(v) for v in (*self.model.params(), *self.model.buffers())}
        for v in variables:
            if id(v) not in own and id(v) not in self.held:
                data = None if v._data is None else v._data.copy()
                self.held[id(v)] = (v, v._data, data, v._grad)
                v._grad = None

    def restore(self) -> None:
        """Give back what was remembered."""
        for v, array, numbers, grad in self.held.values():
            if array is None:
                v.forget()
            else:
                array[...] = numbers
                v._data = array
            v._grad = grad
