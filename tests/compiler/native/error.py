"""How far float32 may be from the exact result of a program: asked of the program itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from compiler.native.maker import Maker
from compiler.native.programs import random_program
from lamina.compiler.native.walk import CHUNK
from lamina.listen import VIEWS, Instruction, Program, Value, run

EPS = float(np.finfo(np.float32).eps)
LONGEST = 2 * CHUNK
"""Addends that native code adds one after another, at most, before it begins anew."""


def partial_sums(x: Any) -> Any:
    """Root of the sum of the squares of all partial sums along the last axis but the whole one.

    Each is a result that is rounded, though no instruction has it: a sum that comes out small has
    been large on its way. Roundings are independent, so their squares add up (Higham & Mary 2019,
    "A new approach to probabilistic rounding error analysis", section 2).
    """
    squares, totals = np.zeros(x.shape[:-1]), []
    for low in range(0, x.shape[-1], LONGEST):
        sums = np.cumsum(x[..., low : low + LONGEST], axis=-1)
        squares += np.square(sums[..., 1:-1]).sum(axis=-1)
        totals.append(sums[..., -1])
    if len(totals) > 1:
        ends = np.stack(totals, axis=-1)
        squares += np.square(ends).sum(axis=-1) + np.square(partial_sums(ends))
    return np.sqrt(squares)


def on_the_way(instruction: Instruction, arrays: list[Any]) -> Any:
    """`partial_sums` of each element of the result; None of an instruction that adds nothing up."""
    shape = instruction.results[0].shape
    if instruction.opcode == "matmul":
        a, b = arrays
        columns = b.mT if a.ndim == 1 else b.mT[..., None, :, :]
        return partial_sums(a[..., None, :] * columns).reshape(shape)
    if instruction.opcode == "sum":
        axes = instruction.fields["axis"]
        lengths = [arrays[0].shape[i] for i in axes]
        last = np.moveaxis(arrays[0], axes, range(-len(axes), 0))
        rows = last.shape[: last.ndim - len(axes)]
        return partial_sums(last.reshape(*rows, int(np.prod(lengths)))).reshape(shape)
    return None


def true(maker: Maker, inputs: list[Any]) -> tuple[tuple[Any, ...], dict[Value, Any]]:
    """The outputs of a float64 program, and `on_the_way` of those of its results that are sums."""
    program = maker.program
    known: dict[Value, Any] = {**dict(zip(program.inputs, inputs)), **program.captures}
    outputs = run(program, *inputs, seen=known.__setitem__)
    ways = {}
    for i in program.instructions:
        arrays = [known[x] if isinstance(x, Value) else x for x in i.operands]
        ways[i.results[0]] = on_the_way(i, arrays)
    return outputs, {value: way for value, way in ways.items() if way is not None}


def shaken(
    program: Program, inputs: list[Any], ways: dict[Value, Any], rng: np.random.Generator
) -> tuple[Any, ...]:
    """The outputs of a float64 program, each result in it off by up to a float32's last place.

    As rounding would do it, only at random (Parker, Pierce & Eggert 2000, "Monte Carlo
    arithmetic"): also the results on the way to a sum, which are in ``ways``.
    """
    views = {v for i in program.instructions if i.opcode in VIEWS for v in i.results}

    def shake(value: Any, array: Any) -> None:
        if value not in views and array.dtype == np.float64:
            array *= 1 + EPS * rng.uniform(-1, 1, array.shape)
        if value in ways:
            array += EPS * ways[value] * rng.uniform(-1, 1, array.shape)

    return run(program, *inputs, seen=shake)


def bounds(seed: int, rounds: int = 4) -> list[tuple[Any, float]]:
    """For each output of a smooth program: the exact numbers, and how far float32 may be from them.

    Eight times as far as the farthest of some shaken runs: native code may take sums in another
    order, and its elementary functions err by up to 4 last places, where a shake is one.
    """
    maker = random_program(seed, exact=False, real=np.float64)
    inputs = maker.inputs()
    exact, ways = true(maker, inputs)
    rng = np.random.default_rng(seed)
    off = [0.0] * len(exact)
    for _ in range(rounds):
        for i, y in enumerate(shaken(maker.program, inputs, ways, rng)):
            off[i] = max(off[i], distance(y, exact[i]))
    return [(y, 8 * d + EPS * distance(y, 0)) for y, d in zip(exact, off)]


def distance(a: Any, b: Any) -> float:
    """The largest difference; NaN if there is one."""
    return float(np.abs(np.subtract(a, b, dtype=np.float64)).max(initial=0))
