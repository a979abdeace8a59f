"""What is switched on for the code that runs now: gradients, training mode, dtype, debugging.

The settings live in one context variable, so a thread or an asyncio task never sees another's
``no_grad``. A new thread starts from the defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, fields, replace
from functools import lru_cache
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
        probe: with ``debug``, is called with each operator, its operands and its results, in place
            of that check of results; set by `lamina.insight`.
        winograd: compiled convolutions of 3x3 may use Winograd's algorithm, which needs fewer
            products, and whose error in float32 is about ten times larger (below 1e-5 of the
            largest number).
        native: where llvmlite is installed, large float32 convolutions, poolings and recurrent
            networks run as generated machine code, and ``compile`` with its backend "auto"
            generates a step. Results then differ from NumPy's in the last places.
        recompute: native steps compute cheap results of forward again in backward where that lowers
            the peak of their memory; they are the same results, to the last bit.
        stand_in: gives what stands for a Parameter whose numbers were not drawn yet, where shapes
            alone are asked for; set by ``build`` and ``summary``.
        tracer: hears a step for the compiler; see `lamina.compiler.trace`.
    """

    grad: bool = True
    train: bool = True
    dtype: np.dtype[Any] = np.dtype(np.float32)
    debug: bool = False
    probe: Callable[[Any, list[Any], tuple[Any, ...]], None] | None = None
    winograd: bool = True
    native: bool = True
    recompute: bool = True
    stand_in: Callable[[Any], Any] | None = None
    tracer: Any = None


_config: ContextVar[Config] = ContextVar("lamina", default=Config())  # noqa: B039 (it is frozen)

current: Callable[[], Config] = _config.get

SETTINGS = tuple(field.name for field in fields(Config))


class using(ContextDecorator):
    """Change settings for a ``with`` block, or for a function as a decorator.

    Args:
        **settings: fields of `Config`: ``grad``, ``train``, ``dtype``, ``debug``,
            ``winograd``, ``native``, ``recompute``.
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
        for name, value in settings.items():
            if name not in SETTINGS:
                raise DTypeError(f"using: {name!r} is no setting; there are {', '.join(SETTINGS)}")
            if name == "dtype":
                settings[name] = _floating(value)
            elif name not in ("probe", "stand_in", "tracer") and not isinstance(value, bool):
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


_switched = lru_cache(maxsize=16)(lambda config, on: replace(config, grad=on))


def set_grad(on: bool) -> Token[Config]:
    """``using(grad=on)`` for the walk, which cannot wait for it; `reset` takes the token back."""
    config = current()
    if config.tracer is config.stand_in is config.probe is None:  # a cache would keep them alive
        return _config.set(_switched(config, on))
    return _config.set(replace(config, grad=on))


reset: Callable[[Token[Config]], None] = _config.reset


def _floating(value: Any) -> np.dtype[Any]:
    dtype = np.dtype(value)
    if dtype.kind != "f":
        raise DTypeError(f"using: dtype should be floating, got {dtype}")
    return dtype


def host(source: Callable[[], float]) -> float:
    """A number that the host computes anew for each run, such as a learning rate.

    Outside a step that is being traced it is just ``source()``. Inside, it becomes a number that a
    compiled step asks for before each run.
    """
    tracer = current().tracer
    return source() if tracer is None else tracer.host(source)


def after_run(effect: Callable[[], None]) -> None:
    """Do something on the host now; for a compiled step, after each of its runs."""
    tracer = current().tracer
    if tracer is None:
        effect()
    else:
        tracer.after_run(effect)


def making(what: str) -> None:
    """Say that something that lasts is made for the first time, such as numbers of a parameter.

    Raises:
        TraceError: in a step that is heard at its first call, when all should be there.
    """
    tracer = current().tracer
    if tracer is not None:
        tracer.making(what)


@contextmanager
def aside(variable: Any, what: str) -> Iterator[None]:
    """Outside of the step that is being heard, if one is: what lasts is made of real numbers there.

    Args:
        variable: holds its own array meanwhile, and not what stands for it.
        what: that lasts, and is made for the first time; see `making`.
    Raises:
        TraceError: as `making` does, if the step has changed ``variable`` before.
    """
    tracer = current().tracer
    leave = getattr(tracer, "step_aside", None)  # one that only counts bytes makes nothing
    if leave is None or not leave(variable):
        making(what)
        yield
        return
    try:
        with using(tracer=None):
            yield
    finally:
        tracer.step_back(variable)


_changes = 0


def changed() -> None:
    """Say that a model is not what it was: a mode, a layer, what is frozen."""
    global _changes
    _changes += 1


def changes() -> int:
    """How often `changed` was called: a compiled step that saw another count looks again."""
    return _changes


def no_grad() -> using:
    """Record nothing: results do not require a gradient. Same as ``using(grad=False)``."""
    return using(grad=False)


def test_mode() -> using:
    """Predict, do not train: dropout keeps all. Same as ``using(train=False)``."""
    return using(train=False)


test_mode.__test__ = False  # pyright: ignore[reportFunctionMemberAccess] (pytest: not a test)
