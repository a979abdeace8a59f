"""What a model is and what training it takes, from shapes alone, as a table."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import is_array
from ..core import Variable
from ..errors import DTypeError, ShapeError
from ..functions import nll_loss, softmax_cross_entropy
from ..layers import Layer
from ..layers.summary import Row, summarise
from ..layers.summary import Summary as Layers
from ..listen import Spec
from ..optimizers import Optimizer
from .memory import BACKENDS, Memory, as_spec, training_memory
from .memory_units import read_bytes, shown_bytes
from .summary_fit import largest_batch
from .summary_table import Shown, Table

LABELLED = (softmax_cross_entropy, nll_loss)
"""Losses whose targets are labels: integers, without the axis of the classes."""


@dataclass(frozen=True, repr=False)
class Summary(Shown):
    """A table of a model's Layers, and the memory that training it takes.

    It prints, shows as HTML in a notebook, and is drawn by rich.

    Attributes:
        layers: the table of the Layers alone; see `lamina.layers.Summary`.
        memory: of one training step; None if no loss was given.
        limit: bytes that were given as ``memory``.
        largest_batch: the largest batch that fits into them; 0 if none does.
        inputs: the specs that ``forward`` was given.
    """

    layers: Layers
    memory: Memory | None = None
    limit: int | None = None
    largest_batch: int | None = None
    inputs: tuple[Spec, ...] = ()

    @property
    def rows(self) -> list[Row]:
        """One for each call of a Layer, in order."""
        return self.layers.rows

    @property
    def params(self) -> int | None:
        """How many numbers there are in parameters; None if some shapes are unknown."""
        return self.layers.params

    @property
    def frozen(self) -> int:
        """How many of them are not trained now."""
        return self.layers.frozen

    @property
    def multiply_adds(self) -> int:
        """Of one forward pass."""
        return self.layers.multiply_adds

    @property
    def activation(self) -> int:
        """Bytes of all results of one forward pass."""
        return self.layers.activation

    def tables(self) -> list[Table]:
        """What is shown."""
        head: list[str] = list(Layers.HEAD)
        kept = dict(self.memory.kept) if self.memory else {}
        rows = [list(row.cells()) for row in self.rows]
        if self.memory is not None and kept:
            head.append("kept")
            for row, cells in zip(self.rows, rows, strict=True):
                cells.append(shown_bytes(kept.pop(row.path, 0)))
        return [Table(head, rows, self._foot(), words=3)]

    def _foot(self) -> list[str]:
        params = "uninitialised" if self.params is None else f"{self.params:,}"
        lines = [f"parameters: {params}" + (f" ({self.frozen:,} frozen)" if self.frozen else "")]
        if self.inputs:
            lines.append(f"multiply-adds of a forward pass: {self.multiply_adds:,}")
            lines.append(f"results of a forward pass: {shown_bytes(self.activation)}")
        if self.memory is not None:
            lines += self.memory.lines()
        if self.limit is not None:
            fits = f"a batch of {self.largest_batch:,}" if self.largest_batch else "no batch"
            lines.append(f"largest batch for {shown_bytes(self.limit)}: {fits}")
        return lines

    def description(self) -> dict[str, Any]:
        """All of it in what JSON can hold."""
        return {
            "inputs": [str(spec) for spec in self.inputs],
            "layers": [
                {
                    "path": row.path,
                    "layer": row.layer,
                    "output": row.output,
                    "parameters": row.params,
                    "frozen": row.frozen,
                    "multiply_adds": row.multiply_adds,
                    "activation_bytes": row.activation,
                }
                for row in self.rows
            ],
            "parameters": self.params,
            "frozen": self.frozen,
            "multiply_adds": self.multiply_adds,
            "activation_bytes": self.activation,
            "training": None if self.memory is None else self.memory.description(),
            "memory_limit": self.limit,
            "largest_batch": self.largest_batch,
        }


def summary(
    model: Layer,
    *inputs: Any,
    loss: Callable[..., Any] | None = None,
    target: Any = None,
    optimizer: Optimizer | None = None,
    memory: int | str | None = None,
    backend: str = "eager",
) -> Summary:
    """Layers, parameters, multiply-adds, and the memory that training takes: from shapes alone.

    Nothing is computed, and no array is made: neither numbers of the model nor of the batch.

    Args:
        model: a Layer; it stays as it is, lazy or not.
        *inputs: for each input of ``forward`` a shape, such as ``(32, 784)``, or an example array;
            without any, only what is known before a call.
        loss: gets the outputs and the targets, such as `softmax_cross_entropy`; with it the memory
            of a training step is predicted.
        target: shape, `Spec` or array of the target, or a tuple of them; what it is for a loss of
            `lamina.functions` is known without.
        optimizer: what trains; None: gradients alone.
        memory: such as ``"8 GiB"``, or a number of bytes: which batch is the largest that fits?
            For a compiled step it may be 1 % smaller than that.
        backend: how the step runs: ``"eager"``, or compiled, ``"replay"`` or ``"native"``.
    Returns:
        A table.
    Raises:
        ShapeError: something that is no shape; or the target is to be given.
        DTypeError: an argument of another kind.
        RangeError: a size of memory that is none.
        TraceError: the model or the loss asks for numbers.
    Example:
        >>> from lamina import functions as F
        >>> from lamina.layers import Linear, Sequential
        >>> from lamina.optimizers import Adam
        >>> model = Sequential(Linear(500), F.relu, Linear(10))
        >>> adam = Adam(lr=1e-3)
        >>> s = summary(model, (32, 784), loss=F.softmax_cross_entropy, optimizer=adam)
        >>> s.params, s.multiply_adds
        (397510, 12704000)
        >>> s.memory.optimizer == 2 * s.memory.parameters == 8 * s.params
        True
    """
    _check(model, loss, optimizer, backend)
    limit = None if memory is None else read_bytes(memory)
    layers = summarise(model, inputs)
    specs = tuple([as_spec(x, f"input {i}") for i, x in enumerate(inputs)])
    if loss is None:
        if limit is not None or optimizer is not None:
            raise DTypeError(
                "summary: give loss= too, a function of outputs and targets: "
                "without it there is no training whose memory could be predicted"
            )
        return Summary(layers, inputs=specs)
    if not specs:
        raise ShapeError("summary: give the shape of each input, such as (32, 784), with loss=")
    targets = _targets(loss, target, layers.rows[0].outputs)

    def peak(given: Sequence[Spec], wanted: Sequence[Spec]) -> Memory:
        return training_memory(model, given, loss, wanted, optimizer, backend)

    found = peak(specs, targets)
    if limit is None:
        return Summary(layers, found, inputs=specs)
    largest = largest_batch(peak, specs, targets, found, limit, backend == "eager")
    return Summary(layers, found, limit, largest, specs)


def _check(model: Any, loss: Any, optimizer: Any, backend: str) -> None:
    if not isinstance(model, Layer):
        raise DTypeError(f"summary: model should be a Layer, got {type(model).__name__}")
    if loss is not None and not callable(loss):
        raise DTypeError(f"summary: loss should be a function, got {loss!r:.60}")
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise DTypeError(f"summary: optimizer should be an Optimizer, got {optimizer!r:.60}")
    if backend not in BACKENDS:
        raise DTypeError(f"summary: backend should be one of {BACKENDS}, got {backend!r}")


def _targets(loss: Any, target: Any, outputs: tuple[Spec, ...]) -> tuple[Spec, ...]:
    """Specs of the targets: as given, or what a loss of lamina takes beside such outputs."""
    if target is not None:
        several = isinstance(target, (tuple, list)) and not _is_shape(target)
        return tuple([as_spec(x, "target") for x in (target if several else (target,))])
    if _arguments(loss) < 2:
        return ()
    known = getattr(loss, "__module__", "").startswith("lamina.functions.")
    if not known or len(outputs) != 1:
        raise ShapeError("summary: give target=, the shape of the target, or an example of it")
    (y,) = outputs
    if loss in LABELLED:
        return (Spec((y.shape[0], *y.shape[2:]), np.dtype(np.int64)),)
    return (y,)


def _is_shape(x: Any) -> bool:
    return not any([isinstance(n, (tuple, list, Spec, Variable)) or is_array(n) for n in x])


def _arguments(function: Any) -> int:
    """How many arguments without a default a function takes."""
    parameters = inspect.signature(function).parameters.values()
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return len([p for p in parameters if p.kind in places and p.default is p.empty])
