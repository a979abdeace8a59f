"""What a model is, from shapes alone: ``forward`` runs on arrays that are not there yet."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import is_array
from ..config import current, using
from ..core import Variable
from ..errors import ShapeError, TraceError
from ..listen import Instruction, Program, Spec, Value, multiply_adds
from ..parameter import Parameter
from . import registry
from .calls import calls

if TYPE_CHECKING:
    from .layer import Layer

VIEWS = frozenset(("reshape", "transpose", "broadcast_to", "slice"))  # take no memory of their own


@dataclass(frozen=True)
class Row:
    """One call of one Layer; the figures are its own, without the Layers inside it."""

    path: str
    layer: str
    output: str
    params: int | None
    multiply_adds: int
    activation: int
    frozen: int = 0
    outputs: tuple[Spec, ...] = ()

    def cells(self) -> tuple[str, ...]:
        params = "uninitialised" if self.params is None else f"{self.params:,}"
        if self.frozen:
            all_of_them = self.frozen == self.params
            params += " (frozen)" if all_of_them else f" ({self.frozen:,} frozen)"
        return (
            self.path,
            self.layer,
            self.output,
            params,
            f"{self.multiply_adds:,}",
            _bytes(self.activation),
        )


@dataclass(frozen=True)
class Summary:
    """A table of a model's Layers; prints, and shows as HTML in a notebook.

    Attributes:
        rows: one for each call of a Layer, in order.
        params: how many numbers are trained; None if some shapes are unknown.
        frozen: how many of them are not trained now.
        multiply_adds: of one forward pass.
        activation: bytes of all results of one forward pass, as the compiler hears it: nothing
            reused, views not counted.
    """

    rows: list[Row] = field(default_factory=list)
    params: int | None = 0
    frozen: int = 0
    multiply_adds: int = 0
    activation: int = 0

    HEAD = ("path", "layer", "output", "parameters", "multiply-adds", "activations")

    def _foot(self) -> str:
        params = "uninitialised" if self.params is None else f"{self.params:,}"
        frozen = f" ({self.frozen:,} frozen)" if self.frozen else ""
        return (
            f"parameters: {params}{frozen}; multiply-adds: {self.multiply_adds:,}; "
            f"activations: {_bytes(self.activation)}"
        )

    def __str__(self) -> str:
        table = [self.HEAD, *(row.cells() for row in self.rows)]
        widths = [max(len(line[i]) for line in table) for i in range(len(self.HEAD))]
        lines = [
            "  ".join(map(_aligned, line, widths, range(len(line)))).rstrip() for line in table
        ]
        rule = "-" * max(map(len, lines))
        return "\n".join([lines[0], rule, *lines[1:], rule, self._foot()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in self.HEAD)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row.cells()) + "</tr>"
            for row in self.rows
        )
        return f"<table><tr>{head}</tr>{body}</table><p>{html.escape(self._foot())}</p>"


def _aligned(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column < 3 else cell.rjust(width)


def _bytes(count: int) -> str:
    """Bytes in the unit that suits: ``3.1 MiB``."""
    size, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return f"{size:.0f} B" if units[0] == "B" else f"{size:.1f} {units[0]}"


# -- running on shapes ---------------------------------------------------------------------------


def build(layer: Layer, inputs: tuple[Any, ...]) -> None:
    """`Layer.build`."""
    if not inputs:
        raise ShapeError("build: give the shape of each input of forward, such as (32, 784)")
    try:
        _hear(layer, inputs)
    except TraceError:
        if not all(is_array(x) or isinstance(x, Variable) for x in inputs):
            raise
        with using(grad=False, train=False):  # an example has the numbers that forward asks for
            layer(*inputs)


def summarise(layer: Layer, inputs: tuple[Any, ...]) -> Summary:
    """`Layer.summary`."""
    if not inputs:
        return _without_inputs(layer)
    held: list[Any] = [*layer.params(), *layer.buffers()]
    lazy = [variable for variable in held if getattr(variable, "state", "ready") == "lazy"]
    try:
        recorder = _hear(layer, inputs)
        return recorder.summary()
    finally:
        for variable in lazy:
            variable.forget()


def _hear(layer: Layer, inputs: tuple[Any, ...]) -> _Recorder:
    program = Program()
    recorder = _Recorder(layer, program)
    values = [Variable(_input(program, x, i)) for i, x in enumerate(inputs)]
    before, calls.observer = calls.observer, recorder.run
    try:
        with using(grad=False, train=False, stand_in=recorder.stand_in, tracer=None):
            layer(*values)
    finally:
        calls.observer = before
    return recorder


def _input(program: Program, x: Any, i: int) -> Value:
    if isinstance(x, (Variable, Spec)) or is_array(x):
        return program.input(x.shape, x.dtype, f"x{i}")
    if isinstance(x, (tuple, list)) and all(isinstance(n, (int, np.integer)) for n in x):
        return program.input(tuple(int(n) for n in x), current().dtype, f"x{i}")
    raise ShapeError(f"input {i}: should be a shape such as (32, 784), or an array, got {x!r:.80}")


class _Recorder:
    """Runs each Layer's forward, and notes which instructions are its own."""

    def __init__(self, root: Layer, program: Program):
        self.root, self.program = root, program
        self.rows: list[Row | None] = []
        self.inner: list[tuple[int, int]] = [(0, 0)]  # multiply-adds and bytes of the calls inside
        self.counted: set[int] = set()  # Parameters that a row has counted
        self.stood: dict[int, Value] = {}

    def stand_in(self, parameter: Parameter) -> Value:
        """An array that is not there yet, for a Parameter that was not drawn yet."""
        key = id(parameter)
        if key not in self.stood:
            name = (parameter.name or "parameter").replace("/", ".")
            self.stood[key] = self.program.input(parameter.shape, parameter.dtype, name)
        return self.stood[key]

    def run(self, layer: Layer, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        place, start = len(self.rows), len(self.program.instructions)
        self.rows.append(None)
        self.inner.append((0, 0))
        outputs = layer.forward(*inputs, **kwargs)
        work, memory = _cost(self.program.instructions[start:])
        inside = self.inner.pop()
        outer = self.inner.pop()
        self.inner.append((outer[0] + work, outer[1] + memory))
        own = _own_parameters(layer, self.counted)
        self.rows[place] = Row(
            registry.find(self.root, layer) or type(self.root).__name__,
            _kind(layer),
            _shapes(outputs),
            _count(own),
            work - inside[0],
            memory - inside[1],
            _frozen(own),
            _specs(outputs),
        )
        return outputs

    def summary(self) -> Summary:
        rows = [row for row in self.rows if row is not None]
        work, memory = self.inner[0]
        return _total(self.root, rows, work, memory)


def _cost(instructions: list[Instruction]) -> tuple[int, int]:
    work = sum(multiply_adds(instruction) for instruction in instructions)
    made = [i for i in instructions if i.opcode not in VIEWS]
    return work, sum(value.nbytes for i in made for value in i.results)


def _own_parameters(layer: Layer, counted: set[int]) -> list[Parameter]:
    own = [
        held
        for _, held in registry.members(layer)
        if isinstance(held, Parameter) and id(held) not in counted
    ]
    counted.update(map(id, own))
    return own


def _count(parameters: list[Parameter]) -> int | None:
    if any(parameter.state == "lazy" for parameter in parameters):
        return None
    return sum(parameter.size for parameter in parameters)


def _total(layer: Layer, rows: list[Row], work: int, memory: int) -> Summary:
    parameters = list(layer.params())
    return Summary(rows, _count(parameters), _frozen(parameters), work, memory)


def _frozen(parameters: list[Parameter]) -> int:
    """How many numbers are not trained now."""
    held = [p for p in parameters if not p.requires_grad and p.state != "lazy"]
    return _count(held) or 0


def _without_inputs(layer: Layer) -> Summary:
    counted: set[int] = set()
    named = [(type(layer).__name__, layer), *layer.named_layers()]
    rows: list[Row] = []
    for path, inner in named:
        own = _own_parameters(inner, counted)
        rows.append(Row(path, _kind(inner), "?", _count(own), 0, 0, _frozen(own)))
    return _total(layer, rows, 0, 0)


def _kind(layer: Layer) -> str:
    return type(layer).__name__ + (f"({layer.describe()})" if layer.describe() else "")


def _specs(outputs: Any) -> tuple[Spec, ...]:
    flat = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
    return tuple([Spec(y.shape, y.dtype) for y in flat if hasattr(y, "dtype")])


def _shapes(outputs: Any) -> str:
    if isinstance(outputs, (tuple, list)):
        return ", ".join(map(_shapes, outputs))
    shape = getattr(outputs, "shape", None)
    return type(outputs).__name__ if shape is None else f"{outputs.dtype} {shape}"
