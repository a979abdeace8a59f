"""One process at a time writes the folder of a run: a lock that ends with its process."""

from __future__ import annotations

import os
import weakref
from contextlib import suppress
from pathlib import Path

from ..errors import CheckpointError

try:
    import fcntl
except ImportError:  # Windows: folders cannot be locked there
    fcntl = None


class Hold:
    """The folder of a run, held until `release` or the end of the process.

    A process that is forked, such as a worker of a `Loader`, does not hold it.

    Args:
        folder: that is there.
    Raises:
        CheckpointError: another process, or another trainer of this one, writes there.
    """

    def __init__(self, folder: Path):
        self.file: int | None = None
        if fcntl is None:
            return
        file = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise CheckpointError(
                f"Trainer: another training writes to {folder} now; wait for its end, or choose "
                "another folder"
            ) from None
        except OSError:  # a file system without locks
            os.close(file)
            return
        self.file = file
        HELD.add(self)

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()

    def release(self) -> None:
        """Let others write."""
        if self.file is not None:
            os.close(self.file)
            self.file = None

    __del__ = release


HELD: weakref.WeakSet[Hold] = weakref.WeakSet()


def _forget() -> None:
    """In a process that was forked: what is open there would hold on for the one that made it."""
    for hold in list(HELD):
        with suppress(OSError):
            hold.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
