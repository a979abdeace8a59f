"""Random numbers against numbers drawn by hand from the same streams."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax as softmax_of

import lamina.functions as F
from functions.cases_noise import seeded
from lamina.check import case
from lamina.random import stream


def uniform(low, high):
    shape = np.broadcast_shapes(low.shape, high.shape)
    return low + (high - low) * stream("uniform", 0).random(shape, np.float64)


def normal(mean, std):
    shape = np.broadcast_shapes(mean.shape, std.shape)
    return mean + std * stream("normal", 0).standard_normal(shape, np.float64)


def bernoulli(p):
    return (stream("bernoulli", 0).random(p.shape, np.float64) < p) * 1.0


def gumbel(name, shape):
    return -np.log(stream(name, 0).standard_exponential(shape, np.float64))


def categorical(logits, axis=-1, shape=()):
    noisy = logits + gumbel("categorical", (*shape, *logits.shape))
    return noisy.argmax(axis % logits.ndim + len(shape))


def gumbel_softmax(logits, temperature=1.0, hard=False, axis=-1):
    y = softmax_of((logits + gumbel("gumbel_softmax", logits.shape)) / temperature, axis)
    return (y == y.max(axis, keepdims=True)) * 1.0 if hard else y


def of_shape(f):
    """With the shape that the two parameters broadcast to."""

    def call(a, b):
        return f(np.broadcast_shapes(np.shape(a), np.shape(b)), a, b)

    return seeded(call)


def row(f, reference, shapes, name="", order=2, domain=(-2.0, 2.0), **kwargs):
    """Numbers are drawn in the dtype of the parameters: those of float64 are compared."""
    return case(
        f,
        seeded(reference),
        shapes=shapes,
        kwargs=kwargs,
        order=order,
        domain=domain,
        dtypes=(np.float64,),
        name=f"{reference.__name__} {name}".strip(),
    )


SPREAD = [((2, 3), (3,)), ((1,), (1,)), ((0, 2), (2,)), ((), ())]

CASES = [
    row(of_shape(F.uniform), uniform, SPREAD, domain=[(-2, 0), (1, 2)]),
    row(of_shape(F.normal), normal, SPREAD, domain=[(-2, 2), (0.5, 2)]),
    row(seeded(F.bernoulli), bernoulli, [(5, 3), (0,), (1,), ()], order=0, domain=(0, 1)),
    row(seeded(F.categorical), categorical, [(5, 3), (0, 2), (1,)], order=0),
    row(seeded(F.categorical), categorical, [(2, 3, 2)], "of many", order=0, axis=1, shape=(4, 1)),
    row(seeded(F.gumbel_softmax), gumbel_softmax, [(2, 3), (0, 2), (1,)]),
    row(seeded(F.gumbel_softmax), gumbel_softmax, [(3, 2)], "cold", temperature=0.5, axis=0),
    row(seeded(F.gumbel_softmax), gumbel_softmax, [(4, 3)], "hard", order=0, hard=True),
]
