"""The largest batch whose training fits into so much memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import ShapeError
from ..listen import Spec
from .memory import Memory

Peak = Callable[[Sequence[Spec], Sequence[Spec]], Memory]

LOOKS = 40
"""How often memory is predicted at most. It grows nearly in proportion, so that few are needed."""


def largest_batch(
    peak: Peak,
    inputs: Sequence[Spec],
    targets: Sequence[Spec],
    found: Memory,
    limit: int,
    exact: bool = True,
) -> int:
    """The largest batch that fits; 0 if not even one sample does.

    The batch is the first axis of the first input, and of all others that are as long.

    Args:
        peak: predicts the memory for inputs and targets.
        inputs: of some batch.
        targets: of the same.
        found: the memory for that batch.
        limit: bytes.
        exact: False for one that is smaller by up to 1 %, in less time.
    Raises:
        ShapeError: if the first input has no axis.
    """
    if not inputs[0].shape or not inputs[0].shape[0]:
        raise ShapeError(f"summary: memory= asks for a batch, and {inputs[0]} has none")
    n = inputs[0].shape[0]
    known = {n: found.peak}

    def needs(batch: int) -> int:
        if batch not in known:
            known[batch] = peak(_resized(inputs, n, batch), _resized(targets, n, batch)).peak
        return known[batch]

    if needs(1) > limit:
        return 0
    return _search(needs, limit, n, exact)


def _search(needs: Callable[[int], int], limit: int, start: int, exact: bool) -> int:
    """The largest number that fits, from 1, which does: by lines through two of them."""
    low, high, step = 1, 0, max(start, 2)
    while not high:  # one that does not fit
        if needs(step) > limit:
            high = step
        else:
            low, step = step, _beyond(low, step, needs, limit)
    for _ in range(LOOKS):
        if high - low <= (1 if exact else max(1, low // 100)):
            break
        share = (limit - needs(low)) / max(needs(high) - needs(low), 1)
        guess = low + int(share * (high - low))
        middle = min(max(guess, low + 1), high - 1)
        fits = needs(middle) <= limit
        low, high = (middle, high) if fits else (low, middle)
        if fits and middle + 1 < high and needs(middle + 1) > limit:
            high = middle + 1
    return low


def _beyond(low: int, step: int, needs: Callable[[int], int], limit: int) -> int:
    """A number that may be too large: twice, or where the line through two meets the limit."""
    if step <= low:
        return 2 * step
    slope = max((needs(step) - needs(low)) / (step - low), 1)
    return max(step + 1, min(100 * step, int(step + 1.02 * (limit - needs(step)) / slope) + 1))


def _resized(specs: Sequence[Spec], n: int, batch: int) -> tuple[Spec, ...]:
    """With ``batch`` samples in place of ``n``."""
    return tuple(
        [Spec((batch, *x.shape[1:]), x.dtype) if x.shape[:1] == (n,) else x for x in specs]
    )
