"""How a Variable is shown: in a terminal, and as HTML in a notebook."""

from __future__ import annotations

import html
from typing import Any

import numpy as np

from .arrays import to_numpy

MAX_SHOWN = 1000  # more elements than this are summarised, as NumPy does


def variable_repr(v: Any) -> str:
    """``Variable([1., 2.], float32)``: class, numbers, dtype, and what is special about it."""
    head = type(v).__name__ + "("
    data = v.data
    if data is None:
        return f"{head}None{_label(v)})"
    if hasattr(data, "__hear__"):
        return f"{head}{data!r}{_label(v)})"
    numbers = np.array2string(
        to_numpy(data), separator=", ", prefix=head, threshold=MAX_SHOWN, edgeitems=3
    )
    shape = f", shape {data.shape}" if data.size == 0 or data.size > MAX_SHOWN else ""
    device = "" if v.device == "cpu" else f", {v.device}"
    return f"{head}{numbers}{shape}, {data.dtype}{device}{_label(v)})"


def _label(v: Any) -> str:
    return "" if v.name is None else f", name={v.name!r}"


def variable_html(v: Any) -> str:
    """A small table for notebooks: kind, name, shape, dtype, range, then the numbers."""
    held = v._data  # a planned Parameter draws nothing for being shown
    rows = [("dtype", str(v.dtype)), ("device", v.device)]
    if held is not None:
        rows.insert(0, ("shape", str(v.shape)))
    if v.name is not None:
        rows.insert(0, ("name", v.name))
    if held is not None and not hasattr(held, "__hear__") and held.size and v.dtype.kind in "iuf":
        data = to_numpy(held)
        rows.append(("range", f"{data.min():.6g} … {data.max():.6g}"))
    rows.append(("gradient", "yes" if v.requires_grad else "no"))
    cells = "".join(
        f"<tr><th style='text-align:left'>{key}</th>"
        f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
        for key, value in rows
    )
    return (
        f"<table><caption>{type(v).__name__}</caption>{cells}</table>"
        f"<pre>{html.escape(repr(v))}</pre>"
    )
