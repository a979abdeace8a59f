"""What a process keeps in memory: pages that it freed, and pages of a library that it leaves."""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Callable
from pathlib import Path

KEPT, WHOLE = 256 << 20, 32 << 20
"""Bytes of freed memory that a process keeps; and of an array that goes back by itself, the most
that glibc allows."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of options, from glibc's malloc.h."""

MADV_DONTNEED = 4
"""Number of an advice, from Linux's mman-common.h."""

MAPS = Path("/proc/self/smaps")
"""What lies where in this process; Linux has it."""


def give_back() -> None:
    """Let the system have the memory that was freed.

    glibc keeps it: of a step of a GPT that ran once as it is, 80 MB of 180 (`workloads.py W6`).
    """
    trim = _of_the_library("malloc_trim")
    if trim is not None:
        trim(0)


@functools.cache
def keep() -> None:
    """Let glibc keep what is freed, up to KEPT bytes, for the arrays of the next step.

    An eager step takes and frees the same large arrays again and again. Where these pages go back
    to the system and come anew, filled with zeros, that is 5 of 23 ms (`workloads.py W5`). Nothing
    is changed where the user has set how glibc does it.
    """
    own = any([name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ])
    option = None if own else _of_the_library("mallopt")
    if option is not None:
        option(M_MMAP_THRESHOLD, WHOLE)
        option(M_TRIM_THRESHOLD, KEPT)


def leave(library: str) -> None:
    """Let the system have the pages of a library's file that this process has read.

    LLVM's are 65 MB of a process that has made or loaded machine code (`workloads.py W6`), and are
    read once. They are as they are on disk, so nothing is lost: who needs one again finds it in the
    system's cache of files. To load code again takes 1 ms longer for it.

    Args:
        library: what the file's name begins with.
    """
    advise = _of_the_library("madvise")
    if advise is None:
        return
    for start, end in _unwritten(library):
        advise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_DONTNEED)


@functools.cache
def _unwritten(library: str) -> list[tuple[int, int]]:
    """Where the parts of a library begin and end of which no page was, or can be, written.

    Source: Linux, "The /proc Filesystem": a page of a private part that was written is anonymous.
    """
    found: list[tuple[int, int]] = []
    place, still = (0, 0), False
    for line in MAPS.read_text(errors="replace").splitlines() if MAPS.exists() else ():
        head, *rest = line.split()
        if not head.endswith(":"):
            start, end = head.split("-")
            place = int(start, 16), int(end, 16)
            still = "w" not in rest[0] and Path(line).name.startswith(library)
        elif head == "Anonymous:" and rest[0] == "0" and still:
            found.append(place)
    return found


@functools.cache
def _of_the_library(name: str) -> Callable[..., int] | None:
    """A function of the C library's; None where that has none of this name."""
    try:
        return getattr(ctypes.CDLL(None), name, None)
    except TypeError:  # Windows wants a name
        return None
