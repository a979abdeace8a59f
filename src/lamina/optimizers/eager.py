"""What only an eager step can do: it reads numbers, or depends on how often it was called."""

from __future__ import annotations

from ..config import current
from ..listen.place import trace_error


def not_compiled(what: str, why: str, instead: str) -> None:
    """Raise TraceError inside a step that is being heard for `lamina.compile`.

    Args:
        what: the method.
        why: what a program cannot do.
        instead: what the user can do.
    """
    if current().tracer is not None:
        raise trace_error(f"{what} cannot be part of a compiled step: {why}", instead)
