"""Where an exception happened, in the words of the model: one note, added as it leaves a Layer."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..core import Variable
from ..parameter import Parameter
from . import registry

if TYPE_CHECKING:
    from .layer import Layer

NOTED = "_lamina_noted"


def add_note(error: Exception, stack: list[Layer], inputs: tuple[Any, ...]) -> None:
    """Say which Layer failed, what came in, and from where; only the innermost Layer does.

    The note reads ``in MLP/blocks/1/l1 (Linear 64 -> 64): got float32 (8, 32), which came from
    MLP/norm``.
    """
    if getattr(error, NOTED, False):
        return
    setattr(error, NOTED, True)
    layer = stack[-1]
    described = layer.describe()
    kind = type(layer).__name__ + (f" {described}" if described else "")
    came = ", ".join(_shown(x, stack[0]) for x in inputs) or "no input"
    error.add_note(f"in {_path(layer, stack)} ({kind}): got {came}")


def _path(layer: Layer, stack: list[Layer]) -> str:
    """From the outermost Layer that runs; by class where a Layer was not registered."""
    parts = [type(stack[0]).__name__]
    for outer, inner in pairwise(stack):
        parts.append(registry.find(outer, inner) or type(inner).__name__)
        if inner is layer:
            break
    return "/".join(parts)


def _shown(x: Any, root: Layer) -> str:
    shape = getattr(x, "shape", None) if not isinstance(x, Parameter) else None
    if shape is None:
        return type(x).__name__ + (f" {x!r:.40}" if isinstance(x, (int, float, str)) else "")
    text = f"{x.dtype} {shape}"
    source = x.origin() if isinstance(x, Variable) and x.origin is not None else None
    if source is None:
        return text
    path = registry.find(root, source)
    return f"{text}, which came from {type(root).__name__}{'/' + path if path else ''}"
