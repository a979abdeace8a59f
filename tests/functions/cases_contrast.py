"""Losses of pairs and triples of vectors, against NumPy's norms, one pair at a time."""

from __future__ import annotations

import numpy as np
from numpy.linalg import norm

import lamina.functions as F
from functions.cases_loss import reduced, softmax_cross_entropy
from lamina.check import case


def each(f, count):
    """The reference of a loss of vectors: ``f`` of one row of each of the first ``count``."""

    def reference(*xs, reduction="mean", **kwargs):
        lead = xs[0].shape[:-1]
        y = np.zeros(lead)
        for place in np.ndindex(*lead):
            y[place] = f(*[x[place] for x in xs[: count + 1]], **kwargs)
        return reduced(y, reduction)

    return reference


def cosine_embedding(a, b, t, margin=0.0):
    similar = a @ b / norm(a) / norm(b)
    return 1 - similar if t == 1 else max(0.0, similar - margin)


def triplet(a, p, n, margin=1.0, squared=False, swap=False):
    def apart(x, y):
        return norm(x - y) ** 2 if squared else norm(x - y)

    far = min(apart(a, n), apart(p, n)) if swap else apart(a, n)
    return max(0.0, apart(a, p) - far + margin)


def contrastive(a, b, t, margin=1.0):
    return t * norm(a - b) ** 2 / 2 + (1 - t) * max(0.0, margin - norm(a - b)) ** 2 / 2


def info_nce(q, k, negatives=None, temperature=0.07, normalize=True, reduction="mean"):
    k = k if negatives is None else np.concatenate([k, negatives])
    if normalize:
        q, k = q / norm(q, axis=1, keepdims=True), k / norm(k, axis=1, keepdims=True)
    return softmax_cross_entropy(q @ k.T / temperature, np.arange(len(q)), reduction=reduction)


def pairs(shape, labels):
    def make(rng, dtype):
        a, b = [rng.uniform(-1, 1, shape).astype(dtype) for _ in range(2)]
        return a, b, np.asarray(rng.choice(labels, shape[:-1]))

    return make


def row(f, reference, makes, name="", **kwargs):
    return case(f, reference, make=makes, kwargs=kwargs, name=f"{f.__name__} {name}".strip())


def triples(name="", shapes=((3, 4), (2, 2, 3)), **kwargs):
    called = f"triplet_loss {name}".strip()
    shapes = [(s,) * 3 for s in shapes]
    return case(F.triplet_loss, each(triplet, 2), shapes=shapes, kwargs=kwargs, name=called)


SIDES = [pairs(s, [-1, 1]) for s in ((4, 3), (2,))]

CASES = [
    row(F.cosine_embedding_loss, each(cosine_embedding, 2), [*SIDES, pairs((1, 1), [1])]),
    row(
        F.cosine_embedding_loss,
        each(cosine_embedding, 2),
        [pairs((5, 3), [-1, 1]), pairs((0, 3), [1])],
        "margin",
        margin=0.4,
        reduction="none",
    ),
    triples(),
    triples("squared", squared=True, margin=0.2, reduction="sum"),
    triples("swap", swap=True, reduction="none", shapes=((3, 4), (1, 1), (0, 3))),
    row(F.contrastive_loss, each(contrastive, 2), [pairs(s, [0, 1]) for s in ((4, 2), (3,))]),
    row(
        F.contrastive_loss,
        each(contrastive, 2),
        [pairs(s, [0, 1]) for s in ((4, 2), (1, 1), (0, 2))],
        "margin",
        margin=2.5,
        reduction="none",
    ),
    case(F.info_nce, info_nce, shapes=[((3, 4), (3, 4))], kwargs={"temperature": 0.5}),
    case(
        F.info_nce,
        info_nce,
        shapes=[((3, 4), (3, 4)), ((1, 1), (1, 1)), ((0, 3), (0, 3))],
        kwargs={"normalize": False, "temperature": 2.0, "reduction": "none"},
        name="info_nce of products",
    ),
    case(
        F.info_nce,
        info_nce,
        shapes=[((2, 3), (2, 3), (4, 3))],
        kwargs={"temperature": 0.5, "reduction": "sum"},
        name="info_nce negatives",
    ),
]
