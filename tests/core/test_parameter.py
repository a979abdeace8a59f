"""Parameter: lazy, planned, ready; one object all the way."""

from __future__ import annotations

import copy
import pickle
import weakref

import numpy as np
import pytest

import lamina
from lamina import Parameter, Variable, using
from lamina.errors import DTypeError, ShapeError, UninitializedError


def normal(shape, dtype, rng):
    return rng.standard_normal(shape, dtype)


def sevens(shape, dtype, rng):
    return np.full(shape, 7, dtype)


class House:
    """What a Layer is to its Parameters."""

    def __init__(self, name: str):
        self.name = name

    def path_of(self, parameter: Parameter) -> str:
        return self.name

    def stream_of(self, parameter: Parameter) -> np.random.Generator:
        return lamina.random.stream(self.name)


def test_states_follow_one_another() -> None:
    W = Parameter(init=sevens)
    states = [W.state]
    W.plan((2, 3))
    states.append(W.state)
    W.data  # noqa: B018 (looking is what draws)
    states.append(W.state)
    assert states == ["lazy", "planned", "ready"]


def test_shape_given_at_once_plans() -> None:
    assert Parameter(shape=(2, 3), init=sevens).state == "planned"


def test_data_given_at_once_is_ready() -> None:
    W = Parameter(np.ones((2, 3)))
    assert (W.state, W.shape, W.dtype, W.requires_grad) == ("ready", (2, 3), np.float64, True)


def test_planned_parameter_knows_shape_and_dtype_without_drawing() -> None:
    W = Parameter(shape=(2, 3), dtype=np.float16, init=sevens)
    assert (W.shape, W.ndim, W.size, W.dtype, W.device) == ((2, 3), 2, 6, np.float16, "cpu")
    assert W.state == "planned"


def test_data_of_a_lazy_one_is_none() -> None:
    assert Parameter(init=sevens).data is None


def test_shape_of_a_lazy_one_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(
        UninitializedError, match=r"Parameter W is uninitialised.*model.build\(shape\)"
    ):
        Parameter(name="W").shape  # noqa: B018 (looking is what raises)


@pytest.mark.parametrize(
    "use", [lambda W: W * 2.0, lambda W: W.numpy(), lambda W: W.item(), lambda W: np.asarray(W)]
)
def test_use_of_a_lazy_one_is_an_error(use) -> None:
    with pytest.raises(UninitializedError, match="is uninitialised"):
        use(Parameter(init=sevens))


def test_planned_one_is_drawn_when_an_operator_meets_it() -> None:
    W = Parameter(shape=(2,), init=sevens)
    (W * 3.0).sum().backward()
    assert (W.data.tolist(), W.grad.data.tolist()) == ([7.0, 7.0], [3.0, 3.0])


def test_dtype_defaults_to_the_setting() -> None:
    with using(dtype=np.float64):
        assert Parameter(init=sevens).dtype == np.float64
    assert Parameter(init=sevens).dtype == np.float32


def test_integers_are_refused() -> None:
    with pytest.raises(DTypeError, match="dtype should be floating, got int64"):
        Parameter(dtype=np.int64)


def test_integer_data_is_refused() -> None:
    with pytest.raises(DTypeError, match="int64 has no gradient"):
        Parameter(np.array([1, 2]))


def test_another_shape_cannot_be_planned() -> None:
    W = Parameter(name="W", shape=(2, 3), init=sevens)
    with pytest.raises(ShapeError, match=r"Parameter W: should have shape \(2, 3\), got \(3, 2\)"):
        W.plan((3, 2))


def test_plan_of_a_ready_one_checks_its_shape() -> None:
    with pytest.raises(ShapeError, match=r"should have shape \(2,\), got \(3,\)"):
        Parameter(np.ones(2), name="W").plan((3,))


def test_forget_makes_it_lazy_again() -> None:
    W = Parameter(init=sevens)
    W.plan((2,))
    W.data  # noqa: B018 (looking is what draws)
    W.forget()
    assert W.state == "lazy"
    W.plan((3,))
    assert W.data.shape == (3,)


def test_data_may_be_given_to_a_lazy_one() -> None:
    W = Parameter()
    W.data = np.ones((2, 3), np.float32)
    assert (W.state, W.shape) == ("ready", (2, 3))


def test_data_cannot_be_set_to_none() -> None:
    with pytest.raises(DTypeError, match=r"data cannot be set to None; use forget\(\)"):
        Parameter(np.ones(2)).data = None


@pytest.mark.parametrize(
    ("init", "got"),
    [
        (lambda shape, dtype, rng: rng.standard_normal(shape), r"float64 \(2, 3\)"),
        (lambda shape, dtype, rng: np.zeros(shape[::-1], dtype), r"float32 \(3, 2\)"),
    ],
)
def test_initializer_must_give_the_shape_and_dtype(init, got) -> None:
    W = Parameter(shape=(2, 3), init=init)
    with pytest.raises(ShapeError, match=rf"should give float32 \(2, 3\), got {got}"):
        W.data  # noqa: B018 (looking is what draws)


def test_name_and_stream_come_from_the_layer() -> None:
    house = House("l1/W")
    W = Parameter(name="mine", shape=(2,), dtype=np.float64, init=normal)
    assert W.name == "mine"
    W.owner = weakref.ref(house)
    assert W.name == "l1/W"
    expected = lamina.random.stream("l1/W").standard_normal(2)
    assert W.data.tolist() == expected.tolist()


def test_name_returns_when_the_layer_is_gone() -> None:
    house = House("l1/W")
    W = Parameter(np.ones(2), name="mine")
    W.owner = weakref.ref(house)
    del house
    assert W.name == "mine"


def test_two_without_a_layer_draw_different_numbers() -> None:
    a, b = Parameter(shape=(2,), init=normal), Parameter(shape=(2,), init=normal)
    assert a.data.tolist() != b.data.tolist()


# -- shown and copied ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("W", "text"),
    [
        (Parameter(), "Parameter(lazy, float32)"),
        (Parameter(name="W", dtype=np.float64), "Parameter(lazy, float64, name='W')"),
        (Parameter(shape=(2, 3), init=sevens), "Parameter((2, 3), float32, not drawn yet)"),
        (Parameter([1.0], name="W"), "Parameter([1.], float64, name='W')"),
    ],
)
def test_repr_of_each_state(W: Parameter, text: str) -> None:
    assert repr(W) == text


def test_repr_draws_nothing() -> None:
    W = Parameter(shape=(2, 3), init=sevens)
    repr(W)
    assert W.state == "planned"


@pytest.mark.parametrize(
    "W",
    [Parameter(), Parameter(shape=(2, 3), init=sevens), Parameter(np.ones((2, 3), np.float32))],
    ids=["lazy", "planned", "ready"],
)
def test_html_of_each_state(W: Parameter) -> None:
    text = W._repr_html_()
    assert "Parameter" in text
    assert "float32" in text


HOW = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
}


@pytest.mark.parametrize("how", HOW)
def test_copy_of_a_lazy_one_is_lazy(how: str) -> None:
    W = HOW[how](Parameter(name="W", dtype=np.float16, init=sevens))
    assert (W.state, W.name, W.dtype) == ("lazy", "W", np.float16)
    W.plan((2,))
    assert W.data.tolist() == [7.0, 7.0]


@pytest.mark.parametrize("how", HOW)
def test_copy_of_a_planned_one_starts_from_the_same_numbers(how: str) -> None:
    W = Parameter(shape=(2, 3), init=normal)
    new = HOW[how](W)
    assert (new.shape, new.data.tolist()) == ((2, 3), W.data.tolist())


@pytest.mark.parametrize("how", HOW)
def test_copy_of_a_ready_one(how: str) -> None:
    W = Parameter([1.0, 2.0], name="W")
    (W * W).sum().backward()
    new = HOW[how](W)
    assert (type(new), new.name, new.state) == (Parameter, "W", "ready")
    assert (new.data.tolist(), new.grad.data.tolist()) == ([1.0, 2.0], [2.0, 4.0])


def test_frozen_one_stays_frozen_in_its_copy() -> None:
    W = Parameter([1.0])
    W.requires_grad = False
    assert copy.deepcopy(W).requires_grad is False


def test_lazy_one_can_be_frozen() -> None:
    W = Parameter(init=sevens)
    W.requires_grad = False
    W.plan((2,))
    x = Variable(np.ones(2, np.float32))
    (W * x).sum().backward()
    assert W.grad is None


def test_moving_a_lazy_one_without_cupy_fails_now_and_not_at_the_first_call(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cupy", None)
    with pytest.raises(RuntimeError, match="CuPy is needed"):
        Parameter(init=sevens).to_gpu()
