"""Clipping and weight decay: what happens to gradients, and to whose; and that they stay whole."""

from __future__ import annotations

import numpy as np
import pytest

from lamina import Parameter, Variable
from lamina import functions as F
from lamina import optimizers as O
from lamina.errors import RangeError
from optimizers.model import Model
from optimizers.test_methods import METHODS, every_method


def step(optimizer, **gradients):
    """One update with rate 1 from zero: the negative of what was subtracted, by name."""
    model = Model(**{name: Parameter(np.zeros_like(g)) for name, g in gradients.items()})
    optimizer.setup(model)
    for name, g in gradients.items():
        model[name].grad = g
    optimizer.update()
    return {name: -p.data for name, p in model.params.items()}


def test_clip_value_limits_each_number_on_both_sides():
    got = step(O.SGD(lr=1.0, clip_value=0.5), W=np.array([-3.0, 0.25, 0.5, 3.0]))
    assert got["W"].tolist() == [-0.5, 0.25, 0.5, 0.5]


def test_clip_norm_limits_the_norm_of_all_gradients_together():
    got = step(O.SGD(lr=1.0, clip_norm=1.0), a=np.array([3.0]), b=np.array([[4.0], [12.0]]))
    joined = np.concatenate([got["a"].ravel(), got["b"].ravel()])
    np.testing.assert_allclose(joined, np.array([3, 4, 12]) / 13, rtol=1e-15)  # one division


def test_clip_norm_leaves_short_gradients_as_they_are():
    got = step(O.SGD(lr=1.0, clip_norm=5.0), a=np.array([3.0]), b=np.array([4.0]))
    assert [got["a"].tolist(), got["b"].tolist()] == [[3.0], [4.0]]


def test_clip_norm_of_zeros_is_zeros():
    assert step(O.SGD(lr=1.0, clip_norm=1.0), W=np.zeros((2, 3)))["W"].tolist() == [[0.0] * 3] * 2


def test_clip_norm_of_no_numbers_is_no_numbers():
    assert step(O.SGD(lr=1.0, clip_norm=1.0), W=np.zeros((0, 3)))["W"].shape == (0, 3)


@pytest.mark.parametrize(("dtype", "size"), [(np.float16, 6e4), (np.float32, 1e38)])
def test_clip_norm_holds_for_gradients_whose_squares_overflow(dtype, size):
    got = step(O.SGD(lr=1.0, clip_norm=1.0), W=np.full(4, size, dtype))
    # each of four equal numbers is half the norm; one rounding of the dtype
    np.testing.assert_allclose(got["W"], 0.5, rtol=np.finfo(dtype).eps)


def test_clip_norm_holds_for_many_large_numbers_in_float16():
    got = step(O.SGD(lr=1.0, clip_norm=300.0), W=np.full(1_000_000, 6e4, np.float16))
    # the factor, 5e-6, is too small for float16 to hold with all its digits
    np.testing.assert_allclose(got["W"], 0.3, rtol=np.finfo(np.float16).eps)


def test_values_are_clipped_before_the_norm():
    got = step(O.SGD(lr=1.0, clip_value=1.0, clip_norm=5.0), W=np.array([0.5, 100.0]))
    assert got["W"].tolist() == [0.5, 1.0]


def test_gradients_are_clipped_before_weight_decay_is_added():
    W = Variable(np.array([[10.0]]))
    optimizer = O.SGD(lr=1.0, clip_norm=1.0, weight_decay=0.5).setup([W])
    W.grad = np.array([[4.0]])
    optimizer.update()
    assert W.data.tolist() == [[10.0 - 1.0 - 5.0]]


def test_clip_norm_in_the_middle_of_a_chain_sees_what_comes_before_it():
    double = type("Double", (O.Transformation,), {"apply": lambda self, u, s, p, t: 2 * u})()
    got = step(
        O.Optimizer(double, O.ClipNorm(5.0), double, lr=1.0), a=np.array([3.0]), b=np.array([4.0])
    )
    assert [got["a"].tolist(), got["b"].tolist()] == [[6.0], [8.0]]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    "link",
    [O.ClipValue(0.5), O.ClipNorm(0.5), O.AddDecay(0.1), O.AddMomentum(0.9), O.ScaleByAdam()],
    ids=lambda link: type(link).__name__,
)
def test_every_link_passes_on_the_dtype_that_it_was_given(link, dtype):
    seen = []

    class Look(O.Transformation):
        def apply(self, update, state, param, step):
            seen.append(update.dtype)
            return update

    step(O.Optimizer(link, Look(), lr=1.0), W=np.ones((3, 2), dtype), b=np.ones((), dtype))
    assert seen == [dtype, dtype]


def test_a_gradient_that_is_not_finite_is_not_hidden_by_clipping():
    with np.errstate(invalid="ignore"):
        got = step(O.SGD(lr=1.0, clip_norm=1.0), W=np.array([np.nan, 1.0]))
    assert np.isnan(got["W"]).all()


# -- gradients stay as they are ------------------------------------------------------------------


@every_method
def test_t62_a_shared_gradient_serves_both_parameters_and_stays(method):
    a, b = Variable(np.array([[1.0, 2.0]])), Variable(np.array([[1.0, 2.0]]))
    shared = np.array([[0.3, -0.4]])
    a.grad = b.grad = Variable(shared, requires_grad=False)
    method(weight_decay=0.1, clip_norm=0.1, clip_value=0.2).setup({"a": a, "b": b}).update()
    assert np.array_equal(a.data, b.data)
    assert shared.tolist() == [[0.3, -0.4]]


def test_t62_weight_decay_adds_once_to_a_shared_gradient():
    a, b = Variable(np.array([[1.0]])), Variable(np.array([[1.0]]))
    optimizer = O.SGD(lr=1.0, weight_decay=0.1).setup({"a": a, "b": b})
    a.grad = b.grad = Variable(np.array([[1.0]]), requires_grad=False)
    optimizer.update()
    np.testing.assert_allclose([a.data, b.data], -0.1, rtol=1e-14)  # 1 - 1.1: one rounding of 1


def test_t62_the_norm_of_a_shared_gradient_is_clipped_once():
    a, b = Variable(np.zeros(1)), Variable(np.zeros(1))
    optimizer = O.SGD(lr=1.0, clip_norm=1.0).setup({"a": a, "b": b})
    a.grad = b.grad = Variable(np.array([3.0]), requires_grad=False)
    optimizer.update()
    assert np.hypot(a.data, b.data).item() == pytest.approx(1, rel=1e-15)  # two roundings


@every_method
def test_t62_the_gradients_of_an_addition_are_left_alone(method):
    a, b = Variable(np.ones((2, 3))), Variable(np.ones((2, 3)))
    F.sum((a + b) * 3.0).backward()
    before = a.grad.data, b.grad.data
    method(weight_decay=0.1, clip_norm=0.1).setup({"a": a, "b": b}).update()
    assert (a.grad.data is before[0], b.grad.data is before[1]) == (True, True)
    assert np.array_equal([a.grad.data, b.grad.data], np.full((2, 2, 3), 3.0))


@every_method
def test_t63_a_read_only_broadcast_gradient_is_no_obstacle(method):
    W, V = Variable(np.ones((2, 3))), Variable(np.ones((2, 3)))
    W.grad = np.broadcast_to(np.array([[2.0], [3.0]]), (2, 3))
    V.grad = np.array([[2.0] * 3, [3.0] * 3])
    method(weight_decay=0.1, clip_norm=0.1, clip_value=0.5).setup([W, V]).update()
    assert np.array_equal(W.data, V.data)


def test_t63_the_gradient_of_a_sum_can_be_used_as_it_comes():
    W = Variable(np.ones((2, 3)))
    F.sum(W).backward()
    O.SGD(lr=0.5, weight_decay=1.0).setup([W]).update()
    assert W.data.tolist() == [[0.0] * 3] * 2


# -- who decays ----------------------------------------------------------------------------------


def who_decays(optimizer, **parameters):
    """Names of the parameters that move although their gradients are zero."""
    model = Model(**parameters)
    before = {name: p.data.copy() for name, p in parameters.items()}
    optimizer.setup(model)
    for p in parameters.values():
        p.grad = np.zeros_like(p.data)
    optimizer.update()
    return [name for name, p in parameters.items() if not np.array_equal(p.data, before[name])]


def layers():
    shapes = {"conv/W": (5, 3, 2, 2), "conv/b": (5,), "norm/gamma": (5,), "norm/beta": (5,)}
    shapes |= {"embed/W": (7, 4), "temperature": ()}
    return {name: Parameter(np.ones(shape)) for name, shape in shapes.items()}


# ASGD shrinks all parameters, apart from weight decay
DECAYING = {name: method for name, method in METHODS.items() if name != "ASGD"}


@pytest.mark.parametrize("method", DECAYING.values(), ids=DECAYING)
def test_t86_weight_decay_leaves_biases_and_normalisations_alone(method):
    assert who_decays(method(weight_decay=0.1), **layers()) == ["conv/W", "embed/W"]


def test_t86_a_glob_chooses_what_decays():
    assert who_decays(O.SGD(weight_decay=0.1, decay="conv/*"), **layers()) == ["conv/W", "conv/b"]


def test_t86_a_function_chooses_what_decays():
    def chosen(name, param):
        return name == "temperature" or param.shape == (7, 4)

    assert who_decays(O.AdamW(decay=chosen), **layers()) == ["embed/W", "temperature"]


def test_a_glob_that_matches_nothing_is_an_error():
    with pytest.raises(
        RangeError, match=r"no parameter matches 'con/\*'; there are conv/W, conv/b"
    ):
        O.SGD(weight_decay=0.1, decay="con/*").setup(Model(**layers()))


def test_a_weight_decay_of_0_changes_nothing():
    assert who_decays(O.AdamW(weight_decay=0.0), **layers()) == []


def test_adamw_decays_parameters_of_large_and_small_gradients_alike():
    W = Variable(np.ones((1, 2)))
    optimizer = O.AdamW(lr=0.1, weight_decay=0.5, eps=1e-30).setup([W])
    W.grad = np.array([[1e-3, 1e3]])
    optimizer.update()
    np.testing.assert_allclose(W.data, 1 - 0.1 * (1 + 0.5), rtol=1e-12)  # some float64 roundings
