"""Sequences in the order of time: products of their rows, which may come in any order.

A recurrent operator reads and writes all samples of one step at a time, and its sequences lie so:
``(steps, samples, size)``. What is multiplied before and after it are rows of samples and steps,
``(samples steps, size)``. A product of rows gives the rows of its result in the same order, and a
product along rows does not mind their order, as long as both operands have the same. So they are
taken in the order in which they lie, and nothing has to be copied from one to the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..listen import Instruction, Program, Value, repeat

TURNED = (1, 0, 2)


def steps_first(
    program: Program, wants: Callable[[Instruction], tuple[str | None, ...]]
) -> Program:
    """``program`` with the rows of its sequences in the order of time, if it has any."""
    sequences = {
        x.shape[:2]
        for i in program.instructions
        for x, word in zip((*i.operands, *i.results), wants(i))
        if word == "steps" and isinstance(x, Value)
    }
    return _Turner(program, sequences).turned() if sequences else program


class _Turner:
    """Rewrites the products of a program.

    Args:
        program: the old one.
        sequences: samples and steps of the sequences in it.
    """

    def __init__(self, program: Program, sequences: set[tuple[int, ...]]):
        self.program, self.sequences = program, sequences
        self.made_by = {v: i for i in program.instructions for v in i.results}
        self.users: dict[Value, list[Instruction]] = {}
        for instruction in program.instructions:
            for x in instruction.operands:
                if isinstance(x, Value):
                    self.users.setdefault(x, []).append(instruction)

    def turned(self) -> Program:
        """The new program."""
        waiting = iter(self.program.instructions)
        known: dict[Any, Any] = {}
        turned: set[Value] = set()

        def change(new: Program, _: Instruction, operands: tuple[Any, ...]) -> Any:
            old = next(waiting)
            known.update({a: b for a, b in zip(old.operands, operands) if isinstance(a, Value)})
            made = self._product(old, known, turned) if old.opcode == "matmul" else None
            if old.opcode == "reshape" and old.operands[0] in turned:
                n, steps, size = old.fields["shape"]
                back = np.reshape(operands[0], (steps, n, size))
                made = np.transpose(back, TURNED)
            return repeat(new, old, operands) if made is None else made

        return self.program.mapped(change)

    def _product(self, old: Instruction, known: Any, turned: set[Value]) -> Any:
        """A product with its rows in the other order, or None."""
        a, b = old.operands
        rows = self._sequence(a)
        if rows is not None and self._all_apart(old.results[0], rows.shape[:2]):
            turned.add(old.results[0])
            return np.matmul(_by_time(known[rows]), known[b])
        left = self.made_by.get(a)  # pyright: ignore[reportArgumentType]
        if left is None or left.opcode != "transpose" or left.fields["axes"] != (1, 0):
            return None
        first, second = self._sequence(left.operands[0]), self._sequence(b)
        if first is None or second is None or first.shape[:2] != second.shape[:2]:
            return None
        return np.matmul(np.transpose(_by_time(known[first]), (1, 0)), _by_time(known[second]))

    def _sequence(self, x: Any) -> Any:
        """What ``x`` is the rows of: a value of (samples, steps, size), or None."""
        made = self.made_by.get(x)
        if made is None or made.opcode != "reshape" or x.ndim != 2:
            return None
        source: Any = made.operands[0]
        fits = source.ndim == 3 and source.shape[:2] in self.sequences
        return source if fits and source.shape[2] == x.shape[1] else None

    def _all_apart(self, result: Value, sequence: tuple[int, ...]) -> bool:
        """Whether a result is only needed as (samples, steps, size)."""
        shape = (*sequence, result.shape[1])
        users = self.users.get(result, [])
        return result not in set(self.program.outputs) and all(
            [i.opcode == "reshape" and i.fields["shape"] == shape for i in users]
        )


def _by_time(x: Any) -> Any:
    """(samples, steps, size) as (steps samples, size)."""
    n, steps, size = x.shape
    return np.reshape(np.transpose(x, TURNED), (steps * n, size))
