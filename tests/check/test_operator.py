"""lamina.check.operator and case: each promise is seen to catch who breaks it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lamina import Function, Variable
from lamina.check import PROMISES, case, operator
from lamina.errors import DTypeError, GradientError, RangeError, TraceError

SHAPES = [(2, 3), (5,), (1,), (0,), ()]


class Square(Function):
    def forward(self, x):
        return x * x

    def backward(self, gy, x):
        return gy * x * 2.0


class Power(Function):
    exponent: float

    def forward(self, x):
        return x**self.exponent

    def backward(self, gy, x):
        return gy * self.exponent * Power(self.exponent - 1)(x)


class Strange(Function):
    """The square, with a formula or a derivative that does something else besides."""

    formula: Any = None
    derivative: Any = None

    def forward(self, x):
        return x * x if self.formula is None else self.formula(x)

    def backward(self, gy, x):
        return gy * x * 2.0 if self.derivative is None else self.derivative(gy, x)


def broken(promise: str, f: Any, **options: Any) -> None:
    PROMISES[promise](case(f, np.square, name="square", **{"shapes": SHAPES, **options}))


def test_good_operator_keeps_all_promises() -> None:
    operator(Square(), np.square, SHAPES)


def test_function_with_keywords_keeps_all_promises() -> None:
    operator(
        lambda x, power: Power(power)(x),
        lambda x, power: np.power(x, power),
        SHAPES,
        kwargs={"power": 3},
        domain=(0.5, 2.0),
        name="power",
    )


def test_explicit_inputs_are_used_as_they_are() -> None:
    seen = []

    def taken(x, i):
        seen.append(i)
        return np.square(x)[i]

    inputs = np.array([1.0, 2.0, 3.0]), np.array([2, 0])
    operator(lambda x, i: Square()(x)[i], taken, [inputs], name="take")
    assert seen
    assert all(i.tolist() == [2, 0] for i in seen)


def test_wrong_value_is_told_with_place() -> None:
    def slip(x):
        y = x * x
        y.flat[1:2] += 0.5
        return y

    with pytest.raises(
        GradientError, match=r"square of \(2, 3\), value in float16: should be .* at \(0, 1\), got"
    ):
        broken("values", Strange(slip))


def test_wrong_shape_is_told() -> None:
    with pytest.raises(GradientError, match=r"value: shape \(2, 3\), got \(6,\)"):
        broken("values", Strange(lambda x: (x * x).ravel()))


def test_wrong_number_of_results_is_told() -> None:
    with pytest.raises(GradientError, match="1 results, got 2"):
        broken("values", lambda x: (x * x, x))


def test_result_that_is_no_variable_is_told() -> None:
    with pytest.raises(DTypeError, match="square: should give Variables, got ndarray"):
        broken("values", lambda x: x.data**2)


def test_value_that_is_off_by_more_than_roundings_is_told() -> None:
    with pytest.raises(GradientError, match="value in float64"):
        broken("values", Strange(lambda x: x * x * (1 + 1e-13)), dtypes=[np.float64])


def test_row_may_allow_more_with_a_reason() -> None:
    PROMISES["values"](
        case(
            Strange(lambda x: x * x * (1 + 1e-13)),
            np.square,
            shapes=SHAPES,
            rtol=1e-12,
            reason="a series cut short",
        )
    )


def test_nan_where_a_number_belongs_is_told() -> None:
    with pytest.raises(GradientError, match=r"got .*nan"):
        broken("values", Strange(lambda x: x * x * np.nan))


def test_widened_dtype_is_told() -> None:
    with pytest.raises(GradientError, match="result 0 should be float16, got float64"):
        broken("dtypes", Strange(lambda x: x * x * np.float64(1.0) + np.zeros(())))


def test_wrong_kind_of_dtype_is_told() -> None:
    row = case(lambda x: Variable((x.data > 0) * 1.0), lambda x: x > 0, shapes=[(3,)], order=0)
    with pytest.raises(GradientError, match="kind should be b, got float64"):
        PROMISES["dtypes"](row)


def test_row_may_say_that_the_dtype_is_another() -> None:
    row = case(
        lambda x: x.astype(np.float64), lambda x: x, shapes=[(3,)], keeps_dtype=False, name="wide"
    )
    PROMISES["dtypes"](row)


def test_wrong_derivative_is_told_with_the_sample() -> None:
    with pytest.raises(GradientError, match=r"square, sample 0, \(2, 3\): gradient of order 1"):
        broken("derivatives", Strange(derivative=lambda gy, x: gy * x))


def test_order_of_the_row_is_the_order_checked() -> None:
    raw = Strange(derivative=lambda gy, x: gy * (2.0 * x.data))
    broken("derivatives", raw, order=1)
    with pytest.raises(GradientError, match="gradient of order 2"):
        broken("derivatives", raw, order=2)


def test_operator_that_depends_on_strides_is_told() -> None:
    def by_memory(x):
        flat = np.lib.stride_tricks.as_strided(x, (x.size,), (x.itemsize,))
        return (flat * flat).reshape(x.shape)

    with pytest.raises(GradientError, match=r"square of \(2, 3\), value of \w+ inputs"):
        broken("layouts", Strange(by_memory))


def test_operator_that_writes_into_its_input_is_told() -> None:
    def spoil(x):
        y = x * x
        if x.flags.writeable:
            x[...] = 0.0
        return y

    with pytest.raises(GradientError, match="input 0 should be left as it was"):
        broken("unchanged", Strange(spoil))


def test_backward_that_writes_into_its_input_is_told() -> None:
    def spoil(gy, x):
        x.data[...] = 0.0
        return gy * 2.0

    with pytest.raises(GradientError, match="input 0 should be left as it was"):
        broken("unchanged", Strange(derivative=spoil))


def test_operator_that_records_under_no_grad_is_told() -> None:
    with pytest.raises(GradientError, match="nothing should be recorded"):
        broken("unrecorded", lambda x: Variable(np.square(getattr(x, "data", x))))


def test_operator_whose_value_depends_on_recording_is_told() -> None:
    def sly(x):
        return Square()(x) if getattr(x, "requires_grad", False) else Square()(x) * 2.0

    with pytest.raises(GradientError, match=r"(?s)square of .*should be Variable.*got Variable"):
        broken("unrecorded", sly)


def test_operator_that_takes_no_lists_is_told() -> None:
    with pytest.raises(AttributeError, match="'list' object has no attribute 'shape'"):
        broken("kinds", lambda x: Square()(x).reshape(x.shape))


def test_operator_that_reads_numbers_cannot_be_heard() -> None:
    with pytest.raises(TraceError, match=r"float: Value\(.*\) has no numbers yet"):
        broken("heard", Strange(lambda x: x * float(x.sum())))


def test_row_may_say_that_it_is_unheard() -> None:
    broken("heard", Strange(lambda x: x * x * float(x.sum() != 1j)), unheard="it reads numbers")


def test_row_that_calls_itself_unheard_and_is_heard_is_told() -> None:
    with pytest.raises(GradientError, match="square: is heard, although the row says: too lazy"):
        broken("heard", Square(), unheard="too lazy")


class Misjudged(Square):
    """The square, with a rule for its shape that is wrong."""

    def spec(self, x):
        return x.shape[::-1], x.dtype


def test_wrong_spec_is_told() -> None:
    with pytest.raises(GradientError, match=r"heard: float16 \(2, 3\), got float16 \(3, 2\)"):
        broken("heard", Misjudged(), order=0)


def test_operator_that_does_something_else_when_heard_is_told() -> None:
    def two_faced(x):
        return x * x if isinstance(x, np.ndarray) else x + x

    with pytest.raises(GradientError, match=r"square of \(2, 3\), heard and run: should be"):
        broken("heard", Strange(two_faced))


def test_gradient_of_another_dtype_cannot_happen_but_one_that_is_missing_passes() -> None:
    broken("gradient_dtypes", Strange(derivative=lambda gy, x: None))


# -- rows ----------------------------------------------------------------------------------------


def test_samples_are_the_same_at_every_call() -> None:
    row = case(Square(), np.square, shapes=[(2, 3), (5,)])
    first, second = list(row.samples()), list(row.samples())
    assert [x.tobytes() for (x,) in first] == [x.tobytes() for (x,) in second]


def test_samples_of_every_dtype_hold_the_same_numbers() -> None:
    row = case(Square(), np.square, shapes=[(2, 3)])
    ((wide,),), ((narrow,),) = row.samples(np.float64), row.samples(np.float32)
    assert wide.astype(np.float32).tobytes() == narrow.tobytes()


def test_samples_lie_in_their_domains() -> None:
    row = case(max, max, shapes=[((50,), (50,))], domain=[(0.0, 1.0), (5.0, 6.0)])
    ((a, b),) = row.samples()
    assert (0 <= a.min(), a.max() <= 1, 5 <= b.min(), b.max() <= 6) == (True,) * 4


def test_bare_shape_stands_for_one_input() -> None:
    row = case(Square(), np.square, shapes=[(2, 3), ((2, 3), (3,)), ()])
    assert [[x.shape for x in sample] for sample in row.samples()] == [
        [(2, 3)],
        [(2, 3), (3,)],
        [()],
    ]


def test_made_inputs_come_before_drawn_ones() -> None:
    row = case(max, max, make=lambda rng, dtype: (np.ones(2, dtype), 3), shapes=[(5,)])
    (a, n), (b,) = row.samples(np.float32)
    assert (a.dtype, n, b.shape) == (np.float32, 3, (5,))


def test_row_without_inputs_is_refused() -> None:
    with pytest.raises(RangeError, match=r"case max: needs inputs, give shapes=\[...\] or make="):
        case(max, max)


def test_tolerance_without_reason_is_refused() -> None:
    with pytest.raises(RangeError, match=r"case max: rtol=0.01 needs a reason beside it"):
        case(max, max, shapes=[(2,)], rtol=0.01)


def test_number_of_domains_is_that_of_inputs() -> None:
    with pytest.raises(RangeError, match="case max: 2 inputs need as many domains"):
        case(max, max, shapes=[((2,), (3,))], domain=[(0, 1)])
