"""Slot: one parameter, and what an optimizer keeps of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..arrays import to_device
from ..config import aside
from ..core import Variable
from ..errors import DTypeError, RegistrationError, ShapeError
from ..parameter import Buffer
from .groups import Group
from .transformation import State, Transformation


class Slot:
    """One parameter under its name. The parameter itself is held: an ``id`` could come again."""

    __slots__ = ("array", "count", "finishing", "group", "last", "name", "param", "shape",
                 "spared", "state")  # fmt: skip

    array: Any
    count: int
    finishing: tuple[Transformation, ...]
    group: Group
    last: Callable[[], Variable | None]
    shape: tuple[int, ...] | None
    spared: tuple[Transformation, ...]
    state: State

    def __init__(self, name: str, param: Variable, group: Group):
        self.name = name
        self.param = param
        self.group = group
        self.last = _nothing  # the gradient that was used last, if it is still there
        self.reset()

    def reset(self) -> None:
        """Forget everything but the name, the parameter and its group."""
        self.count = 0  # updates of this parameter; others may have had more
        self.state = {}  # made at the first update that has a gradient: then the shape is known
        self.spared = ()  # transformations that do not concern it
        self.finishing = ()  # those that have something to do after the update
        self.array = None  # the parameter's data when state and data were last seen to agree
        self.shape = None  # its shape

    def next_count(self) -> int:
        """Which update of this parameter comes next, from 1."""
        return self.count + 1

    @property
    def is_lazy(self) -> bool:
        """Whether the parameter has no shape yet."""
        return getattr(self.param, "state", "ready") == "lazy"

    def settle(self, name: str, group: Group) -> None:
        """Take a new name, and forget what does not fit the parameter any more."""
        if group != self.group:
            self.reset()
        self.name, self.group = name, group
        for key, buffer in self.state.items():
            buffer.name = f"{name}.{key}"
        if self.shape is not None and self.param.shape != self.shape:
            self.reset()

    def fit(self) -> None:
        """Make the state, or make it fit an array that took the old one's place.

        Raises:
            ShapeError: the shape is not what it was.
            DTypeError: the array cannot be changed in place.
        """
        data = self.param.data
        if hasattr(data, "__hear__"):
            if self.shape is None:  # else it stands for the array that was looked at
                with aside(self.param, f"what is remembered of {self.name}"):
                    self._make()
            return
        self._make()

    def _make(self) -> None:
        data = self.param.data
        if isinstance(data, np.ndarray) and not data.flags.writeable:
            raise DTypeError(
                f"update: the array of {self.name} is read-only; give the parameter a copy of it"
            )
        if self.state and data.shape != self.shape:
            raise ShapeError(
                f"update: {self.name} has shape {data.shape} now, and had {self.shape} before; "
                "call setup(model) again to forget what was remembered of it"
            )
        self.restore(self.count, self.fresh(), self.state)
        self.array = data

    def _concerned(self) -> list[Transformation]:
        return [t for t in self.group.chain if t.concerns(self.name, self.param)]

    def fresh(self) -> State:
        """The state of a parameter that was never updated, of its shape and on its device."""
        state: State = {}
        for transformation in self._concerned():
            for key, array in transformation.start(self.param).items():
                if key in state:
                    raise RegistrationError(
                        f"update: two transformations of the chain both remember {key!r}"
                    )
                state[key] = Buffer(array, f"{self.name}.{key}")
        return state

    def restore(self, count: int, state: State, numbers: Mapping[str, Buffer]) -> None:
        """Take on ``state``, filled with ``numbers``, as after ``count`` updates."""
        for key, buffer in numbers.items():
            state[key].data[...] = to_device(buffer.data, state[key].device)
        self.count, self.state, self.shape = count, state, self.param.shape
        concerned = self._concerned()
        self.spared = tuple(t for t in self.group.chain if t not in concerned)
        self.finishing = tuple(t for t in concerned if t.finishes)

    def __getstate__(self) -> dict[str, Any]:
        kept = ("name", "param", "group", "count", "state", "spared", "finishing", "shape")
        return {key: getattr(self, key) for key in kept}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        self.array, self.last = None, _nothing
        for key, value in kept.items():
            setattr(self, key, value)


def _nothing() -> None:
    return None


def named_parameters(what: str, source: Any) -> list[tuple[str, Variable]]:
    """Pairs of name and parameter, each parameter once, under its first name.

    Args:
        what: names the operation in errors.
        source: has ``named_params()``, or is a dict, or gives pairs or parameters.
    Raises:
        DTypeError: something in it is no parameter, or has no name.
        RegistrationError: there is none, or two have one name.
    """
    pairs: dict[str, Variable] = {}
    seen: set[Variable] = set()
    for name, param in _pairs(what, source):
        _check(what, name, param)
        if param in seen:  # shared: it has one gradient, and one step to take
            continue
        if name in pairs:
            raise RegistrationError(f"{what}: two parameters are called {name!r}")
        seen.add(param)
        pairs[name] = param
    if not pairs:
        raise RegistrationError(
            f"{what}: there are no parameters in {type(source).__name__}; assign layers or "
            "Parameters to attributes first"
        )
    return list(pairs.items())


def _pairs(what: str, source: Any) -> Iterable[tuple[Any, Any]]:
    if hasattr(source, "named_params"):
        return source.named_params()
    if isinstance(source, Mapping):
        return source.items()
    if isinstance(source, Variable) or not isinstance(source, Iterable):
        raise DTypeError(
            f"{what}: should get a model, a dict, or a list of parameters, "
            f"got {type(source).__name__}"
        )
    items = list(source)
    return [
        item if isinstance(item, tuple) and len(item) == 2 else (_called(item, i), item)
        for i, item in enumerate(items)
    ]


def _called(item: Any, position: int) -> str:
    return getattr(item, "name", None) or str(position)


def _check(what: str, name: Any, param: Any) -> None:
    if not isinstance(name, str) or not name:
        raise DTypeError(f"{what}: the name of a parameter should be text, got {name!r}")
    if not isinstance(param, Variable) or isinstance(param, Buffer):
        raise DTypeError(f"{what}: {name} should be a Parameter, got {type(param).__name__}")
    if not param.is_leaf:
        raise DTypeError(
            f"{what}: {name} is the result of an operator and cannot be trained; "
            "give the Parameter it was made from"
        )
