"""Kernels of users in a program: what they give is compared with what their ``spec`` said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..listen import Spec, Value


def forward_of(kernel: Any, results: Sequence[Value]) -> Callable[..., Any]:
    """``forward`` of a kernel; of one that is not lamina's, with a look at what it gives.

    Args:
        kernel: an operator with a ``spec``.
        results: what the program has for its results.
    """
    if type(kernel).__module__.startswith("lamina."):
        return kernel.forward
    said = [value.spec for value in results]

    def forward(*arrays: Any) -> Any:
        made = kernel.forward(*arrays)
        parts = made if isinstance(made, tuple) else (made,)
        given = [Spec(np.shape(x), getattr(x, "dtype", np.asarray(x).dtype)) for x in parts]
        if given != said:
            told, came = (", ".join(map(str, specs)) for specs in (said, given))
            raise ShapeError(
                f"{kernel!r}: spec() says that it gives {told}, and forward gave {came}"
            )
        return made

    return forward
