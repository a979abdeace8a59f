"""No garbage collection while a step becomes a program."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Let Python's collector of cycles rest.

    Hearing and planning a step makes some hundred thousand objects, most of which live on; the
    collector would walk through all of them again and again, for an eighth of the time. What is
    freed by its reference count is freed as ever.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
