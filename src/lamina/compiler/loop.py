"""A loop as one instruction: the body is a Program of its own, which is run for each step."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from ..core import Function
from ..listen import Program, Spec
from .replay import Replay


class Body:
    """What a loop does at each turn.

    Args:
        program: takes the carry, one element of each part, and what does not change; gives the next
            carry, and what is stacked.
        carried: how many inputs, and outputs, are the carry.
        parts: how many inputs are elements of what the loop runs over.
    """

    def __init__(self, program: Program, carried: int, parts: int):
        self.program, self.carried, self.parts = program, carried, parts

    def run(self, *arrays: Any) -> list[Any]:
        """One turn, with NumPy; the results are nobody else's."""
        return [np.array(x) for x in self._replay.run(*arrays)]

    @cached_property
    def _replay(self) -> Replay:
        return Replay(self.program)

    def __repr__(self) -> str:
        name = hashlib.sha256(str(self.program).encode()).hexdigest()[:8]
        return f"body {name} of {len(self.program.instructions)} instructions"


class Scan(Function):
    """A body run for each step: ``carry, y[t] = body(carry, x[t], around)``.

    The operands are the first carry, what the loop runs over, and what does not change; the results
    the last carry, and what is stacked along a new first axis.
    """

    body: Body
    reverse: bool

    def with_body(self, change: Callable[[Program], Program]) -> Scan:
        """The same loop, with its body's program changed."""
        body = self.body
        return Scan(Body(change(body.program), body.carried, body.parts), self.reverse)

    def forward(self, *arrays):
        """The loop, in NumPy."""
        body = self.body
        carry, rest = list(arrays[: body.carried]), arrays[body.carried :]
        parts, around = rest[: body.parts], rest[body.parts :]
        length = len(parts[0])
        kept: list[Any] = [None] * length
        for t in range(length - 1, -1, -1) if self.reverse else range(length):
            found = body.run(*carry, *[part[t] for part in parts], *around)
            carry, kept[t] = found[: body.carried], found[body.carried :]
        results: Any = (*carry, *[np.stack(column) for column in zip(*kept)])
        return results if len(results) > 1 else results[0]

    def spec(self, *specs):
        """The carry, and the results along a new axis."""
        carried = self.body.carried
        length = specs[carried].shape[0]
        results: Any = [x.spec for x in self.body.program.outputs]
        stacked = [Spec((length, *x.shape), x.dtype) for x in results[carried:]]
        found: Any = (*results[:carried], *stacked)
        return found if len(found) > 1 else found[0]
