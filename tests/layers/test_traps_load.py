"""Traps 52 to 59: loading weights. Each runs on lamina, and on the seed's code to fail."""

from __future__ import annotations

import gc
import io
import os

import numpy as np
import pytest

import lamina
from fixtures.seed import both
from lamina import Layer, Linear, Parameter
from lamina.errors import CheckpointError, StateMismatchError


def model(lib, sizes=(4, 2), nobias=False):
    layer, width = lib.Layer(), 3
    for i, size in enumerate(sizes):
        setattr(layer, f"l{i + 1}", lib.Linear(size, nobias, in_size=width))
        width = size
    for p in layer.params():
        p.data[...] = 1
    return layer


def saved(path, **arrays):
    np.savez(path, **{name.replace("__", "/"): array for name, array in arrays.items()})
    return path


def f32(*shape, value=2.0):
    return np.full(shape, value, np.float32)


def whole(**changed):
    arrays = {"l1__W": f32(3, 4), "l1__b": f32(4), "l2__W": f32(4, 2), "l2__b": f32(2)}
    return {**arrays, **changed}


def untouched(layer):
    return all(np.all(p.data == 1) for p in layer.params())


@both
def test_t52_a_wrong_shape_is_refused_and_nothing_is_changed(lib, tmp_path):
    layer = model(lib)
    with pytest.raises(ValueError, match=r"l2/W: expected shape \(4, 2\), got \(5, 2\)"):
        layer.load_weights(saved(tmp_path / "m.npz", **whole(l2__W=f32(5, 2))))
    assert untouched(layer)


@both
@pytest.mark.parametrize("dtype", [np.int32, np.complex64, np.bool_])
def test_t53_a_dtype_that_is_not_floating_is_refused(lib, dtype, tmp_path):
    layer = model(lib)
    match = rf"l1/W: expected dtype float32, got {np.dtype(dtype)}"
    with pytest.raises(ValueError, match=match):
        layer.load_weights(saved(tmp_path / "m.npz", **whole(l1__W=np.ones((3, 4), dtype))))
    assert untouched(layer)


@both
def test_t53_a_floating_dtype_is_cast_and_the_line_says_so(lib, tmp_path, capsys):
    layer = model(lib)
    layer.load_weights(saved(tmp_path / "m.npz", **whole(l1__W=np.full((3, 4), 2.0))))
    assert layer.l1.W.dtype == np.float32
    assert "l1/W loaded (float64 as float32)" in capsys.readouterr().out


@both
def test_t54_missing_names_are_listed_and_nothing_is_changed(lib, tmp_path):
    layer, arrays = model(lib), whole()
    del arrays["l1__b"], arrays["l2__b"]
    with pytest.raises(ValueError, match=r"not in the file: l1/b, l2/b") as caught:
        layer.load_weights(saved(tmp_path / "m.npz", **arrays))
    assert caught.value.missing == ("l1/b", "l2/b")
    assert untouched(layer)


@both
def test_t55_names_too_many_are_listed(lib, tmp_path):
    layer = model(lib, nobias=True)
    with pytest.raises(ValueError, match=r"not in the model: l1/b, l2/b"):
        layer.load_weights(saved(tmp_path / "m.npz", **whole()))
    assert untouched(layer)


def test_t55_strict_false_takes_what_both_have_and_says_what_it_left(tmp_path, capsys):
    layer = model(lamina, nobias=True)
    loaded = layer.load_weights(saved(tmp_path / "m.npz", **whole()), strict=False)
    assert loaded == ["l1/W", "l2/W"]
    assert "l1/b not in the model" in capsys.readouterr().out


@both
def test_t56_arrays_are_filled_in_place(lib, tmp_path):
    layer = model(lib)
    held = layer.l1.W.data
    layer.load_weights(saved(tmp_path / "m.npz", **whole()))
    assert layer.l1.W.data is held
    assert held[0, 0] == 2


def tied(lib):
    layer = lib.Layer()
    layer.a, layer.b = lib.Layer(), lib.Layer()
    layer.a.W = layer.b.W = Parameter(f32(3, value=1))
    return layer


@both
def test_t57_two_values_for_one_shared_parameter_are_refused(lib, tmp_path):
    layer = tied(lib)
    path = saved(tmp_path / "m.npz", a__W=f32(3, value=2), b__W=f32(3, value=3))
    with pytest.raises(ValueError, match="a/W and b/W are one shared parameter"):
        layer.load_weights(path)
    assert untouched(layer)


def test_t57_one_value_for_a_shared_parameter_is_enough_under_either_name(tmp_path):
    for name in ("a__W", "b__W"):
        layer = tied(lamina)
        layer.load_weights(saved(tmp_path / "m.npz", **{name: f32(3)}))
        assert layer.b.W.data.tolist() == [2, 2, 2]


def test_t57_a_shared_parameter_is_written_once_and_fills_two_that_are_apart(tmp_path):
    tied(lamina).save_weights(tmp_path / "m.npz")
    assert sorted(np.load(tmp_path / "m.npz").files) == ["__meta__", "a/W"]
    apart = Layer()
    apart.a, apart.b = Layer(), Layer()
    apart.a.W, apart.b.W = Parameter(f32(3)), Parameter(f32(3))
    apart.load_weights(tmp_path / "m.npz")
    assert apart.b.W.data.tolist() == [1, 1, 1]


@both
def test_t58_a_lazy_layer_that_was_loaded_knows_its_size(lib, tmp_path):
    layer = lib.Linear(4)
    layer.load_weights(saved(tmp_path / "m.npz", W=f32(3, 4), b=f32(4)))
    assert layer.in_size == 3


def test_t58_a_lazy_layer_refuses_weights_of_another_output_size(tmp_path):
    layer = Linear(4)
    with pytest.raises(StateMismatchError, match=r"W: expected shape \(None, 4\), got \(3, 5\)"):
        layer.load_weights(saved(tmp_path / "m.npz", W=f32(3, 5), b=f32(4)))
    assert layer.in_size is None


def test_t59_the_file_is_closed(tmp_path):
    layer, path = model(lamina), saved(tmp_path / "m.npz", **whole())
    gc.disable()
    try:
        layer.load_weights(path)
        held = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
    finally:
        gc.enable()
    assert str(path) not in held


@both
def test_t59_quiet_prints_nothing(lib, tmp_path, capsys):
    model(lib).load_weights(saved(tmp_path / "m.npz", **whole()), quiet=True)
    assert capsys.readouterr().out == ""


def test_t59_one_line_a_name_as_the_seed_does(tmp_path, capsys):
    model(lamina).load_weights(saved(tmp_path / "m.npz", **whole()))
    assert capsys.readouterr().out.splitlines() == [
        "l1/W loaded",
        "l1/b loaded",
        "l2/W loaded",
        "l2/b loaded",
    ]


@both
@pytest.mark.parametrize("content", ["truncated", "empty", "npy", "text"])
def test_t59_a_file_that_is_no_archive_is_one_error_that_names_it(lib, content, tmp_path):
    path = saved(tmp_path / "m.npz", **whole())
    if content == "npy":
        with path.open("wb") as file:
            np.save(file, f32(3))
    else:
        data = {"truncated": path.read_bytes()[:-40], "empty": b"", "text": b"hello"}[content]
        path.write_bytes(data)
    layer = model(lib)
    try:
        with pytest.raises(CheckpointError, match=r"m\.npz"):
            layer.load_weights(path)
    finally:
        if lib.name == "seed":
            close_what_numpy_left_open(path)
    assert untouched(layer)


def close_what_numpy_left_open(path):
    """np.load loses the file of a damaged archive, and a later test would get the warning."""
    for found in gc.get_objects():
        if isinstance(found, io.BufferedReader) and not found.closed and found.name == str(path):
            found.close()
