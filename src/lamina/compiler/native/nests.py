"""Nests in a program, with their products: planned, then written."""

from __future__ import annotations

from math import prod
from typing import Any

from ...machine.code import Code
from ..access import Layout, dense
from ..group import Group
from ..nest import Nest, NestMaker
from .elementwise import computed_in
from .table import kernel_of
from .walk import Walk, write_nest


def place_of_product(group: Group, nest: Nest, layouts: Any) -> Any:
    """Where the product of a nest goes: to its own place, or to that of a result of the nest, which
    then is written over it; None if there is no such place.
    """
    product: Any = group.product
    result, outer = product.results[0], nest.lengths[:-1]
    if result in group.stores:
        return result, layouts.layout(result)
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


def place_of_kernel(group: Group, nest: Nest) -> Any:
    """The same of another kernel, whose result has no gaps; without a place, it is given one."""
    instruction: Any = group.product
    result, steps = instruction.results[0], dense(nest.lengths).strides
    alike = [nest.arrays[s.slot] for s in nest.stores if (s.steps, s.start) == (steps, 0)]
    targets = [x for x in alike if x.dtype == result.dtype and x in group.stores]
    into = result if result in group.stores or not targets else targets[0]
    group.stores[into] = None
    return into, None


class NestPlan:
    """A nest, with its product if it has one, planned; see `Kernel`."""

    scratch = shared = 0

    def __init__(self, target: Any, group: Group, sources: Any, layouts: Any):
        nest = self.nest = NestMaker(group, sources, layouts, computed_in).made()
        self.values, self.hosts, self.work = list(nest.arrays), nest.hosts, nest.work
        self.fixed: dict[Any, Any] = {}
        self.product: Any = None
        if group.product is not None:
            kernel: Any = kernel_of(group.product)
            self.product = kernel(target, group.product, layouts)
            ours = self.product.kind == "product"
            self.product.goes_to(
                place_of_product(group, nest, layouts) if ours else place_of_kernel(group, nest)
            )
            self.values += self.product.values
            self.scratch, self.shared = self.product.scratch, self.product.shared
            self.work += self.product.work

    def key(self) -> Any:
        """What is equal for equal code."""
        return "nest", self.nest.key(), self.product and self.product.key()

    def write(self, code: Code, pointers: list[Any], scratch: Any, shared: Any) -> None:
        """Write the loops, or the product with the loops on its blocks."""
        count, end = len(self.nest.arrays), len(self.values)
        given, hosts, product = pointers[:count], pointers[end:], self.product
        if product is None:
            write_nest(self.nest, code, given, hosts)
            return

        def then(tile: Any) -> None:
            Walk(self.nest, code, given, hosts, tile).block(product.stacks)

        product.write(code, pointers[count:end], scratch, shared, then)
