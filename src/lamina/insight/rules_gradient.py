"""Rules about units, weights, gradients and updates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Array
from .rule import Found, listed, rule

if TYPE_CHECKING:
    from .facts import Facts

DEAD = 0.5  # the share of units that are silent, above which a layer is called dead
SATURATED = 0.8  # the share of results within 1 % of the limits of sigmoid or tanh
DEEP = 1e5  # the ratio of gradients of the first and the last matrix
HUGE = 1e4  # the length of all gradients, in lengths of all weights
ACCUMULATED = 4.0  # how many times longer the old gradient is than that of this batch


@rule(
    "not-finite-weights",
    "Load the last good checkpoint, and let NonFinite(), a callback, find the step that made them",
)
def not_finite_weights(facts: Facts) -> Found:
    """NaN or infinity in Parameters."""
    bad = [path for path, w in facts.weights.items() if not np.isfinite(w).all()]
    if bad:
        yield listed(bad), "weights are NaN or infinite"


@rule(
    "dead-units",
    "Lower the learning rate or the bias, start with he_normal(), or use leaky_relu or gelu",
    explained_by=("constant-input", "not-normalised", "not-finite-data", "not-finite-weights",
                  "symmetric-weights"),
)  # fmt: skip
def dead_units(facts: Facts) -> Found:
    """Units of relu that are zero for the whole batch: nothing can wake them."""
    for node, y in facts.outputs.items():
        if type(node.function).__name__ != "Relu" or y.ndim < 2 or len(y) < 8:
            continue
        others = (0, *range(2, y.ndim)) if y.ndim > 3 else tuple(range(y.ndim - 1))
        silent = ~(y > 0).any(axis=others)
        if silent.mean() > DEAD:
            yield (
                facts.where(node),
                f"{int(silent.sum())} of {silent.size} units of relu are 0 for all "
                f"{len(y)} samples",
            )


@rule(
    "saturated-units",
    "Scale inputs or weights down, or normalise before the activation: there is no gradient at the "
    "limits",
    explained_by=("not-normalised", "not-finite-data", "not-finite-weights"),
)
def saturated_units(facts: Facts) -> Found:
    """Results of sigmoid or tanh at their limits."""
    for node, y in facts.outputs.items():
        name = type(node.function).__name__
        if name == "Relu" or y.size < 8:
            continue
        low = 0.0 if name == "Sigmoid" else -1.0
        share = float(((y > 0.99) | (y < low + 0.01)).mean())
        if share > SATURATED:
            yield (
                facts.where(node),
                f"{share:.0%} of the results of {name.lower()} are at its limits",
            )


@rule(
    "symmetric-weights",
    "Draw weights at random (lecun_normal(), he_normal()): equal units stay equal for ever",
)
def symmetric_weights(facts: Facts) -> Found:
    """Units that start equal and get equal gradients."""
    same = [
        path
        for path, w in facts.weights.items()
        if w.ndim > 1 and _units_equal(w) and _units_equal(facts.gradients.get(path))
    ]
    if same:
        yield listed(same), "all units have the same weights, and the same gradient"


def _units_equal(w: Array | None) -> bool:
    """Whether all columns of a matrix, or all filters (out, in, h, w), are the same."""
    if w is None or not np.isfinite(w).all():
        return False
    units = w.T if w.ndim == 2 else w
    return len(units) > 1 and bool(np.allclose(units, units[:1], rtol=1e-5, atol=0))


def _sizes(facts: Facts) -> dict[str, float]:
    """Gradient by weight, root mean squares, of each matrix in order of assignment."""
    found: dict[str, float] = {}
    for path, w in facts.weights.items():
        g = facts.gradients.get(path)
        if w.ndim > 1 and g is not None and np.isfinite(g).all() and w.any():
            found[path] = float(np.linalg.norm(g) / np.linalg.norm(w))
    return found


@rule(
    "vanishing-gradients",
    "Use relu or gelu, he_normal(), a normalisation, or residual connections",
    explained_by=("bias-only", "dead-units", "symmetric-weights", "saturated-units",
                  "constant-input", "not-finite-weights", "not-finite-data"),
)  # fmt: skip
def vanishing_gradients(facts: Facts) -> Found:
    """Gradients that get lost on the way to the first layers."""
    sizes = _sizes(facts)
    if len(sizes) < 2:
        return
    first, *_, last = sizes
    small, large = sizes[first], sizes[last]
    if large > 0 and small * DEEP < large:
        yield first, f"gradient by weight is {small:.2g} here and {large:.2g} at {last}"


@rule(
    "exploding-gradients",
    "Start with smaller weights (lecun_normal(), he_normal()), normalise, or clip with ClipNorm",
    explained_by=("not-normalised", "not-finite-data", "not-finite-weights", "not-finite-loss"),
)
def exploding_gradients(facts: Facts) -> Found:
    """Gradients that grow on the way, or are huge everywhere."""
    sizes = _sizes(facts)
    if not sizes:
        return
    path, most = max(sizes.items(), key=lambda item: item[1])
    if most > HUGE:
        yield path, f"the gradient is {most:.2g} times as long as the weights"


@rule(
    "forgotten-cleargrads",
    "Call model.cleargrads() before every backward(): gradients add up",
    explained_by=("foreign-model", "loss-without-graph"),
)
def forgotten_cleargrads(facts: Facts) -> Found:
    """Gradients that the model had, and that are the sum of several."""
    pairs = [(g, facts.gradients.get(path)) for path, g in facts.before.items()]
    old = _length(g for g, _ in pairs)
    new = _length(g for _, g in pairs if g is not None)
    if new > 0 and old > ACCUMULATED * new:
        yield (
            listed(facts.before),
            f"the model holds gradients {old / new:.3g} times as long as those of this batch",
        )


def _length(arrays: object) -> float:
    return float(np.sqrt(sum(float(np.square(a, dtype=np.float64).sum()) for a in arrays)))  # type: ignore[attr-defined]


def ratios(facts: Facts) -> dict[str, float]:
    """Update by weight, root mean squares, of each trained matrix that is not zero."""
    if facts.optimizer is None:
        return {}
    moves = facts.trial.first
    return {
        path: float(np.linalg.norm(moves[path]) / np.linalg.norm(w))
        for path, w in facts.weights.items()
        if w.ndim > 1 and path in moves and w.any() and facts.gradients[path] is not None
    }


@rule(
    "updates-too-large",
    "Lower the learning rate of these parameters, or start them with larger weights: about one "
    "thousandth is usual",
    explained_by=("learning-rate-too-large", "not-finite-data", "not-finite-weights",
                  "not-finite-loss", "not-normalised", "exploding-gradients"),
)  # fmt: skip
def updates_too_large(facts: Facts) -> Found:
    """A first update larger than the weights."""
    large = {path: r for path, r in ratios(facts).items() if r > 1}
    for path, ratio in large.items():
        yield path, f"the first update is {ratio:.2g} times as long as the weights"


@rule(
    "updates-too-small",
    "Raise the learning rate of these parameters: about one thousandth of the weights is usual",
    explained_by=("vanishing-gradients", "learning-rate-too-small", "dead-units", "bias-only",
                  "symmetric-weights", "saturated-units", "no-gradient"),
)  # fmt: skip
def updates_too_small(facts: Facts) -> Found:
    """A first update that changes next to nothing."""
    trained = ratios(facts)
    small = {path: r for path, r in trained.items() if r < 1e-7}
    frozen = {path for path, p in facts.model.named_params() if not p.requires_grad}
    small = {path: r for path, r in small.items() if path not in frozen}
    if small and len(small) < len(trained):
        yield listed(small), f"the first update is {max(small.values()):.2g} of the weights or less"
