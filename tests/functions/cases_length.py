"""Vectors by their length, against NumPy's norms; singular values against NumPy's."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from lamina.check import case


def l2_normalize(x, axis=-1, eps=1e-12):
    return x / np.maximum(np.sqrt((x * x).sum(axis, keepdims=True)), eps)


def cosine_similarity(a, b, axis=-1, eps=1e-8):
    return (l2_normalize(a, axis, eps) * l2_normalize(b, axis, eps)).sum(axis)


def weight_norm(v, g, axis=-1):
    slices = [each * g[i] / np.linalg.norm(each) for i, each in enumerate(np.moveaxis(v, axis, 0))]
    return np.moveaxis(np.array(slices).reshape(np.moveaxis(v, axis, 0).shape), 0, axis)


def spectral_norm(W, u, axis=-1, iterations=1):
    matrix = np.moveaxis(W, axis, -1).reshape(-1, W.shape[axis])
    for _ in range(iterations):
        v = matrix @ u / np.linalg.norm(matrix @ u)
        u = matrix.T @ v / np.linalg.norm(matrix.T @ v)
    return W / (v @ matrix @ u), u


CASES = [
    case(F.l2_normalize, l2_normalize, shapes=[(2, 3), (0, 3), (2, 0), (1,), (4,)]),
    case(
        F.l2_normalize,
        l2_normalize,
        shapes=[(2, 3, 2)],
        kwargs={"axis": (0, 2)},
        name="l2_normalize axes",
    ),
    case(
        F.l2_normalize,
        l2_normalize,
        shapes=[(2, 3)],
        kwargs={"eps": 100.0},
        name="l2_normalize eps",
    ),
    case(
        F.cosine_similarity,
        cosine_similarity,
        shapes=[((2, 3), (2, 3)), ((2, 3), (3,)), ((1,), (1,)), ((0, 3), (1, 3))],
    ),
    case(
        F.cosine_similarity,
        cosine_similarity,
        shapes=[((3, 2), (3, 2))],
        kwargs={"axis": 0},
        name="cosine_similarity axis",
    ),
    case(F.weight_norm, weight_norm, shapes=[((3, 2), (2,)), ((1,), (1,)), ((3, 0), (0,))]),
    case(
        F.weight_norm,
        weight_norm,
        shapes=[((2, 3, 1, 2), (2,))],
        kwargs={"axis": 0},
        name="weight_norm axis",
    ),
    # no derivatives: u and v are constants in them, see test_length
    case(F.spectral_norm, spectral_norm, shapes=[((3, 2), (2,)), ((1, 1), (1,))], order=0),
    case(
        F.spectral_norm,
        spectral_norm,
        shapes=[((2, 3, 1, 2), (2,))],
        kwargs={"axis": 0, "iterations": 3},
        order=0,
        name="spectral_norm axis",
    ),
    case(
        F.spectral_norm,
        lambda W, u: (W, u),
        make=lambda rng, dtype: (np.zeros((0, 3), dtype), np.zeros(3, dtype)),
        order=0,
        name="spectral_norm empty",
    ),
]
