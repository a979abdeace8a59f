"""How far float32 may be from the exact result of a program: asked of the program itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from compiler.native.programs import random_program
from lamina.listen import VIEWS, Program, run

EPS = float(np.finfo(np.float32).eps)


def shaken(program: Program, inputs: list[Any], rng: np.random.Generator) -> tuple[Any, ...]:
    """The outputs of a float64 program, each result in it off by up to a float32's last place.

    As rounding would do it, only at random (Parker, Pierce & Eggert 2000, "Monte Carlo
    arithmetic").
    """
    views = {v for i in program.instructions if i.opcode in VIEWS for v in i.results}

    def shake(value: Any, array: Any) -> None:
        if value not in views and array.dtype == np.float64:
            array *= 1 + EPS * rng.uniform(-1, 1, array.shape)

    return run(program, *inputs, seen=shake)


def bounds(seed: int, rounds: int = 4) -> list[tuple[Any, float]]:
    """For each output of a smooth program: the exact numbers, and how far float32 may be from them.

    Eight times as far as the farthest of some shaken runs: native code may take sums in another
    order, and its elementary functions err by up to 4 last places, where a shake is one.
    """
    maker = random_program(seed, exact=False, real=np.float64)
    inputs = maker.inputs()
    exact = run(maker.program, *inputs)
    rng = np.random.default_rng(seed)
    off = [0.0] * len(exact)
    for _ in range(rounds):
        for i, y in enumerate(shaken(maker.program, inputs, rng)):
            off[i] = max(off[i], distance(y, exact[i]))
    return [(y, 8 * d + EPS * distance(y, 0)) for y, d in zip(exact, off)]


def distance(a: Any, b: Any) -> float:
    """The largest difference; NaN if there is one."""
    return float(np.abs(np.subtract(a, b, dtype=np.float64)).max(initial=0))
