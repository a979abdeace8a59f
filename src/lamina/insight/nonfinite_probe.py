"""The probe: looks at each operator of one step, and remembers those that gave NaN or infinity."""

# pyright: reportPrivateUsage=false
# (it reads the walk's frames, to know whose backward is running)

from __future__ import annotations

import linecache
import sys
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from ..arrays import to_numpy
from ..config import using
from ..core import Function, Variable
from ..core.backward import _Walk
from ..core.function import Node, _order
from ..layers import Layer, registry
from ..layers.calls import calls
from ..listen.place import _INSIDE
from .nonfinite_words import SEEN, translated

VISIT = _Walk.visit.__code__


@dataclass(frozen=True)
class Seen:
    """What was seen of an array.

    Args:
        dtype: its name.
        shape: its shape.
        low: the smallest finite number in it; None if there is none.
        high: the largest.
        nan: how many are NaN.
        infinite: how many are infinite.
        zeros: how many are 0.
        smallest: the smallest finite size of those that are not 0; None if there is none.
        name: what it is, if that is known.
    """

    dtype: str
    shape: tuple[int, ...]
    low: float | None
    high: float | None
    nan: int
    infinite: int
    zeros: int
    smallest: float | None
    name: str = ""

    @staticmethod
    def of(x: Any, name: str = "") -> Seen:
        """Look at an array or a number."""
        array = x.numpy() if isinstance(x, Variable) else to_numpy(x)
        if array.dtype.kind not in "biuf":
            array = np.abs(array)  # of complex numbers their size
        finite = array[np.isfinite(array)]
        sizes = np.abs(finite[finite != 0])
        return Seen(
            str(array.dtype) if hasattr(x, "dtype") else type(x).__name__,
            array.shape,
            float(finite.min()) if finite.size else None,
            float(finite.max()) if finite.size else None,
            int(np.isnan(array).sum()),
            int(np.isinf(array).sum()),
            int(np.count_nonzero(array == 0)),
            float(sizes.min()) if sizes.size else None,
            name,
        )

    @property
    def is_finite(self) -> bool:
        """Whether nothing in it is NaN or infinite."""
        return not self.nan and not self.infinite

    def __str__(self) -> str:
        return self.text()

    def text(self, language: str = "en") -> str:
        """In a few words of a language."""
        label = SEEN[language]
        what = f"{translated(self.name, language)}: " if self.name else ""
        if not self.shape and self.is_finite:
            return what + label["number"].format(value=f"{self.low:.6g}")
        text = f"{what}{self.dtype} {self.shape}"
        if self.low is not None:
            text += label["range"].format(low=f"{self.low:.6g}", high=f"{self.high:.6g}")
        counts = {"nan": self.nan, "infinite": self.infinite}
        counts["zeros"] = self.zeros if self.is_finite else 0
        return text + "".join([label[k].format(count=n) for k, n in counts.items() if n])


@dataclass
class Event:
    """One operator that gave NaN or infinity.

    Args:
        number: when, counted over all operators of the step.
        function: the operator.
        inputs: what was seen of its operands.
        bad: ids of the operands that were not finite already.
        output: what was seen of its first result that is not finite.
        layer: the path of the Layer that it was applied in; empty outside of all.
        line: the user's line.
        backward_of: the operator whose ``backward`` applied this one.
    """

    number: int
    function: Function
    inputs: list[Seen]
    bad: list[int]
    output: Seen
    layer: str
    line: str
    backward_of: Function | None = None


@dataclass(eq=False)  # by identity: the settings that it is part of are compared and hashed
class Probe:
    """Looks on while a step runs; see `watching`.

    Args:
        names: of arrays that no operator made, by id.
    Attributes:
        events: in order.
        makers: by id of an array that is not finite, the event that made it.
        sources: by id of an array that was not finite and that no operator made, what was seen.
        held: those arrays, so that no other gets their id.
        count: how many operators were applied.
    """

    names: dict[int, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    makers: dict[int, Event] = field(default_factory=dict)
    sources: dict[int, dict[str, Any]] = field(default_factory=dict)
    held: list[Any] = field(default_factory=list)
    count: int = 0
    _orders: list[int] = field(default_factory=list)  # when each operator of forward was applied
    _places: list[tuple[str, int]] = field(default_factory=list)  # and from which line
    _calls: list[tuple[int, int, str]] = field(default_factory=list)  # of Layers: start, end, path
    _outside: Any = None

    def __call__(self, function: Function, inputs: list[Any], outputs: tuple[Any, ...]) -> None:
        """Look at one operator."""
        self.count += 1
        walk = _frame_of_walk()
        if walk is None:
            self._orders.append(_order())
            self._places.append(user_place())
        bad = [y for y in outputs if not is_finite(y)]
        if not bad:
            return
        odd = [x for x in inputs if not is_finite(x)]
        self.held += [*bad, *odd]
        for x in odd:
            if id(x) not in self.makers and id(x) not in self.sources:
                name = self.names.get(id(x), "a constant, or code in NumPy")
                self.sources[id(x)] = source(name, x)  # now: an update may change it in place
        seen = [Seen.of(x, self.names.get(id(x), "")) for x in inputs if x is not None]
        event = Event(self.count, function, seen, [id(x) for x in odd], Seen.of(bad[0]), "", "")
        if walk is None:
            event.layer, event.line = path_of(calls.stack), written(*self._places[-1])
        else:
            self._locate(event, walk.f_locals["node"])
        self.events.append(event)
        for y in bad:
            self.makers.setdefault(id(y), event)  # a view of one's input was made by another

    def _locate(self, event: Event, node: Node) -> None:
        """Where the operator stands whose ``backward`` is running."""
        event.backward_of = node.function
        at = bisect_left(self._orders, node.order) - 1
        event.line = written(*self._places[at]) if at >= 0 else ""
        inside = [path for start, end, path in self._calls if start < node.order < end]
        event.layer = inside[0] if inside else ""  # they are noted as they end: innermost first

    def run(self, layer: Layer, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call ``forward``, and note when."""
        start, path = _order(), path_of(calls.stack)
        try:
            if self._outside is not None:
                return self._outside(layer, inputs, kwargs)
            return layer.forward(*inputs, **kwargs)
        finally:
            self._calls.append((start, _order(), path))


@contextmanager
def watching(names: dict[int, str]) -> Iterator[Probe]:
    """Look at every operator and Layer that runs in this context; ``names`` as of `Probe`."""
    probe = Probe(names)
    probe._outside, calls.observer = calls.observer, probe.run
    try:
        with using(debug=True, probe=probe, grad=True), np.errstate(all="ignore"):
            yield probe
    finally:
        calls.observer = probe._outside


def is_finite(x: Any) -> bool:
    """Whether an operand is no floating array, or all of it is finite."""
    if isinstance(x, (float, complex)):
        return bool(np.isfinite(x))
    kind = getattr(getattr(x, "dtype", None), "kind", "")
    return kind not in ("f", "c") or hasattr(x, "__hear__") or bool(np.isfinite(x).all())


def source(name: str, x: Any) -> dict[str, Any]:
    """How much of an array is not finite, and where the first such number stands."""
    array = to_numpy(x)
    where = np.argwhere(~np.isfinite(array))
    return {
        "name": name,
        "nan": int(np.isnan(array).sum()),
        "infinite": int(np.isinf(array).sum()),
        "index": where[0].tolist() if len(where) else [],
    }


def word_of(function: Function | None) -> str:
    """What an operator is called; that by a Python number as the one by an array."""
    name = type(function).__name__
    return ("Div" if getattr(function, "divide", False) else "Mul") if name == "Scale" else name


def path_of(stack: list[Layer]) -> str:
    """The innermost Layer that runs, from the outermost: ``MLP/blocks/1/l1``."""
    if not stack:
        return ""
    parts = [type(stack[0]).__name__]
    for outer, inner in pairwise(stack):
        parts.append(registry.find(outer, inner) or type(inner).__name__)
    return "/".join(parts)


def user_place() -> tuple[str, int]:
    """File and line of the innermost code that is neither lamina's nor NumPy's."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def written(file: str, number: int) -> str:
    """``train.py, line 12: `loss = ...` ``"""
    text = linecache.getline(file, number).strip()
    return f"{file}, line {number}" + (f": `{text}`" if text else "")


def _frame_of_walk() -> Any:
    """The frame of the backward walk that called an operator; None in forward."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_code is not VISIT:
        frame = frame.f_back
    return frame
