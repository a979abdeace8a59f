"""A team of which one thread comes late: what was written without a barrier behind it is missed."""

from __future__ import annotations

import ctypes
import time
from typing import Any

from lamina.machine import barrier
from lamina.machine.team import Team, functions

KIND = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
LATE = 1e-3
"""Seconds: the other threads do a hundred times what a test gives them to do."""


class LateTeam(Team):
    """Two threads, of which one leaves each barrier when the other has gone on.

    What it is to write between two barriers it has not written yet when the other one looks, so a
    barrier that is missing is found each time, and not once in a thousand.

    Args:
        late: which.
    """

    def __init__(self, late: int) -> None:
        self._which = late
        self._real: Any = KIND(functions().address("barrier"))
        self._late: Any = KIND(self._barrier)
        super().__init__(2)

    def _prepare(self) -> None:
        super()._prepare()
        self._put(barrier.BARRIER, ctypes.cast(self._late, ctypes.c_void_p).value or 0)

    def _barrier(self, table: int, tid: int, threads: int) -> None:
        self._real(table, tid, threads)
        if tid == self._which:
            time.sleep(LATE)
