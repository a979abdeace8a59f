"""Normalisation, attention, embeddings, positions, gates, what draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

import lamina.functions as F
from lamina import test_mode

from .case import Case, Draw, nn, operator, torch


def scaled(d: Draw, *shape: int) -> list[Any]:
    """A scale and a shift, or none."""
    return [d.array(*shape) if d.flag() else None for _ in range(2)]


def standard(x: np.ndarray, axes: Any, eps: float) -> np.ndarray:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def affine(y: np.ndarray, gamma: Any, beta: Any, shape: Any) -> np.ndarray:
    y = y if gamma is None else y * gamma.reshape(shape)
    return y if beta is None else y + beta.reshape(shape)


EPS = [1e-5, 1e-3, 0.125]


@operator("batch_norm", "fixed_batch_norm", "group_norm", "instance_norm")
def channels(d: Draw) -> Case:
    groups, c = d.int(1, 3), d.int(1, 3)
    c *= groups
    x = d.array(d.int(2, 4), c, *d.shape(0 if "batch" in d.name else 1, 2, least=3))
    eps, row = d.pick(EPS), (1, c, *[1] * (x.ndim - 2))
    inputs = [x, *scaled(d, c)]
    words = {"text": f"eps={eps} groups={groups}", "terms": x.size, "scale": 9.0}
    # A variance that is nearly 0 makes each rounding 1 / sqrt(eps) times as large.
    if d.name == "batch_norm":
        axes = (0, *range(2, x.ndim))
        return Case(
            lambda x, g, b: F.batch_norm(x, g, b, eps),
            inputs,
            lambda x, g, b: affine(standard(x, axes, eps), g, b, row),
            lambda x, g, b: nn.batch_norm(x, None, None, g, b, training=True, eps=eps),
            **words,
        )
    if d.name == "fixed_batch_norm":
        m, v = d.array(c), d.array(c, low=0.25)
        return Case(
            lambda x, g, b, m, v: F.fixed_batch_norm(x, m, v, g, b, eps),
            [*inputs, m, v],
            lambda x, g, b, m, v: affine(
                (x - m.reshape(row)) / np.sqrt(v.reshape(row) + eps), g, b, row
            ),
            lambda x, g, b, m, v: nn.batch_norm(x, m, v, g, b, eps=eps),
            grad=False,  # PyTorch has none by the statistics
            **words,
        )
    groups = c if d.name == "instance_norm" else groups

    def numpy(x: Any, g: Any, b: Any) -> Any:
        parts = x.reshape(len(x), groups, -1)
        return affine(standard(parts, 2, eps).reshape(x.shape), g, b, row)

    if d.name == "group_norm":
        return Case(
            lambda x, g, b: F.group_norm(x, groups, g, b, eps),
            inputs,
            numpy,
            # PyTorch's derivative fails where there is a bias and no weight: so ones.
            lambda x, g, b: nn.group_norm(
                x, groups, torch.ones(c, dtype=x.dtype) if g is None else g, b, eps
            ),
            **words,
        )
    return Case(
        lambda x, g, b: F.instance_norm(x, g, b, eps),
        inputs,
        numpy,
        lambda x, g, b: nn.instance_norm(x, weight=g, bias=b, eps=eps),
        **words,
    )


@operator("layer_norm", "rms_norm")
def features(d: Draw) -> Case:
    x = d.array(*d.shape(1, 4, least=2))
    count, eps = d.int(1, x.ndim), d.pick(EPS)
    axis = tuple(range(-count, 0))
    shape = x.shape[-count:]
    words = {"text": f"axis={axis} eps={eps}", "terms": x.size, "scale": 9.0}
    gamma, beta = scaled(d, *shape)
    if d.name == "layer_norm":
        return Case(
            lambda x, g, b: F.layer_norm(x, g, b, axis, eps),
            [x, gamma, beta],
            lambda x, g, b: affine(standard(x, axis, eps), g, b, shape),
            lambda x, g, b: nn.layer_norm(x, shape, g, b, eps),
            **words,
        )
    return Case(
        lambda x, g: F.rms_norm(x, g, axis, eps),
        [x, gamma],
        lambda x, g: affine(x / np.sqrt((x * x).mean(axis, keepdims=True) + eps), g, None, shape),
        lambda x, g: nn.rms_norm(x, shape, g, eps),
        **words,
    )


@operator("local_response_norm")
def local_response_norm(d: Draw) -> Case:
    x = d.array(d.int(1, 3), d.int(1, 7), *d.shape(1, 2))
    size, alpha, beta, k = d.int(1, 5), d.number(0.125, 1), d.number(0.25, 1), d.number(0.5, 2)

    def numpy(x: np.ndarray) -> np.ndarray:
        sums = np.zeros(x.shape)
        for i in range(x.shape[1]):
            near = slice(max(i - size // 2, 0), i + (size - 1) // 2 + 1)
            sums[:, i] = (x[:, near] ** 2).sum(1)
        return x / (k + alpha * sums) ** beta

    return Case(
        lambda x: F.local_response_norm(x, size, alpha, beta, k),
        [x],
        numpy,
        # PyTorch divides alpha by the size, the paper and lamina do not.
        lambda x: nn.local_response_norm(x, size, alpha * size, beta, k),
        text=f"{size} {alpha} {beta} {k}",
        terms=size,
        scale=9.0,
    )


@operator("l2_normalize", "cosine_similarity", "weight_norm")
def lengths(d: Draw) -> Case:
    x = d.array(*d.shape(1, 3, least=2))
    axis = d.axis(x.ndim)
    words = {"text": f"axis={axis}", "terms": x.size, "scale": 3.0}
    if d.name == "l2_normalize":
        return Case(
            lambda x: F.l2_normalize(x, axis),
            [x],
            lambda x: x / np.linalg.norm(x, axis=axis, keepdims=True),
            lambda x: nn.normalize(x, dim=axis),
            **words,
        )
    if d.name == "cosine_similarity":
        return Case(
            lambda a, b: F.cosine_similarity(a, b, axis),
            [x, d.array(*x.shape)],
            lambda a, b: (
                (a * b).sum(axis) / np.linalg.norm(a, axis=axis) / np.linalg.norm(b, axis=axis)
            ),
            lambda a, b: nn.cosine_similarity(a, b, axis),
            **words,
        )
    axis %= x.ndim
    others = tuple(i for i in range(x.ndim) if i != axis)
    row = [-1 if i == axis else 1 for i in range(x.ndim)]
    return Case(
        lambda v, g: F.weight_norm(v, g, axis),
        [x, d.array(x.shape[axis])],
        lambda v, g: v * g.reshape(row) / np.sqrt((v * v).sum(others, keepdims=True)),
        lambda v, g: torch._weight_norm(v, g.reshape(row), axis),
        **words,
    )


@operator("scaled_dot_product_attention", "grouped_query_attention")
def attention(d: Draw) -> Case:
    n, kv, each = d.int(1, 2), d.int(1, 3), d.int(1, 2)
    grouped = d.name == "grouped_query_attention"
    heads = kv * each if grouped else kv
    queries, keys, size, e = d.int(1, 5), d.int(1, 6), d.int(1, 4), d.int(1, 4)
    kind = d.pick(["none", "causal", "bools", "numbers"])
    q, k, v = d.array(n, heads, queries, size), d.array(n, kv, keys, size), d.array(n, kv, keys, e)
    mask: Any = None
    if kind == "bools":
        mask = d.bools(n, 1, queries, keys)
        mask[..., 0] = True  # PyTorch's is not defined where no key is seen; lamina gives zeros
    if kind == "numbers":
        mask = d.array(queries, keys)
    causal = kind == "causal" or d.int(0, 3) == 0
    scale = d.pick([None, 0.5])
    f = getattr(F, d.name)

    def numpy(q: Any, k: Any, v: Any, mask: Any) -> Any:
        k, v = (np.repeat(t, heads // kv, 1) for t in (k, v))
        a = q @ k.swapaxes(-1, -2) * (1 / np.sqrt(size) if scale is None else scale)
        if causal:
            a = np.where(np.tri(queries, keys, dtype=bool), a, -np.inf)
        if mask is not None:
            a = np.where(mask, a, -np.inf) if mask.dtype == bool else a + mask
        return sc.softmax(a, -1) @ v

    def peer(q: Any, k: Any, v: Any, mask: Any) -> Any:
        alone = causal and mask is None  # PyTorch takes one of both
        if causal and not alone:
            seen = torch.tensor(np.tri(queries, keys, dtype=bool))
            mask = mask & seen if kind == "bools" else mask.masked_fill(~seen, -np.inf)  # type: ignore[union-attr]
        return nn.scaled_dot_product_attention(
            q, k, v, mask, is_causal=alone, scale=scale, enable_gqa=grouped
        )

    return Case(
        lambda q, k, v, mask: f(q, k, v, mask, causal=causal, scale=scale),
        [q, k, v, mask],
        numpy,
        peer,
        text=f"{kind} {causal} {scale}",
        terms=8 * (queries + keys + size) * heads,
        scale=9.0,
    )


@operator("embedding", "embedding_bag", "one_hot")
def table(d: Draw) -> Case:
    rows, size = d.int(1, 6), d.int(1, 5)
    if d.name == "one_hot":
        t = d.labels(rows, *d.shape())
        return Case(
            lambda t: F.one_hot(t, rows, np.int64),
            [t],
            lambda t: np.eye(rows, dtype=np.int64)[t],
            lambda t: nn.one_hot(t, rows),
            raw=True,
            grad=False,
        )
    W = d.array(rows, size)
    if d.name == "embedding":
        x, none = d.labels(rows, *d.shape()), d.pick([None, d.int(0, rows - 1)])
        # PyTorch's padding stops only the gradient, and its row may hold anything; here it is 0.
        return Case(
            lambda x, W: F.embedding(x, W, none),
            [x, W],
            lambda x, W: W[x] * (x != none)[..., None],
            lambda x, W: (
                nn.embedding(x, W) * (x != none if none is not None else x == x)[..., None]
            ),
            text=f"padding={none}",
            terms=x.size,
            scale=3.0,
        )
    x, mode = d.labels(rows, d.int(1, 5), d.int(1, 5)), d.pick(["mean", "sum", "max"])
    return Case(
        lambda x, W: F.embedding_bag(x, W, mode),
        [x, W],
        lambda x, W: getattr(np, mode)(W[x], axis=1),
        lambda x, W: nn.embedding_bag(x, W, mode=mode),
        text=mode,
        terms=x.size,
        scale=3.0,
        # Of a row that is named twice PyTorch's largest is one, lamina's are both, half each.
        grad=mode != "max",
    )


@operator("glu", "reglu", "geglu", "swiglu", "maxout", "crelu")
def gate(d: Draw) -> Case:
    shape = list(d.shape(1, 3))
    axis = d.axis(len(shape))
    if d.name in ("maxout", "crelu"):
        pieces = d.int(1, 3)
        shape[axis] *= pieces
        x, at = d.array(*shape), axis % len(shape)
        if d.name == "crelu":
            return Case(
                lambda x: F.crelu(x, axis),
                [x],
                lambda x: np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)], axis),
                lambda x: torch.cat([x.relu(), (-x).relu()], axis),
            )
        split = [*shape[:at], shape[at] // pieces, pieces, *shape[at + 1 :]]
        return Case(
            lambda x: F.maxout(x, pieces, axis),
            [x],
            lambda x: x.reshape(split).max(at + 1),
            lambda x: x.reshape(split).amax(at + 1),
            text=f"{pieces} {axis}",
        )
    shape[axis] *= 2
    g: Any = {
        "glu": sc.expit,
        "reglu": lambda b: np.maximum(b, 0),
        "geglu": lambda b: b * sc.ndtr(b),
        "swiglu": lambda b: b * sc.expit(b),
    }[d.name]
    word = {"glu": "sigmoid", "reglu": "relu", "geglu": "gelu", "swiglu": "silu"}[d.name]

    def numpy(x: np.ndarray) -> np.ndarray:
        a, b = np.split(x, 2, axis)
        return a * g(b)

    def peer(x: Any) -> Any:
        a, b = x.chunk(2, axis)
        return a * getattr(nn, word)(b)

    f = getattr(F, d.name)
    return Case(lambda x: f(x, axis), [d.array(*shape)], numpy, peer, text=f"{axis}", scale=9.0)


@operator(
    *["dropout", "channel_dropout", "alpha_dropout", "drop_path", "gaussian_dropout"],
    "gaussian_noise",
)
def noise(d: Draw) -> Case:
    """What predictions see: nothing is drawn, nothing changes."""

    def quiet(x: Any) -> Any:
        with test_mode():
            return getattr(F, d.name)(x)

    return Case(quiet, [d.array(*d.shape(2))], lambda x: x, lambda x: x * 1)


@operator("sinusoidal_positions", "rotary_embedding", "alibi_bias")
def positions(d: Draw) -> Case:
    n, half = d.int(1, 5), d.int(1, 4)
    base = d.pick([100.0, 10000.0])
    p = d.array(n, low=0, high=9)
    speeds = base ** (-np.arange(half) / half)
    if d.name == "sinusoidal_positions":

        def waves(p: np.ndarray) -> np.ndarray:
            a = p[:, None] * speeds
            return np.stack([np.sin(a), np.cos(a)], -1).reshape(n, 2 * half)

        # An angle up to 9 is rounded before its sine is taken.
        return Case(lambda p: F.sinusoidal_positions(p, 2 * half, base=base), [p], waves, scale=9.0)
    if d.name == "alibi_bias":
        heads = 2 ** d.int(0, 3)
        slopes = 2.0 ** (-8 * np.arange(1, heads + 1) / heads)
        return Case(
            lambda p, q: F.alibi_bias(p, q, heads, dtype=d.dtype),
            [p, d.array(half)],
            lambda p, q: -slopes[:, None, None] * np.abs(p[:, None] - q),
            scale=12.0,
        )
    x, paired = d.array(*d.shape(0, 2), n, 2 * half), d.flag()

    def turned(x: np.ndarray, p: np.ndarray) -> np.ndarray:
        a = p[:, None] * speeds
        cut = (slice(0, None, 2), slice(1, None, 2)) if paired else (slice(half), slice(half, None))
        one, two, y = x[..., cut[0]], x[..., cut[1]], np.empty(x.shape)
        y[..., cut[0]] = one * np.cos(a) - two * np.sin(a)
        y[..., cut[1]] = two * np.cos(a) + one * np.sin(a)
        return y

    return Case(
        lambda x, p: F.rotary_embedding(x, p, base=base, interleaved=paired),
        [x, p],
        turned,
        text=f"{base} {paired}",
        scale=27.0,
    )


@operator("uniform", "normal", "bernoulli", "categorical", "gumbel_softmax")
def certain(d: Draw) -> Case:
    """Draws of which nothing is left to chance: no reference has the same random numbers."""
    shape, c = d.shape(0, 3), d.int(1, 5)
    x = d.array(*shape)
    t = d.labels(c, *shape)
    if d.name == "uniform":  # from an interval of no length
        return Case(lambda x: F.uniform(shape, x, x, dtype=d.dtype), [x], lambda x: x)
    if d.name == "normal":
        return Case(lambda x: F.normal(shape, x, 0.0, dtype=d.dtype), [x], lambda x: x)
    if d.name == "bernoulli":
        p = d.bools(*shape).astype(d.dtype)
        return Case(F.bernoulli, [p], lambda p: p)
    sure = np.where(np.arange(c) == t[..., None], 0, -np.inf).astype(d.dtype)
    if d.name == "categorical":
        return Case(F.categorical, [sure], lambda x: t)
    sure = np.maximum(sure, d.dtype.type(-1000))  # more than Gumbel's numbers ever are
    return Case(lambda x: F.gumbel_softmax(x, hard=d.flag()), [sure], lambda x: (x == 0) * 1.0)


@operator("spectral_norm")
def spectral_norm(d: Draw) -> Case:
    shape, count = d.shape(2, 4), d.int(1, 4)
    axis = d.int(0, len(shape) - 1)
    u = d.array(shape[axis], low=0.5)

    def numpy(W: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        A, v = np.moveaxis(W, axis, -1).reshape(-1, len(u)), u
        for _ in range(count):
            v = A @ u / np.linalg.norm(A @ u)
            u = A.T @ v / np.linalg.norm(A.T @ v)
        return W / (v @ A @ u), u

    return Case(
        lambda W, u: F.spectral_norm(W, u, axis, iterations=count),
        [d.array(*shape, low=0.25), u],  # positive: no length is nearly 0
        numpy,
        text=f"{axis} {count}",
        terms=int(np.prod(shape)) * count,
        scale=3.0,
    )
