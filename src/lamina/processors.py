"""How many processors this process may use."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import RangeError

MOST = 65535  # threads of a team
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def cores(limit: Path = QUOTA) -> int:
    """Those it may run on, within a container's quota."""
    allowed = quota(limit)
    return affinity() if allowed is None else max(1, min(affinity(), int(allowed)))


def affinity() -> int:
    """Those it may run on."""
    asked = getattr(os, "sched_getaffinity", None)
    return len(asked(0)) if asked else os.cpu_count() or 1


def quota(limit: Path = QUOTA) -> float | None:
    """The processor time in a second that a container allows; None where there is no limit.

    Source: Linux, "Control Group v2", ``cpu.max``: microseconds, and of how many.
    """
    try:
        time, period = limit.read_text(encoding="ascii").split()
        return int(time) / int(period)
    except (OSError, ValueError):  # no such file, or "max"
        return None


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
