"""Variable: an array that remembers how it was made.

This is the lowest part of the engine. The operators stand above it and register themselves as its
methods (`operators`), and so does the backward walk: nothing here imports them.
"""

# pyright: reportPrivateUsage=false
# (one engine in four files: they share the slots of Variable, which are nobody else's)

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..arrays import Array, DType, as_array, device_of, is_floating, to_device, to_numpy
from ..config import changed, current
from ..display import variable_html, variable_repr
from ..errors import DTypeError, GraphError, ShapeError, TraceError

Shape: TypeAlias = tuple[int, ...]
Hook: TypeAlias = "Callable[[Variable], Variable | None]"
Edge: TypeAlias = Any
"""Where a gradient goes: a Node, a Port or a leaf; each has ``shape dtype grad hooks``."""


class Variable:
    """An array, its gradient, and its place in the graph of operators.

    Args:
        data: an array, a number or a nested list. Arrays are held, not copied.
        name: shown in messages and graphs.
        requires_grad: whether ``backward`` gives it a gradient. None means: if it is floating.
    Raises:
        DTypeError: if data is not made of numbers, or a gradient is asked of integers.
    Example:
        >>> x = Variable([1.0, 2.0])
        >>> y = (x * x).sum()
        >>> y.backward()
        >>> x.grad
        Variable([2., 4.], float64)
    """

    __slots__ = (
        "__weakref__",
        "_data",
        "_edge",  # where it came from; None for a leaf
        "_grad",
        "_name",
        "_requires_grad",
        "_version",  # [how often the data was changed]; views share the list
        "hooks",
        "origin",  # a weak reference to the Layer that returned it, for messages
    )

    _data: Any
    _edge: Edge  # or None
    _grad: Variable | None
    _name: str | None
    _requires_grad: bool
    _version: list[int]
    hooks: list[Hook] | None
    origin: Any

    def __init__(self, data: Any, name: str | None = None, requires_grad: bool | None = None):
        if isinstance(data, Variable):
            raise DTypeError("Variable: data is a Variable already; use detach() for a new one")
        self._start(as_array(data, "Variable: data"), name)
        if requires_grad is None:
            self._requires_grad = is_floating(self._data.dtype)
        elif requires_grad:
            self.requires_grad = True
        born = getattr(current().tracer, "born", None)
        if born is not None and type(self) is Variable:
            born.add(self)  # a step that is heard makes it, so nobody else knows it

    def _start(self, data: Any, name: str | None = None) -> None:
        self._data = data
        self._edge = None
        self._grad = None
        self._name = name
        self._requires_grad = False
        self._version = [0]
        self.hooks = None
        self.origin = None

    # -- what it holds -----------------------------------------------------------------------

    @property
    def data(self) -> Any:
        """The array. Assigning it, also by ``x.data += ...``, counts as a change; writing into
        it, as ``x.data[...] = ...``, is seen only with ``using(debug=True)``.
        """
        tracer = current().tracer
        return self._data if tracer is None else tracer.stand_in(self)

    @data.setter
    def data(self, value: Any) -> None:
        if value is self._data and value is not None:  # x.data += ...: changed in place
            self._version[0] += 1
            return
        value = as_array(value, "data")
        if self._requires_grad and not is_floating(value.dtype):
            raise DTypeError(f"data: a gradient is required, so {value.dtype} cannot be held")
        grad = self._grad
        if grad is not None and grad.shape != value.shape:
            self._grad = None  # it belongs to the array that is gone
        self._data = value
        self._version[0] += 1

    @property
    def name(self) -> str | None:
        return self._name

    @name.setter
    def name(self, value: str | None) -> None:
        self._name = value

    @property
    def requires_grad(self) -> bool:
        """Whether ``backward`` reaches it. Only a leaf can be told; set False to freeze it."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if self._edge is not None:
            raise GraphError(
                "requires_grad: the result of an operator follows its inputs; detach()"
            )
        if value and not is_floating(self.dtype):
            raise DTypeError(f"requires_grad: {self.dtype} has no gradient; use a floating dtype")
        self._requires_grad = bool(value)
        changed()

    @property
    def grad(self) -> Variable | None:
        """The gradient: a Variable of the same shape and dtype, or None before ``backward``."""
        return self._grad if self._edge is None else self._edge.grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None and not isinstance(value, Variable):
            value = Variable(as_array(value, "grad"), requires_grad=False)
        if value is not None and value.shape != self.shape:
            raise ShapeError(f"grad: should have shape {self.shape}, got {value.shape}")
        holder = self if self._edge is None else self._edge
        if holder is self:
            self._grad = value
        else:
            holder.grad = value

    @property
    def shape(self) -> Shape:
        return self._data.shape

    @property
    def ndim(self) -> int:
        return self._data.ndim

    @property
    def size(self) -> int:
        return self._data.size

    @property
    def dtype(self) -> DType:
        return self._data.dtype

    @property
    def device(self) -> str:
        """``"cpu"`` or ``"gpu:0"``."""
        return device_of(self._data)

    @property
    def is_leaf(self) -> bool:
        """True if no operator made it."""
        return self._edge is None

    # -- gradients ---------------------------------------------------------------------------

    if TYPE_CHECKING:  # registered from above: core/backward.py and functions/

        def backward(
            self,
            grad: Any = None,
            retain_grad: bool = False,
            create_graph: bool = False,
            retain_graph: bool | None = None,
        ) -> None: ...
        def unchain_backward(self) -> None: ...
        def _reduce(self, axis: Any = None, keepdims: bool = False) -> Variable: ...
        def _moments(self, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Variable: ...
        def _pick(self, axis: int | None = None) -> Variable: ...
        def _shaped(self, *shape: Any) -> Variable: ...
        def _unary(self) -> Variable: ...
        def _binary(self, other: Any) -> Variable: ...
        def squeeze(self, axis: Any = None) -> Variable: ...
        def astype(self, dtype: Any) -> Variable: ...
        def clip(self, low: Any = None, high: Any = None) -> Variable: ...
        def __getitem__(self, index: Any) -> Variable: ...
        @property
        def T(self) -> Variable: ...
        @property
        def real(self) -> Variable: ...

        sum = mean = max = min = prod = _reduce
        var = std = _moments
        argmax = argmin = _pick
        reshape = transpose = swapaxes = _shaped
        flatten = conj = __neg__ = __pos__ = __abs__ = __invert__ = _unary
        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _binary
        __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _binary
        __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _binary
        __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _binary
        __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _binary  # pyright: ignore[reportIncompatibleMethodOverride, reportAssignmentType]

    __hash__ = object.__hash__  # by identity, although == compares elementwise

    def cleargrad(self) -> None:
        """Forget the gradient."""
        self.grad = None

    def detach(self) -> Variable:
        """A leaf that shares the data and needs no gradient."""
        new = result(self._data)
        new._version = self._version
        return new

    def unchain(self) -> None:
        """Make this Variable a leaf: what it was made from is forgotten."""
        self._edge = None

    def register_hook(self, hook: Hook) -> Callable[[], None]:
        """Call ``hook(grad)`` when the gradient of this Variable is complete.

        Args:
            hook: receives the gradient, a Variable; may return another to use in its place.
        Returns:
            A function that removes the hook.
        Raises:
            GraphError: if no gradient is required.
        """
        if not self._requires_grad:
            raise GraphError("register_hook: this Variable requires no gradient")
        holder: Edge | Variable = self if self._edge is None else self._edge
        if holder.hooks is None:
            holder.hooks = []
        hooks = holder.hooks
        hooks.append(hook)
        return lambda: hooks.remove(hook) if hook in hooks else None

    # -- devices and other libraries ---------------------------------------------------------

    def to_cpu(self) -> Variable:
        """Move data and gradient to main memory, in place; gives itself back."""
        return self._to("cpu")

    def to_gpu(self, device: int = 0) -> Variable:
        """Move data and gradient to a GPU, in place; gives itself back.

        Raises:
            DeviceError: if CuPy is not installed.
        """
        return self._to(f"gpu:{device}")

    def _to(self, device: str) -> Variable:
        if self._edge is not None:
            raise GraphError("to_cpu, to_gpu: only a leaf can move; move what it was made from")
        moved = None if self._data is None else to_device(self._data, device)
        if self._grad is not None:
            self._grad._to(device)
        self._data = moved
        return self

    def numpy(self) -> Array:
        """The data as a NumPy array; memory is shared if it lies on the CPU."""
        return to_numpy(self._known())

    def item(self) -> Any:
        """The one number it holds, as a Python number.

        Raises:
            ShapeError: if it holds more or fewer.
        """
        return self._one().item()

    def _one(self) -> Any:
        data = self._known()
        if data.size != 1:
            raise ShapeError(f"item: needs exactly one number, got shape {data.shape}")
        return data

    def _known(self) -> Any:
        return self.data

    __array_ufunc__: Any = None  # `array * v` is ours to answer; functions/interop.py says how

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        array = to_numpy(self._known())
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"__array__: {array.dtype} as {np.dtype(dtype)} needs a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __dlpack__(self, **options: Any) -> Any:
        return self._known().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._known().__dlpack_device__()

    # -- Python ------------------------------------------------------------------------------

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len: a Variable of shape () has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Variable]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: object) -> bool:
        return bool((self._known() == as_array(value, "in")).any())

    def __bool__(self) -> bool:
        return bool(self._one())

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            raise TypeError(f"index: a Variable of {self.dtype} is no integer")
        return int(self.item())

    def __setitem__(self, index: Any, value: Any) -> None:
        raise GraphError(
            "a Variable cannot be assigned into: write x.data[...] = value outside the graph, "
            "or y = F.where(mask, value, x) inside it"
        )

    def __repr__(self) -> str:
        return variable_repr(self)

    def _repr_html_(self) -> str:
        return variable_html(self)

    def __copy__(self) -> Variable:
        new = self.__deepcopy__({}, copy=False)
        new._version = self._version  # one array, one count of its changes
        return new

    def __deepcopy__(self, memo: dict[int, Any], copy: bool = True) -> Variable:
        new = type(self).__new__(type(self))
        memo[id(self)] = new
        new.__setstate__(self.__getstate__())
        if copy and new._data is not None:
            new._data = new._data.copy()
            new._grad = None if new._grad is None else new._grad.__deepcopy__(memo)
        return new

    def __getstate__(self) -> dict[str, Any]:
        """Data, gradient, name: a copy is a leaf, and its graph stays behind."""
        if hasattr(self._data, "__hear__"):
            raise TraceError("copy: this Variable has no numbers yet")
        return {
            "data": self._data,
            "grad": self.grad,
            "name": self._name,
            "requires_grad": self._requires_grad,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._start(state["data"], state["name"])
        self._grad = state["grad"]
        self._requires_grad = state["requires_grad"]


def result(array: Any) -> Variable:
    """A Variable around an operator's result, as quickly as Python can make one."""
    new = _new(Variable)
    new._data = array
    new._edge = None
    new._grad = None
    new._name = None
    new._requires_grad = False
    new._version = [0]
    new.hooks = None
    new.origin = None
    return new


_new = Variable.__new__
