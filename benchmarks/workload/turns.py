"""The other end of `worker`: processes that take turns, so that all see the same machine."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import setting

from .data import Workload

HERE = Path(__file__).parent.parent
DISTURBED = 0.1  # of one core, used by other programs
TRIES = 4
AWAKE = 0.05  # of one core, used by a side that waits; the clock's ticks are 0.02
SETTLED = (
    0.1  # seconds after which threads that wait for work sleep; OpenBLAS's spin for 2^26 ticks
)


class Failed(Exception):
    """A variant that ended by itself, with what it said last."""


@dataclass
class Turns:
    """What the turns of one variant gave.

    Attributes:
        ms: of a step, the median of each turn.
        others: for each turn, the cores that other programs used.
        first: seconds from the start of the process to the end of the first step.
        third: the same for the third step, when what compiles has compiled.
        cached: ``first`` and ``third`` of a second process, with the caches of the first.
        values: what came out of the first steps.
        peak: MB.
        version: of the framework.
        reason: why there is nothing, if the variant failed.
    """

    ms: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    first: float = 0.0
    third: float = 0.0
    cached: tuple[float, float] | None = None
    values: list[list[float]] = field(default_factory=list)
    peak: float = 0.0
    version: str = ""
    reason: str = ""

    def quiet(self) -> list[int]:
        """The rounds in which other programs left it alone."""
        return [i for i, others in enumerate(self.others) if others <= DISTURBED]

    def median(self) -> float:
        """Milliseconds, of quiet turns if there are any."""
        return statistics.median([self.ms[i] for i in self.quiet()] or self.ms)


class Side:
    """A running process of one variant."""

    def __init__(self, python: str, workload: Workload, variant: str, threads: int, cache: str):
        told = {
            "variant": variant,
            "name": workload.name,
            "sizes": dict(workload.changes),
            "threads": threads,
        }
        self.start, self.errors = time.monotonic(), tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [python, "-m", "workload.worker", json.dumps(told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=environment(python, cache),
        )
        self.version = self._hear()["version"]
        self.first = time.monotonic() - self.start
        self.ask("turn 0 2")
        self.third = time.monotonic() - self.start

    def ask(self, words: str) -> Any:
        """Tell it something and wait for the answer."""
        print(words, file=self.process.stdin, flush=True)
        return self._hear()

    def _hear(self) -> Any:
        line = self.process.stdout.readline() if self.process.stdout else ""
        if line:
            return json.loads(line)
        code = self.process.wait()
        self.errors.seek(0)
        said = [line for line in self.errors.read().splitlines() if line.strip()]
        self.kill()
        raise Failed(said[-1] if said else f"ended with {code}")

    def cpu(self) -> float:
        """Seconds of the cores that it has used so far; 0 where nobody counts."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        if not stat.exists():
            return 0.0
        user, system = stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def close(self) -> float:
        """End it; its largest memory."""
        peak = self.ask("end")["peak"]
        self.process.wait()
        self.kill()
        return peak

    def kill(self) -> None:
        """End it, whatever it does, and close what led to it; may be done again."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.errors):
            if pipe:
                pipe.close()


def environment(python: str, cache: str) -> dict[str, str]:
    """Of a worker: where it finds its code, and, if ``cache`` is given, where caches are."""
    paths = [str(HERE)]
    if python == sys.executable:
        paths.append(str(HERE.parent / "src"))
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "JAX_PLATFORMS": "cpu"}
    variables["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # no processes that stay
    if cache:
        variables |= {"XDG_CACHE_HOME": cache, "TORCHINDUCTOR_CACHE_DIR": f"{cache}/torch"}
    return variables


@dataclass
class Plan:
    """How a comparison is run.

    Args:
        pythons: for each variant the Python that has its framework.
        threads: of each.
        rounds: in which each variant has one turn.
        seconds: of a turn.
        steps: of which what comes out is compared.
        warm: seconds of steps before the first turn that counts.
        cold: start each variant with empty caches, and once more with those that it left.
    """

    pythons: dict[str, str]
    threads: int = 2
    rounds: int = 5
    seconds: float = 1.0
    steps: int = 20
    warm: float = 1.0
    cold: bool = False


def compare(plan: Plan, workload: Workload) -> dict[str, Turns]:
    """All variants of one workload, one after another in every round."""
    results = {variant: Turns() for variant in plan.pythons}
    sides: dict[str, Side] = {}
    try:
        for variant in plan.pythons:
            with _failing(results[variant]):
                sides[variant] = _started(plan, workload, variant, results[variant])
        for variant, side in list(sides.items()):
            with _failing(results[variant], sides, variant):
                side.ask(f"turn {plan.warm} 2")
        _check_waiting(sides)
        for variant, ms, others in rounds(plan, sides):
            results[variant].ms.append(ms)
            results[variant].others.append(others)
        for variant, side in list(sides.items()):
            with _failing(results[variant], sides, variant):
                results[variant].values = side.ask(f"values {plan.steps}")
                results[variant].peak = side.close()
    finally:
        for side in sides.values():
            side.kill()
    return results


@contextmanager
def _failing(result: Turns, sides: dict[str, Side] | None = None, variant: str = ""):
    """A variant that fails leaves its reason, and the others go on."""
    try:
        yield
    except Failed as failed:
        result.reason = str(failed)
        if sides is not None:
            del sides[variant]


def _started(plan: Plan, workload: Workload, variant: str, result: Turns) -> Side:
    def start(cache: str) -> Side:
        return Side(plan.pythons[variant], workload, variant, plan.threads, cache)

    if not plan.cold:
        side = start("")
        result.first, result.third = side.first, side.third
    else:
        with tempfile.TemporaryDirectory() as cache:
            side = start(cache)
            result.first, result.third = side.first, side.third
            side.close()
            side = start(cache)
        result.cached = side.first, side.third
    result.version = side.version
    return side


def rounds(plan: Plan, sides: Mapping[str, Side]) -> Iterator[tuple[str, float, float]]:
    """Every turn: the variant, its milliseconds, and the cores that other programs used."""
    for _ in range(plan.rounds):
        for variant, side in sides.items():
            yield variant, *quiet_turn(side, plan.seconds)


def quiet_turn(side: Side, seconds: float) -> tuple[float, float]:
    """Milliseconds of a step, and the cores that others used meanwhile.

    A turn that is disturbed is repeated, a few times; then the one that was least so counts. The
    sides that wait are others too: their threads are to sleep.
    """
    turns: list[tuple[float, float]] = []
    while len(turns) < TRIES and not any(others <= DISTURBED for others, _ in turns):
        time.sleep(SETTLED)
        before, start = setting.busy(), time.perf_counter()
        told = side.ask(f"turn {seconds} 1")
        took, after = time.perf_counter() - start, setting.busy()
        known = before is not None and after is not None
        turns.append(((after - before - told["cpu"]) / took if known else 0.0, told["ms"]))
    others, ms = min(turns)
    return ms, others


def waiting(sides: Mapping[str, Side], seconds: float = 0.5) -> dict[str, float]:
    """Cores that each side uses while none has its turn."""
    time.sleep(SETTLED)
    before = {variant: side.cpu() for variant, side in sides.items()}
    time.sleep(seconds)
    return {variant: (side.cpu() - before[variant]) / seconds for variant, side in sides.items()}


def _check_waiting(sides: Mapping[str, Side]) -> None:
    for variant, cores in waiting(sides).items():
        if cores > AWAKE:
            print(f"  ({variant} uses {cores:.2f} cores while it waits)")
