"""Gates against their formulas on the two halves."""

from __future__ import annotations

import numpy as np
import scipy.special

import lamina.functions as F
from lamina.check import case


def rows(f, open_by):
    """Rows for the last axis and another; ``open_by`` maps the second half to what passes."""

    def reference(x, axis=-1):
        middle = x.shape[axis] // 2
        a, b = np.take(x, range(middle), axis), np.take(x, range(middle, 2 * middle), axis)
        return a * open_by(b)

    name = f.__name__
    return [
        case(f, reference, shapes=[(2, 3, 4), (0, 2), (2,), (3, 0)]),
        case(f, reference, shapes=[(2, 6, 3)], kwargs={"axis": 1}, name=f"{name} axis"),
        case(f, reference, shapes=[(4, 1, 2)], kwargs={"axis": 0}, name=f"{name} first axis"),
    ]


CASES = [
    *rows(F.glu, scipy.special.expit),
    *rows(F.reglu, lambda b: np.maximum(b, 0)),
    *rows(F.geglu, lambda b: b * scipy.special.ndtr(b)),
    *rows(F.swiglu, lambda b: b * scipy.special.expit(b)),
]
