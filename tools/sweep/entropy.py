"""Losses of classes and of yes or no."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

import lamina.functions as F

from .case import Case, Draw, nn, operator, torch
from .loss import REDUCTIONS, loss, reduced


def logits(d: Draw) -> tuple[np.ndarray, np.ndarray, int]:
    c = d.int(1, 6)
    n, *places = d.shape(1, 3)
    return d.array(n, c, *places, low=-9, high=9), d.labels(c, n, *places), c


def of_probabilities(d: Draw, x: np.ndarray) -> Case:
    """Cross entropy whose labels are distributions."""
    q = np.asarray(sc.softmax(d.array(*x.shape), 1), x.dtype)
    w = d.array(x.shape[1], low=0.25) if d.flag() else None
    smooth, reduction = d.pick([0.0, 0.125]), d.pick(REDUCTIONS)

    def numpy(x: Any, q: Any) -> Any:
        q = (1 - smooth) * q + smooth / x.shape[1]
        y = -np.moveaxis(q * sc.log_softmax(x, 1), 1, -1)
        y = (y if w is None else y * w).sum(-1)
        return np.asarray(reduced(y, reduction))

    def peer(x: Any, q: Any) -> Any:
        weight = None if w is None else torch.tensor(w.astype(np.float64))
        words = {"weight": weight, "label_smoothing": smooth, "reduction": reduction}
        return nn.cross_entropy(x, q, **words)

    return Case(
        lambda x, q: F.softmax_cross_entropy(
            x, q, weight=w, label_smoothing=smooth, reduction=reduction
        ),
        [x, q],
        numpy,
        peer,
        text=f"probabilities {reduction} {smooth}",
        terms=x.size,
        scale=54.0,
    )


@operator("softmax_cross_entropy", "nll_loss", "focal_loss")
def cross_entropy(d: Draw) -> Case:
    x, t, c = logits(d)
    if d.name == "softmax_cross_entropy" and d.int(0, 3) == 0:
        return of_probabilities(d, x)
    w = d.array(c, low=0.25) if d.flag() else None
    ignored = d.int(0, c - 1) if d.int(0, 2) == 0 else None
    reduction = d.pick(REDUCTIONS)
    words: dict[str, Any] = {"ignore_index": ignored}
    if d.name == "softmax_cross_entropy":
        words["label_smoothing"] = d.pick([0.0, 0.125])
    gamma = d.number(0, 3)
    if d.name == "focal_loss":
        words["gamma"] = gamma
    nothing = ignored is not None and bool((t == ignored).all())
    f = getattr(F, d.name)
    g = nn.nll_loss if d.name == "nll_loss" else nn.cross_entropy

    def theirs(x: Any, t: Any, w: Any) -> Any:
        more = {"weight": w, "ignore_index": -100 if ignored is None else ignored}
        if d.name != "focal_loss":
            return g(
                x,
                t,
                **more,
                **{k: v for k, v in words.items() if "smooth" in k},
                reduction=reduction,
            )
        y = nn.cross_entropy(x, t, **more, reduction="none")
        p = x.softmax(1).gather(1, t[:, None])[:, 0]
        y = (1 - p).clip(1e-300) ** gamma * y
        held = (t != ignored) if ignored is not None else torch.ones_like(t)
        total = (held * (1.0 if w is None else w[t])).sum()
        return y.sum() / total if reduction == "mean" else reduced(y, reduction)

    def ours(x: Any, t: Any, w: Any) -> Any:
        x = x if d.name == "nll_loss" else sc.log_softmax(x, 1)
        w = np.ones(c) if w is None else w
        held = np.ones(t.shape) if ignored is None else t != ignored
        p = np.take_along_axis(x, t[:, None], 1)[:, 0]
        y = -p * w[t]
        if d.name == "focal_loss":
            y = (1 - np.exp(p)) ** gamma * y
        s = words.get("label_smoothing", 0.0)
        y = (1 - s) * y - s * np.moveaxis(x, 1, -1) @ w / c if s else y
        y, total = y * held, (w[t] * held).sum()
        return np.asarray(y.sum() / total if reduction == "mean" else reduced(y, reduction))

    numpy: Any = ours
    peer: Any = theirs
    if nothing and reduction == "mean":  # 0 in lamina, NaN in PyTorch: the docstring says so
        numpy, peer = (lambda x, t, w: np.zeros(())), None
    return Case(
        lambda x, t, w: f(x, t, weight=w, reduction=reduction, **words),
        [x, t, w],
        numpy,
        peer,
        text=f"{reduction} {words}",
        terms=x.size,
        scale=27.0,
        # PyTorch has no derivative by the weights, focal_loss's power none at 1 - p = 0.
        grad=w is None and not (c == 1 and d.name == "focal_loss"),
    )


@operator("sigmoid_cross_entropy", "binary_cross_entropy", "sigmoid_focal_loss")
def yes_or_no(d: Draw) -> Case:
    shape = d.shape(1)
    x, t = d.array(*shape, low=-9, high=9), d.array(*shape, low=0, high=1)
    if d.name == "sigmoid_cross_entropy":
        w = d.array(shape[-1], low=0.25) if d.flag() else None
        reduction = d.pick(REDUCTIONS)

        def each(x: Any, t: Any, w: Any) -> Any:
            return np.logaddexp(0, -x) * t * (1 if w is None else w) + (1 - t) * np.logaddexp(0, x)

        return Case(
            lambda x, t, w: F.sigmoid_cross_entropy(x, t, pos_weight=w, reduction=reduction),
            [x, t, w],
            lambda *x: np.asarray(reduced(each(*x), reduction)),
            lambda x, t, w: nn.binary_cross_entropy_with_logits(
                x, t, pos_weight=w, reduction=reduction
            ),
            text=reduction,
            terms=x.size,
            scale=27.0,
            grad=w is None,  # PyTorch has none by the weights
        )
    if d.name == "binary_cross_entropy":
        p = d.array(*shape, low=0.01, high=0.99)
        return loss(
            d,
            [p, t],
            lambda p, t: -t * np.log(p) - (1 - t) * np.log(1 - p),
            lambda p, t, r: nn.binary_cross_entropy(p, t, reduction=r),
        )
    alpha, gamma = d.pick([None, 0.25, 0.75]), d.number(0, 3)

    def focal(x: np.ndarray, t: np.ndarray) -> np.ndarray:
        p, a, b = sc.expit(x), *((1, 1) if alpha is None else (alpha, 1 - alpha))
        yes = a * t * (1 - p) ** gamma * np.logaddexp(0, -x)
        return yes + b * (1 - t) * p**gamma * np.logaddexp(0, x)

    return loss(d, [x, t], focal, alpha=alpha, gamma=gamma)
