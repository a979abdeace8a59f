"""Disks that fail on purpose, for `atomic_write(..., disk=...)`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from lamina.files.disk import Disk

OPERATIONS = (
    *("create", "set_mode", "write", "fsync", "close", "replace"),
    *("remove", "remove_orphan", "sync_folder"),
)


class CountingDisk(Disk):
    """Tells what a save asks for, in order: ``calls`` holds the names of the operations."""

    def __init__(self):
        self.calls: list[str] = []

    def request(self, name: str, do: Callable[..., Any], *arguments: Any) -> Any:
        self.calls.append(name)
        return do(*arguments)


class FailingDisk(CountingDisk):
    """Fails the N-th request, counted from 0: instead of it or just after it, once or for ever.

    A request that closes a file does so even when it fails, as Linux does.
    """

    def __init__(self, number: int, error: BaseException, after: bool, for_ever: bool):
        super().__init__()
        self.number = number
        self.error = error
        self.after = after
        self.for_ever = for_ever

    def request(self, name: str, do: Callable[..., Any], *arguments: Any) -> Any:
        count = len(self.calls)
        self.calls.append(name)
        if count != self.number and not (self.for_ever and count > self.number):
            return do(*arguments)
        if self.after or name == "close":
            do(*arguments)
        elif name == "replace":
            os.close(arguments[0])
        raise self.error


class HesitantDisk(CountingDisk):
    """Takes ``count`` bytes of the N-th write, and all of the others."""

    def __init__(self, number: int, count: int):
        super().__init__()
        self.number = number
        self.count = count

    def request(self, name: str, do: Callable[..., Any], *arguments: Any) -> Any:
        if name == "write" and self.calls.count("write") == self.number:
            arguments = (arguments[0], arguments[1][: self.count])
        return super().request(name, do, *arguments)


def _asking(name: str) -> Callable[..., Any]:
    def operation(self: CountingDisk, *arguments: Any) -> Any:
        return self.request(name, getattr(Disk, name).__get__(self), *arguments)

    return operation


for _name in OPERATIONS:
    setattr(CountingDisk, _name, _asking(_name))
