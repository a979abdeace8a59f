"""Columns against a loop over every place, and sums of columns against the same loop."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from functions.cases_pool import each
from lamina.check import case


def places(size, kernel, stride, padding, dilation):
    """Each number of a column and each place: where it lies in the image."""
    rank = len(size)
    kernel, stride = each(kernel, rank), each(stride, rank)
    padding, dilation = each(padding, rank), each(dilation, rank)
    out = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    ]
    for row, i in enumerate(np.ndindex(*kernel)):
        for column, at in enumerate(np.ndindex(*out)):
            where = [
                a * s + b * d - p
                for a, s, b, d, p in zip(at, stride, i, dilation, padding, strict=True)
            ]
            yield (
                row,
                column,
                where if all(0 <= w < n for w, n in zip(where, size, strict=True)) else None,
            )


def unfold(x, kernel, stride=1, padding=0, dilation=1):
    found = list(places(x.shape[2:], kernel, stride, padding, dilation))
    rows, columns = found[-1][0] + 1, found[-1][1] + 1
    y = np.zeros((*x.shape[:2], rows, columns))
    for row, column, where in found:
        if where is not None:
            y[:, :, row, column] = x[(slice(None), slice(None), *where)]
    return y.reshape(len(x), x.shape[1] * rows, columns)


def fold(x, size, kernel, stride=1, padding=0, dilation=1):
    found = list(places(size, kernel, stride, padding, dilation))
    rows = found[-1][0] + 1
    y = np.zeros((len(x), x.shape[1] // rows, *size))
    parts = x.reshape(len(x), -1 if x.size else x.shape[1] // rows, rows, x.shape[2])
    for row, column, where in found:
        if where is not None:
            y[(slice(None), slice(None), *where)] += parts[:, :, row, column]
    return y


def row(f, reference, name, shapes, *words, **kwargs):
    return case(f, reference, shapes=shapes, kwargs=kwargs, name=f"{f.__name__} {name}".strip())


CASES = [
    row(F.unfold, unfold, "", [(2, 3, 4, 5), (0, 2, 3, 3)], kernel=(2, 3)),
    row(F.unfold, unfold, "1d", [(2, 3, 7), (1, 1, 2)], kernel=2, stride=2, padding=1, dilation=2),
    row(F.unfold, unfold, "3d", [(1, 2, 3, 4, 2)], kernel=(2, 3, 1), stride=(1, 2, 1)),
    row(F.unfold, unfold, "of one number", [(1, 1, 1)], kernel=1),
    row(F.fold, fold, "", [(2, 18, 9), (0, 6, 9)], size=(4, 5), kernel=(2, 3)),
    row(F.fold, fold, "1d", [(2, 6, 4)], size=(7,), kernel=2, stride=2, padding=1, dilation=2),
    row(F.fold, fold, "of one number", [(1, 1, 1)], size=(1,), kernel=1),
]
