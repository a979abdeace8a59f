"""Why an operator gave NaN or infinity, in one sentence, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .nonfinite_probe import Event, Seen, word_of

Reason = tuple[str, str]
"""What happened, and what to do."""


def reason_of(event: Event) -> Reason:
    """What happened in the operator of an event, from what was seen of its operands."""
    inputs = event.inputs
    strange = [x for x in inputs if not x.is_finite]
    if strange:
        return _of_strange(strange)
    name = word_of(event.function)
    look = REASONS.get(name)
    found = look(event.function, inputs) if look else None
    if found is None:
        found = _overflow(event) if event.output.infinite else _not_a_number(event)
    if event.backward_of is not None:
        operator = word_of(event.backward_of)
        if operator in SLOPES and any(x.zeros for x in inputs):
            return SLOPES[operator]
        return f"in the backward of {operator}: {found[0]}", found[1]
    return found


def _of_strange(strange: list[Seen]) -> Reason:
    infinite = any(x.infinite for x in strange) and not any(x.nan for x in strange)
    what = "infinity went in" if infinite else "NaN went in"
    return what, "Look at where that comes from: the batch, a constant, or NumPy code before it"


def _logarithm(function: Any, inputs: list[Seen]) -> Reason | None:
    x = inputs[0]
    edge = -1.0 if type(function).__name__ == "Log1p" else 0.0
    if x.low is None or x.low > edge:
        return None
    shown = f"{x.low:.6g}"
    plus = " plus 1" if edge else ""
    what = (
        f"the logarithm of 0{plus and ' (of -1 plus 1)'} is minus infinity"
        if x.low == edge
        else f"there is no logarithm of a number below 0, and the smallest was {shown}{plus}"
    )
    return what, (
        "Keep its argument above 0: log(x + 1e-8), or use log_softmax, log_sigmoid or logsumexp"
    )


def _exponential(function: Any, inputs: list[Seen]) -> Reason | None:
    x = inputs[0]
    name = type(function).__name__
    what = {"Exp2": "2 to the power", "Sinh": "sinh of", "Cosh": "cosh of"}.get(name)
    return (
        f"{what or 'e to the power'} {x.high:.6g} is more than {x.dtype} holds, "
        f"{_limit(x.dtype):.3g}",
        "Take the largest away first, as softmax and logsumexp do, or clip the argument",
    )


def _quotient(function: Any, inputs: list[Seen]) -> Reason | None:
    a, b = inputs
    if b.zeros:
        what = "0 is divided by 0" if a.zeros and not _has_other(a) else "something is divided by 0"
        return what, "Keep the divisor away from 0: a / (b + 1e-8), or choose with where before"
    if b.smallest is not None and b.smallest < 1e-6:
        return (
            f"it is divided by a number as small as {b.smallest:.3g}",
            "Keep the divisor away from 0: a / (b + 1e-8)",
        )
    return None


def _has_other(x: Seen) -> bool:
    return x.smallest is not None


def _root(function: Any, inputs: list[Seen]) -> Reason | None:
    x = inputs[0]
    if x.low is not None and x.low < 0:
        return (
            f"there is no square root of a number below 0, and the smallest was {x.low:.6g}",
            "Keep its argument at 0 or above: relu or clip before; a variance as mean((x - m)**2)",
        )
    if x.zeros and type(function).__name__ == "Rsqrt":
        return "1 is divided by the square root of 0", "Add a small number: rsqrt(x + 1e-8)"
    return None


def _power(function: Any, inputs: list[Seen]) -> Reason | None:
    a, b = inputs
    if a.low is not None and a.low < 0 and b.low is not None and b.low % 1:
        return (
            f"a number below 0, {a.low:.6g}, has no power {b.low:.6g}",
            "Take abs or relu before, or a whole number as the power",
        )
    if a.zeros and b.low is not None and b.low < 0:
        return f"0 to the power {b.low:.6g} is infinite", "Keep the base away from 0"
    return None


def _standardized(function: Any, inputs: list[Seen]) -> Reason | None:
    x = inputs[0]
    largest = max(abs(x.low or 0.0), abs(x.high or 0.0))
    if largest > _limit(x.dtype) ** 0.5:
        return (
            f"the square of {largest:.3g} is more than {x.dtype} holds, {_limit(x.dtype):.3g}",
            "Look at what made its input so large: weights that grew, or data not normalised",
        )
    return (
        f"it is divided by the square root of a variance of about 0 plus eps={function.eps:g}",
        "Give eps its default, 1e-5, and look whether a column of its input is constant",
    )


def _arc(function: Any, inputs: list[Seen]) -> Reason | None:
    x = inputs[0]
    name = type(function).__name__
    return (
        f"{name.lower()} is there from -1 to 1, and its argument goes from {x.low:.6g} to "
        f"{x.high:.6g}",
        "Clip the argument a little inside of -1 and 1",
    )


def _overflow(event: Event) -> Reason:
    dtype = event.output.dtype
    what = f"the result is more than {dtype} holds, {_limit(dtype):.3g}"
    if dtype == "float16":
        return what, "Compute this in float32: x.astype('float32') before, or scale it down"
    return what, "Make its operands smaller: normalise the data, or take a smaller learning rate"


def _not_a_number(event: Event) -> Reason:
    return (
        "finite numbers went in, and the formula has no number for them",
        "Look at the range of its operands, and keep them where the formula holds",
    )


def _limit(dtype: str) -> float:
    return float(np.finfo(dtype).max) if dtype.startswith("float") else np.inf


Look = Callable[[Any, list[Seen]], "Reason | None"]

REASONS: dict[str, Look] = {
    **dict.fromkeys(("Log", "Log2", "Log10", "Log1p"), _logarithm),
    **dict.fromkeys(("Exp", "Expm1", "Exp2", "Sinh", "Cosh"), _exponential),
    "Div": _quotient,
    **dict.fromkeys(("Sqrt", "Rsqrt"), _root),
    **dict.fromkeys(("Pow", "Power"), _power),
    "Standardize": _standardized,
    **dict.fromkeys(("Arcsin", "Arccos", "Arctanh"), _arc),
}
"""By the name of an operator. What is not here overflowed, or is told in general."""

SLOPES: dict[str, Reason] = {
    "Sqrt": (
        "the slope of a square root at 0 is infinite",
        "Keep its argument above 0: sqrt(x + 1e-12)",
    ),
    "Cbrt": (
        "the slope of a cube root at 0 is infinite",
        "Keep its argument away from 0",
    ),
    **dict.fromkeys(
        ("Log", "Log2", "Log10"),
        (
            "the slope of a logarithm at 0 is infinite, or 0 times infinity if where threw it away",
            "Keep its argument above 0 before the logarithm: log(where(ok, x, 1))",
        ),
    ),
    "Norm": ("the slope of a norm at 0 is not defined", "Use sqrt(sum(x * x) + 1e-12)"),
}
"""By the operator whose ``backward`` failed, where the cause is a property of its derivative."""
