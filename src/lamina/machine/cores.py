"""How many threads a team has."""

from __future__ import annotations

import os

from ..errors import RangeError
from ..processors import cores

MOST = 65535  # threads of a team


def threads_wanted() -> int:
    """``LAMINA_THREADS``; without it, one for each core that this process may use.

    Raises:
        RangeError: ``LAMINA_THREADS`` is no positive integer.
    """
    text = os.environ.get("LAMINA_THREADS", "").strip()
    if not text:
        return min(cores(), MOST)
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise RangeError(
            f"LAMINA_THREADS is {text!r}; set it to a number of threads, from 1 to {MOST}"
        )
    return int(text)
