"""How many cores and threads there are for this process."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import RangeError

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


def cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """The cores that this process may use: those it may run on, within a container's quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        time, period = quota.read_text(encoding="ascii").split()
        return max(1, min(count, int(time) // int(period)))
    except (OSError, ValueError):  # no such file, or "max"
        return count
