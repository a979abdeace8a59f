"""Nests in a program, with their products: planned, then written."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ...machine.code import Code
from ..access import Layout, dense
from ..group import Group
from ..nest import Nest, NestMaker
from .elementwise import computed_in
from .loops import Loops
from .product import ProductPlan
from .table import kernel_of


def product_target(group: Group, nest: Nest, layouts: Any) -> Any:
    """Where the product of a nest goes: to its own place, or to that of a result of the nest, which
    then is written over it; None if there is no such place.
    """
    product: Any = group.product
    result = product.results[0]
    if result in group.stores:
        return result, layouts.layout(result)
    outer = nest.lengths[:-1]
    for store in nest.stores:
        value, steps = nest.arrays[store.slot], store.steps
        dense_rows = all([steps[i] == steps[i + 1] * outer[i + 1] for i in range(len(outer) - 1)])
        fits = value in group.stores and value.dtype == result.dtype
        if fits and steps[-1:] == (1,) and dense_rows and value not in group.in_place:
            row = steps[-2] if outer else 0
            lengths = result.shape[:-1]
            along = [row * prod(lengths[i + 1 :]) for i in range(len(lengths))]
            return value, Layout((*along, 1), store.start)
    return None


def kernel_with_nest(target: Any, group: Group, nest: Nest, layouts: Any) -> Any:
    """The kernel that a nest runs on. It goes to its own place, or to that of a result of the nest
    that lies as it does; if there is none, it is given a place.
    """
    instruction: Any = group.product
    result, steps = instruction.results[0], dense(nest.lengths).strides
    alike = [nest.arrays[s.slot] for s in nest.stores if (s.steps, s.start) == (steps, 0)]
    targets = [x for x in alike if x.dtype == result.dtype and x in group.stores]
    into = result if result in group.stores or not targets else targets[0]
    group.stores[into] = None
    kernel: Any = kernel_of(instruction)
    plan = kernel(target, instruction, layouts)
    plan.values[-1] = into
    return plan


class NestPlan:
    """A nest, with its product if it has one, planned; see `ProductPlan`."""

    def __init__(self, target: Any, group: Group, sources: Any, layouts: Any):
        self.nest = NestMaker(group, sources, layouts, computed_in).made()
        self.loops = Loops(self.nest, target)
        self.values, self.hosts = list(self.nest.arrays), self.nest.hosts
        self.fixed: dict[Any, Any] = {}
        self.scratch, self.shared = -(-self.loops.scratch // 64) * 64, 0
        self.own = self.scratch
        self.work = self.loops.work
        self.product: Any = None
        if group.product is not None:
            if group.product.opcode == "matmul":
                into = product_target(group, self.nest, layouts)
                self.product = ProductPlan(target, group.product, layouts, into)
            else:
                self.product = kernel_with_nest(target, group, self.nest, layouts)
            self.values += self.product.values
            self.scratch += self.product.scratch
            self.shared = self.product.shared
            self.work += self.product.work

    def key(self) -> Any:
        """What is equal for equal code."""
        return "nest", self.nest.key(), self.product and self.product.key()

    def write(self, code: Code, pointers: list[Any], scratch: Any, shared: Any) -> None:
        """Write the loops, or the product with the loops on its blocks."""
        count, end = len(self.nest.arrays), len(self.values)
        given, hosts, product = pointers[:count], pointers[end:], self.product
        if product is None:
            self.loops.emit(code, given, hosts, scratch)
            return

        def then(tile: Any) -> None:
            self.loops.emit_block(code, given, hosts, scratch, tile, product.stacks)

        place = code.at(scratch, self.own, np.int8)
        product.write(code, pointers[count:end], place, shared, then)
