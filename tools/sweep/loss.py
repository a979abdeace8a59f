"""Losses, with all reductions and options."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import scipy.special as sc

import lamina.functions as F

from .case import Case, Draw, nn, operator, torch

REDUCTIONS = ["mean", "sum", "none"]


def reduced(y: Any, reduction: str) -> Any:
    return y if reduction == "none" else getattr(y, reduction)()


def loss(d: Draw, inputs: list[Any], each: Any, peer: Any = None, **words: Any) -> Case:
    """A loss whose elements are ``each``, in NumPy, and its reduction the plain one.

    ``peer`` gets the reduction's word after the inputs.
    """
    f, reduction = getattr(F, d.name), d.pick(REDUCTIONS)
    return Case(
        lambda *x: f(*x, reduction=reduction, **words),
        inputs,
        each and (lambda *x: np.asarray(reduced(each(*x), reduction))),
        peer and (lambda *x: peer(*x, reduction)),
        text=f"{reduction} {words}",
        terms=max(x.size for x in inputs if isinstance(x, np.ndarray)),
        scale=16.0,  # squares of differences
    )


def signs(d: Draw, *shape: int) -> np.ndarray:
    return np.where(d.bools(*shape), 1.0, -1.0).astype(d.dtype)


@operator("mean_squared_error", "mean_absolute_error", "log_cosh_loss")
def error(d: Draw) -> Case:
    shape = d.shape()
    xs = [d.array(*shape), d.array(*shape)]
    if d.name == "mean_squared_error":
        return loss(
            d, xs, lambda x, t: (x - t) ** 2, lambda x, t, r: nn.mse_loss(x, t, reduction=r)
        )
    if d.name == "mean_absolute_error":
        return loss(
            d, xs, lambda x, t: np.abs(x - t), lambda x, t, r: nn.l1_loss(x, t, reduction=r)
        )
    return loss(
        d,
        xs,
        lambda x, t: np.log(np.cosh(x - t)),
        lambda x, t, r: reduced((x - t).cosh().log(), r),
    )


@operator("huber_loss", "smooth_l1_loss", "quantile_loss")
def bent(d: Draw) -> Case:
    shape, p = d.shape(), d.number(0.25, 2)
    xs = [d.array(*shape), d.array(*shape)]
    if d.name == "quantile_loss":
        q = d.number(0, 1)
        return loss(
            d,
            xs,
            lambda x, t: np.where(x < t, q * (t - x), (1 - q) * (x - t)),
            lambda x, t, r: reduced(torch.where(x < t, q * (t - x), (1 - q) * (x - t)), r),
            quantile=q,
        )

    def huber(x: np.ndarray, t: np.ndarray) -> np.ndarray:
        return sc.huber(p, x - t)

    if d.name == "huber_loss":
        return loss(
            d, xs, huber, lambda x, t, r: nn.huber_loss(x, t, reduction=r, delta=p), delta=p
        )
    return loss(
        d,
        xs,
        lambda x, t: huber(x, t) / p,
        lambda x, t, r: nn.smooth_l1_loss(x, t, reduction=r, beta=p),
        beta=p,
    )


@operator("poisson_nll_loss", "gaussian_nll_loss")
def likelihood(d: Draw) -> Case:
    shape = d.shape(1)
    x, t, full = d.array(*shape, low=0.25), d.array(*shape), d.flag()
    if d.name == "gaussian_nll_loss":
        v = d.array(*shape, low=0.25)
        return loss(
            d,
            [x, t, v],
            lambda x, t, v: (np.log(v) + (x - t) ** 2 / v + full * np.log(2 * np.pi)) / 2,
            lambda x, t, v, r: nn.gaussian_nll_loss(x, t, v, full=full, reduction=r),
            full=full,
        )
    t, log = np.floor(np.abs(t)), d.flag()

    def each(x: np.ndarray, t: np.ndarray) -> np.ndarray:
        y = np.exp(x) - t * x if log else x - t * np.log(x)
        return y + full * sc.gammaln(t + 1)

    # PyTorch's is full by Stirling's formula, as the docstring says, and has 1e-8 in its log.
    peer = None if full or not log else lambda x, t, r: nn.poisson_nll_loss(x, t, reduction=r)
    case = loss(d, [x, t.astype(np.int64)], each, peer, log_input=log, full=full)
    return case


@operator("hinge_loss", "squared_hinge_loss", "soft_margin_loss")
def hinge(d: Draw) -> Case:
    shape, m = d.shape(), d.number(0, 2)
    xs = [d.array(*shape), signs(d, *shape).astype(np.int64)]
    if d.name == "soft_margin_loss":
        return loss(
            d,
            xs,
            lambda x, t: np.logaddexp(0, -t * x),
            lambda x, t, r: nn.soft_margin_loss(x, t, reduction=r),
        )
    power = 1 + (d.name == "squared_hinge_loss")
    return loss(
        d,
        xs,
        lambda x, t: np.maximum(0, m - t * x) ** power,
        lambda x, t, r: reduced((m - t * x).clip(0) ** power, r),
        margin=m,
    )


@operator("margin_ranking_loss", "cosine_embedding_loss", "contrastive_loss", "triplet_loss")
def pairs(d: Draw) -> Case:
    shape, m = d.shape(1, 3), d.number(0, 1)
    a, b = d.array(*shape), d.array(*shape)
    t = signs(d, *shape).astype(np.int64)
    if d.name == "margin_ranking_loss":
        return loss(
            d,
            [a, b, t],
            lambda a, b, t: np.maximum(0, m - t * (a - b)),
            lambda a, b, t, r: nn.margin_ranking_loss(a, b, t, m, reduction=r),
            margin=m,
        )
    n = shape[-1]
    a, b, t = a.reshape(-1, n), b.reshape(-1, n), t.reshape(-1, n)[:, 0]
    if d.name == "cosine_embedding_loss":

        def each(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
            c = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
            return np.where(t == 1, 1 - c, np.maximum(0, c - m))

        return loss(
            d,
            [a, b, t],
            each,
            # PyTorch's own loss has 1e-12 under its roots; its cosine has not.
            lambda a, b, t, r: reduced(cosine_loss(a, b, t, m), r),
            margin=m,
        )
    if d.name == "contrastive_loss":
        m += 0.5

        def apart(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
            s = np.linalg.norm(a - b, axis=-1)
            return np.where(t == 1, s**2, np.maximum(0, m - s) ** 2) / 2

        return loss(d, [a, b, np.maximum(t, 0)], apart, margin=m)
    return triplet(d, [a, b, d.array(*a.shape)], m + 0.125)  # PyTorch wants more than 0


def cosine_loss(a: Any, b: Any, t: Any, m: float) -> Any:
    c = nn.cosine_similarity(a, b, -1)
    return torch.where(t == 1, 1 - c, (c - m).clip(0))


def triplet(d: Draw, xs: list[Any], m: float) -> Case:
    squared, swap = d.flag(), d.flag()

    def each(a: np.ndarray, p: np.ndarray, n: np.ndarray) -> np.ndarray:
        power = 2 if squared else 1
        near, far, other = (
            np.linalg.norm(u - v, axis=-1) ** power for u, v in [(a, p), (a, n), (p, n)]
        )
        return np.maximum(0, near - (np.minimum(far, other) if swap else far) + m)

    # PyTorch adds 1e-6 to each difference; here it is told to add nothing.
    peer = (
        None
        if squared
        else lambda a, p, n, r: nn.triplet_margin_loss(
            a, p, n, margin=m, eps=0.0, swap=swap, reduction=r
        )
    )
    return loss(d, xs, each, peer, margin=m, squared=squared, swap=swap)


@operator("multi_margin_loss", "multi_label_margin_loss", "multi_label_soft_margin_loss")
def classes_lead(d: Draw) -> Case:
    n, c, m, power = d.int(1, 5), d.int(1, 5), d.number(0.25, 2), d.int(1, 2)
    x = d.array(n, c)
    w = d.array(c, low=0.25) if d.flag() else None
    if d.name == "multi_margin_loss":
        t = d.labels(c, n)

        def each(x: np.ndarray, t: np.ndarray) -> np.ndarray:
            rows = np.arange(n)
            y = np.maximum(0, m - x[rows, t][:, None] + x) ** power
            y[rows, t] = 0
            return y.sum(1) / c * (1 if w is None else w[t])

        weight = None if w is None else w.astype(np.float64)
        return loss(
            d,
            [x, t],
            each,
            lambda x, t, r: nn.multi_margin_loss(
                x, t, power, m, None if weight is None else torch.tensor(weight), reduction=r
            ),
            power=power,
            margin=m,
            weight=w,
        )
    t = d.labels(2, n, c)
    if d.name == "multi_label_soft_margin_loss":
        return loss(
            d,
            [x, t],
            lambda x, t: ((np.logaddexp(0, x) - t * x) * (1 if w is None else w)).mean(1),
            lambda x, t, r: nn.multilabel_soft_margin_loss(
                x, t, None if w is None else torch.tensor(w.astype(np.float64)), reduction=r
            ),
            weight=w,
        )

    def listed(t: Any) -> Any:
        """PyTorch's list of the classes that hold, and then -1."""
        rows = [[j for j in range(c) if row[j]] for row in t.tolist()]
        return torch.tensor([row + [-1] * (c - len(row)) for row in rows])

    def leading(x: np.ndarray, t: np.ndarray) -> np.ndarray:
        lead = np.maximum(0, 1 - x[:, :, None] + x[:, None, :])
        return (lead * t[:, :, None] * (1 - t[:, None, :])).sum((1, 2)) / c

    return loss(
        d, [x, t], leading, lambda x, t, r: nn.multilabel_margin_loss(x, listed(t), reduction=r)
    )


@operator("kl_divergence", "js_divergence")
def divergence(d: Draw) -> Case:
    shape = d.shape(1, 3, least=2)
    p, q = d.array(*shape, low=0.125, high=1), d.array(*shape, low=0.125, high=1)
    axis = d.axis(len(shape))
    if d.name == "kl_divergence":
        return loss(
            d,
            [d.array(*shape, low=-9, high=0), q],
            lambda x, t: (t * (np.log(t) - x)).sum(axis),
            lambda x, t, r: reduced(nn.kl_div(x, t, reduction="none").sum(axis), r),
            axis=axis,
        )

    def each(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        m = (p + q) / 2
        return (sc.rel_entr(p, m) + sc.rel_entr(q, m)).sum(axis) / 2

    return loss(d, [p, q], each, axis=axis)


@operator("tversky_loss", "dice_loss", "iou_loss")
def regions(d: Draw) -> Case:
    shape = d.shape(2, 4)
    p, t = d.array(*shape, low=0, high=1), d.array(*shape, low=0, high=1)
    a, b, s = d.number(0.25, 2), d.number(0.25, 2), d.number(0.25, 2)
    axes = tuple(range(1, len(shape)))

    def each(p: Any, t: Any) -> Any:
        hit, false, missed = (p * t).sum(axes), (p * (1 - t)).sum(axes), ((1 - p) * t).sum(axes)
        if d.name == "dice_loss":
            return 1 - (2 * hit + s) / (p.sum(axes) + t.sum(axes) + s)
        if d.name == "iou_loss":
            return 1 - (hit + s) / (p.sum(axes) + t.sum(axes) - hit + s)
        return 1 - (s + hit) / (s + hit + a * false + b * missed)

    words = {"alpha": a, "beta": b} if d.name == "tversky_loss" else {}
    return loss(d, [p, t], each, lambda p, t, r: reduced(each(p, t), r), smooth=s, **words)


@operator("info_nce")
def info_nce(d: Draw) -> Case:
    n, m, size, heat = d.int(1, 5), d.int(0, 3), d.int(1, 4), d.number(0.25, 1)
    xs = [d.array(n, size), d.array(n, size), d.array(m, size) if m else None]
    normalize = d.flag()

    def peer(q: Any, k: Any, more: Any, r: str) -> Any:
        keys = k if more is None else torch.cat([k, more])
        if normalize:
            q, keys = nn.normalize(q, dim=-1), nn.normalize(keys, dim=-1)
        return nn.cross_entropy(q @ keys.T / heat, torch.arange(n), reduction=r)

    def each(q: Any, k: Any, more: Any) -> Any:
        keys = k if more is None else np.concatenate([k, more])
        if normalize:
            q, keys = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (q, keys))
        return -np.diagonal(sc.log_softmax(q @ keys.T / heat, -1))

    case = loss(d, xs, each, peer, temperature=heat, normalize=normalize)
    case.scale = 9.0 * size / heat
    return case


@operator("ctc_loss")
def ctc(d: Draw) -> Case:
    n, steps, c, labels = d.int(1, 3), d.int(3, 8), d.int(2, 4), d.int(1, 3)
    x, blank = d.array(n, steps, c), d.int(0, c - 1)
    others = [k for k in range(c) if k != blank]
    t = np.array([[d.pick(others) for _ in range(labels)] for _ in range(n)])
    lengths = np.array([d.int(min(2 * labels, steps), steps) for _ in range(n)])
    counts = np.array([d.int(1, labels) for _ in range(n)])
    reduction, zero = d.pick(REDUCTIONS), d.flag()

    repeats = [sum(a == b for a, b in itertools.pairwise(row[:k])) for row, k in zip(t, counts)]
    feasible = bool((counts + repeats <= lengths).all())

    def peer(x: Any) -> Any:
        # By time first; its mean divides by labels, lamina's does not: the docstring says so.
        y = nn.ctc_loss(
            x.log_softmax(-1).transpose(0, 1),
            torch.tensor(t),
            torch.tensor(lengths),
            torch.tensor(counts),
            blank=blank,
            reduction="none",
            zero_infinity=zero,
        )
        return reduced(y, reduction)

    return Case(
        lambda x: F.ctc_loss(
            x, t, lengths, counts, blank=blank, zero_infinity=zero, reduction=reduction
        ),
        [x],
        None,
        peer,
        text=f"{t.tolist()} {lengths} {counts} {blank} {zero} {reduction}",
        terms=n * steps * 4,
        scale=30.0,
        # Where no path leads to a label lamina's gradient is 0, PyTorch's NaN unless told.
        grad=zero or feasible,
    )
