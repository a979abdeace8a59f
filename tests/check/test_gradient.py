"""lamina.check.gradient: right derivatives pass, wrong ones are found, told and located."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamina.functions as F
from lamina import Function, Variable
from lamina.check import gradient
from lamina.errors import DTypeError, GradientError


class Slipped(Function):
    """The square, with a derivative that is wrong in one place, by a factor."""

    place: int
    factor: float

    def forward(self, x):
        return x * x

    def backward(self, gy, x):
        wrong = np.ones(x.shape)
        wrong.flat[self.place] = self.factor
        return gy * x * 2.0 * wrong


class Frozen(Function):
    """Tanh, whose derivative is right and cannot be differentiated: it goes through raw arrays."""

    def forward(self, x):
        return np.tanh(x)

    def backward(self, gy, y):
        return gy * (1 - y.data**2)


class Bare(Function):
    """Any formula with any derivative."""

    formula: Any
    derivative: Any

    def forward(self, x):
        return self.formula(x)

    def backward(self, gy, x):
        return self.derivative(gy, x)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 3), (5, 0), (7, 11), (30, 40)])
def test_right_derivative_passes(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    gradient(lambda x: F.tanh(x) * x, rng.normal(size=shape), order=3)


def test_several_inputs_of_several_shapes(rng: np.random.Generator) -> None:
    gradient(lambda a, b, c: a * b + c, rng.normal(size=(2, 3)), rng.normal(size=(3,)), 0.5)


def test_several_results_of_several_shapes(rng: np.random.Generator) -> None:
    gradient(
        lambda a, b: (a @ b, a * 2.0, F.exp(b)), rng.normal(size=(2, 3)), rng.normal(size=(3, 5))
    )


def test_wrong_derivative_is_told_with_place_values_and_tolerance() -> None:
    x = np.arange(1.0, 7.0).reshape(2, 3)
    with pytest.raises(
        GradientError,
        match=r"order 1: output 0 at \(1, 2\) by input 0 at \(1, 2\): "
        r"backward gives 18, differences give 12; they differ by 6, allowed is 1.*e-05",
    ):
        gradient(Slipped(5, 1.5), x)


def test_one_wrong_place_in_a_large_input_is_found(rng: np.random.Generator) -> None:
    x = rng.uniform(1.0, 2.0, size=(30, 40))
    with pytest.raises(GradientError, match=r"combination of the outputs by input 0 at \(17, 23\)"):
        gradient(Slipped(17 * 40 + 23, 1.5), x)


def test_error_of_a_few_millionths_is_found() -> None:
    with pytest.raises(GradientError, match="they differ by"):
        gradient(Slipped(0, 1 + 5e-6), [1.0, 2.0])


def test_error_below_the_tolerance_passes() -> None:
    gradient(Slipped(0, 1 + 5e-7), [1.0, 2.0], order=1)


def test_tolerance_can_be_narrowed() -> None:
    with pytest.raises(GradientError, match="they differ by"):
        gradient(Slipped(0, 1 + 5e-7), [1.0, 2.0], rtol=1e-8, atol=0.0)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (F.exp, 5.0),
        (F.exp, -30.0),
        (F.log, 1e-3),
        (F.log, 1e6),
        (F.sqrt, 1e-2),
        (F.tanh, 8.0),
        (lambda x: 1.0 / x, 0.02),
        (lambda x: x**7, 30.0),
        (lambda x: x * 1e-9, 2.0),
        (lambda x: x * 0.0 + 1e6, 2.0),
    ],
)
def test_steep_flat_large_and_small_functions_pass(f: Any, x: float) -> None:
    gradient(f, x)


def test_wrong_second_derivative_is_found() -> None:
    gradient(Frozen(), [0.3, 0.7], order=1)
    with pytest.raises(GradientError, match=r"order 2: output 0 at \(1,\) by input 0 at \(1,\)"):
        gradient(Frozen(), [0.3, 0.7], order=2)


def test_missing_derivative_by_the_incoming_gradient_is_found() -> None:
    detached = Bare(lambda x: x * x, lambda gy, x: gy.detach() * x * 2.0)
    with pytest.raises(GradientError, match=r"gradient of order 2: .* by input 1 at"):
        gradient(detached, [0.3, 0.7])


def test_missing_derivative_is_found() -> None:
    with pytest.raises(GradientError, match="backward gives 0, differences give 1"):
        gradient(lambda x: x.detach() * 1.0, [0.3])


def test_flat_function_without_derivative_passes() -> None:
    gradient(Bare(np.sign, lambda gy, x: None), [0.3, -0.7])


def test_input_that_is_not_used_passes() -> None:
    gradient(lambda a, b: a * 2.0, [1.0], [2.0, 3.0])


def test_float32_is_converted_to_float64() -> None:
    seen = []
    gradient(lambda x: seen.append(x.dtype) or x * x, np.ones(2, np.float32))
    assert set(seen) == {np.dtype(np.float64)}


def test_variables_are_taken_for_their_data_and_left_alone() -> None:
    x = Variable([1.0, 2.0])
    gradient(lambda v: v * v, x)
    assert (x.grad, x.data.tolist()) == (None, [1.0, 2.0])


def test_integers_and_other_things_are_passed_on() -> None:
    index = np.array([1, 0, 1])
    seen = []
    gradient(lambda x, i, m: seen.append((*i.tolist(), m)) or x[i], [1.0, 2.0], index, "clip")
    assert set(seen) == {(1, 0, 1, "clip")}


def test_integer_results_have_no_derivative() -> None:
    gradient(lambda x: (F.argmax(x), x * x), [1.0, 3.0, 2.0])


def test_complex_inputs_are_refused() -> None:
    with pytest.raises(DTypeError, match="gradient: input 1 is complex"):
        gradient(lambda a, b: a * b, 1.0, 1j)


def test_result_must_be_a_variable() -> None:
    with pytest.raises(DTypeError, match="gradient: f: should give Variables, got ndarray"):
        gradient(lambda x: x.data, [1.0])


def test_nan_is_no_derivative() -> None:
    nan = Bare(lambda x: x * x, lambda gy, x: gy * x * np.nan)
    with pytest.raises(GradientError, match="backward gives nan, differences give 2"):
        gradient(nan, [1.0])


def test_function_that_differs_from_run_to_run_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(GradientError, match="order 1: f differs from run to run"):
        gradient(lambda x: x * rng.random(), [1.0])


def test_derivative_that_differs_from_run_to_run_is_refused() -> None:
    rng = np.random.default_rng(0)
    noisy = Bare(lambda x: x * x, lambda gy, x: gy * x * (2.0 + 1e-9 * rng.random()))
    with pytest.raises(GradientError, match="order 1: differs from run to run"):
        gradient(noisy, [1.0])


def test_function_that_changes_its_input_is_refused() -> None:
    def negate(x):
        np.negative(x, out=x)
        return x * 1.0

    with pytest.raises(GradientError, match="order 1: input 0 was changed by f"):
        gradient(Bare(negate, lambda gy, x: gy * -1.0), [1.0, 2.0])


def test_backward_that_changes_its_input_is_refused() -> None:
    def spoil(gy, x):
        x.data[...] = 5.0
        return gy * 1.0

    with pytest.raises(GradientError, match="input 0 was changed by f"):
        gradient(Bare(lambda x: x + 0.0, spoil), [1.0, 2.0])


def test_directions_are_the_same_at_every_call(rng: np.random.Generator) -> None:
    x = rng.uniform(1.0, 2.0, size=(30, 40))
    messages = []
    for _ in range(2):
        with pytest.raises(GradientError, match="combination") as caught:
            gradient(Slipped(9, 1.5), x)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_order_0_only_calls_nothing() -> None:
    gradient(Slipped(0, 9.0), [1.0], order=0)
