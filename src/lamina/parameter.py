"""Parameter and Buffer: the Variables that layers keep.

A Parameter is trained, and may get its shape, and its numbers, later.
A Parameter passes through up to three states, and stays one object all the way: *lazy* (no shape
yet), *planned* (shape known, numbers not drawn: nobody asked for them), *ready*. Numbers are drawn
at the first look, from a stream named by the Parameter's full path, which is known only when the
layers around it are put together.
"""

# pyright: reportPrivateUsage=false
# (one engine in four files: they share the slots of Variable, which are nobody else's)

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, cast

import numpy as np

from . import random
from .arrays import DType, as_array, device_of, is_floating, to_device
from .config import aside, current
from .core.variable import Shape, Variable
from .display import variable_repr
from .errors import DTypeError, GraphError, ShapeError, UninitializedError

Initializer: TypeAlias = "Callable[[Shape, DType, np.random.Generator], Any]"


class Owner(Protocol):
    """What a Layer is to its Parameters: it knows where they are."""

    def path_of(self, held: Any) -> str:
        """Where it is, from the outermost Layer."""
        ...

    def stream_of(self, parameter: Parameter) -> np.random.Generator:
        """The random numbers it starts from."""
        ...


class Parameter(Variable):
    """An array that training changes.

    Args:
        data: an array, or None for a lazy one.
        name: used until a Layer gives it a path.
        shape: plans the shape of a lazy Parameter; None for a length that is learnt later, as in
            ``(None, 10)``.
        dtype: of the numbers to come; None means ``current().dtype``.
        init: ``init(shape, dtype, generator)`` draws the numbers.
    Raises:
        DTypeError: if data or dtype is not floating.
    Example:
        >>> W = Parameter(None, init=lambda shape, dtype, rng: rng.standard_normal(shape, dtype))
        >>> W
        Parameter(lazy, float32)
        >>> W.plan((2, 3))
        >>> W
        Parameter((2, 3), float32, not drawn yet)
        >>> W.data.shape
        (2, 3)
    """

    __slots__ = ("_device", "_dtype", "_init", "_shape", "owner", "pattern")

    _shape: Shape | None
    _dtype: DType
    _init: Initializer | None
    _device: str
    pattern: tuple[int | None, ...] | None  # the shape as it was given, perhaps in part
    owner: Callable[[], Owner | None] | None  # a weak reference, set by the Layer

    def __init__(
        self,
        data: Any = None,
        name: str | None = None,
        *,
        shape: tuple[int | None, ...] | None = None,
        dtype: Any = None,
        init: Initializer | None = None,
    ):
        self._dtype = _parameter_dtype(dtype if data is None else None)
        if data is None:
            self._start(None, name)
            self._requires_grad = True
        else:
            super().__init__(data, name, requires_grad=True)
            self._dtype = as_array(data).dtype
        self.pattern = shape
        self._shape = _complete(shape) if data is None else self._data.shape
        self._init = init
        self._device = "cpu" if data is None else device_of(data)
        self.owner = None

    # -- the three states --------------------------------------------------------------------

    @property
    def state(self) -> str:
        """``"lazy"``, ``"planned"`` or ``"ready"``."""
        if self._data is not None:
            return "ready"
        return "lazy" if self._shape is None or self._init is None else "planned"

    def plan(self, shape: Shape) -> None:
        """Fix the shape; the numbers are drawn when they are first asked for.

        Raises:
            ShapeError: if another shape was fixed before.
        """
        self._check(tuple(shape))
        self._shape = tuple(shape)

    def admits(self, shape: Shape) -> bool:
        """Whether ``shape`` agrees with what is known of the shape."""
        known = self.pattern if self._shape is None else self._shape
        return known is None or (
            len(known) == len(shape)
            and all(n in (None, m) for n, m in zip(known, shape, strict=True))
        )

    def _check(self, shape: Shape) -> None:
        if not self.admits(shape):
            known = self.pattern if self._shape is None else self._shape
            raise ShapeError(f"{self._called()}: should have shape {known}, got {shape}")

    def forget(self) -> None:
        """Become what it was when it was made: what a first call that failed leaves behind."""
        self._data = self._grad = None
        self._shape = _complete(self.pattern)

    @property
    def data(self) -> Any:
        """The array; a planned Parameter draws it now; None while it is lazy."""
        if self._data is None and self.state == "planned":
            stand_in = current().stand_in
            if stand_in is not None:
                return stand_in(self)
            with aside(self, self._called()):
                self._data = self._drawn()
        tracer = current().tracer
        return self._data if tracer is None or self._data is None else tracer.stand_in(self)

    @data.setter
    def data(self, value: Any) -> None:
        if value is self._data and value is not None:  # W.data -= ...: changed in place
            self._version[0] += 1
            return
        if value is None:
            raise DTypeError(f"{self._called()}: data cannot be set to None; use forget()")
        if self._data is None:
            self._check(np.shape(value))
        Variable.data.__set__(self, value)
        self._shape, self._dtype = np.shape(value), as_array(value).dtype
        self._device = device_of(self._data)

    def _drawn(self) -> Any:
        owner, shape = self._owner(), self.shape
        generator = random.draw("parameter") if owner is None else owner.stream_of(self)
        array = cast(Any, self._init)(shape, self._dtype, generator)
        if array.dtype != self._dtype or array.shape != shape:
            raise ShapeError(
                f"{self._called()}: the initializer should give {self._dtype} {shape}, "
                f"got {array.dtype} {array.shape}"
            )
        return to_device(array, self._device)

    def _known(self) -> Any:
        data = self.data
        if data is None:
            raise UninitializedError(
                f"{self._called()} is uninitialised: its shape is learnt at the first call; "
                "call the model once, or model.build(shape)"
            )
        return data

    # -- what it holds -----------------------------------------------------------------------

    @property
    def name(self) -> str | None:
        """The path from the outermost layer, such as ``l1/W``; the name given before that."""
        owner = self._owner()
        return self._name if owner is None else owner.path_of(self)

    @name.setter
    def name(self, value: str | None) -> None:
        self._name = value

    def _owner(self) -> Owner | None:
        return None if self.owner is None else self.owner()

    def _called(self) -> str:
        return f"Parameter {self.name or '(no name)'}"

    @property
    def shape(self) -> Shape:
        """The shape, also before the numbers are drawn.

        Raises:
            UninitializedError: while it is lazy.
        """
        if self._data is not None:
            return self._data.shape
        return self._known().shape if self._shape is None else self._shape

    @property
    def ndim(self) -> int:
        """How many axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers, drawn or not."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def dtype(self) -> DType:
        """Of the numbers, drawn or not."""
        return self._dtype if self._data is None else self._data.dtype

    @property
    def device(self) -> str:
        """Where they lie, or will."""
        return self._device if self._data is None else device_of(self._data)

    def _to(self, device: str) -> Variable:
        if self._data is None:
            to_device(np.zeros(0), device)  # a missing GPU is an error now, not at the first call
        super()._to(device)
        self._device = device
        return self

    def __repr__(self) -> str:
        if self.state == "ready":
            return variable_repr(self)
        name = f", name={self.name!r}" if self.name else ""
        if self.state == "lazy":
            return f"Parameter(lazy, {self._dtype}{name})"
        return f"Parameter({self._shape}, {self._dtype}, not drawn yet{name})"

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__() | {"data": self.data}  # a copy starts from the same numbers
        return state | {
            "shape": self._shape,
            "pattern": self.pattern,
            "dtype": self._dtype,
            "init": self._init,
            "device": self._device,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._shape, self._dtype = state["shape"], state["dtype"]
        self._init, self._device = state["init"], state["device"]
        self.pattern = state["pattern"]
        self.owner = None


class Buffer(Variable):
    """State of a layer that is saved but not trained: running statistics, masks, counters.

    Args:
        data: an array, a number or a nested list.
        name: shown in messages.
    """

    __slots__ = ()

    def __init__(self, data: Any, name: str | None = None):
        super().__init__(data, name, requires_grad=False)

    @property
    def requires_grad(self) -> bool:
        """Always False."""
        return False

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value:
            raise GraphError("requires_grad: a Buffer is never trained; use a Parameter")


def _complete(shape: tuple[int | None, ...] | None) -> Shape | None:
    """The shape, if no length in it is missing."""
    return None if shape is None or None in shape else shape  # pyright: ignore[reportReturnType]


def _parameter_dtype(dtype: Any) -> DType:
    chosen = current().dtype if dtype is None else np.dtype(dtype)
    if not is_floating(chosen):
        raise DTypeError(f"Parameter: dtype should be floating, got {chosen}")
    return chosen
