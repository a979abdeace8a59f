"""NumPy's warnings of a step, held back until it is known whether its loss is finite."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import NonFiniteError


class Deferred:
    """Runs steps. What NumPy would warn of is kept: `tell` warns, and a `NonFiniteError`, which
    says it better, drops it.

    What is not to warn, by ``np.seterr``, is left as it is; and where warnings are errors, they are
    raised in the line that they are of.
    """

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, int], None] = {}
        modes = {kind: "call" for kind, mode in np.geterr().items() if mode == "warn"}
        self.settings: dict[str, Any] = {**modes, "call": self._hear}

    def run(self, step: Callable[..., Any], batch: tuple[Any, ...]) -> Any:
        """What ``step(*batch)`` gives."""
        try:
            with np.errstate(**self.settings):
                return step(*batch)
        except NonFiniteError:
            self.kept.clear()
            raise
        except BaseException:
            self.tell()
            raise

    def _hear(self, kind: str, flag: int) -> None:
        """NumPy calls this in place of a warning, from the line that it is of."""
        frame = sys._getframe(1)
        place = f"{kind} encountered", frame.f_code.co_filename, frame.f_lineno
        if _is_error(place[0]):
            _warn(*place)
        else:
            self.kept[place] = None

    def tell(self) -> None:
        """Warn of what was kept."""
        if self.kept:
            kept, self.kept = self.kept, {}
            for place in kept:
                _warn(*place)


def _is_error(text: str) -> bool:
    """What the first filter says that fits."""
    for action, pattern, category, *_ in warnings.filters:
        matches = pattern is None or re.match(pattern, text)  # of a compiled one, itself
        if matches and issubclass(RuntimeWarning, category):
            return action == "error"
    return False


def _warn(text: str, file: str, line: int) -> None:
    warnings.warn_explicit(text, RuntimeWarning, file, line)
