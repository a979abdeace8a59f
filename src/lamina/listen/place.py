"""The user's own line, for messages: the innermost one that is neither lamina's nor NumPy's."""

from __future__ import annotations

import linecache
import os
import sys

import numpy as np

from ..errors import TraceError

_INSIDE = (
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep,
    os.path.dirname(os.path.abspath(np.__file__)) + os.sep,
    "<frozen ",
)


def user_line() -> str:
    """Where lamina was called from: ``train.py, line 12: `if loss > 1:` ``."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame = frame.f_back
    file, number = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(file, number, frame.f_globals).strip()
    return f"{file}, line {number}" + (f": `{text}`" if text else "")


def trace_error(problem: str, hint: str) -> TraceError:
    """A TraceError that says what cannot be heard, what to do, and where the user wrote it."""
    return TraceError(f"{problem}; {hint}. At {user_line()}")
