"""Formulas found in a program: instructions that are the same as those of a small program."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..listen import Instruction, Program, Value


class Formula:
    """A program as a pattern.

    Args:
        program: its inputs stand for any values of their shape and dtype, its captured arrays for
            equal ones.
    """

    def __init__(self, program: Program):
        self.program = program
        self.made_by = program.makers()

    def fits(
        self,
        pattern: Value,
        value: Value,
        made_by: dict[Value, Instruction],
        captures: dict[Value, Any],
        bound: dict[Value, Value],
    ) -> bool:
        """Whether ``value`` is made as ``pattern`` is.

        Args:
            pattern: of this program.
            value: of the other one.
            made_by: what makes the values of the other one.
            captures: the arrays of the other one.
            bound: what patterns stand for; more is added, also if the answer is no.
        """
        if pattern in bound:
            return bound[pattern] is value
        if pattern.spec != value.spec:
            return False
        bound[pattern] = value
        made, theirs = self.made_by.get(pattern), made_by.get(value)
        if made is None:
            array: Any = self.program.captures.get(pattern)
            same: Any = captures.get(value)
            return array is None or (same is not None and np.array_equal(array, same))
        if theirs is None or len(made.operands) != len(theirs.operands):
            return False
        if made.opcode != theirs.opcode or repr(made.fields) != repr(theirs.fields):
            return False
        return all(
            [
                self.fits(x, y, made_by, captures, bound)
                if isinstance(x, Value) and isinstance(y, Value)
                else repr(x) == repr(y)
                for x, y in zip(made.operands, theirs.operands)
            ]
        )
