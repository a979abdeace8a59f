"""Attention against loops over queries and keys."""

from __future__ import annotations

import math

import numpy as np

import lamina.functions as F
from lamina.check import case


def by_loops(q, k, v, mask=None, causal=False, dropout=0.0, scale=None):
    lead = np.broadcast_shapes(
        q.shape[:-2], k.shape[:-2], v.shape[:-2], () if mask is None else mask.shape[:-2]
    )
    q, k, v = [np.broadcast_to(x, lead + x.shape[-2:]) for x in (q, k, v)]
    rows, columns, d = q.shape[-2], k.shape[-2], q.shape[-1]
    if mask is not None:
        mask = np.broadcast_to(mask, (*lead, rows, columns))
    y = np.zeros((*lead, rows, v.shape[-1]))
    for place in np.ndindex(*lead, rows):
        *head, i = place
        weights = {}
        for j in range(columns):
            z = sum(q[place][n] * k[(*head, j)][n] for n in range(d))
            z *= 1 / math.sqrt(max(d, 1)) if scale is None else scale
            if mask is not None and mask.dtype != bool:
                z += mask[(*place, j)]
            hidden = mask is not None and mask.dtype == bool and not mask[(*place, j)]
            if not (hidden or (causal and j > i)):
                weights[j] = math.exp(z)
        total = sum(weights.values())
        for j, w in weights.items():
            y[place] += w / total * v[(*head, j)] if total else 0
    return y


def masked(*shapes, kind=bool):
    """Inputs with a mask as the last; in a mask of bools the first query sees nothing."""

    def make(rng, dtype):
        xs = [rng.uniform(-2, 2, shape).astype(dtype) for shape in shapes[:3]]
        mask = rng.random(shapes[3]) < 0.6
        mask[..., :1, :] = False
        if kind is float:
            mask = rng.uniform(-2, 2, shapes[3]).astype(dtype)
        return (*xs, mask)

    return make


SHAPES = [
    ((3, 2), (4, 2), (4, 5)),
    ((2, 3, 4), (2, 5, 4), (2, 5, 1)),
    ((2, 1, 3, 2), (4, 2, 2), (4, 2, 3)),
    ((0, 2), (3, 2), (3, 4)),
    ((0, 3, 2), (0, 4, 2), (0, 4, 2)),
    ((2, 0), (3, 0), (3, 2)),
    ((1, 1), (1, 1), (1, 1)),
]

NAME = "scaled_dot_product_attention"

CASES = [
    case(F.scaled_dot_product_attention, by_loops, shapes=SHAPES),
    case(
        F.scaled_dot_product_attention,
        by_loops,
        shapes=[
            ((3, 2), (3, 2), (3, 5)),
            ((2, 4, 3), (2, 5, 3), (2, 5, 2)),
            ((5, 2), (3, 2), (3, 1)),
        ],
        kwargs={"causal": True},
        name=f"{NAME} causal",
    ),
    case(
        F.scaled_dot_product_attention,
        by_loops,
        make=[
            masked((3, 2), (4, 2), (4, 5), (3, 4)),
            masked((2, 3, 2), (2, 4, 2), (2, 4, 3), (2, 1, 4)),
            masked((3, 2), (4, 2), (4, 5), (2, 3, 1)),
        ],
        name=f"{NAME} masked",
    ),
    case(
        F.scaled_dot_product_attention,
        by_loops,
        make=[masked((4, 2), (4, 2), (4, 3), (4, 4))],
        kwargs={"causal": True, "scale": 0.3},
        name=f"{NAME} masked, causal and scaled",
    ),
    case(
        F.scaled_dot_product_attention,
        by_loops,
        make=[
            masked((3, 2), (4, 2), (4, 5), (3, 4), kind=float),
            masked((2, 3, 2), (4, 2), (4, 5), (1, 4), kind=float),
        ],
        name=f"{NAME} with a bias",
    ),
]
