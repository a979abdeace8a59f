"""A case, what it is drawn with, and the table of operators that can draw one."""

from __future__ import annotations

import functools
import importlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


class Peer:
    """A name in a package that is imported when something of it is called."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def __getattr__(self, word: str) -> Peer:
        return Peer(*self.names, word)

    def __call__(self, *inputs: Any, **words: Any) -> Any:
        """Call what is found under the name."""
        package, *names = self.names
        return functools.reduce(getattr, names, importlib.import_module(package))(*inputs, **words)  # type: ignore[operator]


torch = Peer("torch")
nn = torch.nn.functional


@dataclass
class Case:
    """One call of an operator and those that should agree with it.

    References get the same numbers in double precision, so that what differs is lamina's.
    """

    run: Callable[..., Any]
    inputs: Sequence[Any]
    numpy: Callable[..., Any] | None = None
    torch: Callable[..., Any] | None = None
    text: str = ""
    terms: int = 1
    """The length of the longest sum, or how many roundings follow one another."""
    scale: float = 1.0
    """The size of the largest term: sums may cancel, and then the error is a part of that."""
    grad: bool = True
    """Whether first derivatives are compared with PyTorch's."""
    raw: bool = False
    """References get the inputs' own dtypes, and the result's dtype is NumPy's."""
    peer: float = 0.0
    """How far off PyTorch itself is, relatively, in double precision; with the reason."""

    def __post_init__(self) -> None:
        # NumPy makes numbers of arrays without axes; operators and references get arrays.
        self.inputs = [np.asarray(x) if isinstance(x, np.generic) else x for x in self.inputs]


class Draw:
    """A generator of random numbers with the words that cases need."""

    def __init__(self, seed: int, name: str, number: int) -> None:
        self.rng = np.random.default_rng([seed, zlib.crc32(name.encode()), number])
        self.name = name
        self.dtype = np.dtype([np.float64, np.float32][number % 2])
        self.slopes = False
        """Whether derivatives were compared."""

    def int(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def ints(self, low: int, high: int, count: int) -> tuple[int, ...]:
        """Whole numbers, as many as ``count``."""
        return tuple(self.int(low, high) for _ in range(count))

    def flag(self) -> bool:
        """True or False."""
        return bool(self.rng.integers(2))

    def pick(self, words: Sequence[Any]) -> Any:
        """One of several."""
        return words[self.int(0, len(words) - 1)]

    def number(self, low: float, high: float) -> float:
        """With few digits, so that both precisions hold the same one."""
        return float(np.round(self.rng.uniform(low, high) * 8) / 8)

    def shape(self, low: int = 0, high: int = 4, least: int = 1, most: int = 6) -> tuple[int, ...]:
        """From ``low`` to ``high`` lengths, each from ``least`` to ``most``."""
        return self.ints(least, most, self.int(low, high))

    def least(self) -> int:
        """The least length of axes: mostly 1, and 0 at times."""
        return int(self.int(0, 7) > 0)

    def array(self, *shape: int, low: float = -3.0, high: float = 3.0) -> np.ndarray:
        """Floating numbers, evenly spread; sometimes not in the order of rows."""
        x = self.rng.uniform(low, high, shape).astype(self.dtype)
        if len(shape) > 1 and self.rng.integers(4) == 0:
            x = np.asfortranarray(x)
        return x

    def labels(self, classes: int, *shape: int) -> np.ndarray:
        """Integers in 0..classes - 1."""
        return self.rng.integers(0, classes, shape)

    def bools(self, *shape: int) -> np.ndarray:
        """As often True as False."""
        return self.rng.integers(0, 2, shape).astype(bool)

    def partner(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape that broadcasts with another one."""
        other = tuple(1 if self.int(0, 3) == 0 else n for n in shape)
        return other[self.int(0, len(other)) :] if self.flag() else other

    def pair(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Two shapes that broadcast; either may be the smaller one."""
        shape = self.shape(least=self.least())
        a, b = (shape, self.partner(shape)) if self.flag() else (self.partner(shape), shape)
        return a, b

    def axis(self, rank: int) -> int:
        """One of ``rank`` axes, counted from either end."""
        return self.int(-rank, rank - 1)

    def axes(self, rank: int) -> int | tuple[int, ...] | None:
        """None, one axis or several, counted from either end."""
        if rank == 0 or self.int(0, 3) == 0:
            return None
        if self.flag():
            return self.axis(rank)
        count = self.int(1, rank)
        chosen = self.rng.permutation(rank)[:count]
        return tuple(int(i) - rank * self.int(0, 1) for i in chosen)


def count_over(x: np.ndarray, axis: Any) -> int:
    """How many elements of ``x`` a reduction over ``axis`` brings together."""
    if axis is None:
        return x.size
    axes = (axis,) if isinstance(axis, int) else axis
    return int(np.prod([x.shape[i] for i in axes]))


OPERATORS: dict[str, Callable[[Draw], Case]] = {}
"""What draws a case, by the operator's name in `lamina.functions`."""


def operator(*names: str) -> Callable[[Callable[[Draw], Case]], Callable[[Draw], Case]]:
    """Enter a function that draws cases in the table, for one operator or several alike."""

    def enter(draw: Callable[[Draw], Case]) -> Callable[[Draw], Case]:
        for name in names:
            if name in OPERATORS:
                raise ValueError(f"{name} is drawn twice")
            OPERATORS[name] = draw
        return draw

    return enter
