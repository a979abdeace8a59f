"""CuPy without a GPU: a duck array stays a duck array through every operator, to order 2."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from functions.duck import Duck, open_duck
from functions.tables import ROWS
from lamina import Variable, gradients
from lamina.check import Case


def leaves(inputs: tuple[Any, ...], wrap: Any) -> list[Any]:
    """Floating arrays as Variables around ``wrap(x)``, other arrays wrapped, the rest as it is."""
    arrays = [wrap(x) if isinstance(x, np.ndarray) else x for x in inputs]
    return [
        Variable(a) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else a
        for x, a in zip(inputs, arrays, strict=True)
    ]


def levels(row: Case, xs: list[Any], wrap: Any) -> list[list[Any]]:
    """Arrays of results, of gradients, and of gradients of gradients."""
    ys = list(row.run(*xs))
    wanted = [x for x in xs if isinstance(x, Variable)]
    found = [[y.data for y in ys]]
    for order in range(min(row.order, 2)):
        ys = [y for y in ys if y.requires_grad]
        if not ys:
            break
        gys = [wrap(np.ones(y.shape, y.dtype)) for y in ys]
        ys = [g for g in gradients(ys, wanted, gys, create_graph=order == 0) if g is not None]
        found.append([y.data for y in ys])
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_duck_stays_a_duck_forward_backward_and_twice(row: Case) -> None:
    for inputs in row.samples(np.float32):
        ducks = levels(row, leaves(inputs, Duck), Duck)
        plain = levels(row, leaves(inputs, np.asarray), np.asarray)
        assert [[type(a) for a in level] for level in ducks] == [[Duck] * len(p) for p in plain]
        for level, expected in zip(ducks, plain, strict=True):
            for a, b in zip(level, expected, strict=True):
                # NumPy's 2.0 squares for x ** 2, and calls pow for its ufunc, which a Duck gets
                rtol = 4 * np.finfo(b.dtype).eps if b.dtype.kind == "f" else 0
                np.testing.assert_allclose(open_duck(a), b, rtol=rtol, atol=rtol)


def test_duck_refuses_to_become_a_numpy_array() -> None:
    with pytest.raises(TypeError, match="made a NumPy array of it"):
        np.asarray(Duck([1.0, 2.0]))


def test_duck_refuses_to_meet_a_numpy_array() -> None:
    with pytest.raises(TypeError, match=r"meets a NumPy array of shape \(2,\)"):
        Duck([1.0, 2.0]) + np.ones(2)


def test_duck_takes_python_numbers_as_weak() -> None:
    assert (Duck(np.ones(2, np.float32)) * 2.0).dtype == np.float32


def test_duck_makes_ducks_where_like_asks() -> None:
    made = np.zeros((2, 3), np.float32, like=Duck(1.0))
    assert (type(made), made.shape) == (Duck, (2, 3))
