"""Random numbers for the samples of a batch: each a function of seed, epoch and sample.

So a sample is changed in the same way whoever makes its batch, whatever is in the batch beside it,
and however often a run was stopped and resumed.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..arrays import Array

GAMMA = np.uint64(0x9E3779B97F4A7C15)
"""The odd integer nearest to 2**64 over the golden ratio: the step of SplitMix64."""


class Draws:
    """Random numbers for ``n`` samples; row ``i`` of each depends on sample ``i`` alone.

    Each call gives new numbers. They come from SplitMix64, a generator that is one hash of a
    counter, so that a whole batch is drawn in a few operations on arrays.

    Args:
        seed: 0 or more, of any size.
        epoch: 0 or more.
        indices: ``(n,)``, integer: which samples of the dataset.
    Source: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", 2014,
    figure 16, with the constants of D. Stafford's variant 13.
    Example:
        >>> batch, alone = Draws(0, 3, [7, 8, 9]), Draws(0, 3, [9])
        >>> bool(batch.uniform()[2] == alone.uniform()[0])
        True
        >>> batch.integers(0, 10, shape=(2,)).shape
        (3, 2)
    """

    def __init__(self, seed: int, epoch: int, indices: Any):
        self.seed = seed
        self.epoch = epoch
        self.indices: Array = np.asarray(indices, np.int64)
        self._made: Array | None = None
        self._count = 0
        self._path: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def _keys(self) -> Array:
        """``(n,)``, uint64: made when they are needed, for most datasets draw nothing."""
        if self._made is None:
            source = np.random.SeedSequence(self.seed, spawn_key=(self.epoch, 0))
            start = source.generate_state(1, np.uint64)
            self._made = _hash(start + _hash(self.indices.astype(np.uint64) * GAMMA))
        return self._made

    def bits(self, shape: tuple[int, ...] = ()) -> Array:
        """``(n, *shape)``, uint64: each bit is 0 or 1 with equal chance."""
        count = prod(shape)
        steps = np.arange(self._count + 1, self._count + 1 + count, dtype=np.uint64) * GAMMA
        self._count += max(count, 1)
        return _hash(self._keys[:, None] + steps).reshape(len(self), *shape)

    def uniform(self, low: Any = 0.0, high: Any = 1.0, shape: tuple[int, ...] = ()) -> Array:
        """``(n, *shape)``, float64, in [low, high): the 53 upper bits of `bits`."""
        unit = (self.bits(shape) >> np.uint64(11)) * 2.0**-53
        low = np.asarray(low)
        return low + (high - low) * unit

    def integers(self, low: Any, high: Any, shape: tuple[int, ...] = ()) -> Array:
        """``(n, *shape)``, int64, in [low, high). The bounds may be arrays of that shape."""
        span = high - low
        low = np.asarray(low)
        return low + np.floor(self.uniform(shape=shape) * span).astype(np.int64)

    def chance(self, p: float) -> Array:
        """``(n,)``, bool: True with probability ``p``."""
        return self.uniform() < p

    def normal(self, shape: tuple[int, ...] = ()) -> Array:
        """``(n, *shape)``, float64, mean 0 and variance 1; by Box and Muller (1958)."""
        radius = np.sqrt(-2 * np.log1p(-self.uniform(shape=shape)))
        return radius * np.cos(2 * np.pi * self.uniform(shape=shape))

    def generators(self) -> list[np.random.Generator]:
        """A NumPy generator for each sample, for whatever `Draws` cannot draw."""
        number = self._next()
        return [self._generator(index, number) for index in self.indices.tolist()]

    def together(self) -> np.random.Generator:
        """One NumPy generator for the whole batch, named by its first sample."""
        return self._generator(int(self.indices[0]), self._next())

    # -- parts -------------------------------------------------------------------------------

    def branch(self) -> Draws:
        """For the same samples, numbers of their own: neither here nor in another branch."""
        other = self._copy(slice(None))
        other._path = (*self._path, self._next())
        other._made = _hash(self.bits() ^ GAMMA)
        other._count = 0
        return other

    def at(self, positions: Any) -> Draws:
        """For some of the samples, the numbers that would come next here."""
        return self._copy(np.asarray(positions))

    def follow(self, other: Draws) -> None:
        """Go on with the numbers that come after those of ``other``, which `at` made."""
        self._count = max(self._count, other._count)

    def _copy(self, positions: Any) -> Draws:
        other = object.__new__(Draws)
        other.seed, other.epoch, other._path = self.seed, self.epoch, self._path
        other.indices, other._made = self.indices[positions], self._keys[positions]
        other._count = self._count
        return other

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _generator(self, index: int, number: int) -> np.random.Generator:
        key = (self.epoch, 1, index, *self._path, number)
        return np.random.Generator(
            np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=key))
        )

    def __repr__(self) -> str:
        return f"Draws(seed={self.seed}, epoch={self.epoch}, samples={self.indices.tolist()!r:.60})"


def _hash(z: Array) -> Array:
    """64 bits to 64 bits, so that neighbours have nothing in common."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
