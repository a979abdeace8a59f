"""What every Layer promises, over all rows of tests/layers/every.py."""

from __future__ import annotations

import copy
import io
import itertools
from typing import Any

import numpy as np
import pytest

import lamina
from lamina import Layer, Variable, gradients, no_grad, test_mode
from layers.every import ROWS, Row

each = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
each_dtype = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])


class Outer(Layer):
    """Holds a Layer of several inputs, as a `Sequential` cannot."""

    def __init__(self, inner: Layer, then: Any = lambda y: y):
        super().__init__()
        self.inner, self.then = inner, then

    def forward(self, *inputs: Any) -> Any:
        return self.then(self.inner(*inputs))


def results(y: Any) -> list[Variable]:
    """All Variables of a result, however nested."""
    return [y] if isinstance(y, Variable) else [v for item in y for v in results(item)]


def run(layer: Layer, row: Row, dtype: Any = np.float32) -> list[Any]:
    return [y.data for y in results(layer(*row.inputs(dtype)))]


def state(layer: Layer) -> dict[str, Any]:
    return {path: v.data for path, v in (*layer.named_params(), *layer.named_buffers())}


def assert_same(a: list[Any], b: list[Any]) -> None:
    for x, y in itertools.zip_longest(a, b):
        np.testing.assert_array_equal(x, y)


def made(make: Any, **options: Any) -> Layer:
    """The first model since the seed was set: two of them, one after the other, start alike."""
    lamina.seed(3)
    return make(**options)


@each
@each_dtype
def test_sizes_that_are_learnt_give_the_same_as_sizes_that_are_given(row: Row, dtype: Any) -> None:
    lazy = made(row.lazy, dtype=dtype)
    ys = run(lazy, row, dtype)
    eager = made(row.eager, dtype=dtype)
    assert_same(ys, run(eager, row, dtype))
    assert repr(lazy) == repr(eager)


@each
@each_dtype
def test_results_and_parameters_have_the_dtype_of_the_layer(row: Row, dtype: Any) -> None:
    layer = made(row.lazy, dtype=dtype)
    ys = run(layer, row)
    assert {y.dtype for y in ys} == {np.dtype(dtype)}
    assert {p.dtype for p in layer.params()} == {np.dtype(dtype)}


@each
def test_gradient_reaches_every_parameter(row: Row) -> None:
    layer = made(row.lazy)
    ys = results(layer(*row.inputs(np.float32)))
    loss = sum(((y * y * y).sum() for y in ys), start=Variable(np.float32(0)))
    loss.backward()
    missing = [path for path, p in layer.named_params() if p.grad is None or not p.grad.data.any()]
    assert missing == []


@each
def test_parameters_have_second_derivatives(row: Row) -> None:
    layer = made(row.lazy, dtype=np.float64)
    ys = results(layer(*row.inputs(np.float64)))
    params = list(layer.params())
    loss = sum(((y * y * y).sum() for y in ys), start=Variable(0.0))
    first = gradients(loss, params, create_graph=True)
    total = sum(((g * g).sum() for g in first), start=Variable(0.0))
    assert all(np.isfinite(g.data).all() for g in gradients(total, params))


@each
def test_saved_weights_load_into_a_layer_whose_sizes_are_not_known(row: Row) -> None:
    layer = made(row.lazy)
    run(layer, row)
    file = io.BytesIO()
    layer.save_weights(file)
    file.seek(0)
    other = row.lazy()
    other.load_weights(file, quiet=True)
    assert state(other).keys() == state(layer).keys()
    with test_mode():
        assert_same(run(other, row), run(layer, row))


@each
def test_deep_copy_gives_the_same_and_shares_nothing(row: Row) -> None:
    layer = made(row.lazy)
    run(layer, row)
    other = copy.deepcopy(layer)
    for p in other.params():
        p.data = p.data * 0
    for path, array in state(layer).items():
        assert not np.shares_memory(array, state(other)[path]), path
    with test_mode():
        assert_same(run(copy.deepcopy(layer), row), run(layer, row))


@each
def test_deep_copy_before_the_first_call_learns_by_itself(row: Row) -> None:
    layer = made(row.lazy)
    other = copy.deepcopy(layer)
    run(other, row)
    assert repr(layer) == repr(made(row.lazy))


@each
def test_prediction_is_repeatable_and_changes_no_state(row: Row) -> None:
    layer = made(row.lazy)
    run(layer, row)
    before = {path: array.copy() for path, array in state(layer).items()}
    layer.eval()
    assert_same(run(layer, row), run(layer, row))
    for path, array in state(layer).items():
        np.testing.assert_array_equal(array, before[path])


@each
def test_built_from_shapes_alone_it_gives_the_same(row: Row) -> None:
    ys = run(made(row.lazy), row)
    built = made(row.lazy)
    built.build(*row.inputs(np.float32))
    assert_same(ys, run(built, row))


@each
def test_summary_leaves_it_as_it_was(row: Row) -> None:
    layer = made(row.lazy)
    before = repr(layer)
    layer.summary(*row.inputs(np.float32))
    assert repr(layer) == before
    ys = run(layer, row)
    assert_same(ys, run(made(row.eager), row))


@each
def test_without_recording_the_result_is_the_same(row: Row) -> None:
    recorded = run(made(row.lazy), row)
    with no_grad():
        ys = results(made(row.lazy)(*row.inputs(np.float32)))
    assert not any(y.requires_grad for y in ys)
    assert_same([y.data for y in ys], recorded)


@each
def test_compiled_step_gives_the_same_losses_gradients_and_state(row: Row) -> None:
    inputs = row.inputs(np.float32)
    found = []
    for compiled in (False, True):
        layer = made(row.lazy)
        layer(*inputs)

        def step(*inputs: Any, layer: Layer = layer) -> Variable:
            layer.cleargrads()
            loss = results(layer(*inputs))[0]
            loss = (loss * loss * loss).sum()
            loss.backward()
            return loss

        run_step = lamina.compile(step) if compiled else step
        losses = [run_step(*inputs).data for _ in range(3)]
        grads = [p.grad.data for p in layer.params() if p.grad is not None]
        found.append([*losses, *grads, *state(layer).values()])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)  # float32, sums in another order


@each
def test_input_that_does_not_fit_is_named_with_the_path(row: Row) -> None:
    model = Outer(row.eager())
    with pytest.raises(ValueError, match=row.message) as caught:
        model(*row.wrongs)
    inside = row.inside or f" ({row.name}"
    assert caught.value.__notes__[0].startswith(f"in Outer/inner{inside}")


@each
def test_first_call_that_fails_leaves_no_trace(row: Row) -> None:
    def refuse(y: Any) -> Any:
        raise RuntimeError("no")

    layer = made(row.lazy)
    before = repr(layer)
    with pytest.raises(RuntimeError, match="no"):
        Outer(layer, refuse)(*row.inputs(np.float32))
    assert repr(layer) == before


@each
def test_dtype_that_is_not_floating_is_refused(row: Row) -> None:
    with pytest.raises(lamina.errors.DTypeError, match=r"\w+: dtype should be floating"):
        row.lazy(dtype=np.int32)
