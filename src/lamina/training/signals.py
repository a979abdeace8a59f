"""Ctrl-C, and what else asks a process to end: the step is finished first."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

WORDS = b"\nlamina: ends after this step; Ctrl-C again ends at once\n"


class Signals:
    """For a ``with`` block, the first Ctrl-C or SIGTERM asks; a Ctrl-C after it ends at once.

    Only the main thread can hear signals: elsewhere nothing changes. A Ctrl-C is heard also where
    the process was started with SIGINT ignored, as shells do for jobs in the background.

    Args:
        ask: called at the first signal, with a reason.
    Attributes:
        heard: the signal that asked; None if none did.
    """

    def __init__(self, ask: Callable[[str], None]):
        self.ask = ask
        self.heard: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            # None: the handler was not set by Python, and cannot be set again by it
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.heard is None:
            self.heard = signal.Signals(number)
            os.write(2, WORDS)  # print() may be what was interrupted, and cannot be entered twice
            self.ask("Ctrl-C" if number == signal.SIGINT else self.heard.name)
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
