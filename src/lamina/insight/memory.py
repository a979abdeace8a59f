"""How much memory training takes, predicted from shapes alone.

The step is run twice by Python on arrays that are not there (see `memory_ledger`): once to make
what lasts, and once more to find the moment at which most is held.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..arrays import is_array
from ..config import current, using
from ..core import Variable
from ..core.variable import result
from ..errors import DTypeError, GraphError, ShapeError, TraceError
from ..layers import Layer
from ..layers.calls import calls
from ..listen import Spec
from ..optimizers import Optimizer
from ..parameter import Parameter
from .memory_ledger import Counter, Ledger, labelled
from .memory_native import Plan, let_be_phantoms, native_plan
from .memory_replay import replayed
from .memory_units import shown_bytes

BACKENDS = ("eager", "replay", "native")
"""How a step may run."""

WORDS = {
    "model": "parameters",
    "gradients": "gradients",
    "optimizer": "optimizer",
    "batch": "batch",
    "forward": "made forward",
    "backward": "made backward",
    "update": "made by the update",
    "arena": "results and gradients",
    "run": "made by the run",
    "kernels": "kernels",
    "code": "machine code",
    "gaps": "gaps between arrays",
}
"""What the parts are called."""


@dataclass(frozen=True)
class Memory:
    """The memory of one training step.

    Attributes:
        peak: the most bytes that the process has for arrays, gaps between them included.
        held: the most bytes that arrays hold at one moment.
        parameters: bytes of parameters and buffers.
        gradients: bytes of their gradients, which are held until the next ``cleargrads``.
        optimizer: bytes that the optimizer remembers.
        batch: bytes of the inputs and targets.
        first: the peak of the first step, which makes what lasts. A compiled step is a program from
            its first call on.
        later: the peak of all other steps.
        at: what was being computed at the peak of these.
        parts: what was held then, by the phase of the step that made it.
        kept: bytes that are held between forward and backward: for each Layer, by its path, of
            what it made itself, without the Layers inside it; and of ``"loss"``.
    """

    peak: int
    held: int
    parameters: int = 0
    gradients: int = 0
    optimizer: int = 0
    batch: int = 0
    first: int = 0
    later: int = 0
    at: str = ""
    parts: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """What a table says of it."""
        lasting = (
            f"parameters {shown_bytes(self.parameters)}, gradients {shown_bytes(self.gradients)}, "
            f"optimizer {shown_bytes(self.optimizer)}, batch {shown_bytes(self.batch)}"
        )
        held = [f"{WORDS.get(k, k)} {shown_bytes(n)}" for k, n in self.parts.items() if n]
        start = f", at the start {shown_bytes(self.first)}" if self.first > self.later else ""
        return [
            f"training, from step to step: {lasting}",
            f"training, peak: {shown_bytes(self.later)} in {self.at}: {', '.join(held)}{start}",
        ]

    def description(self) -> dict[str, Any]:
        """All of it in what JSON can hold."""
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join(self.lines())


def training_memory(
    model: Layer,
    inputs: Sequence[Any],
    loss: Callable[..., Any],
    targets: Sequence[Any] = (),
    optimizer: Optimizer | None = None,
    backend: str = "eager",
) -> Memory:
    """The memory that a step of training takes, run eagerly.

    The step is that of the contract: outputs, loss, ``cleargrads``, ``backward``, ``update``, in a
    function, so that nothing of it is held from one step to the next but gradients. What Python
    itself, its libraries and the threads of the products take is not in it.

    Args:
        model: lazy or not; it stays as it is.
        inputs: for each input of ``forward`` a shape, a `Spec` or an array.
        loss: gets the outputs and the targets.
        targets: as ``inputs``.
        optimizer: set up or not; a copy of it is used. None: gradients only.
        backend: one of `BACKENDS`.
    Raises:
        TraceError: if the step, or the optimizer, asks for numbers.
    """
    specs = [as_spec(x, f"input {i}") for i, x in enumerate([*inputs, *targets])]
    before = _State.of(model)
    ledger = Ledger(current().native)
    counter = Counter(ledger)
    watch = _Layers(model, ledger)
    observer, calls.observer = calls.observer, watch.run
    try:
        with using(tracer=counter, stand_in=counter.planned, grad=True, train=True, debug=False):
            before.count(counter)
            batch = [result(counter.outside(spec, "batch")) for spec in specs]
            step = _Step(model, loss, len(inputs), _unused(optimizer, model), ledger)
            step.counted(batch)
            first, lasting = ledger.peak, _lasting(ledger, model)
            if backend == "eager":
                ledger.look_again()
                kept = step.counted(batch)
                later, held = ledger.peak, ledger.held
                return Memory(
                    max(first, later), held, *lasting, first, later, ledger.at, ledger.parts, kept
                )
        calls.observer = observer
        held = _arrays(counter, step.optimizer)
        step.optimizer = _unused(optimizer, model)
        let_be_phantoms(counter.kept, step.optimizer)
        with using(grad=True, train=True):
            if backend == "native":
                return _of_plan(native_plan(step, specs), lasting)
            second = replayed(step, specs, ledger, held[1])
        first = max(first, second)
        later = ledger.peak
        return Memory(
            max(first, later), ledger.held, *lasting, first, later, ledger.at, ledger.parts
        )
    finally:
        calls.observer = observer
        counter.restore()
        before.put_back()


def _arrays(counter: Counter, optimizer: Any) -> tuple[list[Any], list[Any]]:
    """What lasts, and the gradients: the ledger strikes off what nobody refers to."""
    slots = optimizer._slots.values() if optimizer is not None else ()  # pyright: ignore[reportPrivateUsage]
    variables = [*counter.kept, *[buffer for slot in slots for buffer in slot.state.values()]]
    grads = [variable._grad for variable in counter.kept]  # pyright: ignore[reportPrivateUsage]
    return (
        [variable._data for variable in variables],  # pyright: ignore[reportPrivateUsage]
        [grad._data for grad in grads if grad is not None],  # pyright: ignore[reportPrivateUsage]
    )


def _of_plan(plan: Plan, lasting: tuple[int, int, int, int]) -> Memory:
    """The memory of a compiled step: its gradients are in the arena."""
    model, _, state, batch = lasting
    parts = {"model": model, "optimizer": state, "batch": batch, "arena": plan.arena}
    parts |= {"kernels": plan.scratch + plan.copied, "code": plan.code}
    peak = sum(parts.values())
    return Memory(peak, peak, *lasting, peak, peak, "the compiled step", parts)


def _lasting(ledger: Ledger, model: Layer) -> tuple[int, int, int, int]:
    """Bytes of parameters, gradients, the optimizer's memory and the batch, between two steps."""
    gradients = 0
    for parameter in model.params():
        grad = parameter._grad  # pyright: ignore[reportPrivateUsage]
        if grad is not None:
            gradients += grad._data.nbytes  # pyright: ignore[reportPrivateUsage]
            ledger.relabel(grad._data.storage, "gradients")  # pyright: ignore[reportPrivateUsage]
    held = ledger.by_label
    state = held.get("update", 0)
    held["optimizer"], held["update"] = held.get("optimizer", 0) + state, 0
    return held.get("model", 0), gradients, state, held.get("batch", 0)


@dataclass
class _Step:
    """One step of training: called with inputs and targets.

    Attributes:
        count: how many of them are inputs.
    """

    model: Layer
    loss: Callable[..., Any]
    count: int
    optimizer: Any
    ledger: Ledger

    def __call__(self, *batch: Any) -> Variable:
        """Run it."""
        value = self._forward(batch)
        self.model.cleargrads()
        value.backward()
        self._update()
        return value

    def _update(self) -> None:
        if self.optimizer is None:
            return
        try:
            self.optimizer.update()
        except GraphError as error:  # it reads numbers, or wants gradients of its own
            raise TraceError(
                f"memory: an update of {type(self.optimizer).__name__} cannot be counted from "
                "shapes; leave optimizer= out, and add what it remembers"
            ) from error

    def _forward(self, batch: Sequence[Any]) -> Variable:
        value = self.loss(self.model(*batch[: self.count]), *batch[self.count :])
        if not isinstance(value, Variable):
            raise DTypeError(f"memory: the loss should be a Variable, got {type(value).__name__}")
        return value

    def counted(self, batch: Sequence[Any]) -> dict[str, int]:
        """Run it, saying where it is; gives the bytes that each Layer keeps for ``backward``."""
        ledger, before = self.ledger, dict(self.ledger.by_layer)
        with labelled(ledger, "forward"):
            value = self._forward(batch)
        kept = {path: n - before.get(path, 0) for path, n in ledger.by_layer.items()}
        self.model.cleargrads()
        ledger.place = "backward"
        with labelled(ledger, "backward"):
            value.backward()
        ledger.place = "update"
        with labelled(ledger, "update"):
            self._update()
        ledger.place = ""
        return {path or "loss": n for path, n in kept.items()}


def _unused(optimizer: Any, model: Layer) -> Any:
    """A copy of an optimizer that remembers nothing yet."""
    if optimizer is None:
        return None
    if not isinstance(optimizer, Optimizer):
        raise DTypeError(f"memory: optimizer should be an Optimizer, got {optimizer!r:.60}")
    new = copy.copy(optimizer)
    new._slots, new.step = {}, 0  # pyright: ignore[reportPrivateUsage]
    return new.setup(model)


class _Layers:
    """Tells a ledger which Layer runs."""

    def __init__(self, root: Layer, ledger: Ledger):
        self.ledger = ledger
        self.paths = {id(root): type(root).__name__}
        self.paths.update({id(layer): path for path, layer in root.named_layers()})

    def run(self, layer: Layer, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        ledger = self.ledger
        outer = ledger.layer
        ledger.settle()
        ledger.layer = ledger.place = self.paths.get(id(layer), type(layer).__name__)
        outputs = layer.forward(*inputs, **kwargs)
        ledger.settle()
        ledger.layer = ledger.place = outer
        return outputs


class _State:
    """What the Parameters of a model are before it is counted: they may have no numbers yet."""

    def __init__(self, parameters: list[tuple[Parameter, Any, Any, Any]]):
        self.parameters = parameters

    @staticmethod
    def of(model: Layer) -> _State:
        return _State([(p, p._data, p._grad, p._shape) for p in model.params()])  # pyright: ignore[reportPrivateUsage]

    def count(self, counter: Counter) -> None:
        """Let those that have a shape stand for an array, and have no gradient."""
        for parameter, data, _, _ in self.parameters:
            if data is not None:
                counter.stand_in(parameter)
            parameter._grad = None  # pyright: ignore[reportPrivateUsage]

    def put_back(self) -> None:
        """As it was."""
        for parameter, data, grad, shape in self.parameters:
            parameter._data, parameter._grad, parameter._shape = data, grad, shape  # pyright: ignore[reportPrivateUsage]
            if data is None and shape is None:
                parameter.forget()


def as_spec(x: Any, what: str) -> Spec:
    """A shape, an array or a Variable as shape and dtype; a bare shape is of the chosen dtype.

    Raises:
        ShapeError: for anything else.
    """
    if isinstance(x, (Variable, Spec)) or is_array(x):
        return Spec(x.shape, x.dtype)
    if isinstance(x, (tuple, list)) and all([isinstance(n, (int, np.integer)) for n in x]):
        return Spec(tuple([int(n) for n in x]), current().dtype)
    raise ShapeError(f"{what}: should be a shape such as (32, 784), or an array, got {x!r:.80}")
