"""profile: where the time of a step goes, and its memory, by layer and by operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from ..compiler import Step
from ..errors import DTypeError, RangeError
from .profile_compiled import CompiledProfile, profile_compiled
from .profile_report import Profile
from .profile_watch import Watch


@overload
def profile() -> Watch: ...
@overload
def profile(step: Step, *batch: Any, steps: int = 10) -> CompiledProfile: ...
@overload
def profile(step: Callable[..., Any], *batch: Any, steps: int = 10) -> Profile: ...
def profile(step: Any = None, *batch: Any, steps: int = 10) -> Any:
    """Time and memory by layer and operator, of forward, backward and update.

    Without a step it is a context: what runs inside, in this thread, is looked at. With one the
    step runs once to make what lasts, and then ``steps`` times under the look: training goes on.

    Nothing is looked at outside of the context, and then it costs nothing: the look takes the place
    of the methods that apply an operator, and they are put back. Inside, each event takes about
    3 µs longer (docs/insight.md).

    A compiled step has no layers and operators any more, but groups of instructions: it is compiled
    once more with a clock in each, as ``lamina.compile(profile=True)`` does.

    Args:
        step: a function of ``batch``, eager or compiled.
        *batch: its arguments.
        steps: how often it runs.
    Returns:
        A context that gives a `Profile`, or a `Profile`, or a `CompiledProfile`. Each prints, shows
        as HTML, is drawn by rich, and is written as a Chrome trace by ``save``.
    Raises:
        DTypeError: ``step`` is no function.
        RangeError: ``steps`` is below 1.
        GraphError: another look is running.
    Example:
        >>> import numpy as np
        >>> from lamina import functions as F
        >>> from lamina.layers import Linear
        >>> layer = Linear(3)
        >>> with profile() as found:
        ...     F.sum(layer(np.ones((4, 2), np.float32))).backward()
        >>> sorted([(row.name, row.calls) for row in found.operators])
        [('Linear', 1.0), ('Sum', 1.0)]
    """
    if step is None:
        return Watch()
    if not callable(step):
        raise DTypeError(f"profile: step should be a function, got {step!r:.60}")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise RangeError(f"profile: steps should be an integer of 1 or more, got {steps!r}")
    if isinstance(step, Step):
        return profile_compiled(step, batch, steps)
    step(*batch)
    with Watch(steps) as found:
        for _ in range(steps):
            with found.span("step", "step"):
                step(*batch)
    return found
