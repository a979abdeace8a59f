"""Faster code for large kernels, where there is some: asked for at the top of their `forward`.

Whoever has such code stands above this package and offers it here. A formula stays the definition:
its substitute gives the same results but for their last places, and how they lie in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ..config import current
from ..core import Function

Made: TypeAlias = "Callable[..., Any] | None"

LEAST = 4096
"""Numbers of the first operand below which nothing is looked up: NumPy needs few microseconds."""

MOST = 512
"""Kernels that are remembered; then all are forgotten, and asked for anew."""

FLOAT32 = np.dtype(np.float32)

_makers: list[Callable[[Function, list[Any]], Made]] = []
_known: dict[Any, Made] = {}


def offer(maker: Callable[[Function, list[Any]], Made]) -> None:
    """Offer substitutes.

    Args:
        maker: given an operator, and shape and dtype of each operand, gives what computes it, a
            function of the arrays, or None. It is called once for each of these, and only for large
            operands.
    """
    _makers.append(maker)
    _known.clear()


def substitute(function: Function, *arrays: Any, least: int = LEAST) -> Any:
    """The results of an operator from faster code; None if NumPy is to compute them.

    Args:
        function: the operator.
        arrays: its operands. Only NumPy's own arrays, the first one of float32, are substituted.
        least: numbers of the first one below which nothing is looked up.
    """
    first = arrays[0]
    if first.__class__ is not np.ndarray or first.size < least or first.dtype != FLOAT32:
        return None
    settings = current()
    if not settings.native or not _makers:
        return None
    key = (function, settings.winograd, *[(x.shape, x.dtype) for x in arrays])
    if key not in _known:
        _ask(key, function, arrays)
    found = _known[key]
    return None if found is None else found(*arrays)


def _ask(key: Any, function: Function, arrays: tuple[Any, ...]) -> None:
    """Note what stands for a kernel. From its first call on: a run must not depend on how often
    something was called before it.
    """
    made: Made = None
    if all([x.__class__ is np.ndarray for x in arrays]):
        specs = [(x.shape, x.dtype) for x in arrays]
        made = next((m for m in (maker(function, specs) for maker in _makers) if m), None)
    if len(_known) >= MOST:
        _known.clear()
    _known[key] = made
