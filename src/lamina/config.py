"""What is switched on for the code that runs now: gradients, training mode, dtype, debugging.

The settings live in one context variable, so a thread or an asyncio task never sees another's
``no_grad``. A new thread starts from the defaults.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from .errors import DTypeError


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one context.

    Args:
        grad: operators record what ``backward`` needs.
        train: dropout drops, normalisation uses the batch.
        dtype: floating dtype of new parameters that name none.
        debug: every operator checks that its results are finite, and ``backward`` that the arrays
            it kept are what they were. Slow.
        stand_in: gives what stands for a Parameter whose numbers were not drawn yet, where shapes
            alone are asked for; set by ``build`` and ``summary``.
    """

    grad: bool = True
    train: bool = True
    dtype: np.dtype[Any] = np.dtype(np.float32)
    debug: bool = False
    stand_in: Callable[[Any], Any] | None = None


_config: ContextVar[Config] = ContextVar("lamina", default=Config())  # noqa: B039 (it is frozen)

current: Callable[[], Config] = _config.get


class using(ContextDecorator):
    """Change settings for a ``with`` block, or for a function as a decorator.

    Args:
        **settings: fields of `Config`: ``grad``, ``train``, ``dtype``, ``debug``.
    Raises:
        DTypeError: for a name that is no setting, a switch that is not a bool, or a ``dtype`` that
            is not floating.
    Example:
        >>> with using(train=False):
        ...     current().train
        False
        >>> current().train
        True
    """

    def __init__(self, **settings: Any):
        names = [field.name for field in fields(Config)]
        for name, value in settings.items():
            if name not in names:
                raise DTypeError(f"using: {name!r} is no setting; there are {', '.join(names)}")
            if name == "dtype":
                settings[name] = _floating(value)
            elif name != "stand_in" and not isinstance(value, bool):
                raise DTypeError(f"using: {name} should be True or False, got {value!r}")
        self._settings = settings
        self._tokens: list[Token[Config]] = []

    def __enter__(self) -> using:
        self._tokens.append(_config.set(replace(current(), **self._settings)))
        return self

    def __exit__(self, *exception: object) -> None:
        _config.reset(self._tokens.pop())

    def _recreate_cm(self) -> using:  # a decorated function may run in two threads at once
        return using(**self._settings)


def _floating(value: Any) -> np.dtype[Any]:
    dtype = np.dtype(value)
    if dtype.kind != "f":
        raise DTypeError(f"using: dtype should be floating, got {dtype}")
    return dtype


def no_grad() -> using:
    """Record nothing: results do not require a gradient. Same as ``using(grad=False)``."""
    return using(grad=False)


def test_mode() -> using:
    """Predict, do not train: dropout keeps all. Same as ``using(train=False)``."""
    return using(train=False)


test_mode.__test__ = False  # pyright: ignore[reportFunctionMemberAccess] (pytest: not a test)
