"""Who writes a random program: it chooses, and keeps what has been written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from lamina.listen import Program, verify

LENGTHS = (1, 2, 3, 5, 7, 15, 16, 17, 33)
LARGEST = 6000
EXACT = 1 << 20
"""Multiples of the unit up to which numbers grow before they are cut down."""


@dataclass
class Number:
    """A value, and what is known of its numbers: multiples of ``unit`` up to ``bound``."""

    value: Any
    bound: float = 4.0
    unit: float = 1.0

    @property
    def kind(self) -> str:
        """That of the dtype."""
        return self.value.dtype.kind


@dataclass
class Maker:
    """Writes one random program.

    Attributes:
        rng: all choices.
        real: the dtype of floats; another one gives the same program in it.
        exact: whether numbers stay multiples of a unit; see `programs`.
        program: what has been written.
        numbers: its values.
        lengths: those that axes of this program have.
    """

    rng: np.random.Generator
    real: Any = np.float32
    exact: bool = True
    program: Program = field(default_factory=Program)
    numbers: list[Number] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    # -- choices -----------------------------------------------------------------------------

    def choose(self, options: Any) -> Any:
        """One of them."""
        return options[int(self.rng.integers(len(options)))]

    def chance(self, p: float) -> bool:
        """True so often."""
        return bool(self.rng.random() < p)

    def recent(self, kinds: str = "f", fits: Callable[[Any], bool] | None = None) -> Number | None:
        """One of the later values, so that earlier ones die."""
        found = [x for x in self.numbers if x.kind in kinds and (fits is None or fits(x.value))]
        if not found:
            return None
        return self.choose(found[-8:] if self.chance(0.8) else found)

    # -- a whole program ---------------------------------------------------------------------

    def start(self, inputs: int = 4, captures: int = 2) -> None:
        """Inputs and captured arrays of all dtypes."""
        large = self.chance(0.15)
        self.lengths = [self.choose(LENGTHS) for _ in range(3)]
        if large:
            self.lengths[0] = int(self.rng.integers(100, 700))
        kinds = [self.real] * (inputs - 1) + [self.choose([np.int64, np.int32, np.bool_])]
        for i, dtype in enumerate(kinds):
            self.numbers.append(Number(self.program.input(self.shape(), dtype, f"x{i}")))
        for _ in range(captures):
            self.numbers.append(Number(self.program.capture(self.array(self.shape(), self.real))))

    def shape(self) -> tuple[int, ...]:
        """Up to four axes, each of a length of this program or of 1."""
        while True:
            ndim = self.choose([0, 1, 2, 2, 2, 3, 3, 4])
            shape = tuple(
                [1 if self.chance(0.15) else self.choose(self.lengths) for _ in range(ndim)]
            )
            if prod(shape) <= LARGEST:
                return shape

    def array(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Numbers for an input or a captured array."""
        if np.dtype(dtype).kind == "f" and not self.exact:
            x = np.asarray(self.rng.standard_normal(shape).clip(-4, 4), np.float32)
            return np.asarray(x, dtype)
        low, high = (0, 2) if np.dtype(dtype) == bool else (-4, 5)
        return np.asarray(self.rng.integers(low, high, shape), dtype)

    def inputs(self) -> list[Any]:
        """Arrays for the inputs."""
        return [self.array(v.shape, v.dtype) for v in self.program.inputs]

    def grow(self, count: int, steps: dict[Any, float]) -> None:
        """Write so many instructions, about, of ``steps``, each as often as it weighs."""
        end = len(self.program.instructions) + count
        names, weights = zip(*steps.items())
        p = np.array(weights) / sum(weights)
        while len(self.program.instructions) < end:
            step = names[int(self.rng.choice(len(names), p=p))]
            made = step(self)
            if made is not None:
                self.numbers.append(self.tame(made))

    def tame(self, x: Number) -> Number:
        """Cut down numbers that have grown."""
        if x.kind != "f":
            if x.kind == "i" and x.bound > EXACT:
                return Number(np.clip(x.value, -8, 8), 8)
            return x
        if not self.exact:
            return Number(np.clip(x.value, -4, 4), 4) if x.bound > 16 else x
        if x.bound / x.unit > EXACT or x.unit < 2.0**-12 or x.bound > EXACT:
            return Number(np.clip(np.rint(x.value), -4, 4), 4)
        return x

    def finish(self) -> Program:
        """Outputs: results, views, and now and then what was there already, or one twice."""
        values = [x.value for x in self.numbers]
        made = values[len(self.program.inputs) :]
        outputs = [self.choose(made) for _ in range(3)] + [values[-1]]
        if self.chance(0.1):
            outputs.append(self.choose(values))
        if self.chance(0.1):
            outputs.append(outputs[0])
        self.program.outputs = tuple(outputs)
        return verify(self.program)
