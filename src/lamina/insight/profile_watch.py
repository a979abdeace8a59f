"""The look at operators, layers and updates while they run; it takes the place of their methods."""

# pyright: reportPrivateUsage=false
# (it stands where the engine applies an operator and walks back)

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter_ns
from typing import Any
from weakref import ref

import numpy as np

from ..core import Function, Variable
from ..core.backward import _Walk
from ..core.function import Port
from ..errors import GraphError
from ..layers import Layer, registry
from ..layers.calls import calls
from ..optimizers import Optimizer
from .profile_report import Event, Profile

_looking = threading.Lock()


class Watch:
    """A context in which a `Profile` is made.

    Args:
        steps: how many steps will run in it: times are shown for one.
    """

    def __init__(self, steps: int = 1):
        self.profile = Profile(steps)
        self._thread = 0
        self._open: list[Event] = []
        self._layers: list[str] = []
        self._makers: dict[int, str] = {}  # by the order of a Node: the layer it was made in
        self._held: dict[int, Any] = {}  # weak references to arrays, by id
        self._paths: dict[tuple[int, int], tuple[str, Layer]] = {}
        self._phase = "forward"

    def __enter__(self) -> Profile:
        if not _looking.acquire(blocking=False):
            raise GraphError("profile: another profile is running; end it first")
        self._thread = threading.get_ident()
        self._methods = Function.__call__, _Walk.visit, Optimizer.update
        self._outside, calls.observer = calls.observer, self._layer
        Function.__call__, _Walk.visit, Optimizer.update = self._looks()
        self.profile._watch = self
        self.profile.start = perf_counter_ns()
        return self.profile

    def __exit__(self, *exception: object) -> None:
        self.profile.end = perf_counter_ns()
        Function.__call__, _Walk.visit, Optimizer.update = self._methods
        calls.observer = self._outside
        self.profile._watch = None
        self._held.clear()
        _looking.release()

    def _looks(self) -> tuple[Any, Any, Any]:
        """What stands in place of the three methods."""
        apply, visit, update = self._methods
        thread, ident = self._thread, threading.get_ident

        def looked_apply(function: Function, *inputs: Any) -> Any:
            if ident() != thread:
                return apply(function, *inputs)
            event = self._begin(type(function).__name__, "operator", self._place())
            try:
                outputs = apply(function, *inputs)
            finally:
                self._end(event)
            self._note(event, outputs)
            return outputs

        def looked_visit(walk: Any, node: Any, function: Function, gys: Any) -> None:
            if ident() != thread:
                return visit(walk, node, function, gys)
            place = self._makers.get(node.order, "")
            event = self._begin(type(function).__name__, "backward", place)
            outer, self._phase = self._phase, "backward"
            self._layers.append(place)
            try:
                visit(walk, node, function, gys)
            finally:
                self._layers.pop()
                self._phase = outer
                self._end(event)

        def looked_update(optimizer: Optimizer) -> None:
            if ident() != thread:
                return update(optimizer)
            event = self._begin(type(optimizer).__name__, "update", "")
            outer, self._phase = self._phase, "update"
            try:
                update(optimizer)
            finally:
                self._phase = outer
                self._end(event)

        return looked_apply, looked_visit, looked_update

    # -- spans -------------------------------------------------------------------------------

    def _place(self) -> str:
        return self._layers[-1] if self._layers else ""

    def _begin(self, name: str, kind: str, layer: str) -> Event:
        outer = self._open[-1] if self._open else None
        event = Event(name, kind, self._phase, layer, outer)
        self._open.append(event)
        event.start = perf_counter_ns()
        return event

    def _end(self, event: Event) -> None:
        event.end = perf_counter_ns()
        self._open.pop()
        if event.outer is not None:
            event.outer.inside += event.end - event.start
        self.profile.events.append(event)

    @contextmanager
    def span(self, name: str, kind: str) -> Iterator[None]:
        """What runs inside is one event."""
        event = self._begin(name, kind, "")
        try:
            yield
        finally:
            self._end(event)

    def _layer(self, layer: Layer, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Stands in place of a layer's ``forward``."""
        run, outside = layer.forward, self._outside
        if threading.get_ident() != self._thread:
            return run(*inputs, **kwargs)
        path = self._path(layer)
        event = self._begin(path, "layer", path)
        self._layers.append(path)
        try:
            return run(*inputs, **kwargs) if outside is None else outside(layer, inputs, kwargs)
        finally:
            self._layers.pop()
            self._end(event)

    def _path(self, layer: Layer) -> str:
        """Its path, looked for once."""
        key = id(calls.stack[0]), id(layer)
        found = self._paths.get(key)
        if found is None:  # the layer is held, so that no other gets its id
            found = self._paths[key] = path_of(calls.stack), layer
        return found[0]

    # -- memory ------------------------------------------------------------------------------

    def _note(self, event: Event, outputs: Any) -> None:
        """Where gradients of these results will come from, and the memory they take."""
        for y in outputs if outputs.__class__ is tuple else (outputs,):
            edge = y._edge
            if edge is not None:
                node = edge.node if edge.__class__ is Port else edge
                self._makers[node.order] = event.layer
            self._count(event, y)

    def _count(self, event: Event, y: Variable) -> None:
        array = y._data
        if array.__class__ is not np.ndarray:
            return
        while array.base.__class__ is np.ndarray:
            array = array.base
        key = id(array)
        known = self._held.get(key)
        if known is not None and known() is array:
            return
        profile, nbytes = self.profile, array.nbytes
        held = self._held

        def gone(_: Any) -> None:
            if held.pop(key, None) is not None:
                profile.live -= nbytes
                profile.memory.append((perf_counter_ns(), profile.live))

        held[key] = ref(array, gone)
        event.nbytes += nbytes
        profile.live += nbytes
        profile.memory.append((event.end, profile.live))
        if profile.live > profile.peak:
            profile.peak, profile.peak_at = profile.live, event


def path_of(stack: list[Layer]) -> str:
    """The innermost Layer that runs, as `summary` calls it: its path from the outermost one."""
    if len(stack) < 2:
        return type(stack[0]).__name__ if stack else ""
    return registry.find(stack[0], stack[-1]) or type(stack[-1]).__name__
