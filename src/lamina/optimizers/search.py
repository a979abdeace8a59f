"""A line search: how far to go along a direction, so that the strong Wolfe conditions hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple


class Point(NamedTuple):
    """A step length, the loss there, and its slope along the direction."""

    t: float
    loss: float
    slope: float


def strong_wolfe(
    at: Callable[[float], Point], start: Point, first: float, c1: float, c2: float, tries: int
) -> Point:
    """A ``t`` with ``f(t) <= f(0) + c1 t f'(0)`` and ``|f'(t)| <= c2 |f'(0)|``.

    Args:
        at: measures; each call counts as one of ``tries``.
        start: ``t = 0``, with a slope below 0.
        first: length to try first.
        c1: of sufficient decrease.
        c2: of curvature.
        tries: measurements at most.
    Returns:
        The point found; if there is none within ``tries``, the lowest that decreases sufficiently,
        or ``start``.
    Source:
        J. Nocedal, S. Wright, "Numerical Optimization", 2nd edition, 2006, algorithms 3.5 and 3.6.
    """
    low, before, t = start, start, first
    for left in range(tries, 0, -1):
        now = at(t)
        if not _decreases(now, start, c1) or (before.t and now.loss >= before.loss):
            return _zoom(at, start, before, now, c1, c2, left - 1)
        low = now
        if abs(now.slope) <= -c2 * start.slope:
            return now
        if now.slope >= 0:
            return _zoom(at, start, now, before, c1, c2, left - 1)
        before, t = now, 2 * t
    return low


def _zoom(
    at: Callable[[float], Point],
    start: Point,
    low: Point,
    high: Point,
    c1: float,
    c2: float,
    tries: int,
) -> Point:
    """Between ``low``, which decreases sufficiently, and ``high`` there is what is wanted."""
    for _ in range(tries):
        now = at(_between(low, high))
        if not _decreases(now, start, c1) or now.loss >= low.loss:
            high = now
            continue
        if abs(now.slope) <= -c2 * start.slope:
            return now
        if now.slope * (high.t - low.t) >= 0:
            high = low
        low = now
    return low


def _decreases(now: Point, start: Point, c1: float) -> bool:
    """The first condition; a loss that is no number does not decrease."""
    return now.loss <= start.loss + c1 * now.t * start.slope


def _between(a: Point, b: Point) -> float:
    """Where the cubic through two points and their slopes is lowest, but not close to either."""
    width = b.t - a.t
    t = a.t + width / 2
    if math.isfinite(b.loss) and math.isfinite(b.slope):
        d1 = a.slope + b.slope - 3 * (b.loss - a.loss) / width
        square = d1 * d1 - a.slope * b.slope
        if square >= 0:
            d2 = math.copysign(math.sqrt(square), width)
            below = b.slope - a.slope + 2 * d2
            t = b.t - width * (b.slope + d2 - d1) / below if below else t
    edges = sorted((a.t + 0.1 * width, a.t + 0.9 * width))
    return min(max(t, edges[0]), edges[1])
