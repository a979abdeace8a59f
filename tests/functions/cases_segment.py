"""Reductions over groups of rows: against loops over the segments."""

from __future__ import annotations

import math

import numpy as np
import scipy.special

import lamina.functions as F
from lamina.check import case


def rows(shape, count):
    """Rows, none close to another, and their segments; the last segment may have none."""

    def make(rng, dtype):
        x = np.asarray(rng.permutation(math.prod(shape)).reshape(shape) / 16, dtype)
        return x, rng.integers(0, count, shape[0])

    return make


def full(rng, dtype):
    """Two segments that have rows."""
    return rng.permutation(6).astype(dtype), np.array([0, 1, 1, 0, 0, 1])


SAMPLES = [rows((7, 2), 4), rows((5,), 4), rows((1, 1), 4), rows((0, 3), 4), rows((3, 2, 2), 4)]


def by_segment(reduction, nothing):
    """The reference that reduces the rows of each segment by themselves."""

    def reference(x, segments, count):
        y = np.full((count, *x.shape[1:]), nothing, float)
        for k in range(count):
            if (segments == k).any():
                y[k] = reduction(x[segments == k], 0)
        return y

    return reference


def shares(x, segments, count):
    y = np.zeros(x.shape)
    for k in range(count):
        if (segments == k).any():
            y[segments == k] = scipy.special.softmax(x[segments == k], 0)
    return y


def row(f, reference, **options):
    return case(f, reference, make=SAMPLES, kwargs={"count": 4}, **options)


CASES = [
    row(F.segment_sum, by_segment(np.sum, 0)),
    row(F.segment_mean, by_segment(np.mean, 0)),
    row(F.segment_max, by_segment(np.max, -np.inf), order=0),
    row(F.segment_min, by_segment(np.min, np.inf), order=0),
    case(F.segment_max, by_segment(np.max, 0), make=full, kwargs={"count": 2},
         name="segment_max of full segments"),
    case(F.segment_min, by_segment(np.min, 0), make=full, kwargs={"count": 2},
         name="segment_min of full segments"),
    row(F.segment_softmax, shares),
]  # fmt: skip
