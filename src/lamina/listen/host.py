"""Numbers that the host gives anew for each run of a program: learning rates, counts of steps."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any


class Host(float):
    """A Python number that changes from run to run; as a float it is what it was when heard.

    Arithmetic with Python numbers gives another Host. With an array it is an operand, weak as a
    Python number is.

    Args:
        source: gives the number.
    Example:
        >>> rates = iter([0.1, 0.2, 0.3, 0.4])
        >>> half = Host(lambda: next(rates)) / 2
        >>> half.now()
        0.15
    """

    __slots__ = ("source",)

    source: Callable[[], float]

    def __new__(cls, source: Callable[[], float]) -> Host:
        """A Host of what ``source`` gives now."""
        self = super().__new__(cls, source())
        self.source = source
        return self

    def now(self) -> float:
        """The number for the next run."""
        return float(self.source())

    def __repr__(self) -> str:
        return f"host({float(self)!r})"


def _binary(name: str) -> None:
    function = getattr(operator, name)

    def forward(self: Host, other: Any) -> Any:
        if not isinstance(other, (int, float)):
            return NotImplemented
        return Host(lambda: function(self.now(), now(other)))

    def reflected(self: Host, other: Any) -> Any:
        if not isinstance(other, (int, float)):
            return NotImplemented
        return Host(lambda: function(now(other), self.now()))

    setattr(Host, f"__{name}__", forward)
    setattr(Host, f"__r{name}__", reflected)


for _name in ("add", "sub", "mul", "truediv", "pow"):
    _binary(_name)
Host.__neg__ = lambda self: Host(lambda: -self.now())


def now(x: Any) -> Any:
    """``x``, or the number that it gives for the next run."""
    return x.now() if isinstance(x, Host) else x
