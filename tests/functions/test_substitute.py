"""Large kernels in eager execution: native code from the first call on, where llvmlite is there."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, errors, using
from lamina.core import gradients
from lamina.functions import substitute as module
from lamina.functions.substitute import MOST, offer, substitute
from lamina.functions.unary import Exp


@pytest.fixture
def alone(monkeypatch):
    """No substitutes but those of the test."""
    monkeypatch.setattr(module, "_makers", [])
    monkeypatch.setattr(module, "_known", {})


@pytest.fixture
def large():
    return np.ones((64, 64), np.float32)


def asked(found):
    """A maker that notes what it is asked for."""
    calls = []

    def maker(function, specs):
        calls.append((function, specs))
        return found

    offer(maker)
    return calls


def test_the_first_call_asks_and_all_are_substituted(alone, large):
    calls = asked(lambda x: "fast")
    assert [substitute(Exp(), large) for _ in range(3)] == ["fast"] * 3
    assert calls == [(Exp(), [((64, 64), np.float32)])]


def test_other_shapes_and_settings_are_asked_for_by_themselves(alone, large):
    calls = asked(lambda x: "fast")
    substitute(Exp(), large)
    substitute(Exp(), np.ones((64, 65), np.float32))
    with using(winograd=False):
        substitute(Exp(), large)
    assert len(calls) == 3


def test_what_nobody_has_code_for_is_asked_for_once(alone, large):
    calls = asked(None)
    assert [substitute(Exp(), large) for _ in range(4)] == [None] * 4
    assert len(calls) == 1


@pytest.mark.parametrize(
    "x", [np.ones((64, 64)), np.ones((64, 63), np.float32), np.ones((64, 64), np.int32)]
)
def test_small_arrays_and_other_dtypes_are_not_substituted(alone, x):
    calls = asked(lambda x: "fast")
    assert [substitute(Exp(), x) for _ in range(3)] == [None] * 3
    assert calls == []


def test_one_switch_turns_substitutes_off(alone, large):
    asked(lambda x: "fast")
    for _ in range(3):
        substitute(Exp(), large)
    with using(native=False):
        assert substitute(Exp(), large) is None
    assert substitute(Exp(), large) == "fast"


def test_no_more_than_some_hundred_kernels_are_remembered(alone, large):
    asked(lambda x: "fast")
    for n in range(MOST + 5):
        substitute(Exp(), large.repeat(2, 0)[: 64 + n % 64, : 65 - n // 64].repeat(2, 1))
    assert len(module._known) <= MOST


# -- native code ---------------------------------------------------------------------------------


def conv(stride=1, groups=1):
    return lambda x, W: F.conv2d(x, W, padding=1, stride=stride, groups=groups)


def lstm(x, Wx, Wh):
    return F.lstm(x, None, None, Wx, Wh)[0]


def gru(x, Wx, Wh):
    return F.gru(x, None, Wx, Wh)[0]


KERNELS = {  # a function, shapes of its operands, and how far it may be off, of the largest number
    # Winograd's algorithm is held to 1e-5; others to rounding of sums of some hundred terms
    "winograd": (conv(), [(4, 16, 15, 20), (16, 16, 3, 3)], 1e-5),
    "strided": (conv(2), [(4, 16, 37, 35), (24, 16, 3, 3)], 2e-6),
    "grouped": (conv(1, 2), [(4, 16, 19, 17), (24, 8, 3, 3)], 2e-6),
    "transposed": (F.conv_transpose2d, [(4, 24, 22, 21), (24, 10, 3, 2)], 2e-6),
    "maximum": (lambda x: F.max_pool2d(x, 3, 2, 1), [(4, 16, 65, 64)], 0),
    "mean": (lambda x: F.average_pool2d(x, 3, 2, 1), [(4, 16, 65, 64)], 2e-6),
    "lstm": (lstm, [(6, 9, 21), (21, 132), (33, 132)], 2e-6),
    "gru": (gru, [(6, 9, 21), (21, 132), (44, 132)], 2e-6),
}  # fmt: skip


def values_and_gradients(work, operands):
    variables = [Variable(x, requires_grad=True) for x in operands]
    y = work(*variables)
    gy = np.cos(np.arange(y.size, dtype=np.float32)).reshape(y.shape)
    return [y.data, *[g.data for g in gradients([y], variables, [gy])]]


def made(name, rng):
    work, shapes, bound = KERNELS[name]
    return work, [rng.standard_normal(s, np.float32) / s[0] ** 0.5 for s in shapes], bound


@pytest.mark.parametrize("name", KERNELS)
def test_native_code_gives_what_numpy_gives_but_for_the_last_places(name, rng):
    pytest.importorskip("llvmlite")
    work, operands, bound = made(name, rng)
    module._known.clear()
    with using(native=False):
        expected = values_and_gradients(work, operands)
    found = values_and_gradients(work, operands)
    again = values_and_gradients(work, operands)
    assert all([np.array_equal(a, b) for a, b in zip(found, again)])
    assert all([made is not None for made in module._known.values()])
    for a, b in zip(found, expected, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        assert np.abs(a - b).max() <= bound * np.abs(b).max()


def test_images_keep_their_channels_last_from_one_kernel_to_the_next(rng):
    pytest.importorskip("llvmlite")
    work, (x, W), _ = made("winograd", rng)
    for _ in range(3):
        y = F.relu(work(x, W) * 2)
    assert y.data.transpose(0, 2, 3, 1).flags.c_contiguous


def test_two_threads_may_call_one_kernel_at_a_time(rng):
    pytest.importorskip("llvmlite")
    work, operands, _ = made("winograd", rng)
    others = [x * 2 for x in operands]
    for _ in range(3):
        expected = [work(*operands).data, work(*others).data]
    wrong: list[int] = []

    def many(mine, known):
        wrong.extend(i for i in range(20) if not np.array_equal(work(*mine).data, known))

    threads = [
        threading.Thread(target=many, args=pair) for pair in zip((operands, others), expected)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_operands_that_do_not_fit_are_refused_as_ever(rng):
    work, (x, W), _ = made("winograd", rng)
    for _ in range(3):
        work(x, W)
    with pytest.raises(errors.ShapeError, match="takes 16 channels, x of shape"):
        work(x[:, :15], W)


def test_operands_that_lie_otherwise_give_the_same(rng):
    pytest.importorskip("llvmlite")
    work, (x, W), _ = made("winograd", rng)
    for _ in range(3):
        expected = work(x, W).data
    turned = np.asfortranarray(x)[::-1][::-1]
    assert np.array_equal(work(turned, W).data, expected)
