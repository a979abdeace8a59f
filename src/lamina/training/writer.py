"""Writer: a thread that writes while training goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple


class Job(NamedTuple):
    """Something to write.

    Attributes:
        write: writes it.
        must: it is written even if a newer one comes first.
    """

    write: Callable[[], object]
    must: bool


class Writer:
    """Writes in a thread of its own, one job after the other.

    Whoever submits never waits: a job that waits while a newer one comes is left out, unless it
    must be written; and of those, too, only the newest waits. What a job raises is raised at the
    next `check`, `submit` or `wait`. The thread ends when nothing is left, and Python waits for it
    before it exits.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._waiting: list[Job] = []
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def submit(self, write: Callable[[], object], must: bool = False) -> None:
        """Have something written, as soon as what is being written is done."""
        self.check()
        with self._lock:
            kept = [] if must else [job for job in self._waiting if job.must]
            self._waiting = [*kept, Job(write, must)]
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="lamina writer")
                self._thread.start()

    def check(self) -> None:
        """Raise what a job raised."""
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def wait(self) -> None:
        """Wait until all is written, and `check`."""
        thread = self._thread
        if thread is not None:
            thread.join()
        self.check()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                job = self._waiting.pop(0)
            try:
                job.write()
            except BaseException as error:  # noqa: BLE001 (raised in the thread that trains)
                self._error = error
