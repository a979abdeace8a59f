"""Connectionist temporal classification: a sequence of symbols that nobody aligned with its input.

States are the symbols with a blank before, between and behind them: ``- a - b -``. A path goes, at
each step, on in its state, to the next one, or past a blank between two symbols that differ. The
kernels add up all paths in the logarithmic domain, forward for the loss, backward for its gradient;
the derivative of the gradient is that of the same sums, written step by step in operators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..config import current
from ..core import Function, Variable
from ..core.variable import result
from ..errors import RangeError, ShapeError
from .activation import log_softmax
from .bound import floating, wide
from .compare import where
from .index import take_along_axis
from .join import concatenate, stack
from .loss import check_reduction, reduced
from .operand import as_integer, beside
from .recurrent import by_operators
from .reduce import logsumexp
from .sequence import integers, lengths_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["ctc_loss"]

NAME = "ctc_loss"

NEVER = -1e30
"""log 0, but finite: no difference of two is NaN, and no sum of thousands overflows in float32."""


class CTCStates(Function):
    """The states of labels, ``- a - b -`` with blanks also where the labels have ended, and which
    of them may be reached past a blank. t: (n, labels), lengths: (n,). A kernel, as it checks.
    """

    classes: int
    blank: int

    def forward(self, t, lengths):
        self.check(t, lengths)
        n, count = t.shape
        states = np.full((n, 2 * count + 1), self.blank, t.dtype, like=t)
        inside = beside(np.arange(count), t) < lengths.reshape(n, 1)
        states[:, 1::2] = np.where(inside, t, self.blank)
        passes = np.zeros_like(states, dtype=np.bool_)
        passes[:, 2:] = (states[:, 2:] != self.blank) & (states[:, 2:] != states[:, :-2])
        return states, passes

    def check(self, t: Any, lengths: Any) -> None:
        """Raise RangeError for the first label that is no class, or the blank."""
        inside = beside(np.arange(t.shape[1]), t) < lengths.reshape(len(lengths), 1)
        bad = inside & ((t < 0) | (t >= self.classes) | (t == self.blank))
        if bad.any():
            place = tuple([int(i) for i in np.unravel_index(int(bad.argmax()), t.shape)])
            raise RangeError(
                f"{NAME}: label {int(t[place])} at {place} should be one of 0..{self.classes - 1} "
                f"and not the blank, {self.blank}; label_lengths says where labels end"
            )

    def backward(self, gstates, gpasses):
        return None, None

    def spec(self, t, lengths):
        shape = t.shape[0], 2 * t.shape[1] + 1
        return (shape, t.dtype), (shape, np.dtype(np.bool_))


class CTC(Function):
    """``-log Σ`` over all paths of the product of their probabilities, and the sums up to each
    state. A kernel for speed, twice that of operators (benchmarks/windows.py): a loop over time.

    e: (n, steps, states), log-probabilities; passes: (n, states); steps, last: (n,).
    """

    def forward(self, e, passes, steps, last):
        barred = np.where(passes, 0, NEVER).astype(e.dtype)[:, 2:]
        sums = np.empty_like(e)
        a = np.full_like(e[:, 0], NEVER)
        a[:, :2] = e[:, 0, :2]
        sums[:, 0] = a
        for t in range(1, e.shape[1]):
            b = a.copy()
            b[:, 1:] = np.logaddexp(b[:, 1:], a[:, :-1])
            b[:, 2:] = np.logaddexp(b[:, 2:], a[:, :-2] + barred)
            b += e[:, t]
            a = b
            sums[:, t] = a
        row = beside(np.arange(len(last)), e)
        final = sums[row, steps - 1, last]
        before = np.where(last > 0, sums[row, steps - 1, np.maximum(last - 1, 0)], NEVER)
        return -np.logaddexp(final, before.astype(e.dtype)), sums

    def backward(self, gy, gsums, e, passes, steps, last, y, sums):
        if current().grad:
            (ge, *_) = by_operators(ctc_steps, (e, passes, steps, last), (gy,))
            return ge, None, None, None
        return CTC_GRADIENT(gy, e, passes, steps, last, y, sums), None, None, None

    def spec(self, e, passes, steps, last):
        return (last.shape, e.dtype), (e.shape, e.dtype)


class CTCGradient(Function):
    """The derivative of `CTC` by e: less the probability of being in each state. Never recorded."""

    def forward(self, gy, e, passes, steps, last, y, sums):
        barred = np.where(passes, 0, NEVER).astype(e.dtype)[:, 2:]
        state = beside(np.arange(e.shape[2]), e)
        last, steps = last.reshape(-1, 1), steps.reshape(-1, 1)
        ends = np.where((state == last) | (state == last - 1), 0, NEVER).astype(e.dtype)
        possible = y.reshape(-1, 1) < -NEVER / 10
        ge = np.zeros_like(e)
        b = np.full_like(ends, NEVER)
        for t in range(e.shape[1] - 1, -1, -1):
            if t + 1 < e.shape[1]:
                a = b + e[:, t + 1]
                b = a.copy()
                b[:, :-1] = np.logaddexp(b[:, :-1], a[:, 1:])
                b[:, :-2] = np.logaddexp(b[:, :-2], a[:, 2:] + barred)
            b = np.where(steps == t + 1, ends, b)
            through = np.where(possible, sums[:, t] + b + y.reshape(-1, 1), NEVER)
            ge[:, t] = np.exp(through) * -gy.reshape(-1, 1)
        return ge

    def spec(self, gy, e, passes, steps, last, y, sums):
        return e.shape, e.dtype


CTC_, CTC_GRADIENT = CTC(), CTCGradient()


def ctc_steps(e: Any, passes: Any, steps: Any, last: Any) -> tuple[Variable]:
    """`CTC` in operators: the losses."""
    n, count, states = e.shape
    barred = where(passes, 0, NEVER).astype(e.dtype)
    nowhere = result(np.full((n, 2), NEVER, e.dtype, like=e.data))
    state = beside(np.arange(states), e.data)
    a = where(state < 2, e[:, 0], NEVER)
    for t in range(1, count):
        moved = concatenate([nowhere, a], 1)
        ways = stack([a, moved[:, 1 : states + 1], moved[:, :states] + barred])
        a = where(t < steps.reshape(n, 1), logsumexp(ways, 0) + e[:, t], a)
    end = last.reshape(n, 1)
    return (-logsumexp(where((end == state) | (end - 1 == state), a, NEVER), 1),)


def ctc_loss(
    x: ArrayLike,
    t: ArrayLike,
    lengths: ArrayLike | None = None,
    label_lengths: ArrayLike | None = None,
    *,
    blank: int = 0,
    zero_infinity: bool = False,
    reduction: str = "mean",
) -> Variable:
    """Minus the logarithm of the probability of a sequence of symbols, over all ways to align it
    with its input: ``-log Σ_paths Π_t softmax(x[i, t])[path_t]``.

    A path has a class at each step; without repetitions, and then without blanks, it is the label.
    float16 is computed in float32.

    Args:
        x: (n, steps, classes), floating: logits, or their `log_softmax`; the batch first.
        t: (n, labels): integers in 0..classes - 1, but not ``blank``; what comes after
            ``label_lengths`` may be anything.
        lengths: (n,), integers in 1..steps: how many steps of each sample count; None: all.
        label_lengths: (n,), integers in 0..labels: how many labels of each count; None: all.
        blank: the class that stands for no symbol.
        zero_infinity: where a label is too long for its input no path leads to it, the loss is
            infinite and the gradient 0; True makes the loss 0 as well.
        reduction: ``"mean"`` over samples (PyTorch's divides each loss by its label's length
            first), ``"sum"`` or ``"none"``.
    Returns:
        One number, or (n,) for ``"none"``.
    Raises:
        ShapeError: if the shapes do not fit, or the mean would be over nothing.
        RangeError: naming the first label that is no symbol, or a length outside its range.
        DTypeError: if ``x`` is not floating, or labels or lengths are not integers.
    Source:
        A. Graves and others, "Connectionist Temporal Classification: Labelling Unsegmented
        Sequence Data with Recurrent Neural Networks", 2006.
    Example:
        >>> ctc_loss(np.zeros((1, 2, 3)), [[1]])  # of 9 paths 3 are it: 1 1, 0 1, 1 0
        Variable(1.09861229, float64)
    """
    v, labels = floating(x, f"{NAME}: x"), integers(t, f"{NAME}: labels t")
    if v.ndim != 3 or not v.shape[1] or not v.shape[2]:
        raise ShapeError(f"{NAME}: x should be (n, steps, classes), 1 or more, got {v.shape}")
    n, steps, classes = v.shape
    if labels.ndim != 2 or labels.shape[0] != n:
        raise ShapeError(f"{NAME}: labels t should be ({n}, labels), got {labels.shape}")
    check_reduction(reduction, (n,), NAME)
    nothing = as_integer(blank, f"{NAME}: blank")
    if not 0 <= nothing < classes:
        raise RangeError(f"{NAME}: blank should be one of 0..{classes - 1}, got {nothing}")
    long = lengths_of(lengths, n, 1, steps, v, f"{NAME}: lengths")
    short = lengths_of(label_lengths, n, 0, labels.shape[1], v, f"{NAME}: label_lengths")
    states, passes = CTCStates(classes, nothing)(labels, short)
    e = take_along_axis(log_softmax(wide(v)), states.reshape(n, 1, states.shape[1]), 2)
    y, _ = CTC_(e, passes, long, short * 2)
    y = where(y < -NEVER / 10, y, 0.0 if zero_infinity else np.inf)
    y = reduced(y, reduction)
    return y if y.dtype == v.dtype else y.astype(v.dtype)
