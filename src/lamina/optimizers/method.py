"""Method: an optimizer by name, which is a chain around one link, and what all of these share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

from ..errors import DTypeError
from .groups import Chain, Groups
from .optimizer import Optimizer
from .schedule import Schedule
from .transformation import AddDecay, ClipNorm, ClipValue, Filter, Transformation


class Common(TypedDict, total=False):
    """What every method takes, by keyword.

    Attributes:
        decay: which parameters decay: a glob, a function of (name, parameter), or None for those
            with two axes or more, so neither biases nor the parameters of normalisations.
        clip_norm: limit of the norm of all gradients together, applied after ``clip_value``.
        clip_value: limit of each number in them.
        groups: what is different for parameters that a glob names: a dict for each glob, with
            ``lr``, ``scale`` of the rate, or any argument of the method; see `Method`.
    """

    decay: Filter
    clip_norm: float | None
    clip_value: float | None
    groups: Groups


SHARED = ("decay", "clip_norm", "clip_value")
"""Those of `Common` that a group may have for itself."""


class Method(Optimizer):
    """An optimizer by name: clipping, weight decay, one or a few links, and the step.

    Groups take any argument of the method. One that gives its own ``weight_decay`` decays all of
    its parameters, biases too, unless it says otherwise with ``decay``. A ``clip_norm`` is of the
    norm of the whole model, whatever the groups, unless a group has its own.

    Args:
        links: makes what stands between clipping and the step, from ``numbers``: a link, or a tuple
            of them, in which ``...`` stands for weight decay.
        lr: the learning rate, a number of 0 or more or a schedule.
        common: what every method takes.
        weight_decay: 0 or more.
        decoupled: weight decay comes behind the links, not in front.
        **numbers: arguments of ``links``.
    Raises:
        DTypeError: an argument that there is not.
    Example:
        >>> import numpy as np
        >>> from lamina import Variable
        >>> from lamina.optimizers import AdamW
        >>> groups = {"*/b": dict(weight_decay=0.0, beta1=0.8), "head/*": dict(scale=0.1)}
        >>> optimizer = AdamW(lr=0.01, weight_decay=0.1, groups=groups)
        >>> optimizer = optimizer.setup({"l1/b": Variable([1.0]), "head/W": Variable([[1.0]])})
        >>> optimizer.rate_of("l1/b"), optimizer.rate_of("head/W")
        (0.01, 0.001)
    """

    def __init__(
        self,
        links: Callable[..., Any],
        lr: float | Schedule,
        common: Common,
        *,
        weight_decay: float = 0.0,
        decoupled: bool = False,
        **numbers: Any,
    ):
        what = type(self).__name__
        options = {**numbers, "weight_decay": weight_decay, **common}
        groups = options.pop("groups", None)
        known = [*numbers, "weight_decay", *SHARED]
        unknown = [name for name in options if name not in known]
        if unknown:
            raise DTypeError(
                f"{what}: there is no argument {unknown[0]!r}; there are lr, {', '.join(known)}, "
                "groups"
            )

        def chain(changes: dict[str, Any]) -> Chain:
            if "weight_decay" in changes:
                changes = {"decay": "*", **changes}
            merged = {**options, **changes}
            return _chain(links, {k: merged[k] for k in numbers}, merged, decoupled)

        super().__init__(*chain({}), lr=lr)
        self._regroup(groups, known, chain)


def _chain(
    links: Callable[..., Any], numbers: dict[str, Any], common: dict[str, Any], decoupled: bool
) -> Chain:
    made = links(**numbers)
    chain: list[Any] = [made] if isinstance(made, Transformation) else list(made)
    place = chain.index(...) if ... in chain else None
    if place is None:
        place = len(chain) if decoupled else 0
        chain.insert(place, ...)
    chain[place : place + 1] = _decay(common["weight_decay"], common.get("decay"))
    return (*_clipping(common.get("clip_value"), common.get("clip_norm")), *chain)


def _clipping(clip_value: float | None, clip_norm: float | None) -> Chain:
    """What the raw gradients pass first: each number is limited, then the norm of all."""
    value = () if clip_value is None else (ClipValue(clip_value),)
    norm = () if clip_norm is None else (ClipNorm(clip_norm),)
    return (*value, *norm)


def _decay(rate: float, decay: Filter) -> Chain:
    link = AddDecay(rate, decay)
    return (link,) if rate else ()
