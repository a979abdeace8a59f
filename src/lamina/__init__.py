"""lamina: a define-by-run deep-learning framework in readable Python.

The public names, in reading order. What a program does not name is not imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import arrays, config, errors, functions, layers, random
from .arrays import from_dlpack
from .config import current, no_grad, test_mode, using
from .core import Function, Variable, gradients
from .functions import concatenate, where
from .functions import substitute as _substitute
from .layers import Layer, Linear, Sequential
from .parameter import Buffer, Parameter
from .random import seed

if TYPE_CHECKING:
    from . import (
        check,
        compiler,
        data,
        distributions,
        insight,
        listen,
        metrics,
        optimizers,
        report,
        storage,
    )
    from .compiler import compile, cond, scan

__version__ = "0.1.0"

LATER = (
    "check",
    "compiler",
    "data",
    "distributions",
    "insight",
    "listen",
    "metrics",
    "optimizers",
    "report",
    "storage",
)
"""Parts that are imported when they are first named."""

COMPILER = ("compile", "cond", "scan")
"""Names of the compiler, likewise."""


def __getattr__(name: str) -> Any:
    if name in LATER:
        return import_module(f"{__name__}.{name}")
    if name in COMPILER:
        return getattr(import_module(f"{__name__}.compiler"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@_substitute.offer
def _native_code(function: Function, specs: list[Any]) -> Any:
    """Native code for an operator: only now is the compiler imported."""
    return import_module(f"{__name__}.compiler.substitutes").offered(function, specs)


def __dir__() -> list[str]:
    return sorted(
        {*globals(), *LATER, *COMPILER} - {"LATER", "COMPILER", "TYPE_CHECKING", "annotations"}
    )
