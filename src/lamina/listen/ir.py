"""Programs: what was heard, as a flat list of typed instructions, with a text form.

::

    %0: float32[32, 784] = input('x')
    %1: float32[784, 10] = capture()
    %2: float32[32, 10] = matmul(%0, %1)
    %3: float32[32, 10] = maximum(%2, 0.0)
    return %3

Each result is defined once and never changes. A pass makes a new Program of an old one (`mapped`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from ..arrays import is_array
from ..errors import DTypeError, TraceError, UnsteadyError
from .host import Host
from .opcodes import VIEWS, result_specs
from .place import trace_error, user_line
from .spec import Spec

Operand: TypeAlias = "Value | bool | int | float | complex | np.generic | None"
NUMBERS = (bool, int, float, complex, type(None))


class Memory:
    """What a Value and its views share: whether its elements may be changed in place.

    Attributes:
        foreign: an array from outside, of which others hold views too.
        overwritten: where the elements were replaced; empty if they were not.
    """

    __slots__ = ("foreign", "overwritten")

    def __init__(self, foreign: bool):
        self.foreign, self.overwritten = foreign, ""


def _method(name: str) -> Callable[..., Any]:
    """The array method of which NumPy has a function: ``x.sum(...)`` is ``np.sum(x, ...)``."""
    function = getattr(np, name)

    def method(self: Value, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__ = name
    return method


def _variadic(name: str, none: Any) -> Callable[..., Any]:
    """`_method`, for lengths or axes that are given one by one or as one tuple."""
    function = getattr(np, name)

    def method(self: Value, *args: Any, **kwargs: Any) -> Any:
        return function(self, args[0] if len(args) == 1 else args or none, **kwargs)

    method.__name__ = name
    return method


def _refusal(what: str, hint: str) -> Callable[..., Any]:
    def method(self: Value, *args: Any, **kwargs: Any) -> Any:
        raise trace_error(f"{what}: {self!r} has no numbers yet, a step is only being heard", hint)

    return method


AFTER = "return the array from the step and read it afterwards"


class Value(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that is not there yet: a shape and a dtype, but no numbers.

    It takes part in NumPy's functions, operators and array methods; each becomes an instruction of
    its Program. Whatever asks it for a number raises TraceError with the user's line.

    Values compare elementwise, as arrays do, and hash by identity: they are good keys of dicts and
    members of sets, but ``value in some_list`` would be heard as a comparison.

    Attributes:
        program: where its instructions go.
        spec: shape and dtype.
        name: of an input, or None.
    """

    __slots__ = ("program", "spec", "name", "memory", "__weakref__")

    if TYPE_CHECKING:  # registered below, and by heard.py, which stands above
        __array_ufunc__: Any
        __array_function__: Any
        __getitem__: Any
        __hear__: Any
        sum: Any
        astype: Any
        reshape: Any
        transpose: Any
        clip: Any
        flatten: Any

    def __init__(self, program: Program, spec: Spec, name: str | None, memory: Memory):
        self.program, self.spec, self.name, self.memory = program, spec, name, memory

    shape = property(lambda self: self.spec.shape)
    dtype = property(lambda self: self.spec.dtype)
    ndim = property(lambda self: self.spec.ndim)
    size = property(lambda self: self.spec.size)
    nbytes = property(lambda self: self.spec.nbytes)
    itemsize = property(lambda self: self.spec.dtype.itemsize)
    T = property(lambda self: np.transpose(self))
    mT = property(lambda self: np.swapaxes(self, -1, -2))
    real = property(lambda self: np.real(self))
    device = "cpu"
    base = None

    __hash__ = object.__hash__  # pyright: ignore[reportAssignmentType] (the mixin has none)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len: an array of shape () has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return iter([self[i] for i in range(len(self))])  # a loop over it is unrolled

    def __repr__(self) -> str:
        return f"Value({self.name + ': ' if self.name else ''}{self.spec})"

    def __format__(self, form: str) -> str:
        return self.__float__() if form else repr(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"Value has no attribute {name!r}")
        raise _Unheard(str(trace_error(f"{name}: this part of an array is not heard", AFTER)))

    __bool__ = _refusal("bool", "use lamina.where(condition, a, b) to choose by numbers")
    __int__ = _refusal("int", AFTER)
    __float__ = _refusal("float", AFTER)
    __complex__ = _refusal("complex", AFTER)
    __index__ = _refusal(
        "index", "use a Python number; what it should index has to be a Variable, not a NumPy array"
    )
    item = _refusal("item", AFTER)
    tolist = _refusal("tolist", AFTER)
    tobytes = _refusal("tobytes", AFTER)
    __array__ = _refusal(
        "np.asarray", "give NumPy's functions the array itself, or the operator a spec()"
    )
    __setitem__ = _refusal(
        "assignment to elements", "make a new array with lamina.where or lamina.concatenate"
    )


class _Unheard(TraceError, AttributeError):
    """An array's attribute that a Value has not; ``hasattr`` says so."""


for _name in (
    *("all", "any", "argmax", "argmin", "argsort", "conj", "copy", "cumprod", "cumsum"),
    *("diagonal", "dot", "max", "mean", "min", "prod", "ravel", "repeat", "round", "squeeze"),
    *("std", "sum", "swapaxes", "take", "trace", "var"),
):
    setattr(Value, _name, _method(_name))
Value.clip = lambda self, min=None, max=None: np.clip(self, min, max)
Value.reshape = _variadic("reshape", ())
Value.transpose = _variadic("transpose", None)
Value.flatten = lambda self: np.copy(np.ravel(self))


@dataclass(frozen=True, eq=False, slots=True)
class Instruction:
    """One step of a Program.

    Attributes:
        opcode: what is done; a key of `opcodes.TABLE`.
        operands: Values, and numbers: Python's, which are weak, or NumPy's.
        fields: parameters, such as the axis of a reduction.
        results: the Values it defines.
    """

    opcode: str
    operands: tuple[Operand, ...]
    fields: dict[str, Any]
    results: tuple[Value, ...]

    @property
    def values(self) -> list[Any]:
        """The operands that are Values."""
        return [x for x in self.operands if isinstance(x, Value)]

    @property
    def function(self) -> Any:
        """The operator of a ``call``; None of other instructions."""
        return self.fields.get("function")

    def specs(self) -> tuple[Any, ...]:
        """The operands as rules take them: a Spec for each Value, numbers as they are."""
        return specs(self.operands)


def specs(operands: tuple[Operand, ...]) -> tuple[Any, ...]:
    """Operands as the rules of `opcodes` take them: a Spec for each Value, numbers as they are."""
    return tuple([x.spec if isinstance(x, Value) else x for x in operands])


Change: TypeAlias = "Callable[[Program, Instruction, tuple[Operand, ...]], Any]"


class Program:
    """Inputs, arrays that were met on the way, instructions, outputs.

    Two Programs are equal if they read the same: captured arrays are not compared.

    Attributes:
        inputs: given anew at each run.
        captures: for each array that was met, its Value; held by reference, read at each run. A
            Program made from text may not know the array: None.
        instructions: in an order in which they can run.
        outputs: what a run gives.
    Example:
        >>> program = Program()
        >>> x = program.input((2, 3), np.float32, "x")
        >>> program.outputs = (np.tanh(x).sum(axis=1),)
        >>> print(program)
        %0: float32[2, 3] = input('x')
        %1: float32[2, 3] = tanh(%0)
        %2: float32[2] = sum(%1, axis=(1,), keepdims=False)
        return %2
    """

    parse: ClassVar[Callable[..., Program]]
    """`text.parse`, which stands above and registers itself."""

    def __init__(self) -> None:
        self.inputs: list[Value] = []
        self.captures: dict[Value, Any] = {}
        self.instructions: list[Instruction] = []
        self.outputs: tuple[Value, ...] = ()
        self._captured: dict[int, Value] = {}

    def input(self, shape: tuple[int, ...], dtype: Any, name: str | None = None) -> Value:
        """A new input."""
        value = Value(self, Spec(shape, dtype), name, Memory(foreign=True))
        self.inputs.append(value)
        return value

    def capture(self, array: Any) -> Value:
        """The Value of an array that is there already; the same array has one Value.

        Args:
            array: a NumPy array, or one that answers to NumPy's protocols; held by reference.
        """
        if id(array) not in self._captured:  # it is held, so its id is not given to another
            self._captured[id(array)] = self.add_capture(Spec(array.shape, array.dtype), array)
        return self._captured[id(array)]

    def add_capture(self, spec: Spec, array: Any = None) -> Value:
        """A new captured Value, for an array that may not be known."""
        value = Value(self, spec, None, Memory(foreign=True))
        self.captures[value] = array
        return value

    def emit(self, opcode: str, *operands: Any, **fields: Any) -> Any:
        """Add an instruction.

        Args:
            opcode: a key of `opcodes.TABLE`.
            operands: Values of this Program, numbers, or arrays, which are captured.
            fields: as the opcode takes them.
        Returns:
            The Value of the result, or a tuple of them.
        Raises:
            ShapeError, DTypeError: if the operands do not fit.
            TraceError: for Values of another Program, and for overwritten ones.
        """
        known = tuple([self.operand(x) for x in operands])
        found = result_specs(opcode, specs(known), fields)
        results = self._add(opcode, known, fields, found if isinstance(found, tuple) else (found,))
        return results if isinstance(found, tuple) else results[0]

    def _add(
        self,
        opcode: str,
        operands: tuple[Operand, ...],
        fields: dict[str, Any],
        found: tuple[Spec, ...],
    ) -> tuple[Value, ...]:
        """Add an instruction whose results are known to be ``found``."""
        memory = self._shared(opcode, operands, fields)
        results = tuple([Value(self, x, None, memory or Memory(foreign=False)) for x in found])
        self.instructions.append(Instruction(opcode, operands, fields, results))
        return results

    def _shared(self, opcode: str, operands: tuple[Operand, ...], fields: dict[str, Any]) -> Any:
        """The Memory of the first operand, if the result may be a view of it."""
        views = opcode in VIEWS or getattr(fields.get("function"), "views", False)
        return operands[0].memory if views and isinstance(operands[0], Value) else None

    def replace(self, old: Value, new: Value) -> None:
        """``new`` takes the place in memory of ``old``, which cannot be used from now on."""
        old.memory.overwritten = user_line()
        new.memory = Memory(foreign=False)

    def operand(self, x: Any) -> Operand:
        """``x`` as instructions hold it: numbers as they are, arrays captured."""
        if isinstance(x, Value):
            return self._checked(x)
        if isinstance(x, np.generic) and x.dtype.char not in "gG":  # long doubles are not literals
            Spec((), x.dtype)
            return x
        if type(x) in NUMBERS or isinstance(x, Host):
            return x
        if isinstance(x, (list, tuple)):
            x = np.asarray(x)
        if not is_array(x):
            raise DTypeError(f"an operand should be an array or a number, got {x!r:.60}")
        return self.capture(x)

    def _checked(self, value: Value) -> Value:
        if value.program is not self:
            problem = trace_error(
                f"{value!r} belongs to another program",
                "what one call of a step makes cannot be kept for the next: keep it in a Buffer, "
                "or make it before the step is called, by a call of the model for instance",
            )
            raise UnsteadyError(str(problem))
        if value.memory.overwritten:
            raise trace_error(
                f"{value!r} was changed in place, or what it is a view of",
                "go on with the result of the change, not with the array from before; it was "
                f"changed at {value.memory.overwritten}",
            )
        return value

    def mapped(self, change: Change) -> Program:
        """A new Program, with ``change`` instead of each instruction: how passes are made.

        Args:
            change: gets the new Program, an instruction of the old one, and its operands in the
                new one; gives what stands for the results: the Value, or a tuple of them if the
                instruction has several. `repeat` adds the instruction as it was.
        """
        new = Program()
        known: dict[Value, Any] = {v: new.input(*_signature(v)) for v in self.inputs}
        for value, array in self.captures.items():
            known[value] = new.add_capture(value.spec, array)
            if array is not None:
                new._captured[id(array)] = known[value]
        for instruction in self.instructions:
            operands = [known[x] if isinstance(x, Value) else x for x in instruction.operands]
            made = change(new, instruction, tuple(operands))
            made = made if isinstance(made, tuple) else (made,)
            known.update(zip(instruction.results, made, strict=True))
        new.outputs = tuple([known[value] for value in self.outputs])
        return new

    def makers(self) -> dict[Value, Instruction]:
        """What makes each Value that is no input and not captured."""
        return {value: i for i in self.instructions for value in i.results}

    def functions(self) -> dict[str, Any]:
        """The operators that ``call`` instructions hold, by their ``repr``: what `parse` needs."""
        calls = [i.fields["function"] for i in self.instructions if i.opcode == "call"]
        return {repr(function): function for function in calls}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and str(self) == str(other)

    __hash__ = None  # pyright: ignore[reportAssignmentType] (it changes as it is heard)

    def __str__(self) -> str:
        names: dict[Value, str] = {}
        lines = [f"{_new(v, names)} = input({v.name!r})" for v in self.inputs]
        lines += [f"{_new(v, names)} = capture()" for v in self.captures]
        for i in self.instructions:
            operands = [_written(x, names) for x in i.operands]
            fields = [f"{name}={_written(value, names)}" for name, value in i.fields.items()]
            results = ", ".join([_new(v, names) for v in i.results])
            lines.append(f"{results} = {i.opcode}({', '.join(operands + fields)})")
        outputs = [_written(v, names) for v in self.outputs]
        return "\n".join([*lines, f"return {', '.join(outputs)}".strip()])


def repeat(program: Program, instruction: Instruction, operands: tuple[Operand, ...]) -> Any:
    """Add ``instruction`` to another Program, with its operands there: the change of no pass.

    If these are of the shapes and dtypes that they had, so are the results: the rule is not asked.
    """
    if not all(map(_alike, operands, instruction.operands)):
        return program.emit(instruction.opcode, *operands, **instruction.fields)
    known = tuple([program.operand(x) for x in operands])
    found = tuple([value.spec for value in instruction.results])
    results = program._add(instruction.opcode, known, instruction.fields, found)
    return results[0] if len(results) == 1 else results


def _alike(x: Operand, y: Operand) -> bool:
    """Whether a rule cannot tell two operands apart: 1 and 1.0 are equal, but not alike."""
    return x is y or (isinstance(x, Value) and isinstance(y, Value) and x.spec == y.spec)


def _signature(value: Value) -> tuple[tuple[int, ...], Any, str | None]:
    return value.shape, value.dtype, value.name


def _new(value: Value, names: dict[Value, str]) -> str:
    names[value] = f"%{len(names)}"
    return f"{names[value]}: {value.spec}"


def _written(x: Any, names: dict[Value, str]) -> str:
    """A Value, a number or a field, as the text has it."""
    if isinstance(x, Value):
        return names.get(x, "%?")
    if isinstance(x, np.generic):
        return f"{x.dtype}({x.item()!r})"
    if isinstance(x, (np.dtype, type)):
        return str(np.dtype(x))
    if isinstance(x, tuple):
        return "(" + ", ".join([_written(n, names) for n in x]) + (",)" if len(x) == 1 else ")")
    return repr(x) if isinstance(x, (str, Host, *NUMBERS)) else repr(repr(x))
