"""erf and gelu against Python's own erf."""

from __future__ import annotations

import math

import numpy as np

import lamina.functions as F
from lamina.check import case

SHAPES = [(2, 3, 5), (0, 4), (1,), ()]

CASES = [
    case(
        F.erf,
        np.vectorize(math.erf, otypes=[float]),
        shapes=SHAPES,
        domain=domain,
        order=3,
        name=f"erf within {domain}",
    )
    for domain in [(-0.4, 0.4), (-3.0, 3.0)]
] + [
    case(
        F.gelu,
        np.vectorize(lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2, otypes=[float]),
        shapes=SHAPES,
        domain=(-3, 3),
        order=3,
    ),
]
