"""Batches from other processes, in order; a process that ends before its time is an error."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import spawn
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple, NoReturn

from ..config import current
from ..errors import DTypeError, WorkerError
from ..processors import cores
from . import worker
from .shared import Memory, Parcel, send, unpack
from .take import Recipe
from .worker import READY, Answer, Failure, Start, Task

THREADS = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "LAMINA_THREADS",
)
"""What tells a library how many threads it may start; read when it is imported."""

GRACE = 1.0  # seconds that a worker has to end by itself
SETTINGS = ("grad", "train", "dtype", "debug", "winograd", "native")


class Worker:
    """One process and what belongs to it.

    Args:
        number: from 0, for messages.
        parcel: descriptor of the memory that holds the recipe.
        slots: how many batches may be in the making at once.
        environment: of the process.
    """

    def __init__(self, number: int, parcel: int, slots: int, environment: dict[str, str]):
        self.number = number
        self.tasks: list[Task] = []  # given to it and not yet answered, oldest first
        self.is_ready = False
        self.slots = [Memory() for _ in range(slots)]
        self.free = list(range(slots))
        ours, theirs = socket.socketpair()
        with theirs:
            fds = (theirs.fileno(), parcel, *(slot.fd for slot in self.slots))
            self.process = start_python(fds, environment)
        self.connection = Connection(ours.detach())

    def close(self, deadline: float) -> None:
        """End it: by asking, at ``deadline`` by SIGTERM, and a second later by SIGKILL."""
        if not self.connection.closed:
            self.connection.close()
        for end in (self.process.terminate, self.process.kill):
            try:
                self.process.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                end()
                deadline = time.monotonic() + GRACE
        self.process.wait()  # nothing outlives SIGKILL
        for slot in self.slots:
            slot.close()

    def __str__(self) -> str:
        return f"worker {self.number} (pid {self.process.pid})"


class ProcessTeam:
    """Worker processes that make the batches of a `Recipe`.

    They start with the first loop and stay for the next ones. None of them is a fork: a fork of a
    process that has threads, as NumPy's BLAS does, can hang for ever.

    Args:
        recipe: what they make. It is sent to them once.
        workers: how many.
        prefetch: batches that each may have ready, or be making.
        timeout: seconds to wait for a batch, or None.
    """

    def __init__(self, recipe: Recipe, workers: int, prefetch: int, timeout: float | None):
        self.recipe = recipe
        self.count = workers
        self.prefetch = prefetch
        self.timeout = timeout
        self.workers: list[Worker] = []
        self._owner = os.getpid()
        self._run = 0

    def batches(self, epoch: int, first: int, last: int) -> Iterator[Any]:
        """Batches ``first ... last - 1`` of ``epoch``, in order."""
        if first == last:
            return
        self._start()
        self._run += 1
        settings = {name: getattr(current(), name) for name in SETTINGS}
        todo = (Task(self._run, settings, epoch, number, 0) for number in range(first, last))
        done: dict[int, Any] = {}
        ahead = self.count * self.prefetch  # of the loop, no matter which worker is slow
        given = first
        for number in range(first, last):
            try:
                given += self._assign(todo, number + ahead - given)
                while number not in done:
                    self._receive(done)
                    given += self._assign(todo, number + ahead - given)
                content = done.pop(number)
                given += self._assign(todo, number + 1 + ahead - given)
            except BaseException:  # Ctrl-C, too: half a message may have been read
                self.close(grace=0)
                raise
            if isinstance(content, Failed):
                raise content.error
            yield content

    def _start(self) -> None:
        if self._owner != os.getpid():  # a fork of the process whose workers they were
            self.workers, self._owner = [], os.getpid()
        if self.workers:
            return
        if worker.is_starting:
            raise WorkerError(
                "Loader: a worker process read the program's main module again, which starts "
                'workers itself; put what the program does below `if __name__ == "__main__":`, '
                'or take kind="thread"'
            )
        memory = Memory()
        try:
            parcel, needs_main = sent(self.recipe, memory)
            start = Start(os.getpid(), preparation(needs_main), parcel, [])
            for number in range(self.count):
                one = Worker(number, memory.fd, self.prefetch, environment(self.count))
                self.workers.append(one)
                self._send(one, start._replace(slots=[slot.fd for slot in one.slots]))
        except BaseException:
            self.close()
            raise
        finally:
            memory.close()

    def _assign(self, todo: Iterator[Task], most: int) -> int:
        """Give up to ``most`` tasks to the workers that have the least to do; how many it were."""
        for given in range(most):
            one = max(self.workers, key=lambda one: len(one.free))
            task = next(todo, None) if one.free else None
            if task is None:
                return given
            task = task._replace(slot=one.free.pop())
            one.tasks.append(task)
            self._send(one, task)
        return max(most, 0)

    def _send(self, one: Worker, message: Start | Task) -> None:
        with suppress(OSError):  # nobody reads it; and that error would keep the message alive
            one.connection.send(message)
            return
        self._raise_dead(one)

    def _receive(self, done: dict[int, Any]) -> None:
        """Wait for answers; those of this run go into ``done``."""
        started = time.monotonic()
        by_connection: dict[Any, Worker] = {one.connection: one for one in self.workers}
        while True:
            ready = wait(list(by_connection), 1.0 if self.timeout is None else min(self.timeout, 1))
            for connection in ready:
                self._take(by_connection[connection], done)
            if ready:
                return
            for one in self.workers:  # its end of the connection may live on in a child of it
                if one.process.poll() is not None:
                    self._raise_dead(one)
            if self.timeout is not None and time.monotonic() - started > self.timeout:
                self._raise_late()

    def _take(self, one: Worker, done: dict[int, Any]) -> None:
        answer = None
        with suppress(EOFError, OSError):
            answer = one.connection.recv()
        if answer is None:
            self._raise_dead(one)
        if answer == READY:
            one.is_ready = True
        elif isinstance(answer, Failure):
            self.close(grace=0)
            raise not_started(one, answer)
        else:
            done |= self._content(one, answer)

    def _content(self, one: Worker, answer: Answer) -> dict[int, Any]:
        """What was made, by its number; nothing if it is of a loop that is over."""
        [task] = [task for task in one.tasks if task.slot == answer.slot]
        one.tasks.remove(task)
        one.free.append(answer.slot)
        if answer.run != self._run:
            return {}
        if isinstance(answer.content, Failure):
            return {answer.number: Failed(failed(one, task, answer.content))}
        return {answer.number: unpack(answer.content, one.slots[answer.slot])}

    def _raise_dead(self, one: Worker) -> NoReturn:
        """Raise for a worker whose connection has ended."""
        try:
            code = one.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            code = None  # it closed its connection and lives on
        self.close(grace=0)
        raise dead(one, code, self.recipe)

    def _raise_late(self) -> NoReturn:
        busy = [str(one) for one in self.workers if one.tasks]
        self.close(grace=0)
        raise WorkerError(
            f"Loader: no batch came within {self.timeout} s, its timeout; busy: {', '.join(busy)}"
        )

    def close(self, grace: float = GRACE) -> None:
        """End the workers, which have ``grace`` seconds for that; the next loop starts others."""
        if self._owner != os.getpid():
            return  # a fork: they are not its workers
        deadline = time.monotonic() + grace
        workers, self.workers = self.workers, []
        for one in workers:
            one.connection.close()  # all at once, then wait for each
        for one in workers:
            one.close(deadline)


class Failed(NamedTuple):
    """Stands where a batch was expected: it is raised when the loop comes there."""

    error: WorkerError


# -- starting ------------------------------------------------------------------------------------


def start_python(fds: tuple[int, ...], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A fresh interpreter that runs `worker.main`; it holds ``fds`` and no other open file."""
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; "
        f"from lamina.data.worker import main; main({fds[0]})"
    )
    flags = getattr(subprocess, "_args_from_interpreter_flags")()  # noqa: B009 (-O, -W, -X ...)
    return subprocess.Popen(
        [os.fsdecode(spawn.get_executable()), *flags, "-c", code],
        stdin=subprocess.DEVNULL,
        env=environment,
        pass_fds=fds,
        process_group=0,  # Ctrl-C in a terminal reaches the parent alone
    )


def environment(workers: int) -> dict[str, str]:
    """This process's, with threads for each worker such that all have a core of their own."""
    own = dict(os.environ)
    share = max(cores() // workers, 1)
    for name in THREADS:
        text = own.get(name, "")
        own[name] = str(min(int(text), share) if text.isdigit() and int(text) else share)
    return own


def preparation(needs_main: bool) -> dict[str, Any]:
    """What `multiprocessing` tells a process at its start; the main module only if it is needed.

    So a dataset that comes from a module needs no `if __name__ == "__main__":` in the program.
    """
    found = spawn.get_preparation_data("lamina-worker")
    wanted = ["log_to_stderr", "name", "sys_path", "sys_argv", "dir", "orig_dir"]
    if needs_main:
        wanted += ["init_main_from_name", "init_main_from_path"]
    return {key: found[key] for key in wanted if key in found}


def sent(recipe: Recipe, memory: Memory) -> tuple[Parcel, bool]:
    """The recipe in ``memory``, see `shared.send`.

    Raises:
        DTypeError: the dataset cannot be sent to another process.
    """
    try:
        return send(recipe, memory)
    except Exception as error:  # whatever the dataset's own way of being sent raises
        raise DTypeError(
            f"Loader: the dataset, {type(recipe.dataset).__name__}, cannot be sent to other "
            f"processes ({error}); define its classes and functions at the top of a module, and "
            'open files at the first item, or take kind="thread"'
        ) from error


# -- what went wrong -----------------------------------------------------------------------------


def failed(one: Worker, task: Task, failure: Failure) -> WorkerError:
    """An exception in a batch."""
    sample = "" if failure.sample is None else f"sample {failure.sample}, "
    return WorkerError(
        f"Loader: {one} failed in {sample}batch {task.number} of epoch {task.epoch}: "
        f"{failure.error}\n\nTraceback of the worker:\n{failure.traceback}",
        pid=one.process.pid,
        sample=failure.sample,
        traceback=failure.traceback,
    )


def not_started(one: Worker, failure: Failure) -> WorkerError:
    """An exception before the dataset was there."""
    return WorkerError(
        f"Loader: {one} could not receive the dataset: {failure.error}; classes and functions that "
        "it uses must be found at the top of a module (not in a notebook or at a prompt), and a "
        'program\'s main module must be importable without running, or take kind="thread"'
        f"\n\nTraceback of the worker:\n{failure.traceback}",
        pid=one.process.pid,
        traceback=failure.traceback,
    )


def dead(one: Worker, code: int | None, recipe: Recipe) -> WorkerError:
    """A process that ended before its time."""
    name = None
    if code is None:
        how = "closed its connection"
    elif code < 0:
        name = signal_name(-code)
        how = f"was killed by {name}"
        how += ", as the system does when memory runs out," if name == "SIGKILL" else ""
    else:
        how = f"ended with exit code {code}"
    return WorkerError(
        f"Loader: {one} {how} {doing(one, recipe)}",
        pid=one.process.pid,
        signal=name,
        exit_code=code,
    )


def doing(one: Worker, recipe: Recipe) -> str:
    """What a worker had to do, in words."""
    if not one.is_ready:
        return "while it was starting; what it printed stands above"
    if not one.tasks:
        return "while it had nothing to do"
    task = one.tasks[0]
    samples = recipe.indices(task.epoch, task.number).tolist()
    shown = ", ".join(map(str, samples[:8])) + (", ..." if len(samples) > 8 else "")
    return f"while it made batch {task.number} of epoch {task.epoch} (samples {shown})"


def signal_name(number: int) -> str:
    """``SIGKILL`` for 9."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
