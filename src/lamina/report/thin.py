"""A long series of numbers as a short one, in which nothing that stuck out is lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Array


@dataclass(frozen=True)
class Curve:
    """What is drawn of one metric of one run: a bucket of records, or each record, a point.

    Attributes:
        name: as in the file: ``"held_out/loss"``.
        event: ``"step"`` or ``"epoch"``.
        x: (k, 3), the place of each point: iteration, epoch, seconds.
        mean, low, high: (k,) each, of the finite values of a bucket; NaN where it has none.
        broken: (m, 3), the places of values that are not finite.
        count: how many values there were.
        last: the newest value.
    """

    name: str
    event: str
    x: Array
    mean: Array
    low: Array
    high: Array
    broken: Array
    count: int
    last: float


def thin(name: str, event: str, x: Array, y: Array, most: int) -> Curve:
    """At most ``most`` points, each with the smallest and the largest value that it stands for.

    Args:
        name: of the metric.
        event: of the metric.
        x: (n, 3), places in ascending order.
        y: (n,), values; not all need be finite.
        most: 2 or more; with as many values or fewer, each is a point of its own.
    Example:
        >>> y = np.zeros(1_000_000)
        >>> y[123_456] = 7
        >>> curve = thin("loss", "step", np.arange(3e6).reshape(-1, 3), y, 500)
        >>> len(curve.x), float(curve.high.max()), float(curve.low.max())
        (500, 7.0, 0.0)
    """
    finite = np.isfinite(y)
    starts = np.linspace(0, len(y), min(most, len(y)), endpoint=False).astype(int)
    count = np.add.reduceat(finite, starts, dtype=float)
    count[count == 0] = np.nan
    with np.errstate(invalid="ignore", over="ignore"):
        mean = np.add.reduceat(np.where(finite, y, 0), starts) / count
        low = np.minimum.reduceat(np.where(finite, y, np.inf), starts) + 0 * count
        high = np.maximum.reduceat(np.where(finite, y, -np.inf), starts) + 0 * count
    sizes = np.diff([*starts, len(y)])
    place = np.add.reduceat(x, starts, axis=0) / sizes[:, None]
    place[0], place[-1] = x[0], x[-1]  # a curve reaches from the first record to the last
    return Curve(name, event, place, mean, low, high, _few(x[~finite]), len(y), float(y[-1]))


def _few(places: Array, most: int = 40) -> Array:
    """Some of the places, the first among them."""
    return places[:: -(-len(places) // most)] if len(places) else places
