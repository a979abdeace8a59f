"""What stands around a step: the locals and globals that it reads, and functions of its file.

A program was made of what these names meant when it was heard. If one of them means another thing
at a later call, the step is heard anew.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

PLAIN = (bool, int, float, complex, str, type(None))


class Around:
    """The names that a function reads, and what they mean.

    Functions of the same file that it names are looked into as well, however deep; those of other
    files are not.

    Args:
        function: the step, or any other callable, of which nothing is known.
    Attributes:
        cells: locals of the functions around, with what they hold.
        names: globals, with what they are.
        globals: where these names stand.
    """

    def __init__(self, function: Any):
        function = _unwrapped(getattr(function, "__func__", function))
        self.globals: dict[str, Any] = getattr(function, "__globals__", {})
        self.cells: list[tuple[Any, Any]] = []
        self.names: list[tuple[str, Any]] = []
        pending, seen = [function], set[int]()
        while pending:
            known = _unwrapped(pending.pop())
            if id(known) not in seen and self._is_own(known):
                seen.add(id(known))
                pending += self._read(known)

    def _is_own(self, x: Any) -> bool:
        return isinstance(x, FunctionType) and x.__globals__ is self.globals

    def _read(self, function: FunctionType) -> list[Any]:
        """What the names of one function mean."""
        cells = [(c, c.cell_contents) for c in function.__closure__ or () if _is_filled(c)]
        names = [(n, self.globals[n]) for n in _names(function.__code__) if n in self.globals]
        self.cells += cells
        self.names += names
        return [x for _, x in (*cells, *names)]

    def plain(self) -> tuple[Any, ...]:
        """The numbers and texts among it, with their types: a program is for these values."""
        return tuple([(type(x), x) for x in self._all() if isinstance(x, PLAIN)])

    def same(self, other: Around) -> bool:
        """Whether all else is what it is in ``other``: the same objects."""
        one, two = [[x for x in a._all() if not isinstance(x, PLAIN)] for a in (self, other)]
        return len(one) == len(two) and all([a is b for a, b in zip(one, two)])

    def holds(self) -> bool:
        """Whether every name still means what it did; numbers, too."""
        for cell, held in self.cells:
            if cell.cell_contents is not held:
                return False
        around = self.globals
        for name, held in self.names:
            if around.get(name) is not held:
                return False
        return True

    def _all(self) -> Iterator[Any]:
        yield from [x for _, x in self.cells]
        yield from [x for _, x in self.names]


@functools.lru_cache(maxsize=1024)
def _names(code: CodeType) -> tuple[str, ...]:
    """The names that code reads from elsewhere, and those of the functions that it makes."""
    inner = [x for x in code.co_consts if isinstance(x, CodeType)]
    return tuple(dict.fromkeys([*code.co_names, *[n for c in inner for n in _names(c)]]))


def _unwrapped(x: Any) -> Any:
    """The function inside of what decorators made of it, such as ``no_grad()`` or ``compile``."""
    inner = getattr(x, "__wrapped__", None)
    return _unwrapped(inner) if isinstance(inner, FunctionType) else x


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False
