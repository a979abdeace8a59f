"""NumPy's warnings of a step, held back until it is known whether its loss is finite."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any

import numpy as np

from ..errors import NonFiniteError


class Deferred:
    """For a ``with`` block, what NumPy would warn of is kept: `tell` warns of it, and so does the
    end of the block. A `NonFiniteError`, which says it better, drops it.

    What is not to warn, by ``np.seterr`` or a filter, is left as it is; and where warnings are
    errors, they are raised in the line that they are of.
    """

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, int], None] = {}
        self._usual: dict[str, Any] = {**np.geterr(), "call": np.geterrcall()}
        modes = {kind: "call" for kind, mode in np.geterr().items() if mode == "warn"}
        self._settings: dict[str, Any] = {**modes, "call": self._hear}

    def __enter__(self) -> Deferred:
        self._state = np.errstate(**self._settings)
        self._state.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._state.__exit__(kind, error, traceback)
        if isinstance(error, NonFiniteError):
            self.kept.clear()
        self.tell()

    def outside(self, function: Callable[..., None]) -> Callable[..., None]:
        """``function`` as it is outside of the block: NumPy warns at once."""

        def called(*arguments: Any) -> None:
            with np.errstate(**self._usual):
                function(*arguments)

        return called

    def _hear(self, kind: str, flag: int) -> None:
        """NumPy calls this in place of a warning, from the line that it is of."""
        frame = sys._getframe(1)
        place = f"{kind} encountered", frame.f_code.co_filename, frame.f_lineno
        action = _action(*place)
        if action == "error":
            _warn(*place)
        elif action != "ignore":
            self.kept[place] = None

    def tell(self) -> None:
        """Warn of what was kept."""
        if self.kept:
            kept, self.kept = self.kept, {}
            for place in kept:
                _warn(*place)


def _action(text: str, file: str, line: int) -> str:
    """What the first filter says that fits; the empty text if none does."""
    name = file.removesuffix(".py")  # as `warnings.warn_explicit` names a module
    for action, pattern, category, module, number in warnings.filters:
        fits = (pattern is None or re.match(pattern, text)) and number in (0, line)
        if fits and issubclass(RuntimeWarning, category):
            if module is None or re.match(module, name):  # of a compiled one, itself
                return action
    return ""


def _warn(text: str, file: str, line: int) -> None:
    warnings.warn_explicit(text, RuntimeWarning, file, line)
