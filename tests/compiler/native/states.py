"""Random programs that change the arrays they read: targets, in every layout NumPy has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from compiler.native.maker import Maker, Number
from compiler.native.programs import EXACT_STEPS
from compiler.native.steps import binary, reduction, unary, view, with_number
from lamina.listen import Program, Value, run, verify


@dataclass
class Stateful:
    """A program with state.

    Attributes:
        program: its outputs are results, and then the new data of `targets`.
        targets: for each output that replaces an array, that array.
        maker: who made it.
    """

    program: Program
    targets: dict[int, Any]
    maker: Maker

    def expected(self, inputs: list[Any]) -> tuple[list[Any], list[Any]]:
        """What the outputs should be, and the state afterwards; the arrays are left as they are."""
        values = [np.array(y) for y in run(self.program, *inputs)]
        return values, [values[i] for i in self.targets]


def laid(maker: Maker, array: Any) -> Any:
    """The same numbers in an array with other strides."""
    kind = maker.choose(["plain", "plain", "turned", "reversed", "apart", "columns"])
    if kind == "turned" and array.ndim > 1:
        return np.ascontiguousarray(array.T).T
    if kind == "reversed" and array.ndim:
        return np.ascontiguousarray(array[::-1])[::-1]
    if kind == "apart" and array.ndim:
        wide = np.zeros((*array.shape[:-1], array.shape[-1] * 2), array.dtype)
        wide[..., ::2] = array
        return wide[..., ::2]
    if kind == "columns" and array.ndim == 2:
        return np.asfortranarray(array)
    return array


def random_state(seed: int) -> Stateful:
    """Arrays that are read, as they are and through views, and replaced: by a change of their own
    numbers, by those of others, by each other, by their own transposition.
    """
    m = Maker(np.random.default_rng(seed))
    m.start(inputs=2, captures=0)
    shapes = [m.shape(), m.shape()]
    n = m.choose(m.lengths)
    shapes += [shapes[0], (n, n) if n * n < 1500 else (n,), (n, n) if n * n < 1500 else (n,)]
    state: list[tuple[Value, Any]] = []
    for shape in shapes:
        array = laid(m, m.array(shape, np.float32))
        value = m.program.capture(array)
        state.append((value, array))
        m.numbers.append(Number(value))
    m.grow(int(m.rng.integers(3, 20)), EXACT_STEPS)
    for step in (unary, binary, with_number, view, reduction):  # of the state itself
        m.numbers.append(Number(m.choose(state)[0]))
        made = step(m)
        if made is not None:
            m.numbers.append(m.tame(made))
    made = [x.value for x in m.numbers]
    results = [m.choose(made) for _ in range(int(m.rng.integers(0, 4)))]
    outputs, targets = list(results), {}
    for value, array in state:
        new = replaced(m, value, state)
        if new is not None:
            targets[len(outputs)] = array
            outputs.append(new)
    m.program.outputs = tuple(outputs)
    return Stateful(verify(m.program), targets, m)


def replaced(m: Maker, old: Value, state: Any) -> Value | None:
    """What an array becomes; None if it stays."""
    like = [x for x in m.numbers if x.value.shape == old.shape and x.value.dtype == old.dtype]
    kind = m.choose(["stays", "changed", "changed", "any", "other", "turned", "momentum"])
    if kind == "stays":
        return None
    if kind == "other":
        return m.choose([v for v, _ in state if v.shape == old.shape])
    if kind == "turned" and old.ndim == 2 and old.shape[0] == old.shape[1]:
        return old.T
    if kind == "any":
        change = m.choose(like)
        if change.bound <= 4 and change.unit >= 1:
            return change.value
        return np.clip(np.rint(change.value), -4, 4)  # it is read again, and must not grow
    change = m.choose(like)
    new = m.tame(Number(old * 0.5 + change.value, 4 + change.bound, min(0.5, change.unit)))
    return np.clip(np.rint(new.value), -4, 4)
