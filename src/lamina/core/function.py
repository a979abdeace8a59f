"""Function: what an operator is, and the one place where it is applied.

An operator is a class. ``forward`` is its formula, in NumPy, on plain arrays. ``backward`` is its
derivative, in lamina's own operators, on Variables, so that it can be differentiated again. The
parameters of ``backward`` after the incoming gradients name what it needs: arguments of ``forward``
or its results. Nothing else is kept.
"""

# pyright: reportPrivateUsage=false
# (one engine in four files: they share the slots of Variable, which are nobody else's)

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, cast, dataclass_transform
from weakref import ref

import numpy as np

from ..arrays import DType, as_array
from ..config import current
from ..errors import DTypeError, GraphError, NonFiniteError, ShapeError
from .variable import Edge, Hook, Shape, Variable, result

NUMBERS = frozenset((float, int, bool, complex, type(None)))
"""Operands that reach ``forward`` as they are. NumPy treats a Python number as weak: it takes the
dtype of the array it meets."""

_order = itertools.count().__next__


class Node:
    """One application of an operator: where its gradients go, and what ``backward`` needs."""

    __slots__ = ("dtype", "edges", "function", "grad", "hooks", "order", "ports", "saved", "shape",
                 "stamp")  # fmt: skip

    shape: Any  # of the result; a tuple of them if there are several
    dtype: Any

    def __init__(self, function: Function, inputs: tuple[Any, ...]):
        self.function: Function | None = function  # None once it was unchained
        self.edges: list[Edge] = []  # one an input: a Node, a Port, a leaf Variable, or None
        for x in inputs:
            wanted = isinstance(x, Variable) and x._requires_grad
            self.edges.append((x._edge or x) if wanted else None)
        self.order = _order()
        self.saved: list[Any] | None = _NOTHING  # what backward named; None once it was used
        self.stamp: Any = 0  # the versions of what was saved
        self.ports: list[ref[Port]] | None = None  # the results, if there are several
        self.grad: Variable | None = None
        self.hooks: list[Hook] | None = None

    def keep(self, inputs: tuple[Any, ...], outs: tuple[Variable, ...]) -> None:
        """Save what ``backward`` names, and note in which version it is."""
        function = cast(Function, self.function)
        saved: list[Any] = []
        total = 0
        for k in function._keeps:
            x = inputs[k] if k >= 0 else _twin(outs[~k])
            if isinstance(x, Variable):
                total += x._version[0]
                saved.append(x)
            else:
                saved.append(_constant(x))
        if function._rest >= 0:
            rest = inputs[function._rest :]
            saved.append(tuple([_constant(x) for x in rest]))
            total = stamp(saved)
        self.saved = saved
        self.stamp = debug_stamp(saved) if current().debug else total


_NOTHING: list[Any] = []


def _constant(x: Any) -> Any:
    """An operand as ``backward`` gets it: a Variable or a Python number."""
    return x if isinstance(x, Variable) or type(x) in NUMBERS else result(as_array(x))


class Port:
    """One of several results of a Node, which knows it weakly: a dropped result has no gradient."""

    __slots__ = ("__weakref__", "dtype", "grad", "hooks", "node", "shape")

    def __init__(self, node: Node, shape: Shape, dtype: DType):
        self.node, self.shape, self.dtype = node, shape, dtype
        self.grad: Variable | None = None
        self.hooks: list[Hook] | None = None


@dataclass_transform(frozen_default=True)
class Function:
    """An operator. Subclass it, write ``forward`` and ``backward``, and call an instance.

    Annotated attributes are the operator's parameters: the class becomes a frozen dataclass, so
    that an operator compares, hashes and prints as its formula reads. It holds no arrays.

    ``backward`` receives one Variable a result (``gy`` for ``y``, or ``*gys``), then whatever it
    names. It returns one gradient an input: a Variable, None where there is none, or a function
    without arguments that computes it, called only if that input requires it. Gradients may have
    the broadcast shape: the walk sums them back.

    A kernel that NumPy calls on absent arrays cannot describe also defines ``spec(*specs)``: the
    result's shape and dtype from those of the inputs.

    Example:
        >>> class Cube(Function):
        ...     def forward(self, x):
        ...         return x * x * x
        ...     def backward(self, gy, x):
        ...         return gy * 3.0 * x * x
        >>> x = Variable([2.0])
        >>> Cube()(x)
        Variable([8.], float64)
    """

    views: ClassVar[bool] = False
    """Whether a result may share memory with the first input."""

    acts: ClassVar[bool] = False
    """Whether it does more than give its results: draws random numbers, or refuses some. A compiled
    step runs it also where nobody needs its results."""

    forward: ClassVar[Callable[..., Any]]
    backward: ClassVar[Callable[..., Any]]
    spec: ClassVar[Callable[..., Any] | None] = None
    _fields: ClassVar[tuple[str, ...]] = ()
    _keeps: ClassVar[tuple[int, ...]] = ()
    _rest: ClassVar[int] = -1  # where a variadic forward's *xs starts, if backward names it
    _keywords: ClassVar[tuple[str, ...]] = ()  # what backward(*gys, name, ...) names

    def __init_subclass__(cls) -> None:
        own = vars(cls)
        fields = [k for k, v in inspect.get_annotations(cls).items() if "ClassVar" not in str(v)]
        if fields and "__init__" not in own:
            cls._fields = tuple(dict.fromkeys([*cls._fields, *fields]))
            cls.__init__, cls.__setattr__ = _init_of(cls), _refuse
        if "forward" in own or "backward" in own:
            if hasattr(cls, "forward") and hasattr(cls, "backward"):
                cls._keeps, cls._rest, cls._keywords = _what_is_kept(cls)

    def __call__(self, *inputs: Any) -> Any:
        """Apply the operator to Variables, arrays and numbers; gives Variables."""
        state = current()
        arrays: list[Any] = []
        record = False
        for x in inputs:
            if isinstance(x, Variable):
                array = x._data
                arrays.append(x._known() if array is None else array)
                if x._requires_grad:
                    record = state.grad
            else:
                arrays.append(x if type(x) in NUMBERS else as_array(x, type(self).__name__))
        if state.tracer is not None:
            arrays = state.tracer.operands(inputs, arrays)
        try:
            y = self.forward(*arrays) if self.spec is None else _opaque(self, arrays)
        except (TypeError, ValueError) as error:
            _explain(self, arrays, error)
            raise
        if y.__class__ is not np.ndarray:
            if y.__class__ is tuple:
                return _results(self, inputs, arrays, y, record)
            y = as_array(y, type(self).__name__)
        if state.debug:
            (state.probe or _check_finite)(self, arrays, (y,))
        out = result(y)
        if self.views:
            _share_version(inputs, out)
        if record and y.dtype.kind in "fc":
            out._edge = node = Node(self, inputs)
            out._requires_grad = True
            node.shape, node.dtype = y.shape, y.dtype
            if self._keeps or self._rest >= 0:
                node.keep(inputs, (out,))
        return out

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).items()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({fields})"


def _explain(function: Function, arrays: list[Any], error: Exception) -> None:
    """Say in our words what NumPy says of operands that do not fit one another."""
    if isinstance(error, ValueError) and "could not be broadcast together" in str(error):
        shapes = ", ".join([str(x.shape) for x in arrays if hasattr(x, "shape")])
        raise ShapeError(
            f"{function!r}: shapes {shapes} do not broadcast; "
            "counted from the last axis, lengths should be equal or 1"
        ) from None
    if isinstance(error, TypeError) and "NoneType" in str(error):
        raise DTypeError(f"{function!r}: an operand is None, it should be an array") from None


def _opaque(function: Function, arrays: list[Any]) -> Any:
    """A kernel: run it, or tell an array that is not there yet what would come out."""
    for array in arrays:
        hear = getattr(array, "__hear__", None)
        if hear is not None:
            return hear(function, arrays)
    return function.forward(*arrays)


def _results(
    function: Function,
    inputs: tuple[Any, ...],
    given: list[Any],
    ys: tuple[Any, ...],
    record: bool,
) -> tuple[Variable, ...]:
    """Wrap several results; those that are floating share one Node."""
    arrays = tuple(as_array(y, type(function).__name__) for y in ys)
    if current().debug:
        (current().probe or _check_finite)(function, given, arrays)
    outs = tuple(result(array) for array in arrays)
    if function.views:
        for out in outs:
            _share_version(inputs, out)
    if record:
        node = Node(function, inputs)
        node.shape = tuple([array.shape for array in arrays])
        node.dtype = tuple([array.dtype for array in arrays])
        ports = [Port(node, array.shape, array.dtype) for array in arrays]
        node.ports = [ref(port) for port in ports]
        for out, port in zip(outs, ports, strict=True):
            if port.dtype.kind in "fc":
                out._edge = port
                out._requires_grad = True
        node.keep(inputs, outs)
    return outs


def _twin(out: Variable) -> Variable:
    """What a Node keeps of its own result: not the Variable itself, which would be a cycle."""
    twin = result(out._data)
    twin._version = out._version
    return twin


def stamp(saved: Iterable[Any]) -> int:
    """A number that grows when the data of a saved Variable is changed."""
    total = 0
    for x in saved:
        if isinstance(x, Variable):
            total += x._version[0]
        elif x.__class__ is tuple:
            total += stamp(x)
    return total


def debug_stamp(saved: Iterable[Any]) -> tuple[int, int]:
    """`stamp`, and a hash of the numbers, which sees writes that no Variable counts."""
    flat = [x for item in saved for x in (item if item.__class__ is tuple else (item,))]
    contents = tuple(x.numpy().tobytes() for x in flat if isinstance(x, Variable))
    return stamp(saved), hash(contents)


def _share_version(inputs: tuple[Any, ...], out: Variable) -> None:
    source = inputs[0]
    if not isinstance(source, Variable):
        return
    if out._data is source._data or getattr(out._data, "base", None) is not None:
        out._version = source._version


def _check_finite(function: Function, inputs: list[Any], outputs: tuple[Any, ...]) -> None:
    for y in outputs:
        if y.dtype.kind not in "fc" or hasattr(y, "__hear__") or np.isfinite(y).all():
            continue
        came = ", ".join(_range(x) for x in inputs)
        raise NonFiniteError(
            f"{function!r}: the result, of shape {y.shape}, has {int(np.isnan(y).sum())} NaN and "
            f"{int(np.isinf(y).sum())} infinite values; the inputs were {came or 'not recorded'}"
        )


def _range(x: Any) -> str:
    if not hasattr(x, "shape") or not x.size:
        return repr(x)
    return f"{x.dtype} {x.shape} from {x.min():.6g} to {x.max():.6g}"


# -- what a class says -------------------------------------------------------------------------


def _init_of(cls: type[Function]) -> Any:
    """The ``__init__`` of a frozen dataclass, without the milliseconds that making one takes."""
    names = cls._fields
    defaults = {name: getattr(cls, name) for name in names if hasattr(cls, name)}
    arguments = ", ".join(f"{name}={name}" if name in defaults else name for name in names)
    lines = "".join(f"    fields[{name!r}] = {name}\n" for name in names)
    source = f"def __init__(self, {arguments}):\n    fields = self.__dict__\n{lines}"
    exec(source, defaults)  # only names of annotations are in it, and they are identifiers
    return defaults["__init__"]


def _refuse(self: Function, name: str, value: Any) -> None:
    raise AttributeError(f"{self!r}: cannot assign to field {name!r}; make another operator")


# -- what backward names -------------------------------------------------------------------------


def _what_is_kept(cls: type[Function]) -> tuple[tuple[int, ...], int, tuple[str, ...]]:
    """Read the two signatures: which inputs (i) and results (~i) ``backward`` names."""
    taken = list(inspect.signature(cls.forward).parameters.values())[1:]
    inputs = [p.name for p in taken]
    if any(p.default is not p.empty for p in taken):
        raise GraphError(f"{cls.__name__}.forward: arguments are arrays; give parameters as fields")
    rest = next((i for i, p in enumerate(taken) if p.kind is p.VAR_POSITIONAL), -1)
    parameters = list(inspect.signature(cls.backward).parameters.values())[1:]
    results, needed = _split(parameters, inputs)
    keeps: list[int] = []
    for name in needed:
        if name in inputs and inputs.index(name) != rest:
            keeps.append(inputs.index(name))
        elif name in results:
            keeps.append(~results.index(name))
        elif name not in inputs or name != needed[-1]:
            raise GraphError(
                f"{cls.__name__}.backward asks for {name!r}; it may name {', '.join(inputs)}, "
                f"which come in, or {', '.join(results)}, which come out; a variadic input last"
            )
    keywords = tuple(needed) if parameters[0].kind is inspect.Parameter.VAR_POSITIONAL else ()
    return tuple(keeps), rest if rest >= 0 and inputs[rest] in needed else -1, keywords


def _split(parameters: list[inspect.Parameter], inputs: list[str]) -> tuple[list[str], list[str]]:
    """The results that the leading ``g...`` parameters stand for, and the names after them."""
    names = [p.name for p in parameters]
    if parameters and parameters[0].kind is inspect.Parameter.VAR_POSITIONAL:
        return ["y"], names[1:]  # *gys, then keywords
    count = 0
    while count < len(names) and names[count][:1] == "g" and names[count] not in inputs:
        count += 1
    return [name[1:] for name in names[:count]], names[count:]
