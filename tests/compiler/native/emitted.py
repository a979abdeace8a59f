"""A program as native code that runs on as many threads, and in as wide vectors, as a test says."""

from __future__ import annotations

import functools
from typing import Any
from unittest import mock

import numpy as np

from lamina.compiler import recompute, sources
from lamina.compiler.native import program, walk
from lamina.compiler.native.program import Native
from lamina.listen import Program, verify
from lamina.machine.target import narrowed
from lamina.machine.team import Team

MOST = 3
"""Threads of the team of tests."""


class Crew:
    """A team of which `now` threads take part, whatever the program says; or another one."""

    def __init__(self) -> None:
        self.threads = self.now = MOST
        self.instead: Team | None = None

    def run(self, address: int, table: int, threads: int) -> None:
        """As `Team.run`."""
        (self.instead or _team()).run(address, table, self.now)


@functools.cache
def _team() -> Team:
    return Team(MOST)


class Emitted:
    """A program as native code.

    Args:
        program: what is to run.
        targets: as `Native` takes them.
        lanes: numbers in a vector; None: as many as this machine has.
        far: from how many bytes on a result counts as one that no cache holds, or is large enough
            to be computed again.
    Attributes:
        native: the code.
    """

    def __init__(
        self,
        heard: Program,
        targets: dict[int, Any] | None = None,
        lanes: int | None = None,
        far: int = sources.FAR,
    ):
        self.crew = Crew()
        changes: dict[str, Any] = {"team": lambda: self.crew, "FEW": 0}
        if lanes is not None:
            changes["host"] = lambda: narrowed(lanes)
        small, beyond = mock.patch.object(walk, "SMALL", 0), mock.patch.object(sources, "FAR", far)
        worth = {} if far else {"WORTH": 0}
        least = mock.patch.multiple(recompute, LEAST=min(far, recompute.LEAST), **worth)
        with mock.patch.multiple(program, **changes), small, beyond, least:
            self.native = Native(verify(heard), targets or {})

    def run(self, *inputs: Any, threads: int = 1) -> list[Any]:
        """The outputs, in arrays of their own."""
        self.crew.now = threads
        return [np.array(y) for y in self.native.run(*inputs)]
