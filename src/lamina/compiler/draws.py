"""Random numbers in the body of a loop: all turns draw before it, each what it would have drawn.

A stream counts its draws (`lamina.random`), so it is only their order that matters. The loop gets
the numbers as something more that it runs over; and so does its derivative, which runs the body
again and needs the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np

from ..core import Function, Variable
from ..functions.noise import KeepMask
from ..functions.sample import Draw
from ..listen import TABLE, Program, Spec, Value


class Draws(Function):
    """What all turns of a loop draw, along a new first axis; one result for each draw of a turn."""

    acts = True
    draws: tuple[tuple[Function, tuple[Spec, ...]], ...]
    length: int
    reverse: bool

    def forward(self, like):
        """The numbers, in the order of the turns."""
        found: list[Any] = [None] * self.length
        for t in range(self.length - 1, -1, -1) if self.reverse else range(self.length):
            found[t] = [x for draw, specs in self.draws for x in _drawn(draw, specs)]
        results: Any = tuple([np.stack(column) for column in zip(*found)])
        return results if len(results) > 1 else results[0]

    def backward(self, *gys):
        """There is none."""
        return None

    def spec(self, like):
        """Those of one turn, along the new axis."""
        turn = [_specs(draw, specs) for draw, specs in self.draws]
        results: Any = tuple([Spec((self.length, *x.shape), x.dtype) for x in chain(*turn)])
        return results if len(results) > 1 else results[0]


def _drawn(draw: Any, specs: tuple[Spec, ...]) -> tuple[Any, ...]:
    drawn = draw.forward(*[np.broadcast_to(np.zeros((), x.dtype), x.shape) for x in specs])
    return drawn if isinstance(drawn, tuple) else (drawn,)


def _specs(draw: Function, specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
    found: Any = TABLE["call"].spec(*specs, function=draw)
    return found if isinstance(found, tuple) else (found,)


class DrawingProgram(Program):
    """The Program of a body: what it draws are inputs.

    Attributes:
        draws: the operators, and the shapes and dtypes of what they were given.
        drawn: their results, new inputs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.draws: list[tuple[Function, tuple[Spec, ...]]] = []
        self.drawn: list[Value] = []
        self._supplied: Iterator[Value] | None = None

    def emit(self, opcode: str, *operands: Any, **fields: Any) -> Any:
        """Add an instruction; for one that draws, inputs or what is `supplied`."""
        draw = fields.get("function")
        if not isinstance(draw, (Draw, KeepMask, Draws)):
            return super().emit(opcode, *operands, **fields)
        given = tuple([x.spec for x in operands])
        specs = _specs(draw, given)
        if self._supplied is None:
            made = [self.input(x.shape, x.dtype) for x in specs]
            self.draws.append((draw, given))
            self.drawn += made
        else:
            made = [next(self._supplied) for _ in specs]
        return tuple(made) if len(made) > 1 else made[0]

    @contextmanager
    def supplied(self, drawn: list[Variable]) -> Iterator[None]:
        """While a body is heard again: it draws what it drew."""
        before, self._supplied = self._supplied, iter([x.data for x in drawn])
        yield
        self._supplied = before
