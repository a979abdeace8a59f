"""The weights of a Layer, to a file and back: checked whole, then filled, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..arrays import Array, is_floating, to_device, to_numpy
from ..core import Variable
from ..errors import StateMismatchError, UninitializedError
from ..files import load_npz, save_npz
from ..log import logger
from ..parameter import Buffer, Parameter
from . import registry

if TYPE_CHECKING:
    from .layer import Layer

LAYOUTS = ("lamina", "chainer")


def state(layer: Layer) -> dict[str, Variable]:
    """All that a file holds: Parameters and Buffers by path, each once."""
    return {path: v for path, v in registry.unique(layer, Variable) if _is_state(v)}


def _is_state(v: Variable) -> bool:
    return isinstance(v, (Parameter, Buffer))


def save(layer: Layer, path: Any, compress: bool, make_folders: bool) -> None:
    """`Layer.save_weights`."""
    arrays, meta = saved("save_weights", layer)
    meta = {"kind": "weights", **meta}
    save_npz(path, arrays, meta=meta, compress=compress, make_folders=make_folders)


def saved(what: str, layer: Layer) -> tuple[dict[str, Array], dict[str, Any]]:
    """What a file is to hold of a Layer: arrays by path, and the words about them.

    Raises:
        UninitializedError: there are none yet for some Parameters.
    """
    named = state(layer)
    missing = [name for name, v in named.items() if v.data is None]
    if missing:
        raise UninitializedError(
            f"{what}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} "
            "uninitialised: call the model once, or model.build(shape), and save then"
        )
    arrays = {name: to_numpy(v.data) for name, v in named.items()}
    return arrays, {"class": type(layer).__name__, "aliases": registry.aliases(layer)}


def load(layer: Layer, path: Any, strict: bool, quiet: bool, prefix: str, layout: str) -> list[str]:
    """`Layer.load_weights`."""
    if layout not in LAYOUTS:
        raise StateMismatchError(f"load_weights: layout should be one of {LAYOUTS}, got {layout!r}")
    found, meta = load_npz(path, prefix=prefix)
    found = {name.removeprefix(prefix): array for name, array in found.items()}
    named = state(layer)
    found = merged("load_weights", layer, found, meta)
    for name in _transposed(layer, layout) & found.keys():
        found[name] = found[name].T
    _check(named, found, strict, path)
    lines = [fill(named[name], found[name], name) for name in named if name in found]
    if not quiet:
        for line in lines:
            logger.info(line)
        for name in sorted(named.keys() ^ found.keys()):
            logger.info(f"{name} {'not in the file' if name in named else 'not in the model'}")
    return [name for name in named if name in found]


def _stored_aliases(meta: dict[str, Any]) -> dict[str, str]:
    stored = meta.get("aliases")
    return stored if isinstance(stored, dict) else {}


def merged(
    what: str, layer: Layer, found: dict[str, Array], meta: dict[str, Any]
) -> dict[str, Array]:
    """One array for each shared Parameter: a file may hold it under one or more of its paths."""
    named, merged = state(layer), dict(found)
    for alias, first in {**registry.aliases(layer), **_stored_aliases(meta)}.items():
        if alias in merged and alias not in named:
            array = merged.pop(alias)
            if first in merged and not _same(array, merged[first]):
                raise StateMismatchError(
                    f"{what}: {first} and {alias} are one shared parameter in this model, "
                    "and the file holds two different arrays for them"
                )
            merged.setdefault(first, array)
        elif alias in named and alias not in merged and first in merged:
            merged[alias] = merged[first]  # shared in the file, apart in this model
            if first not in named:
                del merged[first]
    return merged


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def _transposed(layer: Layer, layout: str) -> set[str]:
    """Paths of the Parameters that ``layout`` stores as (out, in)."""
    inside = [("", layer), *layer.named_layers()]
    return {
        f"{path}/{name}" if path else name
        for path, inner in inside
        for name in inner.transposed.get(layout, ())
    }


# -- checking ------------------------------------------------------------------------------------


def _check(named: dict[str, Variable], found: dict[str, Array], strict: bool, path: Any) -> None:
    """Raise with all differences at once; nothing was changed yet."""
    missing, unexpected, different = differences(named, found)
    both = [name for name in named if name in found]
    if not strict:
        missing = unexpected = ()
    if not strict and not both and named:
        missing = tuple(named)
    if not (missing or unexpected or different):
        return
    lines = [f"load_weights: {path} does not fit the model; nothing was changed."]
    if missing:
        lines.append(f"  not in the file: {', '.join(missing)}")
    if unexpected:
        lines.append(f"  not in the model: {', '.join(unexpected)}")
    lines += [f"  {line}" for line in different]
    if strict and not different and both:
        lines.append("  load_weights(..., strict=False) takes what both have")
    raise StateMismatchError("\n".join(lines), missing, unexpected, different)


def differences(
    named: dict[str, Variable], found: dict[str, Array], exact: bool = False
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Names that are missing, names that are not expected, and a line for each that differs.

    Args:
        named: the Variables to fill.
        found: the arrays for them.
        exact: floating dtypes have to be equal, too.
    """
    missing = tuple(name for name in named if name not in found)
    unexpected = tuple(name for name in found if name not in named)
    both = [name for name in named if name in found]
    lines = [_difference(name, named[name], found[name], exact) for name in both]
    return missing, unexpected, tuple(line for some in lines for line in some)


def _difference(name: str, variable: Variable, array: Array, exact: bool) -> list[str]:
    if state_of(variable) == "lazy":
        lazy = cast(Parameter, variable)
        if not lazy.admits(array.shape):
            return [f"{name}: expected shape {lazy.pattern}, got {array.shape}"]
    elif variable.shape != array.shape:
        turned = array.ndim == 2 and variable.shape == array.shape[::-1]
        hint = "; is it transposed? layout='chainer' reads (out, in)" if turned else ""
        return [f"{name}: expected shape {variable.shape}, got {array.shape}{hint}"]
    if variable.dtype != array.dtype and not (
        not exact
        and is_floating(variable.dtype)
        and is_floating(array.dtype)
        and _both_real(variable, array)
    ):
        return [f"{name}: expected dtype {variable.dtype}, got {array.dtype}"]
    return []


def state_of(variable: Variable) -> str:
    """``"ready"``, or how far a Variable is that gets its shape or numbers later."""
    return getattr(variable, "state", "ready")


def _both_real(variable: Variable, array: Array) -> bool:
    return (variable.dtype.kind == "c") == (array.dtype.kind == "c")


# -- filling -------------------------------------------------------------------------------------


def fill(variable: Variable, array: Array, name: str) -> str:
    """Copy ``array`` into ``variable`` where it lies, and say so."""
    cast = "" if variable.dtype == array.dtype else f" ({array.dtype} as {variable.dtype})"
    array = array.astype(variable.dtype, copy=False)
    array = to_device(array, variable.device)
    if state_of(variable) == "ready" and _writable(variable.data):
        variable.data[...] = array
        variable.data = variable.data  # counts as a change
    else:
        variable.data = array.copy()
    variable.cleargrad()
    return f"{name} loaded{cast}"


def _writable(data: Any) -> bool:
    return not isinstance(data, np.ndarray) or data.flags.writeable
