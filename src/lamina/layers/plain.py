"""Plain: what Layers without parameters share, which are a function and its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar

from ..core import Variable
from ..functions.operand import as_integer
from .checked import as_number, as_switch
from .layer import Layer

CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "float": as_number,
    "int": as_integer,
    "bool": as_switch,
}
"""By annotation: what a field is given is checked when the Layer is made."""


@dataclass(eq=False, repr=False)
class Plain(Layer):
    """A function whose words after ``x`` are chosen once: they are the fields of a dataclass.

    A function without such words needs no Layer: it stands in a `Sequential` as it is.

    Example:
        >>> import lamina.functions as F
        >>> @dataclass(eq=False, repr=False)
        ... class Clip(Plain):
        ...     apply = staticmethod(F.clip)
        ...     low: float = 0.0
        ...     high: float = 1.0
        >>> Clip(high=2.0)
        Clip(high=2.0)
        >>> Clip(high=2.0)([-1.0, 3.0])
        Variable([0., 2.], float64)
    """

    apply: ClassVar[Callable[..., Variable]]

    def __post_init__(self) -> None:
        for field in fields(self):
            check = CHECKS.get(str(field.type))
            if check is not None:
                what = f"{type(self).__name__}: {field.name}"
                setattr(self, field.name, check(getattr(self, field.name), what))

    def words(self) -> dict[str, Any]:
        """What the function takes after ``x``."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def forward(self, x: Any) -> Variable:
        """``x`` of any shape that the function takes."""
        return type(self).apply(x, **self.words())

    def describe(self) -> str:
        shown = [(field, getattr(self, field.name)) for field in fields(self)]
        return ", ".join(
            f"{field.name}={value!r}"
            for field, value in shown
            if field.default is MISSING or value != field.default
        )
