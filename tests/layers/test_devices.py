"""Layers on a GPU, with a stand-in for CuPy; and without any."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import lamina
from fixtures.fake_cupy import gpu
from fixtures.seed import both
from functions.duck import Duck
from lamina import Linear, Sequential, Variable
from lamina import functions as F
from lamina import optimizers as O
from lamina.errors import DeviceError

__all__ = ["gpu"]  # a fixture: pytest finds it here


def on_gpu(*shape):
    return Duck(np.ones(shape, np.float32))


@both
def test_t26_a_lazy_layer_that_was_moved_is_made_on_the_gpu(lib, gpu):
    layer = lib.Linear(4)
    layer.to_gpu()
    assert layer(Variable(on_gpu(2, 3))).device == "gpu:0"
    assert layer.W.device == layer.b.device == "gpu:0"


@both
def test_t48_saving_leaves_the_model_where_it_is(lib, gpu, tmp_path):
    layer = lib.Linear(4, in_size=3)
    layer.to_gpu()
    layer.save_weights(tmp_path / "m.npz")
    assert layer.W.device == "gpu:0"
    assert np.load(tmp_path / "m.npz")["W"].shape == (3, 4)


def test_loading_fills_the_arrays_on_the_gpu(gpu, tmp_path):
    layer = Linear(4, in_size=3)
    layer.save_weights(tmp_path / "m.npz")
    before = layer.W.data.copy()
    layer.to_gpu()
    held = layer.W.data
    held[...] = 0
    layer.load_weights(tmp_path / "m.npz", quiet=True)
    assert layer.W.data is held
    assert np.array_equal(layer.to_cpu().W.data, before)


def test_gradients_follow(gpu):
    layer = Linear(4, in_size=3)
    layer(np.ones((2, 3), np.float32)).sum().backward()
    layer.to_gpu()
    assert layer.W.grad.device == "gpu:0"
    layer.to_cpu()
    assert layer.W.grad.device == "cpu"


def test_optimizer_state_follows(gpu):
    model = Sequential(Linear(4), F.relu, Linear(2))
    optimizer = O.Adam(lr=0.1).setup(model)

    def step(x):
        loss = F.mean(model(x) ** 2)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    step(np.ones((5, 3), np.float32))
    model.to_gpu()
    assert step(Variable(on_gpu(5, 3))).device == "gpu:0"
    model.to_cpu()
    assert step(np.ones((5, 3), np.float32)).device == "cpu"


def test_training_on_both_gives_the_same_numbers(gpu):
    weights = []
    for device in ("cpu", "gpu"):
        lamina.seed(1)
        model = Sequential(Linear(4), F.tanh, Linear(1))
        optimizer = O.SGD(lr=0.1).setup(model)
        x = np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3)
        if device == "gpu":
            model.to_gpu()
            x = Duck(x)
        for _ in range(3):
            loss = F.mean(model(x) ** 2)
            model.cleargrads()
            loss.backward()
            optimizer.update()
        weights.append(model.to_cpu()[0].W.data)
    assert np.array_equal(*weights)


def test_without_cupy_to_gpu_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    for layer in (Linear(4), Linear(4, in_size=3)):
        with pytest.raises(DeviceError, match=r"pip install 'lamina\[gpu\]'"):
            layer.to_gpu()
