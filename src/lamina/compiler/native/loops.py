"""The native code of a nest: how much work it is, what it keeps, and who does it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from llvmlite import ir

from ...machine.code import Code
from ...machine.target import Target
from ..nest import Nest
from .turn import COLUMNS
from .walk import Walk

SMALL = 1 << 14
"""Operations below which one thread does all of a nest: to wake the others costs more."""

CHEAP_AGAIN = 6
"""Nodes that are computed again in a later stage, rather than kept."""

COSTLY = frozenset("exp exp2 expm1 log log1p log2 tanh sin cos power".split())


class Loops:
    """The code of a `Nest`.

    Args:
        nest: what to do.
        target: the processor.
    Attributes:
        scratch: bytes of memory that each thread needs.
    """

    def __init__(self, nest: Nest, target: Target):
        self.nest, self.target = nest, target
        self.lanes = target.lanes
        self.stages = max([nest.stage[s.node] for s in nest.stores], default=0)
        inner = frozenset(range(nest.outer, len(nest.lengths)))
        self._inner = [not inner.isdisjoint(loops) for loops in nest.depends]
        self._costs: dict[int, int] = {}
        self.kept = self._kept()
        self._row = prod(nest.lengths[nest.outer :])
        width = (COLUMNS * self.lanes) if nest.columns else 1
        self._each = -(-(self._row * width + self.lanes) // 16) * 16
        self.scratch = len(self.kept) * self._each * 4

    def _kept(self) -> dict[int, int]:
        """Nodes of an earlier stage that a later one needs, and that cost much to make again."""
        nest, kept = self.nest, {}
        stored = {s.node for s in nest.stores}
        self._looked: set[tuple[int, int]] = set()
        for reader, node in enumerate(nest.nodes):
            if node.kind == "reduce":
                self._look(node.arguments[0], nest.stage[node.arguments[0]], stored, kept)
            elif reader in stored:
                self._look(reader, nest.stage[reader], stored, kept)
        return {node: i for i, node in enumerate(sorted(kept))}

    def _look(self, number: int, stage: int, stored: set[int], kept: dict[int, int]) -> None:
        for argument in self.nest.nodes[number].arguments:
            node = self.nest.nodes[argument]
            if node.kind == "reduce" or not self._is_inner(argument):
                continue
            if (argument, stage) in self._looked:
                continue
            self._looked.add((argument, stage))
            earlier = self.nest.stage[argument] < stage
            if earlier and argument not in stored and self._cost(argument) > CHEAP_AGAIN:
                if node.kind == "op" and node.dtype == np.float32:  # scratch memory holds no others
                    kept[argument] = 0
                    continue
            if not (earlier and argument in stored):
                self._look(argument, stage, stored, kept)

    def _cost(self, number: int) -> int:
        """What it costs to make a node again."""
        node = self.nest.nodes[number]
        if node.kind != "op" or not self._is_inner(number):
            return 0
        if number not in self._costs:
            own = 20 if node.name in COSTLY else 1
            self._costs[number] = own + sum([self._cost(a) for a in node.arguments])
        return self._costs[number]

    def _is_inner(self, number: int) -> bool:
        """Whether a node changes from turn to turn of the inner loops."""
        return self._inner[number]

    @property
    def work(self) -> int:
        """Operations, about."""
        each = sum([20 if n.name in COSTLY else 1 for n in self.nest.nodes if n.kind == "op"])
        return prod(self.nest.lengths) * (each + 1)

    @property
    def alone(self) -> bool:
        """Whether one thread does it all."""
        return self.work < SMALL

    # -- emission ----------------------------------------------------------------------------

    def emit(self, code: Code, pointers: Sequence[ir.Value], hosts: Any, scratch: Any) -> None:
        """Write the whole nest, each thread its share.

        Args:
            code: where to.
            pointers: the address of each array of the nest.
            hosts: that of each number that the host gives, float32.
            scratch: that of `scratch` bytes of the thread's own.
        """
        run = Walk(self, code, pointers, hosts, scratch)
        if self.alone:
            with code.alone():
                run.all(code.int(0), code.int(1))
        else:
            run.all(code.tid, code.threads)

    def emit_block(
        self,
        code: Code,
        pointers: Sequence[ir.Value],
        hosts: Any,
        scratch: Any,
        tile: Any,
        stacks: Sequence[int],
    ) -> None:
        """Write the nest over one block of its product, which has ``stacks`` for leading axes."""
        Walk(self, code, pointers, hosts, scratch, tile).block(tile, stacks)
