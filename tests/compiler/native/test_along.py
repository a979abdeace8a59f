"""What follows a convolution and runs on its blocks: that it does, and that the numbers are right.

All cases are one program, which is compiled once for each width of registers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import lamina.functions as F
from compiler.native.emitted import Emitted
from lamina import Variable, using
from lamina.compiler.native.operators import Convolution
from lamina.compiler.native.report import name_of
from lamina.compiler.trace import trace
from lamina.functions.conv import Conv, ConvTranspose
from lamina.functions.window import window_of
from lamina.machine.target import host


def biased(y: Any, W: Any, b: Any, other: Any) -> Any:
    return F.relu(y + b)


def masked(y: Any, W: Any, b: Any, other: Any) -> Any:
    return F.where(other > 0, y, np.float32(0))


@dataclass(frozen=True)
class Case:
    """A convolution, or its transpose, and what is made of its result.

    Attributes:
        form: of the result, the weights, a bias, and an image as large as the result.
        group: the instructions that are to be one group.
    """

    image: tuple[int, ...]
    weights: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)
    form: Callable[..., Any] = biased
    group: str = "Conv maximum"
    back: bool = False

    @property
    def operator(self) -> Any:
        words = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, **self.options}
        *how, groups = words.values()
        window = window_of(self.image[2:], self.weights[2:], *how, "conv")
        return (ConvTranspose if self.back else Conv)(window, groups)

    def operands(self, rng: Any) -> list[Any]:
        """Image, weights, bias, and another image."""
        out = self.image[0], self.weights[0], *self.operator.window.out
        given, made = (out, self.image) if self.back else (self.image, out)
        shapes = given, self.weights, (made[1], *[1] * (len(made) - 2)), made
        return [rng.standard_normal(shape, np.float32) for shape in shapes]

    def __call__(self, x: Any, W: Any, b: Any, other: Any) -> Any:
        return self.form(self.operator(x, W), W, b, other)


SMALL = (2, 6, 7, 5)
BACK = dict(form=masked, group="ConvTranspose where", back=True)
CASES = {
    # kernels: which algorithm, and where its blocks end
    "winograd, weights first": Case((2, 16, 26, 25), (33, 16, 3, 3), dict(padding=1)),
    "winograd, tiles first": Case((1, 48, 5, 7), (85, 48, 3, 3), dict(padding=1)),
    "winograd, back": Case((2, 33, 13, 9), (16, 33, 3, 3), dict(padding=(0, 2)), **BACK),
    "strides": Case((2, 6, 9, 10), (37, 6, 3, 2), dict(stride=(2, 1), padding=1)),
    "strides, back": Case((2, 37, 9, 10), (6, 37, 3, 2), dict(stride=(2, 3)), **BACK),
    "pixels that no kernel meets": Case((2, 5, 9, 8), (6, 5, 2, 1), dict(stride=3), **BACK),
    "rows of the kernel are one run": Case((3, 1, 11, 9), (5, 1, 3, 3), dict(padding=(0, 2))),
    "parts of the channels": Case((1, 70, 2, 2), (170, 70, 1, 1)),
    "groups": Case(SMALL, (34, 3, 3, 3), dict(groups=2), group="Conv"),
    "channels by themselves": Case(SMALL, (6, 1, 3, 3), dict(groups=6), group="Conv"),
    "one axis": Case((2, 5, 17), (21, 5, 3), dict(stride=2)),
    "three axes": Case((2, 3, 4, 5, 3), (18, 3, 2, 2, 3), dict(padding=1)),
    "one pixel": Case((1, 3, 2, 2), (7, 3, 2, 2), group="Conv add maximum"),
    # forms: what is read and written beside the result
    "two images": Case(
        SMALL, (9, 6, 1, 1), {}, lambda y, W, b, other: F.relu(y + b + other), "Conv add maximum"
    ),
    "its result too": Case(SMALL, (9, 6, 1, 1), {}, lambda y, *_: (y, F.tanh(y)), "Conv tanh"),
    "two results": Case(
        SMALL,
        (9, 6, 1, 1),
        {},
        lambda y, W, b, other: (F.exp(y * 0.1), F.tanh(F.exp(y * 0.1) + other)),
        "Conv exp add tanh",
    ),
    "bits alone": Case(SMALL, (9, 6, 1, 1), {}, lambda y, W, b, _: y * b > 0.5, "Conv greater"),
    "a number for each pixel": Case(
        SMALL, (9, 6, 1, 1), {}, lambda y, W, b, other: F.relu(y) * other[:, :1], "Conv multiply"
    ),
    "other pixels": Case(SMALL, (9, 6, 1, 1), {}, lambda y, *_: F.tanh(y) + y[:, :, :1], "Conv"),
    "sums over pixels": Case(
        SMALL,
        (9, 6, 1, 1),
        {},
        lambda y, W, b, other: (masked(y, W, b, other), F.sum(masked(y, W, b, other), (0, 2, 3))),
        "Conv where",
    ),
    "sums over channels": Case(SMALL, (9, 6, 1, 1), {}, lambda y, *_: F.sum(F.tanh(y), 1), "Conv"),
}
FEW = ["winograd, weights first", "strides", "strides, back", "two results"]
"""Those in which other code is written for narrow registers."""


@dataclass
class Ran:
    """What the code of some cases gave, and what runs together in it."""

    native: Any
    groups: list[str]
    results: dict[int, list[list[Any]]]


def listed(x: Any) -> list[Any]:
    return list(x) if isinstance(x, tuple) else [x]


def given(name: str) -> list[Any]:
    """The operands of a case, always the same."""
    return CASES[name].operands(np.random.default_rng(list(CASES).index(name)))


@functools.cache
def ran(lanes: int, names: tuple[str, ...]) -> Ran:
    """The cases as one program, on one thread and on three."""
    arrays = [given(name) for name in names]

    def every(*flat: Any) -> Any:
        found = [CASES[name](*flat[4 * i : 4 * i + 4]) for i, name in enumerate(names)]
        return tuple([y for made in found for y in listed(made)])

    flat = [x for operands in arrays for x in operands]
    emitted = Emitted(trace(every, [Variable(x) for x in flat], {}).program, lanes=lanes)
    kinds = Conv, ConvTranspose
    instructions = emitted.native.program.instructions
    heard = [i for i in instructions if type(i.fields.get("function")) in kinds]
    groups = [
        " ".join([name_of(j) for j in group.instructions])
        for i in heard
        for group in emitted.native.groups
        if i in group.instructions
    ]
    results = {}
    for threads in (1, 3):
        found = iter(emitted.run(*flat, threads=threads))
        results[threads] = [[next(found) for _ in expected(name)] for name in names]
    return Ran(emitted.native, groups, results)


@functools.cache
def expected(name: str) -> list[Any]:
    """What a case gives in float64, as it is."""
    with using(native=False):
        made = CASES[name](*[x.astype(np.float64) for x in given(name)])
    return [y.data for y in listed(made)]


def check(name: str, found: list[Any]) -> None:
    bound = 1e-5 if name.startswith("winograd") else 1e-6  # of the largest, as issue and docs say
    for x, y in zip(found, expected(name), strict=True):
        assert np.abs(x.astype(np.float64) - y).max() <= bound * np.abs(y).max()


@pytest.mark.parametrize("name", CASES)
def test_what_follows_runs_on_the_blocks_of_its_convolution(name):
    groups = ran(host().lanes, tuple(CASES)).groups
    assert groups[list(CASES).index(name)] == CASES[name].group


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", CASES)
def test_the_numbers_are_right(name, threads):
    check(name, ran(host().lanes, tuple(CASES)).results[threads][list(CASES).index(name)])


@pytest.mark.parametrize("name", CASES)
def test_results_do_not_depend_on_the_number_of_threads(name):
    results = ran(host().lanes, tuple(CASES)).results
    place = list(CASES).index(name)
    for x, y in zip(results[1][place], results[3][place], strict=True):
        assert np.array_equal(x, y)


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("lanes", [n for n in (4, 8) if n < host().lanes])
def test_narrow_registers_do_the_same(name, lanes):
    check(name, ran(lanes, tuple(FEW)).results[3][FEW.index(name)])


def test_switched_off_the_numbers_are_the_same_and_take_more_memory():
    along = ran(host().lanes, tuple(FEW))
    with mock.patch.object(Convolution, "takes_along", classmethod(lambda *_: False)):
        apart = ran.__wrapped__(host().lanes, tuple(FEW))
    assert [g.split()[-1] for g in apart.groups] == ["Conv", "Conv", "ConvTranspose", "Conv"]
    assert along.native.memory.naive < apart.native.memory.naive
    for some, others in zip(along.results[1], apart.results[1], strict=True):
        for x, y in zip(some, others, strict=True):
            assert np.array_equal(x, y)
