"""The threads that run native functions: they spin between jobs, and sleep when there are none."""

from __future__ import annotations

import ctypes
import functools
import os
import threading
import time
import weakref
from typing import Any

import llvmlite.binding as llvm

from ..errors import RangeError
from ..log import logger
from ..processors import threads_wanted
from . import barrier
from .module import Compiled, compile_text
from .target import host
from .watch import Watch

SPIN = 50e-6  # seconds that a thread spins in a barrier before it sleeps
IDLE_SPIN = 200e-6  # the same between jobs
WATCHED = 512  # watches that are kept; then all begin anew


@functools.cache
def functions() -> Compiled:
    """The native functions of all teams, compiled once.

    Threads may still stand in them when the interpreter is gone. That is safe: llvmlite frees no
    code at its end.
    """
    return compile_text(barrier.source(llvm.get_process_triple()), host())


@functools.cache
def native(name: str) -> Any:
    """One of them, callable; the interpreter is free for other threads meanwhile."""
    kinds = {
        "launch": (ctypes.c_int64, 4),
        "work": (None, 3),
        "stop": (ctypes.c_int64, 1),
        "idle": (None, 1),
    }
    result, count = kinds[name]
    # numbers too are passed as pointers: ctypes takes half as long for these
    kind = ctypes.CFUNCTYPE(result, *[ctypes.c_void_p] * count)
    return kind(functions().address(name))


@functools.cache
def turns_per_second() -> float:
    """How fast this processor spins."""
    turns, idle = 2000, native("idle")
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        idle(turns)
        best = min(best, time.perf_counter() - start)
    return turns / best


def python_function(name: str) -> int:
    """The address of a function of Python's C API."""
    address = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
    return address or 0


class Team:
    """Threads that run one function together.

    Each thread but the first is a Python thread that stays in native code. It takes part in a job
    within a microsecond while it spins, sleeps on a lock of Python's when there is no job, and
    never needs the interpreter. The one who calls `run` is the first thread.

    Where a thread had to sleep in a barrier, since another program has its core or the shares are
    unequal, one thread less is tried, and used as long as it is faster (`Watch`).

    After a fork the child has the same team with new threads. At the end of the interpreter the
    threads end too.

    Args:
        threads: how many there are, the caller's included; 1 starts none.
    Raises:
        RangeError: for a number below 1, or too large.
    """

    def __init__(self, threads: int):
        if not 1 <= threads <= barrier.MOST:
            raise RangeError(f"Team: {threads} threads; give a number from 1 to {barrier.MOST}")
        self.threads = threads
        self._workers: list[threading.Thread] = []
        self._closed = False
        self._starting = threading.Lock()
        size = barrier.SLEEPERS + barrier.LINE * threads
        allocate = ctypes.pythonapi.PyMem_RawCalloc
        allocate.restype, allocate.argtypes = ctypes.c_void_p, [ctypes.c_size_t] * 2
        # never freed: a thread may look at it after all else is gone
        memory = allocate(size + barrier.LINE, 1)
        self.state: int = memory + -memory % barrier.LINE
        self._words = (ctypes.c_int64 * (size // 8)).from_address(self.state)
        self._launch: Any = None
        self._watched: dict[Any, Watch] = {}
        self._prepare()
        _teams.add(self)

    def _prepare(self) -> None:
        """A state in which no job was ever run."""
        ctypes.memset(self.state, 0, ctypes.sizeof(self._words))
        self._launch = native("launch")
        self._put(barrier.SIZE, self.threads)
        self._put(barrier.BUSY, int(self._closed))
        if self.threads == 1:
            return
        turns = turns_per_second()
        self._put(barrier.PATIENCE, int(SPIN * turns))
        self._put(barrier.IDLE_PATIENCE, int(IDLE_SPIN * turns))
        self._put(barrier.ACQUIRE, python_function("PyThread_acquire_lock"))
        self._put(barrier.RELEASE, python_function("PyThread_release_lock"))
        self._put(barrier.BARRIER, functions().address("barrier"))
        for tid in range(self.threads):
            self._put(barrier.SLEEPERS + tid * barrier.LINE + barrier.LOCK, new_lock())

    def _put(self, offset: int, value: int) -> None:
        self._words[offset // 8] = value

    def run(self, address: int, table: int, threads: int = barrier.MOST, work: Any = None) -> None:
        """Call ``f(table, tid, threads)`` on each thread; return when all have returned.

        If the team is at work for another Python thread, the caller runs ``f`` alone, with
        ``threads`` 1: a function gives the same results on any number of threads.

        Args:
            address: of the native function ``f``.
            table: the address of an array of pointers. Its slot `barrier.TEAM` is written.
            threads: how many shall take part; as many as there are, if it is more.
            work: what runs of one function have in common that take as long as one another.
        """
        if threads > 1 and not self._workers:
            self._start()
        watch = self._watched.get((address, work)) if self._watched else None
        if watch is not None:
            self._run_watched(watch, address, table, threads, work)
        elif self._launch(self.state, address, table, threads) and self._workers:
            if len(self._watched) >= WATCHED:
                self._watched.clear()
            self._watched[address, work] = Watch()

    def _run_watched(self, watch: Watch, address: int, table: int, threads: int, work: Any) -> None:
        """Run with fewer threads while that is faster; until nobody has to sleep any more."""
        fewer = max(1, min(threads, self.threads) - watch.fewer)
        start = time.perf_counter()
        slept = self._launch(self.state, address, table, fewer)
        if watch.ended(time.perf_counter() - start, bool(slept)):
            self._watched.pop((address, work), None)

    def _start(self) -> None:
        """Start the threads, once."""
        with self._starting:
            if self._workers or self._closed or self.threads == 1:
                return
            workers = []
            try:
                for tid in range(1, self.threads):
                    worker = threading.Thread(
                        target=native("work"),
                        args=(self.state, tid, 0),
                        name=f"lamina-{tid}",
                        daemon=True,
                    )
                    worker.start()
                    workers.append(worker)
            except RuntimeError as error:
                logger.info(
                    "native code: %d threads, not %d: %s", len(workers) + 1, self.threads, error
                )
                self.threads = len(workers) + 1
                self._put(barrier.SIZE, self.threads)
            self._workers = workers

    def close(self) -> None:
        """End the threads; what is run later, is run by the caller alone."""
        if self._closed:
            return
        self._closed = True
        while not native("stop")(self.state):
            time.sleep(0.001)  # a job is being run
        for worker in self._workers:
            worker.join()

    def _after_fork(self) -> None:
        """In the child: none of the threads is there, and whatever they held stays held."""
        self._workers = []
        self._watched = {}
        self._starting = threading.Lock()
        self._prepare()


def new_lock() -> int:
    """A lock of Python's, acquired, as its address."""
    allocate, acquire = (
        ctypes.pythonapi.PyThread_allocate_lock,
        ctypes.pythonapi.PyThread_acquire_lock,
    )
    allocate.restype, allocate.argtypes = ctypes.c_void_p, []
    acquire.restype, acquire.argtypes = ctypes.c_int, [ctypes.c_void_p, ctypes.c_int]
    lock = allocate()
    if not lock:
        raise MemoryError("Team: Python has no lock left")
    acquire(lock, 1)
    return lock


_teams: weakref.WeakSet[Team] = weakref.WeakSet()


def _after_fork() -> None:
    for one in list(_teams):
        one._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@functools.cache
def team() -> Team:
    """The team of this process: as many threads as `threads_wanted` says."""
    return Team(threads_wanted())
