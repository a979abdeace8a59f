"""arrays: what counts as an array, and how arrays move."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from functions.duck import Duck
from lamina import Variable, arrays
from lamina.errors import DeviceError, DTypeError


def test_numpy_arrays_and_ducks_are_arrays() -> None:
    assert arrays.is_array(np.ones(2))
    assert arrays.is_array(Duck(np.ones(2)))


@pytest.mark.parametrize("x", [1.0, [1.0], None, "a", Variable(1.0), SimpleNamespace(shape=())])
def test_other_things_are_no_arrays(x) -> None:
    assert not arrays.is_array(x)


def test_duck_is_given_back_as_it_is() -> None:
    duck = Duck(np.ones(2))
    assert arrays.as_array(duck) is duck


@pytest.mark.parametrize("x", [1, 1.0, True, 1j, [1, 2], ((1.0,), (2.0,)), np.float32(1), range(3)])
def test_numbers_and_sequences_become_numpy_arrays(x) -> None:
    assert type(arrays.as_array(x)) is np.ndarray


def test_numpy_number_keeps_its_dtype() -> None:
    assert arrays.as_array(np.float32(1)).dtype == np.float32


@pytest.mark.parametrize("x", [np.array([None]), np.array(["a"]), np.array(["2020"], "M8"), [{}]])
def test_arrays_of_something_else_are_refused(x) -> None:
    with pytest.raises(DTypeError, match="labels should hold numbers or bools, got dtype"):
        arrays.as_array(x, "labels")


def test_device_of_a_numpy_array() -> None:
    assert arrays.device_of(np.ones(2)) == "cpu"


def test_device_of_an_array_that_numbers_its_devices() -> None:
    assert arrays.device_of(SimpleNamespace(device=SimpleNamespace(id=2))) == "gpu:2"


def test_cpu_array_on_the_cpu_is_itself() -> None:
    x = np.ones(2)
    assert arrays.to_device(x, "cpu") is x


@pytest.mark.parametrize("device", ["", "cuda", "gpu:x", "gpu:-1", "GPU"])
def test_unknown_device_is_refused(device: str, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(
        DeviceError, match=f"device should be 'cpu', 'gpu' or 'gpu:0', got '{device}'"
    ):
        arrays.to_device(np.ones(2), device)


@pytest.mark.parametrize("device", ["gpu", "gpu:0", "gpu:12"])
def test_gpu_without_cupy_is_one_clear_error(device: str, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(DeviceError, match=r"cannot be imported .*pip install 'lamina\[gpu\]'"):
        arrays.to_device(np.ones(2), device)


def test_complex_numbers_have_derivatives_and_integers_have_none() -> None:
    kinds = [arrays.is_floating(np.dtype(k)) for k in ("f2", "f4", "f8", "c8", "i8", "u1", "?")]
    assert kinds == [True, True, True, True, False, False, False]


@pytest.mark.parametrize("make", [list, tuple, lambda items: [[items[0]], [items[1]]]])
def test_a_list_of_variables_would_lose_their_gradients(make):
    items = [Variable(np.float64(1)), Variable(np.float64(2))]
    with pytest.raises(DTypeError, match=r"make one of them with lamina\.functions\.stack"):
        arrays.as_array(make(items))
