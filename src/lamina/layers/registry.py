"""What a Layer holds, and under which path: the walk over attributes, lists, tuples and dicts."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from functools import lru_cache
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

import numpy as np

from ..config import changed
from ..core import Variable
from ..errors import RegistrationError
from ..parameter import Buffer, Parameter

if TYPE_CHECKING:
    from .layer import Layer

T = TypeVar("T")
CONTAINERS = (list, tuple, dict)
SETTINGS = (bool, int, float, complex, str, type(None), FunctionType, type(abs), type(np.exp))
"""Of what attributes are that say how a Layer computes: numbers, texts, functions."""


class Block:
    """What a Layer is to this module, which stands below it: something that holds others."""

    __slots__ = ()


def members(layer: Layer) -> Iterator[tuple[str, Any]]:
    """The Parameters, Buffers and Layers directly held, with their paths; a snapshot."""
    for name, value in list(vars(layer).items()):
        if isinstance(value, (Parameter, Buffer)) or _is_layer(value):
            yield name, value
        elif isinstance(value, CONTAINERS) and value:
            yield from _inside(layer, name, value, (id(value),))


def _is_layer(value: Any) -> TypeGuard[Layer]:
    return isinstance(value, Block)


def _inside(
    layer: Layer, path: str, values: Any, above: tuple[int, ...]
) -> Iterator[tuple[str, Any]]:
    pairs = values.items() if isinstance(values, dict) else enumerate(values)
    for key, value in list(pairs):
        if isinstance(value, (Parameter, Buffer)) or _is_layer(value):
            yield f"{path}/{_key(layer, path, key)}", value
        elif isinstance(value, CONTAINERS) and value:
            if id(value) in above:
                raise RegistrationError(f"{_name(layer)}: {path} holds itself, at {path}/{key}")
            inner = f"{path}/{key}"
            yield from _inside(layer, inner, value, (*above, id(value)))


def _key(layer: Layer, path: str, key: Any) -> str:
    if isinstance(key, int):
        return str(key)
    if not isinstance(key, str) or not key or "/" in key or "." in key:
        raise RegistrationError(
            f"{_name(layer)}.{path}: key {key!r} should be an integer, or a name without / or ."
        )
    return key


def _name(layer: Layer) -> str:
    return type(layer).__name__


def walk(layer: Layer, path: str = "") -> Iterator[tuple[str, Any]]:
    """All that is held, at any depth, under every path: shared things come more than once."""
    return _walk(layer, path, (layer,))


def _walk(layer: Layer, path: str, above: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    for name, held in members(layer):
        inner = f"{path}/{name}" if path else name
        if held.__class__ is not Buffer and held.owner is None:
            held.owner = weakref.ref(layer)
        yield inner, held
        if _is_layer(held):
            if any(held is outer for outer in above):
                raise RegistrationError(
                    f"{_name(above[0])}: {inner} is a Layer that holds this one; a Layer cannot "
                    "hold itself: keep a weakref.ref to a parent"
                )
            yield from _walk(held, inner, (*above, held))


def unique(layer: Layer, kind: type[T]) -> Iterator[tuple[str, T]]:
    """What is of one kind, each once, under its first path; a snapshot."""
    seen: dict[int, tuple[str, T]] = {}
    for path, held in walk(layer):
        if isinstance(held, kind) and id(held) not in seen:
            seen[id(held)] = (path, held)
    return iter(list(seen.values()))


def parameters(layer: Layer) -> list[Parameter]:
    """The Parameters of `unique`, without their paths: quickly, for what is done at every step."""
    found: dict[int, Any] = {id(layer): layer}
    pending: list[Any] = [layer]
    while pending:
        held = pending.pop()
        inside = vars(held) if isinstance(held, Block) else held
        for value in inside.values() if isinstance(inside, dict) else inside:
            if _is_walked(value.__class__) and id(value) not in found:
                found[id(value)] = value
                if not isinstance(value, Parameter):
                    pending.append(value)
    return [value for value in found.values() if isinstance(value, Parameter)]


@lru_cache(maxsize=256)
def _is_walked(kind: type) -> bool:
    return issubclass(kind, (Parameter, Block, *CONTAINERS))


def aliases(layer: Layer) -> dict[str, str]:
    """Second and further paths of shared Parameters and Buffers, with their first path."""
    first: dict[int, str] = {}
    found: dict[str, str] = {}
    for path, held in walk(layer):
        if isinstance(held, Variable) and first.setdefault(id(held), path) != path:
            found[path] = first[id(held)]
    return found


# -- who holds whom ------------------------------------------------------------------------------


def adopt(layer: Layer, value: Any) -> None:
    """Note in what was just assigned that ``layer`` holds it, unless another Layer does."""
    if isinstance(value, (Parameter, Buffer)) or _is_layer(value):
        changed()
    if isinstance(value, Parameter) or _is_layer(value):
        holder: Any = value.owner and value.owner()
        if holder is None or not _holds(holder, value):
            value.owner = weakref.ref(layer)
    elif isinstance(value, CONTAINERS):
        for item in value.values() if isinstance(value, dict) else value:
            adopt(layer, item)


def leave(layer: Layer, key: str, new: Any = None) -> None:
    """Note that what an attribute holds is held no more; ``new`` takes its place."""
    old = vars(layer).get(key, new)
    if isinstance(old, SETTINGS) and isinstance(new, SETTINGS) and old != new:
        changed()  # as a compiled step heard it, it was another one
    if isinstance(old, CONTAINERS):
        old = next(_inside(layer, key, old, (id(old),)), None)  # the state of a network may be one
    if isinstance(old, (Parameter, Buffer, Block, tuple)):
        changed()


def containers(layer: Layer) -> list[Any]:
    """The lists and dicts that a Layer holds, at any depth, and that may grow."""
    found: dict[int, Any] = {}
    pending = list(vars(layer).values())
    while pending:
        held = pending.pop()
        if isinstance(held, CONTAINERS) and id(held) not in found:
            found[id(held)] = held
            pending += held.values() if isinstance(held, dict) else held
    return list(found.values())


def adopt_all(layer: Layer) -> None:
    """Note for everything inside ``layer`` who holds it: also for what was appended later."""
    for _ in walk(layer):
        pass


def _holds(layer: Layer, value: Any) -> bool:
    return any(held is value for _, held in members(layer))


def find(layer: Layer, held: Any) -> str:
    """The first path of ``held`` inside ``layer``; empty if it is not there."""
    return next((path for path, item in walk(layer) if item is held), "")


def root_of(layer: Layer) -> Layer:
    """The outermost Layer around ``layer``."""
    while layer.owner is not None:
        outer = layer.owner()
        if outer is None or not _holds(outer, layer):
            break
        layer = outer
    return layer


def full_path(layer: Layer, path: str) -> str:
    """``path`` inside ``layer``, as seen from the outermost Layer."""
    root = root_of(layer)
    inside = find(root, layer)
    return f"{inside}/{path}" if inside and path else inside or path


# -- what may be assigned ------------------------------------------------------------------------


def check_attribute(layer: Layer, key: str, value: Any) -> None:
    """Raise RegistrationError for an assignment that would go wrong later.

    Names that mean something else, arrays over a Parameter, sets, and Layers that hold this one.
    """
    if key not in ("training", "transposed") and hasattr(_layer_class(layer), key):
        raise RegistrationError(
            f"{_name(layer)}.{key} is a method of Layer and cannot be an attribute: choose another "
            f"name, such as {key}_"
        )
    old = vars(layer).get(key)
    if isinstance(old, (Parameter, Buffer)):
        _check_replacement(layer, key, old, value)
    if isinstance(value, (set, frozenset)):
        if any(isinstance(item, Variable) or _is_layer(item) for item in value):
            raise RegistrationError(
                f"{_name(layer)}.{key}: a set has no order, so names and files would change from "
                "run to run: use a list"
            )
    elif isinstance(value, (Parameter, Buffer, *CONTAINERS)) or _is_layer(value):
        _check_registration(layer, key, value)


def _layer_class(layer: Layer) -> type:
    """Layer itself, whatever was derived from it."""
    mro = type(layer).__mro__
    return mro[mro.index(Block) - 1]


def _check_replacement(layer: Layer, key: str, old: Variable, value: Any) -> None:
    if value is None or isinstance(value, (Parameter, Buffer)) or _is_layer(value):
        return
    kind = type(old).__name__
    raise RegistrationError(
        f"{_name(layer)}.{key} is a {kind} and was assigned {_what(value)}: to change its numbers "
        f"write layer.{key}.data[...] = array, to replace it assign a {kind}, to drop it None"
    )


def _what(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" + ("" if shape is None else f" of shape {shape}")


def _check_registration(layer: Layer, key: str, value: Any) -> None:
    held = value if not isinstance(value, CONTAINERS) else None
    if held is None and not any(True for _ in _inside(layer, key, value, (id(value),))):
        return
    if not key or "/" in key or "." in key:
        raise RegistrationError(
            f"{_name(layer)}: the name {key!r} should not be empty or hold / or .: paths such as "
            "l1/W are made of names"
        )
    if callable(getattr(type(layer), key, None)):
        raise RegistrationError(
            f"{_name(layer)}.{key} is a method of {_name(layer)} and cannot be an attribute too"
        )
    inside = [(key, held)] if held is not None else list(_inside(layer, key, value, (id(value),)))
    for path, item in inside:
        if _is_layer(item) and (item is layer or find(item, layer)):
            name = _name(layer)
            where = "" if item is layer else f" at {find(item, layer)}"
            raise RegistrationError(
                f"{name}.{path}: this {_name(item)} holds the {name} itself{where}; "
                "a Layer cannot hold itself: keep a weakref.ref to a parent"
            )


# -- how it is shown -----------------------------------------------------------------------------


def tree(layer: Layer) -> str:
    """A Layer and what it holds, indented; a Layer that describes itself hides its Parameters."""
    own = layer.describe()
    shown = [(path, held) for path, held in members(layer) if not own or _is_layer(held)]
    if not shown:
        return f"{_name(layer)}({own})"
    lines = [f"  {path}: {_shown(held)}".replace("\n", "\n  ") for path, held in shown]
    return "\n".join([f"{_name(layer)}({own}", *lines, ")"])


def _shown(held: Any) -> str:
    if _is_layer(held):
        return repr(held)
    if isinstance(held, Parameter) and held.state == "lazy":
        return f"Parameter lazy {held.dtype}"
    return f"{type(held).__name__} {held.shape} {held.dtype}"
