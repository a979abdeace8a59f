"""Sources of data: what is learnt from, and what is held out."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from ...data import Mapped, split
from ...errors import RangeError
from .section import Data


def opened(section: Data, seed: int) -> tuple[Any, Any]:
    """The data to learn from, and those held out; None if there are none.

    A source that takes ``train`` is called twice, with True and with False. One that does not is
    called once; what is held out then has a source of its own, or is a share of the first.

    Args:
        section: ``[data]``.
        seed: of the share that is drawn.
    """
    source, held_out = section.source, section.held_out
    if isinstance(held_out, float):
        if not 0 < held_out < 1:
            raise RangeError(
                f"held_out should be a source, or a share between 0 and 1, got {held_out}"
            )
        rest, share = split(_called(source, True), 1 - held_out, held_out, seed=seed)
        return rest, share
    if held_out is not None:
        return _called(source, True), _called(held_out, False)
    if _takes_train(source):
        return _called(source, True), _called(source, False)
    return _called(source, True), None


def _called(source: Any, train: bool) -> Any:
    """What a source gives; a dataset is one itself."""
    if not callable(source):
        return source
    return source(train=train) if _takes_train(source) else source()


def _takes_train(source: Any) -> bool:
    """Whether a source has an argument ``train`` that the config left open."""
    if not callable(source):
        return False
    given = source.keywords if isinstance(source, functools.partial) else {}
    return "train" in inspect.signature(source).parameters and "train" not in given


def transformed(dataset: Any, transforms: list[Any]) -> Any:
    """A dataset with some transforms of its inputs; itself without any."""
    return Mapped(dataset, transforms) if transforms else dataset
