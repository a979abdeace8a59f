"""A disk in memory that can lose its power, and what may be on it afterwards.

What was written but not synced may be there, or not, or in part; so may each change of a name
until its folder is synced. After SQLite's test6.c.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from lamina.files.disk import Disk

TARGET = "m"


class Step(NamedTuple):
    """One request, as the disk keeps it: names are those of files, contents those of inodes."""

    kind: str
    inode: int = -1
    data: bytes = b""
    name: str = ""
    old_name: str = ""


class MemoryDisk(Disk):
    """Keeps what it is asked for in ``log``. ``broken`` names requests that it only pretends."""

    def __init__(self, broken: str = ""):
        self.log: list[Step] = []
        self.broken = broken
        self.names: dict[str, int] = {}

    def _note(self, kind: str, *rest: Any, **fields: Any) -> None:
        if kind != self.broken:
            self.log.append(Step(kind, *rest, **fields))

    def create(self, path: str) -> int:
        inode = len(self.log)
        self.names[path] = inode
        self._note("create", inode, name=path)
        return inode

    def write(self, fd: int, data: memoryview) -> int:
        self._note("write", fd, bytes(data))
        return len(data)

    def fsync(self, fd: int) -> None:
        self._note("fsync", fd)

    def close(self, fd: int) -> None:
        pass

    def replace(self, fd: int, source: str, target: str) -> None:
        self._note("rename", fd, name=TARGET, old_name=source)

    def remove(self, path: str) -> None:
        self._note("remove", name=path)

    def sync_folder(self, path: str) -> None:
        self._note("sync_folder")


class HastyDisk(MemoryDisk):
    """Renames first and syncs then."""

    def fsync(self, fd: int) -> None:
        self.waiting = fd

    def replace(self, fd: int, source: str, target: str) -> None:
        super().replace(fd, source, target)
        super().fsync(fd)


def after_power_loss(log: list[Step], rng: random.Random) -> bytes | None:
    """What the target may hold, if the power goes after ``log``; None if it is not there."""
    contents: dict[int, bytes] = {}
    pending: dict[int, list[bytes]] = {}
    names: dict[str, int] = {}
    changes: list[Step] = []
    for step in log:
        if step.kind == "create":
            contents[step.inode], pending[step.inode] = b"", []
        if step.kind == "write":
            pending[step.inode].append(step.data)
        elif step.kind == "fsync":
            contents[step.inode] += b"".join(pending[step.inode])
            pending[step.inode] = []
        elif step.kind == "sync_folder":
            apply(changes, names, lambda: True)
            changes = []
        else:
            changes.append(step)
    apply(changes, names, lambda: rng.random() < 0.5)
    if TARGET not in names:
        return None
    inode = names[TARGET]
    return contents[inode] + torn(pending[inode], rng)


def apply(changes: list[Step], names: dict[str, int], happens: Callable[[], bool]) -> None:
    """Change names, as many of them as ``happens``."""
    for step in changes:
        if happens():
            names.pop(step.old_name or step.name, None)
            if step.kind != "remove":
                names[step.name] = step.inode


def torn(writes: list[bytes], rng: random.Random) -> bytes:
    """What may be left of writes that were not synced: lost as holes, cut, or whole."""
    content = b""
    for data in writes:
        kept = rng.choice((0, rng.randrange(len(data) + 1), len(data)))
        content += data[:kept] + bytes(len(data) - kept)
    return content[: rng.choice((len(content), rng.randrange(len(content) + 1)))]
