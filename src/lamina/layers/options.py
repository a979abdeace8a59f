"""What many Layers may have, a bias, and how they show what was chosen otherwise than usual."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import DType
from ..parameter import Parameter
from .checked import as_switch
from .initializers import zeros


def bias_unless(
    nobias: Any, layer: str, name: str, shape: tuple[int | None, ...], dtype: DType
) -> Parameter | None:
    """A Parameter that starts at zeros; None if ``nobias`` is True.

    Raises:
        DTypeError: if ``nobias`` is no bool.
    """
    if as_switch(nobias, f"{layer}: nobias"):
        return None
    return Parameter(None, name=name, shape=shape, dtype=dtype, init=zeros())


def shown_kernel(kernel: tuple[int, ...], words: dict[str, Any], usual: dict[str, Any]) -> str:
    """``kernel=3, padding=1``: a square one by its side, and of the words those that differ."""
    shown = {"kernel": kernel[0] if len(set(kernel)) == 1 else kernel}
    shown |= {name: word for name, word in words.items() if word != usual[name]}
    return ", ".join(f"{name}={word!r}" for name, word in shown.items())


def shown_rest(dtype: DType, bias: Any = True) -> str:
    """``, nobias=True, dtype=float64``, or of these what there is to say."""
    nobias = ", nobias=True" if bias is None else ""
    return nobias + (f", dtype={dtype}" if dtype != np.float32 else "")
