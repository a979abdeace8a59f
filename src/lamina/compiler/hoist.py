"""What need not be done turn by turn is taken out of a loop, and done once for all turns.

Three things: what is made of nothing that changes; products with it of what the loop runs over, and
what is added to them; and sums over all turns of products, which become one product whose sums are
as long as the loop. That is another order of sums, so only native code is made of such programs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from ..listen import Instruction, Program, Value, repeat
from .loop import Body, Scan
from .plan import ELEMENTWISE

CHEAP_VIEWS = ("broadcast_to", "reshape", "slice")
"""What is as well done inside: it costs nothing, and may be larger than its operand."""


def hoisted(program: Program, takes: Callable[[Instruction], bool]) -> Program:
    """``program`` with little in its loops, and no results of these that nobody reads.

    Args:
        program: simplified.
        takes: whether a loop becomes native code; the others are left as they are.
    """
    read = {x for i in program.instructions for x in i.operands if isinstance(x, Value)}
    read.update(program.outputs)
    waiting = iter(program.instructions)

    def change(new: Program, instruction: Instruction, operands: tuple[Any, ...]) -> Any:
        old = next(waiting)
        if not isinstance(old.fields.get("function"), Scan) or not takes(old):
            return repeat(new, instruction, operands)
        return Hoister(new, old, operands, [x in read for x in old.results]).results()

    return program.mapped(change)


class Hoister:
    """A loop that is written anew.

    Args:
        around: the new program that it is in.
        loop: the old instruction.
        operands: its operands in the new program.
        read: which of its results are.
    Attributes:
        outside: for values of the body that are the same at each turn: the one around.
        stacked: for values of which all turns are known beforehand: these, along a new first axis.
        products: of these, what is made of a product.
    """

    def __init__(self, around: Program, loop: Instruction, operands: Any, read: list[bool]):
        self.around, self.operands, self.read = around, operands, read
        self.scan: Any = loop.fields["function"]
        self.body: Program = self.scan.body.program
        self.carried = self.scan.body.carried
        self.made_by = self.body.makers()
        used = [x for i in self.body.instructions for x in i.values]
        self.uses = Counter([*used, *self.body.outputs])
        end, inputs = self.carried + self.scan.body.parts, self.body.inputs
        self.stacked = dict(zip(inputs[self.carried : end], operands[self.carried : end]))
        self.outside = dict(zip(inputs[end:], operands[end:]))
        self.products: set[Value] = set()
        self.length = operands[self.carried].shape[0]

    def results(self) -> Any:
        """Write it; what stands for the results, None where nobody reads one."""
        for instruction in self.body.instructions:
            self._before(instruction)
        summed = {n: terms for n in range(self.carried) if (terms := self._terms(n))}
        self._loop(summed)
        found: list[Any] = []
        for n, value in enumerate(self.body.outputs):
            if n in summed:
                found.append(self._sum(n, *summed[n]))
            else:
                found.append(self.ends.get(n) if n < self.carried else self.stacked.get(value))
        return tuple(found) if len(found) > 1 else found[0]

    # -- before the loop ---------------------------------------------------------------------

    def _before(self, instruction: Instruction) -> None:
        """Do an instruction for all turns at once, if that is possible, and worth it."""
        values = instruction.values
        opcode, result = instruction.opcode, instruction.results[0]
        if opcode in ("call", *CHEAP_VIEWS) or not values:
            return
        if all([x in self.outside for x in values]):
            self.outside[result] = self._emit(instruction, self.outside)
        elif opcode == "matmul":
            a, b = values
            if a in self.stacked and b in self.outside and a.ndim == b.ndim == 2:
                rows = self.around.emit("matmul", self._rows(a), self.outside[b])
                shape = (self.length, *result.shape)
                self.stacked[result] = self.around.emit("reshape", rows, shape=shape)
                self.products.add(result)
        elif opcode in ELEMENTWISE and not self.products.isdisjoint(values):
            if all([x in self.outside or self._runs_along(x, result) for x in values]):
                self.stacked[result] = self._emit(instruction, {**self.outside, **self.stacked})
                self.products.add(result)

    def _runs_along(self, x: Value, result: Value) -> bool:
        return x in self.stacked and x.shape == result.shape

    def _emit(self, instruction: Instruction, known: dict[Value, Any]) -> Any:
        operands = [known[x] if isinstance(x, Value) else x for x in instruction.operands]
        return self.around.emit(instruction.opcode, *operands, **instruction.fields)

    def _rows(self, x: Value) -> Any:
        """All turns of a matrix below one another."""
        shape = (self.length * x.shape[0], x.shape[1])
        return self.around.emit("reshape", self.stacked[x], shape=shape)

    # -- the loop ----------------------------------------------------------------------------

    def _loop(self, summed: dict[int, Any]) -> None:
        """Emit what is left; its results are in ``ends``, the last carry, and ``stacked``."""
        outputs = self.body.outputs
        carry = [n for n in range(self.carried) if n not in summed]
        wanted = [v for n, v in enumerate(outputs) if n >= self.carried and self.read[n]]
        wanted += [v for terms in summed.values() for v in terms[0]]
        stacks = [v for v in dict.fromkeys(wanted) if v not in self.stacked]
        body = Program()
        known = {x: body.input(x.shape, x.dtype) for x in [self.body.inputs[n] for n in carry]}
        ends = [outputs[n] for n in carry]
        needed = self._needed([*ends, *stacks], set(known))
        parts = [x for x in self.stacked if x in needed] or list(self.stacked)[:1]
        still = [x for x in self.outside if x in needed]
        known.update({x: body.input(x.shape, x.dtype) for x in [*parts, *still]})
        for i in self.body.instructions:
            if not needed.isdisjoint(i.results) and i.results[0] not in known:
                operands = [known[x] if isinstance(x, Value) else x for x in i.operands]
                made = repeat(body, i, tuple(operands))
                known.update(zip(i.results, made if isinstance(made, tuple) else (made,)))
        body.outputs = tuple([known[x] for x in [*ends, *stacks]])
        operands = [self.operands[n] for n in carry]
        operands += [self.stacked[x] for x in parts] + [self.outside[x] for x in still]
        made = ()
        if body.outputs:
            scan = Scan(Body(body, len(carry), len(parts)), self.scan.reverse)
            made = self.around.emit("call", *operands, function=scan)
        made = made if isinstance(made, tuple) else (made,)
        self.ends = dict(zip(carry, made))
        self.stacked.update(zip(stacks, made[len(carry) :]))

    def _needed(self, outputs: list[Value], carry: set[Value]) -> set[Value]:
        """The values that outputs are made of, down to what comes from outside."""
        found, waiting = set(), list(outputs)
        while waiting:
            value = waiting.pop()
            if value in found:
                continue
            found.add(value)
            if value not in carry and value not in self.stacked and value not in self.outside:
                made = self.made_by.get(value)
                waiting += made.values if made else []
                found.update(made.results if made else ())
        return found

    # -- after the loop ----------------------------------------------------------------------

    def _terms(self, n: int) -> Any:
        """Of a carry that only adds up: the matrices of each term, and what is done with them."""
        end = self.body.outputs[n]
        added = self.made_by.get(end)
        operands: Any = added.operands if added and added.opcode == "add" else ()
        start = self.body.inputs[n]
        terms = [x for x in operands if isinstance(x, Value) and x is not start]
        if len(terms) != 1 or len(operands) != 2 or not any([x is start for x in operands]):
            return None
        if any([self.uses[x] != 1 for x in (start, end, terms[0])]):
            return None
        made, view = self.made_by.get(terms[0]), None
        if made is not None and made.opcode == "reshape":
            made, view = self.made_by.get(made.operands[0]), made  # pyright: ignore[reportArgumentType]
        if made is None:
            return None
        matrices: list[Any] = list(made.operands)
        if made.opcode == "matmul":
            turned = self.made_by.get(matrices[0])
            if turned is None or turned.opcode != "transpose" or matrices[0].ndim != 2:
                return None
            matrices[0] = turned.operands[0]
        elif made.opcode != "sum" or made.fields["axis"] != (0,):
            return None
        if any([x.ndim != 2 or x in self.outside or x.dtype != end.dtype for x in matrices]):
            return None
        return matrices, made, view

    def _sum(self, n: int, matrices: list[Value], made: Instruction, view: Any) -> Any:
        """The last carry, of all terms at once."""
        rows = [self._rows(x) for x in matrices]
        if made.opcode == "matmul":
            rows[0] = self.around.emit("transpose", rows[0], axes=(1, 0))
        total = self.around.emit(made.opcode, *rows, **made.fields)
        if view is not None:
            total = self.around.emit("reshape", total, **view.fields)
        return self.around.emit("add", self.operands[n], total)
