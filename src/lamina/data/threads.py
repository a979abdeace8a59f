"""Batches from threads of this process, in order."""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, NamedTuple

from ..errors import WorkerError
from .take import Recipe

GRACE = 0.5  # seconds that a loop which is left waits for batches in the making


class Task(NamedTuple):
    """Batch ``number`` of ``epoch``, and where it is expected."""

    epoch: int
    number: int
    result: Future[Any]


class ThreadTeam:
    """Threads that make the batches of a `Recipe`; they live as long as the loop that asks.

    Args:
        recipe: what they make. All of them use the dataset at once.
        workers: how many.
        prefetch: batches that each may have ready, or be making.
        timeout: seconds to wait for a batch, or None.
    """

    def __init__(self, recipe: Recipe, workers: int, prefetch: int, timeout: float | None):
        self.recipe = recipe
        self.count = workers
        self.prefetch = prefetch
        self.timeout = timeout

    def batches(self, epoch: int, first: int, last: int) -> Iterator[Any]:
        """Batches ``first ... last - 1`` of ``epoch``, in order."""
        todo: SimpleQueue[Task | None] = SimpleQueue()
        threads = [self._start(number, todo) for number in range(self.count)]
        waiting: deque[Task] = deque()
        numbers = iter(range(first, last))
        try:
            self._assign(epoch, numbers, todo, waiting)
            while waiting:
                batch = self._result(waiting.popleft())
                self._assign(epoch, numbers, todo, waiting)
                yield batch
        finally:
            for task in waiting:
                task.result.cancel()
            for _ in threads:
                todo.put(None)
            _join(threads)

    def _start(self, number: int, todo: SimpleQueue[Task | None]) -> threading.Thread:
        context = copy_context()  # `using(dtype=...)` around the loop holds in the threads, too
        arguments = (_work, self.recipe, todo)
        name = f"lamina-loader-{number}"
        thread = threading.Thread(target=context.run, args=arguments, name=name, daemon=True)
        thread.start()
        return thread

    def _assign(
        self,
        epoch: int,
        numbers: Iterator[int],
        todo: SimpleQueue[Task | None],
        waiting: deque[Task],
    ) -> None:
        while len(waiting) < self.count * self.prefetch:
            number = next(numbers, None)
            if number is None:
                return
            task = Task(epoch, number, Future())
            waiting.append(task)
            todo.put(task)

    def _result(self, task: Task) -> Any:
        try:
            error = task.result.exception(self.timeout)
        except TimeoutError:
            raise WorkerError(
                f"Loader: batch {task.number} of epoch {task.epoch} did not come within "
                f"{self.timeout} s, its timeout"
            ) from None
        if error is None:
            return task.result.result()
        raise _failed(task, error) from error

    def close(self) -> None:
        """Nothing: no thread outlives its loop."""


def _work(recipe: Recipe, todo: SimpleQueue[Task | None]) -> None:
    while (task := todo.get()) is not None:
        if task.result.set_running_or_notify_cancel():
            try:
                task.result.set_result(recipe.make(task.epoch, task.number))
            except BaseException as error:  # noqa: BLE001 (it is raised on in the loop)
                task.result.set_exception(error)
        del task  # or its batch would live on here until the next one is asked for


def _join(threads: list[threading.Thread]) -> None:
    deadline = time.monotonic() + GRACE
    for thread in threads:
        if thread is not threading.current_thread():  # where the garbage collector closes a loop
            thread.join(max(deadline - time.monotonic(), 0))


def _failed(task: Task, error: BaseException) -> WorkerError:
    sample = getattr(error, "sample", None)
    where = "" if sample is None else f"sample {sample}, "
    last = traceback.format_exception_only(error)[0].strip()
    return WorkerError(
        f"Loader: a worker failed in {where}batch {task.number} of epoch {task.epoch}: {last}",
        sample=sample,
        traceback="".join(traceback.format_exception(error)),
    )
