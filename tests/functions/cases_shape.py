"""Shape, joining and arranging: every row against NumPy."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from lamina.check import case


def row(name, f, g, *shapes, **kwargs):
    """``f`` against ``g``, for one input of each of these shapes."""
    return case(f, g, shapes=list(shapes), kwargs=kwargs, name=name)


def joined(name, f, g, *samples, **kwargs):
    """As `row`, for functions of a list of arrays."""
    return case(
        lambda *xs: f(list(xs), **kwargs),
        lambda *xs: g(list(xs), **kwargs),
        shapes=list(samples),
        name=name,
    )


def diagonal_matrix(x, k):
    """Written out."""
    y = np.zeros((x.size + abs(k),) * 2)
    for i in range(x.size):
        y[i + max(-k, 0), i + max(k, 0)] = x[i]
    return y


ANY = ((2, 3, 5), (0, 3), (1,), ())

VIEWS = [
    row("reshape", lambda x: F.reshape(x, 6, -1), lambda x: x.reshape(6, 4), (2, 3, 4), (24,)),
    row("reshape empty", lambda x: F.reshape(x, (3, 0)), lambda x: x.reshape(3, 0), (0, 2)),
    row("reshape to one", lambda x: F.reshape(x, ()), lambda x: x.reshape(()), (1, 1), ()),
    row("transpose", F.transpose, np.transpose, *ANY),
    row(
        "transpose axes",
        lambda x: F.transpose(x, 2, 0, -2),
        lambda x: np.transpose(x, (2, 0, 1)),
        (2, 3, 5),
        (1, 0, 4),
    ),
    row(
        "moveaxis",
        F.moveaxis,
        np.moveaxis,
        (2, 3, 5, 4),
        (0, 1, 2),
        source=(0, -1),
        destination=(2, 0),
    ),
    row("moveaxis one", F.moveaxis, np.moveaxis, (2, 3, 5), source=-1, destination=0),
    row("swapaxes", F.swapaxes, np.swapaxes, (2, 3, 5), (0, 1, 2), axis1=0, axis2=-1),
    row("squeeze", F.squeeze, np.squeeze, (1, 3, 1), (2, 3), (1,), (), (1, 0)),
    row("squeeze axis", F.squeeze, np.squeeze, (1, 3, 1), axis=-1),
    row("squeeze axes", F.squeeze, np.squeeze, (1, 3, 1), axis=(0, 2)),
    row("expand_dims", F.expand_dims, np.expand_dims, *ANY, axis=0),
    row("expand_dims axes", F.expand_dims, np.expand_dims, (2, 3), (0, 1), axis=(1, -1)),
    row(
        "broadcast_to",
        F.broadcast_to,
        np.broadcast_to,
        (3, 1),
        (1,),
        (),
        (2, 3, 5),
        shape=(2, 3, 5),
    ),
    row("broadcast_to nothing", F.broadcast_to, np.broadcast_to, (1, 1), (0, 1), shape=(2, 0, 3)),
    row("ravel", F.ravel, np.ravel, *ANY),
    row("flatten", F.flatten, np.ravel, *ANY),
    row(
        "flatten start",
        lambda x: F.flatten(x, start=1),
        lambda x: x.reshape(x.shape[0], -1),
        (2, 3, 5),
        (4, 1, 1),
    ),
]

JOINS = [
    joined("concatenate", F.concatenate, np.concatenate, [(2,), (3,), (0,)], [(1, 3), (4, 3)]),
    joined(
        "concatenate last axis",
        F.concatenate,
        np.concatenate,
        [(2, 3), (2, 1), (2, 4)],
        [(0, 3), (0, 2)],
        axis=-1,
    ),
    joined("stack", F.stack, np.stack, [(2, 3)] * 4, [()] * 3, [(0, 1)] * 2, [(5,)]),
    joined("stack axis", F.stack, np.stack, [(2, 3)] * 4, axis=-2),
    row("split", lambda x: F.split(x, 3), lambda x: np.split(x, 3), (6, 2), (3,), (0, 1)),
    row(
        "split places",
        lambda x: F.split(x, (0, 2, 2), axis=1),
        lambda x: np.split(x, (0, 2, 2), axis=1),
        (3, 5, 2),
        (1, 2),
    ),
]

ARRANGED = [
    row("pad", lambda x: F.pad(x, 2), lambda x: np.pad(x, 2), (2, 3), (1,), (0, 4), ()),
    row(
        "pad value",
        lambda x: F.pad(x, ((1, 0), (2, 3)), value=0.5),
        lambda x: np.pad(x, ((1, 0), (2, 3)), constant_values=0.5),
        (2, 3),
        (0, 1),
    ),
    *[
        row(
            f"pad {mode}",
            lambda x, mode=mode: F.pad(x, ((0, 3), (2, 1)), mode),
            lambda x, mode=mode: np.pad(x, ((0, 3), (2, 1)), mode),
            (2, 3),
            (1, 4),
        )
        for mode in ("edge", "reflect", "symmetric", "wrap")
    ],
    row("flip", F.flip, np.flip, *ANY),
    row("flip axis", F.flip, np.flip, (2, 3, 5), (1, 0, 2), axis=(0, -1)),
    row("roll", F.roll, np.roll, *ANY, shift=2),
    row("roll axis", F.roll, np.roll, (2, 5), (0, 3), (1, 1), shift=-2, axis=1),
    row("roll axes", F.roll, np.roll, (2, 5, 3), shift=(1, -7, 4), axis=(0, 1, 0)),
    row("repeat", F.repeat, np.repeat, *ANY, repeats=3),
    row("repeat axis", F.repeat, np.repeat, (2, 3, 5), (0, 1), repeats=2, axis=-1),
    row("repeat nothing", F.repeat, np.repeat, (2, 3), repeats=0, axis=0),
    row("repeat unevenly", F.repeat, np.repeat, (4, 3), (3, 3), repeats=(2, 0, 3), axis=1),
    row(
        "tile",
        lambda x: F.tile(x, (2, 1, 3)),
        lambda x: np.tile(x, (2, 1, 3)),
        (2, 3),
        (5,),
        (),
        (0, 2, 1),
        (2, 1, 3, 1),
    ),
    row("tile one number", lambda x: F.tile(x, 2), lambda x: np.tile(x, 2), (2, 3), (1,)),
    row("tile nothing", lambda x: F.tile(x, 0), lambda x: np.tile(x, 0), (2, 3)),
    row("tril", F.tril, np.tril, (3, 5), (2, 4, 3), (1, 1), (0, 3)),
    row("tril k", F.tril, np.tril, (3, 5), (5, 2), k=1),
    row("triu", F.triu, np.triu, (3, 5), (2, 4, 3), (1, 1), (0, 3)),
    row("triu k", F.triu, np.triu, (3, 5), (5, 2), k=-2),
    row("diag", F.diag, np.diag, (3, 5), (4, 2), (1, 1), (0, 3)),
    row("diag above", F.diag, np.diag, (3, 5), (4, 2), (1, 1), k=2),
    row("diag below", F.diag, np.diag, (3, 5), (4, 2), (1, 1), k=-1),
    row("diag of a vector", F.diag, diagonal_matrix, (3,), (1,), (0,), k=0),
    row("diag of a vector above", F.diag, diagonal_matrix, (3,), (1,), (0,), k=2),
    row("diag of a vector below", F.diag, diagonal_matrix, (3,), (1,), (0,), k=-1),
]

CASES = [*VIEWS, *JOINS, *ARRANGED]
