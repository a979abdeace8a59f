"""Every Layer on a GPU, with a stand-in for CuPy."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import lamina
from fixtures.fake_cupy import gpu
from functions.duck import Duck, open_duck
from lamina import Variable
from lamina.errors import DeviceError
from lamina.layers import GRU, LSTM, BatchNorm
from layers.every import ROWS, Row

__all__ = ["gpu"]  # a fixture: pytest finds it here

each = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


def trained(row: Row, wrap: Any, to: str) -> tuple[list[Any], set[str]]:
    """Result, gradients and buffers of one call, and where all of them are."""
    lamina.seed(4)
    layer = getattr(row.lazy(), to)()
    y = layer(*map(wrap, row.inputs(np.float32)))
    y = y[0] if isinstance(y, tuple) else y
    (y * y * y).sum().backward()
    held = [y, *[p.grad for p in layer.params()], *layer.buffers()]
    return [v.data for v in held], {v.device for v in (*held, *layer.params())}


@each
def test_layer_moved_before_its_first_call_trains_on_the_gpu_with_the_same_numbers(gpu, row: Row):
    there, devices = trained(row, Duck, "to_gpu")
    here, _ = trained(row, np.asarray, "to_cpu")
    assert devices == {"gpu:0"}
    for a, b in zip(there, here, strict=True):
        np.testing.assert_array_equal(open_duck(a), b)


@each
def test_layer_that_has_its_sizes_moves_there_and_back(gpu, row: Row):
    layer = row.lazy()
    layer(*row.inputs(np.float32))
    layer.to_gpu()
    assert {v.device for v in (*layer.params(), *layer.buffers())} == {"gpu:0"}
    layer.to_cpu()
    layer(*row.inputs(np.float32))
    assert {v.device for v in (*layer.params(), *layer.buffers())} == {"cpu"}


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_held_state_lies_where_the_layer_does(gpu, kind):
    layer = kind(4, stateful=True).to_gpu()
    x = Duck(np.ones((2, 3, 5), np.float32))
    for _ in range(2):
        layer(Variable(x))
    assert {v.device for v in layer.held[0]} == {"gpu:0"}


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_held_state_follows_the_layer(gpu, kind):
    layer = kind(4, stateful=True)
    x = np.ones((2, 3, 5), np.float32)
    layer(x)
    layer.to_gpu()
    y, _ = layer(Duck(x))
    layer.to_cpu()
    layer(x)
    assert y.device == "gpu:0"
    assert {v.device for v in layer.held[0]} == {"cpu"}


def test_without_cupy_a_lazy_statistic_cannot_move(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(DeviceError, match=r"pip install 'lamina\[gpu\]'"):
        BatchNorm().mean.to_gpu()
