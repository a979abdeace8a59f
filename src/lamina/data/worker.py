"""A worker process: what it does from its start to its end.

`lamina.data.processes` starts it, with a Python that runs `main`. It shares nothing with the
process that started it but a pair of sockets and the memory for batches.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections import deque
from multiprocessing import spawn
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from ..config import using
from .shared import Memory, Parcel, pack, receive
from .take import Recipe

PATIENCE = 1.0  # seconds between two looks whether the parent is still there

READY = "ready"
"""The first message from a worker: it has the dataset."""

is_starting = False
"""Whether this is a worker whose dataset is not there yet: it may not start workers itself."""


class Start(NamedTuple):
    """The first message to a worker."""

    parent: int  # the id of the process that it works for
    preparation: dict[str, Any]  # what `multiprocessing` tells its processes at their start
    recipe: Parcel
    slots: list[int]  # descriptors, one for each batch that may be in the making


class Task(NamedTuple):
    """Batch ``number`` is to be made into memory ``slot``. Tasks of an older run are skipped."""

    run: int
    settings: dict[str, Any]
    epoch: int
    number: int
    slot: int


class Failure(NamedTuple):
    """What went wrong in a worker."""

    sample: int | None
    error: str  # its last line
    traceback: str


class Answer(NamedTuple):
    """What became of a `Task`: a packed batch, a `Failure`, or None where it was skipped."""

    run: int
    number: int
    slot: int
    content: Any


def main(fd: int) -> None:
    """Work until the other side closes the connection, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which tells us
    connection = Connection(fd)
    try:
        start: Start = connection.recv()
        threading.Thread(target=_leave_with, args=(start.parent,), daemon=True).start()
        recipe = _prepare(start, connection)
        if recipe is not None:
            _work(recipe, [Memory(fd) for fd in start.slots], connection)
    except (EOFError, OSError):
        pass  # the parent has closed, or is gone
    finally:
        connection.close()


def _leave_with(parent: int) -> None:
    """End this process once its parent is gone, whatever else it is doing."""
    while os.getppid() == parent:
        time.sleep(PATIENCE)
    os._exit(1)


def _prepare(start: Start, connection: Connection) -> Recipe | None:
    global is_starting
    is_starting = True
    try:
        spawn.prepare(start.preparation)
        recipe = receive(start.recipe)
    except BaseException as error:  # noqa: BLE001 (it is raised on in the parent)
        connection.send(failure(error))
        return None
    is_starting = False
    connection.send(READY)
    return recipe


def _work(recipe: Recipe, slots: list[Memory], connection: Connection) -> None:
    waiting: deque[Task] = deque()
    while True:
        while not waiting or connection.poll():
            waiting.append(connection.recv())
        task = waiting.popleft()
        stale = bool(waiting) and waiting[-1].run != task.run
        content = None if stale else _make(recipe, task, slots[task.slot])
        _answer(connection, Answer(task.run, task.number, task.slot, content))


def _make(recipe: Recipe, task: Task, memory: Memory) -> Any:
    try:
        with using(**task.settings):
            return pack(recipe.make(task.epoch, task.number), memory)
    except BaseException as error:  # noqa: BLE001 (it is raised on in the parent)
        return failure(error)


def _answer(connection: Connection, answer: Answer) -> None:
    try:
        connection.send(answer)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 (it cannot be sent; raised on in the parent)
        connection.send(answer._replace(content=failure(error)))


def failure(error: BaseException) -> Failure:
    """What can be told about ``error`` in another process."""
    lines = traceback.format_exception(error)
    last = traceback.format_exception_only(error)[0].strip()
    return Failure(getattr(error, "sample", None), last, "".join(lines))
