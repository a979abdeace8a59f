"""What is kept on disk by its recipe: one recipe must give one text, whoever writes it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from compiler.native.maker import Maker
from compiler.native.programs import random_program
from lamina import using
from lamina.compiler.native import program as programs
from lamina.compiler.native import single
from lamina.compiler.native.program import Native
from lamina.compiler.native.single import Single
from lamina.functions.conv import Conv, ConvTranspose
from lamina.functions.pool import MaxPool, PoolSum
from lamina.functions.window import window_of
from lamina.machine import module as modules
from lamina.machine.cache import Cache
from lamina.machine.module import Module, compile_recipe
from lamina.machine.target import host
from machine.sample import module

REAL = np.dtype(np.float32)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Cache:
    modules._loaded.clear()
    return Cache(tmp_path / "lamina")


def writer(n: int, calls: list[int]):
    def write(made: Module) -> None:
        calls.append(n)
        made.ir = module(n).ir

    return write


def test_what_the_disk_has_is_not_written_again(cache):
    calls: list[int] = []
    assert not compile_recipe("f 10", host(), writer(10, calls), cache).cached
    modules._loaded.clear()
    assert compile_recipe("f 10", host(), writer(10, calls), cache).cached
    assert calls == [10]


def test_another_recipe_another_processor_or_another_source_is_written(cache, monkeypatch):
    calls: list[int] = []
    compile_recipe("f 10", host(), writer(10, calls), cache)
    compile_recipe("f 11", host(), writer(11, calls), cache)
    modules._loaded.clear()
    monkeypatch.setattr(modules, "source", lambda: "changed")
    assert not compile_recipe("f 10", host(), writer(12, calls), cache).cached
    assert calls == [10, 11, 12]


def test_a_recipe_that_names_an_object_by_its_address_is_not_trusted(cache):
    calls: list[int] = []
    for n in (10, 11):
        compile_recipe("<lambda at 0x7f00>", host(), writer(n, calls), cache)
    assert calls == [10, 11]


@pytest.fixture
def texts(monkeypatch) -> dict[str, str]:
    """The text of each recipe that was asked for; two texts of one recipe fail at once."""
    found: dict[str, str] = {}

    def recorded(recipe, target, write, cache=None):
        made = Module(target)
        write(made)
        key = repr((target, recipe))
        assert found.setdefault(key, str(made.ir)) == str(made.ir)
        return compile_recipe(recipe, target, write, cache)

    for owner in (programs, single):
        monkeypatch.setattr(owner, "compile_recipe", recorded)
    return found


def made_twice(seed: int, texts: dict[str, str]) -> None:
    for _ in range(2):
        maker: Maker = random_program(seed)
        Native(maker.program, {})
    assert texts


def test_one_program_gives_one_text(texts):
    for seed in range(12):
        made_twice(seed, texts)


def test_a_profiled_step_has_a_recipe_of_its_own(texts):
    maker = random_program(3)
    Native(maker.program, {})
    before = len(texts)
    Native(random_program(3).program, {}, profile=True)
    assert len(texts) > before


def test_operators_that_differ_in_anything_have_other_recipes(texts):
    """Each difference alone: stride, padding, dilation, groups, channels, batch, Winograd."""
    windows = [
        window_of((20, 20), (3, 3), stride, padding, dilation, "conv")
        for stride, padding, dilation in [(1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 2, 2)]
    ]
    count = 0
    for window in windows:
        for n, c, groups in [(2, 16, 1), (3, 16, 1), (2, 32, 1), (2, 16, 2)]:
            for winograd in (True, False):
                image, weight = ((n, c, 20, 20), REAL), ((16, c // groups, 3, 3), REAL)
                with using(winograd=winograd):
                    _ = Single(Conv(window, groups), [image, weight]).code
                count += 1
        for pool in (MaxPool(window), PoolSum(window)):
            _ = Single(pool, [((2, 16, 20, 20), REAL)]).code
            count += 1
    gy = ((2, 16, 20, 20), REAL)
    _ = Single(ConvTranspose(windows[0]), [gy, ((16, 16, 3, 3), REAL)]).code
    assert len(texts) == count + 1
