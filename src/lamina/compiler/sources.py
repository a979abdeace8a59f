"""What is stored, and what is made anew wherever it is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..listen import Instruction, Program, Value
from .access import identity, through

REDUCTIONS = frozenset(("sum", "max", "min"))
CHEAP = frozenset(
    "add subtract multiply divide negative positive maximum minimum absolute fabs square "
    "reciprocal where astype copy greater greater_equal less less_equal equal not_equal "
    "logical_and logical_or logical_not bitwise_and bitwise_or invert isnan isfinite".split()
)
"""What costs no more than to load its operand."""

LONGEST = 4
"""Cheap instructions that are computed again, one on another."""

DEAR = frozenset("exp log sqrt tanh".split())
"""What costs about as much as to store and load a number that the cache does not hold."""

FAR = 1 << 20
"""Bytes of a result beyond which that is so: half of a usual second-level cache."""

KNOWN = (np.dtype(np.float32), np.dtype(bool), np.dtype(np.int64), np.dtype(np.int32))
"""The dtypes of fused instructions."""


class Sources:
    """What each value of a program is made of, and which values have to be stored."""

    def __init__(self, program: Program, takes: Callable[[Instruction], str]):
        self.made_by = program.makers()
        self.kind = {i: takes(i) for i in program.instructions}
        self.must: set[Value] = set()
        for value in program.outputs:
            self._store(value)
        for instruction, kind in self.kind.items():
            if kind in ("product", "kernel", "numpy"):
                for x in instruction.values:
                    self._store(x)
            elif instruction.opcode == "gather":
                self._store(instruction.values[0])  # any row of it
        self._known: dict[Value, tuple[frozenset[Value], frozenset[Instruction]]] = {}
        for value in self.made_by:
            self.of(value)  # to know all that has to be stored ...
        self._known.clear()  # ... before it is said what has not

    def _store(self, value: Value) -> None:
        self.must.add(self.base(value))

    def base(self, value: Value) -> Value:
        """What ``value`` is a view of."""
        while (made := self.made_by.get(value)) is not None and self.kind[made] == "view":
            value = made.values[0]
        return value

    def of(self, value: Value) -> frozenset[Value]:
        """The values that have to be there for ``value``: itself, unless it is made of others."""
        return self._found(value)[0]

    def is_made_anew(self, value: Value) -> bool:
        """Whether ``value`` is a view, a constant, or cheap."""
        return self.of(value) != {value}

    def _found(self, value: Value) -> tuple[frozenset[Value], frozenset[Instruction]]:
        """The sources of ``value``, and the instructions that make it of them."""
        if value not in self._known:
            self._known[value] = self._find(value)
        return self._known[value]

    def _find(self, value: Value) -> tuple[frozenset[Value], frozenset[Instruction]]:
        made = self.made_by.get(value)
        itself: Any = frozenset((value,)), frozenset()
        if made is None:
            return itself
        kind = self.kind[made]
        if kind == "constant":
            return frozenset(), frozenset()
        if kind == "view":
            return self._of_view(made)
        if kind != "elementwise" or value in self.must:
            return itself
        operands = [self._found(x) for x in made.values]
        sources = frozenset().union(*[found for found, _ in operands])
        chain = frozenset((made,)).union(*[found for _, found in operands])
        large = [x for x in sources if x.size * 4 > value.size]
        fits = len(large) <= 1 and len(sources) <= 4 and _is_cheap(chain, value.nbytes)
        return (sources, chain) if fits else itself

    def _of_view(self, view: Instruction) -> tuple[frozenset[Value], frozenset[Instruction]]:
        """A view that no index describes needs its operand in memory, without gaps."""
        source = view.values[0]
        if through(view, identity(view.results[0].shape)) is None:
            self.must.add(self.base(source))
            return frozenset((view.results[0],)), frozenset()
        return self._found(source)


def _is_cheap(chain: frozenset[Instruction], nbytes: int) -> bool:
    """Whether to compute a chain again costs no more than to load its result."""
    rest = [i.opcode for i in chain if i.opcode not in CHEAP]
    if nbytes < FAR:
        return not rest and len(chain) <= LONGEST
    return len(chain) <= 2 * LONGEST and len(rest) <= 1 and DEAR.issuperset(rest)
