"""What every framework is given: sizes, first weights, one batch, and the optimizer's numbers.

NumPy only, and seeded, so that processes of different Pythons see the same numbers.

Weights are named and stand in the order in which all three frameworks meet them. Matrices are
(in, out), convolutions (out, in, h, w); who has them otherwise turns them around.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

TITLES = {
    "W1": "MLP 10-64-64-1, tanh, batch 32, squared error, SGD",
    "W2": "MLP 784-1000-1000-10, relu, batch 128, cross entropy, Adam",
    "W3": "convolutions 3x3 of 32 and 64, pooling, 128, 10; 28x28, batch 64, Adam",
    "W4": "ResNet-18 for 32x32, batch 32, SGD with momentum",
    "W5": "LSTM of 256 over 64 characters, batch 32, Adam",
    "W6": "GPT of 4 blocks, 256 wide, 8 heads, 128 tokens, batch 8, AdamW",
    "W7": "prediction of W2, one sample",
    "W8": "prediction of W4, one image",
    "W9": "Adam alone: 50 arrays, 20 million numbers",
    "W10": "critic of a WGAN-GP, the network of W2, batch 128: second derivatives, Adam",
}
ALL = tuple(TITLES)
PREDICTIONS = ("W7", "W8")
IMAGES = ("W3", "W4", "W8")

DENSE = {"batch": 128, "widths": (784, 1000, 1000, 10)}
SIZES: dict[str, dict[str, Any]] = {
    "W1": {"batch": 32, "widths": (10, 64, 64, 1)},
    "W2": DENSE,
    "W3": {"batch": 64, "image": 28},
    "W4": {"batch": 32, "image": 32},
    "W5": {"batch": 32, "length": 64, "tokens": 96, "embedding": 128, "hidden": 256},
    "W6": {"batch": 8, "length": 128, "tokens": 512, "size": 256, "layers": 4, "heads": 8},
    "W7": {**DENSE, "batch": 1},
    "W8": {"batch": 1, "image": 32},
    "W9": {"count": 50, "shape": (500, 800)},
    "W10": DENSE,
}

OPTIMIZERS = {
    "W1": ("sgd", 1e-2),
    "W2": ("adam", 1e-3),
    "W3": ("adam", 1e-3),
    "W4": ("momentum", 1e-2),
    "W5": ("adam", 1e-3),
    "W6": ("adamw", 3e-4),
    "W9": ("adam", 1e-3),
    "W10": ("adam", 1e-4),
}
MOMENTUM, BETA1, BETA2, EPS, DECAY = 0.9, 0.9, 0.999, 1e-8, 0.01  # all parameters decay in W6
PENALTY = 10.0  # of W10
UNDER_ROOT = 1e-12  # of W10: the norm's derivative at 0 is finite
STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # of W4: channels, and the first block's stride


@dataclass(frozen=True)
class Workload:
    """One of the ten, in its own or in other sizes.

    Args:
        name: ``"W1"`` to ``"W10"``.
        changes: sizes that are to be others, as ``SIZES`` names them.
    Raises:
        ValueError: for a name or a size that there is not.
    """

    name: str
    changes: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if self.name not in SIZES:
            raise ValueError(f"workload: should be one of {', '.join(ALL)}, got {self.name!r}")
        for size, _ in self.changes:
            if size not in SIZES[self.name]:
                known = ", ".join(SIZES[self.name])
                raise ValueError(f"{self.name}: a size should be one of {known}, got {size!r}")

    @property
    def sizes(self) -> dict[str, Any]:
        return {**SIZES[self.name], **dict(self.changes)}

    @property
    def predicts(self) -> bool:
        """Whether nothing is trained."""
        return self.name in PREDICTIONS


@dataclass(frozen=True)
class Weight:
    """A parameter before training: its name, its shape, and what it is drawn from.

    ``kind``: ``"matrix"`` (in, out), ``"kernel"`` (out, in, h, w), ``"table"``, ``"recurrent"``
    (in, gates), ``"zero"`` or ``"one"``.
    """

    name: str
    shape: tuple[int, ...]
    kind: str

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Numbers as the frameworks' own first weights have them, about."""
        if self.kind in ("zero", "one"):
            return np.full(self.shape, float(self.kind == "one"), np.float32)
        if self.kind == "table":
            drawn = rng.standard_normal(self.shape) * 0.02
        elif self.kind == "kernel":
            drawn = rng.standard_normal(self.shape) * np.sqrt(2 / np.prod(self.shape[1:]))
        else:
            reach = self.shape[1] // 4 if self.kind == "recurrent" else self.shape[0]
            drawn = rng.uniform(-1, 1, self.shape) / np.sqrt(reach)
        return drawn.astype(np.float32)


def weights(workload: Workload) -> dict[str, np.ndarray]:
    """The first weights, by name; trained in place by nobody."""
    rng = np.random.default_rng(0)
    return {weight.name: weight.draw(rng) for weight in plan(workload)}


def plan(workload: Workload) -> list[Weight]:
    """The weights of a workload, in order."""
    sizes = workload.sizes
    if "widths" in sizes:
        pairs = enumerate(pairwise(sizes["widths"]))
        return [weight for i, (a, b) in pairs for weight in _dense(str(i), a, b)]
    if workload.name == "W9":
        return [Weight(f"p{i}", sizes["shape"], "table") for i in range(sizes["count"])]
    makers = {"W3": _convolutions, "W4": _resnet, "W8": _resnet, "W5": _recurrent, "W6": _gpt}
    return list(makers[workload.name](sizes))


def _dense(name: str, rows: int, columns: int, bias: bool = True) -> list[Weight]:
    W = Weight(f"{name}.W", (rows, columns), "matrix")
    return [W, Weight(f"{name}.b", (columns,), "zero")] if bias else [W]


def _norm(name: str, size: int) -> list[Weight]:
    return [Weight(f"{name}.gamma", (size,), "one"), Weight(f"{name}.beta", (size,), "zero")]


def _convolutions(sizes: dict[str, Any]) -> Iterator[Weight]:
    for name, rows, columns in (("c1", 1, 32), ("c2", 32, 64)):
        yield Weight(f"{name}.W", (columns, rows, 3, 3), "kernel")
        yield Weight(f"{name}.b", (columns,), "zero")
    side = (sizes["image"] - 4) // 2
    yield from _dense("l1", 64 * side * side, 128)
    yield from _dense("l2", 128, 10)


def blocks() -> Iterator[tuple[str, int, int, int, bool]]:
    """The eight blocks of W4: name, channels in, channels out, stride, whether sizes change."""
    before = 64
    for channels, stride in STAGES:
        for i in range(2):
            first = stride if i == 0 else 1
            yield f"{channels}.{i}", before, channels, first, first != 1
            before = channels


def _resnet(sizes: dict[str, Any]) -> Iterator[Weight]:
    yield Weight("stem.W", (64, 3, 3, 3), "kernel")
    yield from _norm("stem", 64)
    for name, before, channels, _, changes in blocks():
        yield Weight(f"{name}.c1.W", (channels, before, 3, 3), "kernel")
        yield from _norm(f"{name}.n1", channels)
        yield Weight(f"{name}.c2.W", (channels, channels, 3, 3), "kernel")
        yield from _norm(f"{name}.n2", channels)
        if changes:
            yield Weight(f"{name}.c3.W", (channels, before, 1, 1), "kernel")
            yield from _norm(f"{name}.n3", channels)
    yield from _dense("last", 512, 10)


def _recurrent(sizes: dict[str, Any]) -> Iterator[Weight]:
    tokens, embedding, hidden = sizes["tokens"], sizes["embedding"], sizes["hidden"]
    yield Weight("embed", (tokens, embedding), "table")
    yield Weight("Wx", (embedding, 4 * hidden), "recurrent")
    yield Weight("Wh", (hidden, 4 * hidden), "recurrent")
    yield Weight("bx", (4 * hidden,), "zero")
    yield Weight("bh", (4 * hidden,), "zero")
    yield from _dense("last", hidden, tokens)


def _gpt(sizes: dict[str, Any]) -> Iterator[Weight]:
    tokens, size = sizes["tokens"], sizes["size"]
    yield Weight("embed", (tokens, size), "table")
    yield Weight("place", (sizes["length"], size), "table")
    for i in range(sizes["layers"]):
        yield from _norm(f"{i}.n1", size)
        yield from _dense(f"{i}.qkv", size, 3 * size)
        yield from _dense(f"{i}.out", size, size)
        yield from _norm(f"{i}.n2", size)
        yield from _dense(f"{i}.wide", size, 4 * size)
        yield from _dense(f"{i}.narrow", 4 * size, size)
    yield from _norm("norm", size)
    yield from _dense("last", size, tokens, bias=False)


def batch(workload: Workload) -> tuple[np.ndarray, ...]:
    """What a step is given: inputs and targets; for W9 the gradients, for W10 real samples, made-up
    ones, and where between them each penalty is taken.
    """
    rng, sizes = np.random.default_rng(1), workload.sizes
    if workload.name == "W9":
        shape = sizes["shape"]
        return tuple([_normal(rng, shape) * np.float32(0.01) for _ in range(sizes["count"])])
    n = sizes["batch"]
    if "length" in sizes:
        shape, tokens = (n, sizes["length"]), sizes["tokens"]
        return rng.integers(0, tokens, shape), rng.integers(0, tokens, shape)
    if "image" in sizes:
        side = sizes["image"]
        grey = workload.name == "W3"
        x = rng.random((n, 1, side, side), np.float32) if grey else _normal(rng, (n, 3, side, side))
        return (x,) if workload.predicts else (x, rng.integers(0, 10, n))
    first, last = sizes["widths"][0], sizes["widths"][-1]
    if workload.name == "W1":
        return _normal(rng, (n, first)), _normal(rng, (n, last))
    x = rng.random((n, first), np.float32)
    if workload.name == "W10":
        return x, rng.random((n, first), np.float32), rng.random((n, 1), np.float32)
    return (x,) if workload.predicts else (x, rng.integers(0, last, n))


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.standard_normal(shape, np.float32)
