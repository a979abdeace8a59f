"""using, no_grad, test_mode: settings for a block or a function."""

from __future__ import annotations

import numpy as np
import pytest

from lamina import Variable, config, no_grad, test_mode, using
from lamina.errors import DTypeError


def test_defaults() -> None:
    state = config.current()
    assert (state.grad, state.train, state.dtype, state.debug) == (True, True, np.float32, False)


def test_settings_end_with_the_block() -> None:
    with using(train=False, debug=True):
        inside = config.current()
    outside = config.current()
    assert (inside.train, inside.debug, outside.train, outside.debug) == (False, True, True, False)


def test_settings_end_with_an_exception() -> None:
    with pytest.raises(KeyError, match="leave"), no_grad():
        raise KeyError("leave")
    assert config.current().grad


def test_inner_block_changes_only_what_it_names() -> None:
    with using(train=False), using(debug=True):
        assert (config.current().train, config.current().debug) == (False, True)


def test_dtype_may_be_named_in_any_way() -> None:
    for dtype in (np.float64, "float64", np.dtype("float64"), float):
        with using(dtype=dtype):
            assert config.current().dtype == np.dtype(np.float64)


def test_decorator_sets_during_the_call_only() -> None:
    @no_grad()
    def f(x):
        return x * 2.0

    x = Variable(1.0)
    assert (f(x).requires_grad, (x * 2.0).requires_grad) == (False, True)


def test_decorated_function_may_call_itself() -> None:
    @using(train=False)
    def countdown(n: int) -> list[bool]:
        rest = countdown(n - 1) if n else []
        return [config.current().train, *rest]

    assert (countdown(3), config.current().train) == ([False] * 4, True)


def test_one_block_may_be_entered_twice() -> None:
    silent = no_grad()
    with silent:
        with silent:
            pass
        assert not config.current().grad
    assert config.current().grad


def test_test_mode_is_no_no_grad() -> None:
    with test_mode():
        assert (config.current().train, config.current().grad) == (False, True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"gradient": False},
            "using: 'gradient' is no setting; there are grad, train, dtype, debug",
        ),
        ({"grad": 1}, "using: grad should be True or False, got 1"),
        ({"debug": "yes"}, "using: debug should be True or False, got 'yes'"),
        ({"dtype": np.int32}, "using: dtype should be floating, got int32"),
        ({"dtype": np.complex64}, "using: dtype should be floating, got complex64"),
    ],
)
def test_wrong_setting_is_refused(settings, message) -> None:
    with pytest.raises(DTypeError, match=message):
        using(**settings)


def test_config_cannot_be_changed_by_assignment() -> None:
    with pytest.raises(AttributeError, match="cannot assign to field 'grad'"):
        config.current().grad = False
