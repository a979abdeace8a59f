"""Products of matrices and sums of products, against NumPy and against loops."""

from __future__ import annotations

import itertools

import numpy as np

import lamina.functions as F
from lamina.check import case

NEAR_ONE = (0.5, 2.0)
"""Of one sign: a single sum of products whose terms cancel has no relative precision."""

MATMUL = [
    ((2, 3), (3, 5)),
    ((1, 1), (1, 1)),
    ((2, 0), (0, 3)),
    ((0, 2), (2, 3)),
    ((3,), (3,)),
    ((0,), (0,)),
    ((3,), (3, 5)),
    ((2, 3), (3,)),
    ((4, 2, 3), (3,)),
    ((3,), (4, 3, 2)),
    ((4, 2, 3), (3, 5)),
    ((2, 3), (4, 3, 5)),
    ((4, 2, 3), (4, 3, 5)),
    ((4, 1, 2, 3), (6, 3, 5)),
    ((1, 2, 3), (4, 3, 1)),
    ((0, 2, 3), (3, 5)),
]


def linear_by_loops(x, W, b=None):
    """Each row of x by itself."""
    y = np.zeros(x.shape[:-1] + W.shape[1:])
    for place in np.ndindex(*x.shape[:-1]):
        for j in range(W.shape[1]):
            y[(*place, j)] = sum(x[place][i] * W[i, j] for i in range(W.shape[0]))
            y[(*place, j)] += 0 if b is None else b[j]
    return y


def summed_by_loops(notation):
    """einsum as it is defined: a loop over all values of all letters; no ellipsis."""
    left, right = notation.split("->")
    terms = left.split(",")

    def reference(*xs):
        size = {}
        for labels, x in zip(terms, xs, strict=True):
            for label, n in zip(labels, x.shape, strict=True):
                size[label] = max(n, size.get(label, 0)) if n else 0
        y = np.zeros([size[k] for k in right])
        for values in itertools.product(*[range(n) for n in size.values()]):
            at = dict(zip(size, values, strict=True))
            factors = [
                x[tuple(at[k] if n > 1 else 0 for k, n in zip(labels, x.shape, strict=True))]
                for labels, x in zip(terms, xs, strict=True)
            ]
            y[tuple(at[k] for k in right)] += np.prod(factors)
        return y

    return reference


def by_notation(notation, *samples, numpy=False, **options):
    reference = (lambda *xs: np.einsum(notation, *xs)) if numpy else summed_by_loops(notation)
    return case(
        lambda *xs: F.einsum(notation, *xs),
        reference,
        shapes=list(samples),
        name=f"einsum {notation}",
        **options,
    )


EINSUM = [
    by_notation("ij->ji", ((2, 3),), ((0, 1),)),
    by_notation("ij->ij", ((2, 3),)),
    by_notation("ij->i", ((2, 3),), ((2, 0),)),
    by_notation("ij->", ((2, 3),), ((1, 1),)),
    by_notation("->", ((),)),
    by_notation("ii->", ((3, 3),), ((0, 0),), ((1, 1),)),
    by_notation("ii->i", ((3, 3),)),
    by_notation("iji->j", ((3, 2, 3),)),
    by_notation("ijij->ji", ((3, 2, 3, 2),)),
    by_notation("iii->i", ((3, 3, 3),)),
    by_notation("ij,jk->ik", ((2, 3), (3, 5)), ((2, 0), (0, 5)), ((1, 1), (1, 1))),
    by_notation("ij,jk->ki", ((2, 3), (3, 5))),
    by_notation("ij,ij->ij", ((2, 3), (2, 3)), ((2, 1), (2, 3)), ((1, 3), (2, 1))),
    by_notation("ij,ij->i", ((2, 3), (2, 3)), ((2, 1), (2, 3))),
    by_notation("ij,ij->", ((2, 3), (2, 3))),
    by_notation("i,j->ij", ((2,), (3,))),
    by_notation("i,j->ji", ((2,), (3,))),
    by_notation("i,j->", ((2,), (3,))),
    by_notation("ij,k->i", ((2, 3), (4,))),
    by_notation(",i->i", ((), (3,))),
    by_notation(",->", ((), ())),
    by_notation("ij,jk->ik", ((2, 1), (3, 5)), ((2, 3), (1, 5))),
    by_notation("bij,bjk->bik", ((4, 2, 3), (4, 3, 5)), ((1, 2, 3), (4, 3, 5))),
    by_notation("bqhd,bkhd->bhqk", ((2, 3, 4, 5), (2, 6, 4, 5))),
    by_notation("ii,ij->j", ((3, 3), (3, 2))),
    by_notation("ijk,jil->kl", ((3, 4, 5), (4, 3, 2))),
    by_notation("ij,jk,kl->il", ((2, 3), (3, 4), (4, 5))),
    by_notation("i,j,k->kij", ((2,), (3,), (4,))),
    by_notation("i,i,i->i", ((3,), (3,), (3,))),
    by_notation("ij,ik,il->jkl", ((2, 3), (2, 4), (2, 5)), ((2, 3), (2, 1), (1, 5))),
    by_notation("ab,bc,cd,de->ae", ((2, 3), (3, 2), (2, 4), (4, 1))),
    by_notation("ba", ((2, 3),), numpy=True),
    by_notation("ii", ((3, 3),), numpy=True),
    by_notation("ij, jh", ((2, 3), (3, 5)), numpy=True),
    by_notation("...i->...", ((2, 3, 4),), ((4,),), numpy=True),
    by_notation("...ij->...ji", ((2, 3, 4),), ((3, 4),), numpy=True),
    by_notation("i...->...", ((2, 3, 4),), numpy=True),
    by_notation("...ij,...jk->...ik", ((2, 3, 4), (4, 5)), ((7, 1, 2, 3), (6, 3, 5)), numpy=True),
    by_notation("i...,i...->...", ((3, 1, 2), (3, 4, 1)), numpy=True),
    by_notation("...,...", ((2, 3), (4, 1, 3)), numpy=True),
    by_notation("b...a", ((2, 3, 4, 5),), numpy=True),
    by_notation("...ii->...i", ((2, 3, 3),), numpy=True),
    case(
        lambda a, b: F.einsum(a, [0, 2], b, [2, 1], [1, 0]),
        lambda a, b: np.einsum(a, [0, 2], b, [2, 1], [1, 0]),
        shapes=[((2, 3), (3, 5))],
        name="einsum numbers",
    ),
    case(
        lambda a, b: F.einsum(a, [..., 1], b, [..., 0]),
        lambda a, b: np.einsum(a, [..., 1], b, [..., 0]),
        shapes=[((4, 2, 3), (2, 5))],
        name="einsum numbers and ellipsis",
    ),
]

CASES = [
    case(F.matmul, np.matmul, shapes=MATMUL, domain=NEAR_ONE),
    case(
        F.linear,
        linear_by_loops,
        shapes=[
            ((2, 3), (3, 5), (5,)),
            ((4, 2, 3), (3, 5), (5,)),
            ((2, 2, 3), (3, 3), (3,)),
            ((3,), (3, 5), (5,)),
            ((1, 1), (1, 1), (1,)),
            ((0, 3), (3, 5), (5,)),
            ((2, 0), (0, 5), (5,)),
            ((2, 3), (3, 0), (0,)),
        ],
    ),
    case(
        F.linear,
        linear_by_loops,
        shapes=[((2, 3), (3, 5)), ((4, 2, 3), (3, 5)), ((3,), (3, 5)), ((0, 4, 3), (3, 5))],
        name="linear without b",
    ),
    *EINSUM,
    case(
        F.tensordot,
        np.tensordot,
        shapes=[((2, 3, 4), (3, 4, 5)), ((3, 4), (3, 4)), ((0, 3, 4), (3, 4, 1))],
    ),
    case(
        F.tensordot,
        np.tensordot,
        shapes=[((2, 3, 4), (4, 3, 5)), ((1, 3, 4), (4, 3, 1, 2))],
        kwargs={"axes": ((1, -1), (1, 0))},
        name="tensordot axes",
    ),
    case(
        F.tensordot, np.tensordot, shapes=[((2, 3), (4,))], kwargs={"axes": 0}, name="tensordot 0"
    ),
    case(
        F.dot,
        np.dot,
        shapes=[
            ((3,), (3,)),
            ((2, 3), (3, 5)),
            ((4, 2, 3), (3,)),
            ((3,), (3, 5)),
            ((2, 3), (4, 3, 5)),
            ((3,), (4, 3, 5)),
            ((), (2, 3)),
            ((2, 3), ()),
        ],
        domain=NEAR_ONE,
    ),
    case(F.outer, np.outer, shapes=[((2,), (3,)), ((2, 3), (4, 1)), ((0,), (3,)), ((), ())]),
]
