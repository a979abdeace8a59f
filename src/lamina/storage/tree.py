"""Python values with arrays inside, as JSON and arrays by name, and back exactly.

What JSON has not stands there as an object with one key: ``{"__array__": name}``, a NumPy scalar as
``{"__scalar__": name}``, a tuple, and a float that is not finite.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import Array, is_array, to_numpy
from ..core import Variable
from ..errors import CheckpointError, CorruptFileError, DTypeError
from ..files.npz import checked

ARRAY, SCALAR, TUPLE, FLOAT = MARKS = ("__array__", "__scalar__", "__tuple__", "__float__")
FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
DEEPEST = 24  # the manifest takes 32, and some levels are above these


def pack(value: Any, place: str, arrays: dict[str, Array], depth: int = 0) -> Any:
    """``value`` as JSON can hold it; its arrays go to ``arrays``, named after their place.

    Args:
        value: text, numbers, bools, None, arrays, and lists, tuples and dicts of them.
        place: where it stands, with ``/`` between the keys.
        arrays: what was stored so far.
        depth: how many lists and dicts it is inside of.
    Raises:
        DTypeError: it holds something else; or a dict whose keys are no text.
    """
    if isinstance(value, np.generic):
        return {SCALAR: _store(np.asarray(value), place, arrays)}
    if is_array(value):
        return {ARRAY: _store(to_numpy(value), place, arrays)}
    if isinstance(value, float) and not math.isfinite(value):
        return {FLOAT: str(value)}
    if isinstance(value, (str, int, float, type(None))):
        return value
    if not isinstance(value, (list, tuple, dict)):
        raise DTypeError(f"save: {place} should be {KINDS}, got {_described(value)}")
    if depth >= DEEPEST:
        raise DTypeError(f"save: {place} is nested deeper than {DEEPEST} levels")
    if isinstance(value, dict):
        _check_keys(value, place)
        return {k: pack(v, f"{place}/{k}", arrays, depth + 1) for k, v in value.items()}
    packed = [pack(v, f"{place}/{i}", arrays, depth + 1) for i, v in enumerate(value)]
    return {TUPLE: packed} if isinstance(value, tuple) else packed


KINDS = "text, a number, a bool, None, an array, or a list, tuple or dict of these"


def _described(value: Any) -> str:
    if isinstance(value, Variable):
        return f"a Variable; give its numbers, {type(value).__name__.lower()}.numpy() or .item()"
    return f"{type(value).__name__} {value!r:.60}"


def _check_keys(value: dict[Any, Any], place: str) -> None:
    for key in value:
        if not isinstance(key, str):
            raise DTypeError(f"save: {place} should have text for keys, got {key!r:.60}")
        if key in MARKS:
            raise DTypeError(f"save: {place} has the key {key!r}, which files use; choose another")


def _store(array: Array, place: str, arrays: dict[str, Array]) -> str:
    """Keep ``array`` under its place; or under a number, where that is taken or cannot be."""
    name = place
    try:
        checked(name)
    except CheckpointError:
        name = f"{place.partition('/')[0]}/#{len(arrays)}"
    while name in arrays:
        name += "'"
    arrays[name] = array
    return name


def unpack(packed: Any, arrays: dict[str, Array], label: str, depth: int = 0) -> Any:
    """What `pack` was given.

    Raises:
        CorruptFileError: `pack` gives no such thing.
    """
    if depth > DEEPEST + 2:
        raise CorruptFileError(f"load: {label}: its values are nested too deep")
    if isinstance(packed, list):
        return [unpack(v, arrays, label, depth + 1) for v in packed]
    if not isinstance(packed, dict):
        return packed
    mark = next((mark for mark in MARKS if mark in packed), None)
    if mark is None:
        return {k: unpack(v, arrays, label, depth + 1) for k, v in packed.items()}
    content = packed[mark]
    if len(packed) == 1:
        if mark == TUPLE and isinstance(content, list):
            return tuple(unpack(content, arrays, label, depth + 1))
        if mark in (ARRAY, SCALAR) and isinstance(content, str) and content in arrays:
            return arrays[content] if mark == ARRAY else arrays[content][()]
        if mark == FLOAT and isinstance(content, str) and content in FLOATS:
            return FLOATS[content]
    raise CorruptFileError(f"load: {label}: a value is not what lamina writes: {packed!a:.120}")
