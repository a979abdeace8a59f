"""Checkpoints: a training run in one file, and back to the last bit, or nothing at all.

The file is an ``.npz`` that plain ``np.load`` opens. Arrays are named by part, ``model/l1/W`` and
``optimizer/arrays/l1/W.m``; everything else is JSON in the member ``__meta__``.
"""

from __future__ import annotations

import os
import platform
import sys
from typing import Any, NamedTuple

import numpy as np

from .. import random as streams
from ..arrays import Array
from ..errors import CheckpointError, CorruptFileError, DTypeError, GraphError
from ..files import load_npz, save_npz
from ..files.npz import existing
from ..files.source import shown
from ..layers import Layer, weights
from ..log import logger
from .restore import Restore
from .tree import pack, unpack

KIND, VERSION = "checkpoint", 1


class Saved(NamedTuple):
    """What a checkpoint holds.

    Attributes:
        label: names the file.
        model: arrays by path, and the words about them; None if it holds no model.
        states: the state of each other part, and the class that it is of.
        random: the state of lamina's random streams.
        extra: the values that were saved beside.
        versions: of what ran when it was saved.
    """

    label: str
    model: tuple[dict[str, Array], dict[str, Any]] | None
    states: dict[str, tuple[str, Any]]
    random: Any
    extra: dict[str, Any]
    versions: dict[str, str]


def save_checkpoint(
    path: Any,
    *,
    model: Layer | None = None,
    optimizer: Any = None,
    loader: Any = None,
    compress: bool = False,
    make_folders: bool = False,
    **extra: Any,
) -> None:
    """Save a training run in one file, which is whole, or the old one.

    Saved are weights and buffers, the optimizer's state by parameter name, the loader's position,
    lamina's random streams, the versions of what runs, and ``extra``. What belongs to the program
    is not: sizes, hyperparameters, what is frozen, and random numbers from elsewhere.

    Take it after the step of a batch: a `Loader` counts a batch as done when the loop has it.

    Args:
        path: ``.npz`` is added where it is missing.
        model: a Layer, whose parameters have their numbers.
        optimizer: after its ``setup``.
        loader: a `Loader`.
        compress: see `save_npz`.
        make_folders: see `save_npz`.
        **extra: values that `load_checkpoint` gives back: text, numbers, bools, None, arrays, and
            lists, tuples and dicts of them. And whatever else has ``state_dict`` and
            ``load_state_dict``, such as an `EMA`: its state, for an object of this name then.
    Raises:
        CheckpointWriteError: the disk refused; the old file is untouched.
        DTypeError: something that a file cannot hold; the message says where it stands.
        UninitializedError: parameters without numbers, or an optimizer before ``setup``.
        GraphError: averages are swapped in, in place of the weights.
    Example:
        >>> import os, tempfile
        >>> from lamina import Linear, optimizers as O
        >>> model = Linear(2, in_size=3)
        >>> optimizer = O.Adam(lr=0.1).setup(model)
        >>> path = os.path.join(tempfile.mkdtemp(), "run.npz")
        >>> save_checkpoint(path, model=model, optimizer=optimizer, epoch=7)
        >>> again = Linear(2)
        >>> load_checkpoint(path, model=again, optimizer=O.Adam(lr=0.1).setup(again))
        {'epoch': 7}
        >>> bool(np.array_equal(again.W.data, model.W.data))
        True
    """
    taken = take(model=model, optimizer=optimizer, loader=loader, **extra)
    save_npz(path, taken.arrays, meta=taken.meta, compress=compress, make_folders=make_folders)


class Snapshot(NamedTuple):
    """What a checkpoint is to hold, not yet in a file: arrays by name, and the words about them."""

    arrays: dict[str, Array]
    meta: dict[str, Any]

    def copied(self) -> Snapshot:
        """With arrays of its own: training may go on while it is written."""
        return Snapshot({name: array.copy() for name, array in self.arrays.items()}, self.meta)


def take(
    *, model: Layer | None = None, optimizer: Any = None, loader: Any = None, **extra: Any
) -> Snapshot:
    """What `save_checkpoint` would write. Arrays may be those of the model itself.

    Raises:
        LaminaError: as `save_checkpoint`.
    """
    arrays: dict[str, Array] = {}
    parts: dict[str, Any] = {}
    if model is not None:
        named, words = weights.saved("save_checkpoint", _as_layer("save_checkpoint", model))
        arrays |= {f"model/{name}": array for name, array in named.items()}
        parts["model"] = words
    named_parts = {"optimizer": optimizer, "loader": loader, **extra}
    stateful = {name: part for name, part in named_parts.items() if _has_state(name, part)}
    for name, part in stateful.items():
        _refuse_swapped("save_checkpoint", name, part)
        state = pack(part.state_dict(), name, arrays)
        parts[name] = {"class": type(part).__name__, "state": state}
    values = {name: value for name, value in extra.items() if name not in stateful}
    meta = {
        "kind": KIND,
        "version": VERSION,
        "versions": versions(),
        "parts": parts,
        "random": streams.state_dict(),
        "extra": {name: pack(value, f"extra/{name}", arrays) for name, value in values.items()},
    }
    return Snapshot(arrays, meta)


def load_checkpoint(
    path: Any,
    *,
    model: Layer | None = None,
    optimizer: Any = None,
    loader: Any = None,
    random: bool = True,
    max_bytes: int | None = None,
    **others: Any,
) -> dict[str, Any]:
    """Continue where `save_checkpoint` was called: all of it, or nothing.

    The file is read and checked whole, and everything in it is compared with what is to be filled:
    names, shapes, dtypes, classes. All differences are told at once. Whatever goes wrong, model,
    optimizer, loader and random streams are as they were. A model that is still lazy is filled.

    On the same machine, with the same versions and number of threads, training goes on as if it had
    never been interrupted, to the last bit. If a version is another one, a line in the log says so.

    Args:
        path: as for `save_checkpoint`.
        model: built as the one that was saved; arrays are filled in place.
        optimizer: of the same class, after ``setup`` with ``model``.
        loader: with the same settings and data.
        random: whether lamina's random streams go on where they were, too.
        max_bytes: see `load_npz`.
        **others: objects whose state was saved under these names.
    Returns:
        The values that were saved beside, by name.
    Raises:
        StateMismatchError: it does not fit; ``missing``, ``unexpected`` and ``different`` say what.
        CheckpointError: damaged, unsafe, too large, or no checkpoint; see `load_npz`.
        OSError: no such file, as ``open`` raises it.
    """
    saved = read(path, max_bytes)
    restore(saved, model, {"optimizer": optimizer, "loader": loader, **others}, random)
    return saved.extra


def restore(saved: Saved, model: Layer | None, parts: dict[str, Any], random: bool) -> None:
    """`load_checkpoint`, once the file is read."""
    given = {name: part for name, part in parts.items() if part is not None}
    for name, part in given.items():
        if not _has_state(name, part):
            raise DTypeError(f"load_checkpoint: {name} has no state to fill: {part!r:.60}")
        _refuse_swapped("load_checkpoint", name, part)
    if model is not None:
        _as_layer("load_checkpoint", model)
    Restore(saved.label, saved.states, saved.model).into(
        model, given, saved.random if random else None
    )
    _tell(saved, {"model": model, **given})


def read(path: Any, max_bytes: int | None = None) -> Saved:
    """A checkpoint, checked whole; nothing is filled.

    Raises:
        CheckpointError: as `load_checkpoint`.
    """
    arrays, meta = load_npz(path, max_bytes=max_bytes)
    label = _label(path)
    check_kind(label, meta)
    parts, extra = meta.get("parts"), meta.get("extra")
    words, versions = {}, meta.get("versions")
    if isinstance(parts, dict):
        words = {name: part for name, part in parts.items() if isinstance(part, dict)}
    if not (isinstance(extra, dict) and isinstance(versions, dict) and words == parts):
        raise CorruptFileError(f"load: {label}: its parts are not what lamina writes")
    model = None
    if "model" in words:
        found = {n.removeprefix("model/"): a for n, a in arrays.items() if n.startswith("model/")}
        model = (found, words.pop("model"))
    states = {
        name: (str(part.get("class")), unpack(part.get("state"), arrays, label))
        for name, part in words.items()
    }
    values = {name: unpack(value, arrays, label) for name, value in extra.items()}
    return Saved(label, model, states, meta.get("random"), values, versions)


def check_kind(label: str, meta: dict[str, Any]) -> None:
    """Raise CheckpointError unless ``meta`` is that of a checkpoint that can be read."""
    if meta.get("kind") != KIND:
        what = "weights; use load_weights" if meta.get("kind") == "weights" else "something else"
        raise CheckpointError(f"load: {label}: is no checkpoint, it holds {what}")
    if meta.get("version") != VERSION:
        raise CheckpointError(
            f"load: {label}: is a checkpoint of version {shown(meta.get('version'))}, and "
            f"{VERSION} can be read; a later lamina may have written it"
        )


def versions() -> dict[str, str]:
    """What the last bits of a result depend on, beside the program."""
    facade = sys.modules[__name__.partition(".")[0]]
    return {
        "lamina": str(getattr(facade, "__version__", "")),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _tell(saved: Saved, given: dict[str, Any]) -> None:
    """Say what was left, and what is not as it was when the file was saved."""
    there = [*(["model"] if saved.model else []), *saved.states]
    left = [name for name in there if given.get(name) is None]
    if left:
        logger.info(f"{saved.label}: {', '.join(left)} {'was' if len(left) == 1 else 'were'} left")
    for name, now in versions().items():
        before = saved.versions.get(name)
        if before != now:
            logger.info(
                f"{saved.label}: saved with {name} {shown(before)}, and this is {now!r}: the last "
                "digits may differ"
            )


def _has_state(name: str, part: Any) -> bool:
    if part is None or isinstance(part, type):
        return False
    if callable(getattr(part, "state_dict", None)):
        if callable(getattr(part, "load_state_dict", None)):
            return True
    if name in ("optimizer", "loader"):
        raise DTypeError(
            f"checkpoint: {name} should have state_dict and load_state_dict, got {part!r:.60}"
        )
    return False


def _refuse_swapped(what: str, name: str, part: Any) -> None:
    if getattr(part, "is_swapped", False):
        raise GraphError(
            f"{what}: the averages of {name} are swapped in, in place of the weights; call "
            "swap_out() first"
        )


def _as_layer(what: str, model: Any) -> Layer:
    if not isinstance(model, Layer):
        raise DTypeError(f"{what}: model should be a Layer, got {model!r:.60}")
    return model


def _label(path: Any) -> str:
    if isinstance(path, (str, bytes, os.PathLike)):
        return existing(path)
    return str(getattr(path, "name", None) or f"a {type(path).__name__}")
