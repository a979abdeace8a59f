"""What cannot be heard raises TraceError, with the user's own line and what to do."""

from __future__ import annotations

import linecache
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lamina.errors import TraceError
from lamina.listen import Program, run


@pytest.fixture
def x() -> Any:
    return Program().input((2, 3), np.float32, "x")


REFUSED: list[tuple[Callable[[Any], Any], str]] = [
    # numbers
    (lambda x: bool(x > 0), r"^bool: Value\(bool\[2, 3\]\) has no numbers yet.*lamina.where"),
    (lambda x: 1 if x.sum() > 0 else 2, "^bool: .*lamina.where"),
    (lambda x: x.sum() and 1, "^bool: .*lamina.where"),
    (lambda x: float(x.sum()), "^float: .*read it afterwards"),
    (lambda x: math.sqrt(x.sum()), "^float: .*read it afterwards"),
    (lambda x: int(x.sum()), "^int: "),
    (lambda x: complex(x), "^complex: "),
    (lambda x: [1, 2][x.argmax()], "^index: .*has to be a Variable"),
    (lambda x: range(x.argmax()), "^index: "),
    (lambda x: x.sum().item(), "^item: "),
    (lambda x: x.tolist(), "^tolist: "),
    (lambda x: x.tobytes(), "^tobytes: "),
    (lambda x: f"{x.sum():.3f}", "^float: "),
    (lambda x: np.asarray(x), r"^np.asarray: Value\(x: float32\[2, 3\]\).*spec"),
    (lambda x: np.array([x, x]), "^np.asarray: "),
    (lambda x: np.arange(6.0)[x.argmax()], "^index: |^np.asarray: "),
    (lambda x: 1.0 in x.sum(axis=0), "^bool: "),
    # shapes that depend on numbers
    (lambda x: x[x > 0], r"^index: with a mask, here bool of shape \(2, 3\).*lamina.where"),
    (lambda x: x[np.array([True, False])], "^index: with a mask"),
    (lambda x: x[[True, False]], "^index: with a mask"),
    (lambda x: x[True], r"^index: with a mask, here bool of shape \(\)"),
    (lambda x: np.where(x > 0), "^np.where: with a condition only"),
    (lambda x: x.nonzero(), "^nonzero: this part of an array is not heard"),
    (lambda x: np.nonzero(x), "^np.nonzero is not heard"),
    (lambda x: np.unique(x), "^np.unique is not heard.*spec"),
    # functions and arguments that are not heard
    (lambda x: np.linalg.norm(x), "^np.norm is not heard"),
    (lambda x: np.allclose(x, 1), "^np.allclose is not heard"),
    (lambda x: np.fft.fft(x), "^np.fft is not heard"),
    (lambda x: np.add.at(x, 0, 1), r"^np.add.at\(\) is not heard"),
    (lambda x: np.add.reduceat(x, [0, 1]), r"^np.add.reduceat\(\) is not heard"),
    (lambda x: np.logaddexp.reduce(x), r"^np.logaddexp.reduce\(\) is not heard"),
    (lambda x: np.add(x, 1, dtype=np.float64), r"^np.add\(dtype\) is not heard"),
    (lambda x: np.divide(x, 2, where=x > 0), r"^np.divide\(where\) is not heard"),
    (lambda x: np.vecdot(x, x), r"^np.vecdot\(\) is not heard"),
    (lambda x: np.frompyfunc(abs, 1, 1)(x), "^abs.* is not a ufunc of NumPy"),
    (lambda x: x.sum(initial=1.0), "^np.sum: .*'initial'.*these arguments: a, axis, dtype"),
    (lambda x: np.max(x, where=x > 0, initial=0), "^np.max: .*unexpected keyword"),
    (lambda x: x.reshape(6, order="F"), "^np.reshape: order 'F' is not heard"),
    (lambda x: np.ravel(x, "F"), "^np.ravel: order 'F' is not heard"),
    (lambda x: np.pad(x, 1, mode="mean"), "^np.pad: mode 'mean'"),
    (lambda x: np.pad(x, 1, constant_values=(1, 2)), "^np.pad: mode 'constant' with"),
    (lambda x: np.take(x, [7], mode="clip"), "^np.take: mode 'clip'"),
    (lambda x: np.var(x.astype(complex)), "^np.var: complex"),
    (lambda x: x.astype(complex).real, "^np.real: complex"),
    (lambda x: np.einsum(x, [0, 1], [1, 0]), "^np.einsum: lists of axes"),
    (lambda x: x.imag, "^imag: this part of an array is not heard"),
    # changes in place of what others see
    (lambda x: x.__setitem__(0, 1.0), "^assignment to elements: .*lamina.where"),
    (lambda x: x.__iadd__(1), r"^np.add: an array from outside.*\(2, 3\).*x = x \+ y"),
    (lambda x: np.exp(x, out=x), "^np.exp: an array from outside"),
    (lambda x: np.add(x, 1, out=np.zeros((2, 3))), "^np.add: an array from outside"),
    (lambda x: np.zeros((2, 3)).__iadd__(x), "^np.add: an array from outside"),
    (lambda x: x.T.__imul__(2), "^np.multiply: an array from outside"),
    (lambda x: np.sum(x, axis=0, out=np.zeros(3)), "^np.sum: an array from outside"),
    # two programs
    (lambda x: x + Program().input((3,), np.float32), r"Value\(float32\[3\]\) belongs to another"),
]


@pytest.mark.parametrize(("use", "message"), REFUSED)
def test_it_is_refused_with_a_hint_and_the_users_line(x, use, message):
    number = use.__code__.co_firstlineno
    with pytest.raises(TraceError, match=message) as caught:
        use(x)
    line = linecache.getline(__file__, number).strip()
    assert str(caught.value).endswith(f"{__file__}, line {number}: `{line}`")


def test_a_loop_over_a_value_is_unrolled(x):
    assert [row.shape for row in x] == [(3,), (3,)]


def test_hasattr_says_what_is_not_heard(x):
    assert not hasattr(x, "imag")
    assert not hasattr(x, "no_such_thing")


def test_another_objects_refusal_comes_first(x):
    class Other:
        __array_ufunc__ = None

        def __rmul__(self, other: Any) -> str:
            return "mine"

    assert x * Other() == "mine"


class TestInPlace:
    def test_the_result_takes_the_place(self, x):
        y = np.exp(x)
        y /= y.sum(axis=1, keepdims=True)
        x.program.outputs = (y,)
        data = np.ones((2, 3), np.float32)
        assert run(x.program, data)[0] == pytest.approx(np.full((2, 3), 1 / 3))  # rounded

    def test_the_dtype_stays_that_of_the_target(self, x):
        y = x * 2
        y += np.arange(3.0)
        assert y.dtype == np.float32

    def test_the_shape_stays_that_of_the_target(self, x):
        target = x * 2
        assert np.add(1.0, x[0], out=target).shape == (2, 3)

    def test_the_array_from_before_cannot_be_used(self, x):
        y = before = x * 2
        y += 1
        with pytest.raises(TraceError, match=r"changed in place.*changed at .*test_refused.py"):
            before + 1

    def test_a_view_from_before_cannot_be_used(self, x):
        y = x * 2
        view = y.T[1:]
        y += 1
        with pytest.raises(TraceError, match=r"Value\(float32\[2, 2\]\) was changed in place"):
            view.sum()

    def test_what_a_changed_view_is_a_view_of_cannot_be_used(self, x):
        y = x * 2
        view = y.reshape(-1)
        view *= 3
        with pytest.raises(TraceError, match=r"Value\(float32\[2, 3\]\) was changed in place"):
            y.sum()

    def test_a_copy_from_before_can_be_used(self, x):
        y = x * 2
        before = y.copy()
        y += 1
        assert (y - before).shape == (2, 3)
