"""Attention in a program, as one instruction that keeps no weights.

A query's weights are as many numbers as there are keys: of a long sequence they are most of what
forward keeps for backward. `Attention` computes them for a few queries at a time and keeps of each
two numbers, the largest product and the sum of the exponentials; `AttentionGradient` has the
weights again from these. With ``causal``, what lies behind a query is not computed at all.

Source: T. Dao and others, "FlashAttention: Fast and Memory-Efficient Exact Attention", 2022. Rows
are not divided here: a few of them fit the cache.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..config import using
from ..core import Function, Variable, gradients
from ..functions.attention import AttentionWeights
from ..functions.linear import PRODUCTS
from ..listen import Instruction, Program, Spec, Value, repeat
from .formula import Formula
from .simplify import drop, simplify
from .trace import trace


class Attention(Function):
    """``softmax(q kᵀ) v``, and of each query the largest product and the sum that divides."""

    causal: bool

    def forward(self, q, k, v):
        """(..., n, d), (..., n, d), (..., n, e) to (..., n, e), and (..., n, 2)."""
        x = np.matmul(q, k.swapaxes(-1, -2))
        if self.causal:
            x = np.where(np.tri(*x.shape[-2:], dtype=bool), x, -np.inf)
        top = x.max(-1, keepdims=True)
        top = np.where(top == -np.inf, 0, top)
        e = np.exp(x - top)
        total = e.sum(-1, keepdims=True)
        total = np.where(total == 0, 1, total)
        return np.matmul(e / total, v), np.concatenate([top, total], -1)

    def spec(self, q, k, v):
        """Of both results."""
        return ((*q.shape[:-1], v.shape[-1]), q.dtype), ((*q.shape[:-1], 2), q.dtype)

    def multiply_adds(self, q, k, v):
        """Those of the weights that are not 0 beforehand."""
        pairs = q.size // q.shape[-1] * q.shape[-2] // (2 if self.causal else 1)
        return pairs * (q.shape[-1] + v.shape[-1])


class AttentionGradient(Function):
    """The derivatives of `Attention` by q, k and v. Never recorded, so it has no backward."""

    causal: bool

    def forward(self, gy, kept, q, k, v):
        """The weights once more, and their derivatives."""
        x = np.matmul(q, k.swapaxes(-1, -2))
        if self.causal:
            x = np.where(np.tri(*x.shape[-2:], dtype=bool), x, -np.inf)
        y = np.exp(x - kept[..., :1]) / kept[..., 1:]
        gx = np.matmul(gy, v.swapaxes(-1, -2)) * y
        gx = gx - y * gx.sum(-1, keepdims=True)
        turned = gx.swapaxes(-1, -2), y.swapaxes(-1, -2)
        return np.matmul(gx, k), np.matmul(turned[0], q), np.matmul(turned[1], gy)

    def spec(self, gy, kept, q, k, v):
        """Those of q, k and v."""
        return (q.shape, q.dtype), (k.shape, k.dtype), (v.shape, v.dtype)

    def multiply_adds(self, gy, kept, q, k, v):
        """Three products with keys or queries, and two with values."""
        pairs = q.size // q.shape[-1] * q.shape[-2] // (2 if self.causal else 1)
        return pairs * (3 * q.shape[-1] + 2 * v.shape[-1])


def attended(program: Program, takes: Callable[[Spec, Spec, Spec], bool]) -> Program:
    """``program`` with each attention in it as one instruction, and one backward.

    Args:
        program: simplified.
        takes: whether there is a kernel for queries, keys and values.
    """
    made_of = {
        result: one
        for one in _Finder(program, takes).all()
        for result in (one.y, *one.gradients)
        if result is not None
    }
    if not made_of:
        return program
    known: dict[Value, Any] = {}

    def change(new: Program, old: Instruction, operands: tuple[Any, ...]) -> Any:
        known.update({a: b for a, b in zip(old.operands, operands) if isinstance(a, Value)})
        result = old.results[0]
        one = made_of.get(result)
        return repeat(new, old, operands) if one is None else one.made(new, result, known)

    return drop(program.mapped(change))


class Found:
    """One attention in a program.

    Attributes:
        y: its result.
        gradients: those by q, k and v, as far as they are there.
    """

    def __init__(self, causal: bool, inputs: list[Value], y: Value):
        self.causal, self.inputs, self.y = causal, inputs, y
        self.gy: Any = None
        self.gradients: list[Value | None] = [None, None, None]
        self._kept: Any = None
        self._made: Any = None

    def made(self, new: Program, result: Value, known: dict[Value, Any]) -> Any:
        """What stands for one of its results in a new program, where operands are ``known``."""
        given = [known[x] for x in self.inputs]
        if result is self.y:
            y, self._kept = new.emit("call", *given, function=Attention(self.causal))
            return y
        if self._made is None:
            function = AttentionGradient(self.causal)
            self._made = new.emit("call", known[self.gy], self._kept, *given, function=function)
        return self._made[next(i for i, x in enumerate(self.gradients) if x is result)]


class _Finder:
    """Looks for attention in a program."""

    def __init__(self, program: Program, takes: Callable[[Spec, Spec, Spec], bool]):
        self.program, self.takes = program, takes
        self.made_by = program.makers()
        self.products = [i for i in program.instructions if i.opcode == "matmul"]

    def all(self) -> list[Found]:
        """Those whose weights nobody else needs."""
        found = [self._at(product, causal) for product in self.products for causal in (True, False)]
        return [one for one in found if one is not None]

    def _at(self, product: Instruction, causal: bool) -> Found | None:
        """The attention that ends in a product of weights and values, if that is one."""
        weights, v = product.values
        scores = self._scores(weights)
        if scores is None:
            return None
        q = scores.values[0]
        k = Spec((*v.shape[:-1], q.shape[-1]), q.dtype)
        specs = q.spec, k, v.spec
        if not self.takes(*specs):
            return None
        formula = _formula(causal, *specs)
        bound: dict[Value, Value] = {}
        inputs, (y, *gradients) = formula.program.inputs, formula.program.outputs
        if not self._fits(formula, y, product.results[0], bound):
            return None
        found = Found(causal, [bound[x] for x in inputs[:3]], product.results[0])
        for n, pattern in enumerate(gradients):
            for other in self.products:
                trial = dict(bound)
                if self._fits(formula, pattern, other.results[0], trial):
                    found.gradients[n], bound = other.results[0], trial
                    break
        found.gy = bound.get(inputs[3])
        return found if self._is_alone(formula, bound, scores.results[0].shape) else None

    def _scores(self, weights: Any) -> Instruction | None:
        """The product of queries and keys that weights are made of."""
        made = self.made_by.get(weights)
        if made is None or made.opcode != "divide" or weights.ndim < 3:
            return None
        while made is not None and made.opcode != "matmul":
            made = next(
                (self.made_by.get(x) for x in made.values if x.shape == weights.shape), None
            )
        return made

    def _fits(self, formula: Formula, pattern: Value, value: Value, bound: Any) -> bool:
        return formula.fits(pattern, value, self.made_by, self.program.captures, bound)

    def _is_alone(self, formula: Formula, bound: dict[Value, Value], shape: Any) -> bool:
        """Whether nobody else needs an array of the shape of the weights."""
        inside = [bound[x] for x in formula.made_by if x in bound]
        hidden = {x for x in inside if x.shape == shape}
        makers = {self.made_by[x] for x in inside}
        others = [i for i in self.program.instructions if i not in makers]
        needed = [x for i in others for x in i.values]
        return hidden.isdisjoint((*needed, *self.program.outputs))


@functools.lru_cache(64)
def _formula(causal: bool, q: Spec, k: Spec, v: Spec) -> Formula:
    def attention(q: Any, k: Any, v: Any, gy: Any) -> Any:
        y = PRODUCTS[False, False](AttentionWeights(causal)(PRODUCTS[False, True](q, k), None), v)
        return y, *gradients(y, [q, k, v], gy)

    y = Spec((*q.shape[:-1], v.shape[-1]), q.dtype)
    arrays = [np.broadcast_to(np.zeros((), x.dtype), x.shape) for x in (q, k, v, y)]
    with using(grad=True):
        variables = [Variable(x) for x in arrays]
        return Formula(simplify(trace(attention, tuple(variables), {}).program))
