"""Arrays that are not there and are counted as if they were: how long each of them is held.

A step that runs eagerly holds an array exactly as long as Python refers to it. So the same step,
run by Python on arrays that are not there, shows how much memory it would need, at every moment:
each array is entered in a `Ledger` as it is made, and struck off when nobody refers to it any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import Any

from ..core import Variable
from ..listen import VIEWS, Host, Program, Spec, Value
from ..listen.ir import Memory
from ..listen.opcodes import result_specs
from .memory_heap import Heap
from .memory_kernels import CODE_OF_A_KERNEL, Workspace, is_product_code, workspace
from .memory_strides import Strides, like, packed_strides, viewed


class Storage:
    """The memory of one array and of all its views; it is free again when none of them is left."""

    __slots__ = ("label", "layer", "ledger", "nbytes", "start")

    def __init__(self, ledger: Ledger, nbytes: int):
        self.ledger, self.nbytes, self.label = ledger, nbytes, ledger.label
        self.layer = ledger.layer
        self.start = 0  # in the heap

    def __del__(self) -> None:
        self.ledger.free(self)


class Counted(Value):
    """An array that is not there, of which is known how it would lie in memory.

    Attributes:
        storage: where its elements would be; views share one.
        strides: from element to element along each axis, counted in elements.
        base: for views the storage, as NumPy's arrays name theirs; None if it has one of its own.
    """

    __slots__ = ("base", "storage", "strides")

    base: Any
    storage: Storage
    strides: Strides

    def __init__(self, ledger: Ledger, spec: Spec, storage: Storage, strides: Strides, view: bool):
        super().__init__(ledger, spec, None, Memory(foreign=False))
        self.storage, self.strides = storage, strides
        self.base = storage if view else None


class Ledger(Program):
    """Counts the bytes of arrays that are held; it keeps no instructions.

    Attributes:
        heap: where they lie.
        live: bytes that are held now.
        held: the most that were held at one moment.
        peak: the most that the process had, gaps between arrays included.
        at: what was being computed then.
        parts: what was held then, by label.
        label: of the arrays that are made now.
        layer: that runs now, by its path; empty outside of all, and where it does not matter.
        by_label: bytes that are held, for each label.
        by_layer: the same, for each layer.
        native: whether kernels are those of machine code, as they are in eager execution.
        scratch: bytes that kernels of machine code keep for themselves.
        codes: the machine code that was used.
    """

    def __init__(self, native: bool) -> None:
        super().__init__()
        self.native = native
        self.heap = Heap()
        self.live = self.held = self.peak = self.scratch = 0
        self._most = (0, 0)  # at the peak: what the process had, and what was held of it
        self.codes: set[int] = set()  # ids: they are remembered for as long as the process runs
        self.label = self.at = self.place = self.layer = ""
        self.by_label: dict[str, int] = {}
        self.by_layer: dict[str, int] = {}
        self.parts: dict[str, int] = {}
        self._waiting: Storage | None = None  # made, and perhaps in place of another

    # -- what is held ------------------------------------------------------------------------

    def free(self, storage: Storage) -> None:
        """Nobody refers to an array any more."""
        self.settle()
        if storage.nbytes:
            self.live -= storage.nbytes
            self.by_label[storage.label] -= storage.nbytes
            self.by_layer[storage.layer] -= storage.nbytes
            self.heap.give(storage.start, storage.nbytes)

    def relabel(self, storage: Storage, label: str) -> None:
        """Call what is held by another name."""
        if not storage.nbytes:
            return
        self.by_label[storage.label] -= storage.nbytes
        self.by_label[label] = self.by_label.get(label, 0) + storage.nbytes
        storage.label = label

    def settle(self) -> None:
        """Enter what was made last: it did not take another's place."""
        storage, self._waiting = self._waiting, None
        if storage is not None and storage.nbytes:
            self.live += storage.nbytes
            for held, key in ((self.by_label, storage.label), (self.by_layer, storage.layer)):
                held[key] = held.get(key, 0) + storage.nbytes
            storage.start = self.heap.take(storage.nbytes)
            self.look(self.place)

    def look(self, what: str, passing: int = 0) -> None:
        """Note the peak, if this is one; so many bytes are needed only for a moment."""
        self.held = max(self.held, self.live + self.scratch + passing)
        total = self.heap.size + self.scratch + self.code
        found = total, self.live + passing  # of two moments that are alike, that with fewer gaps
        if found > self._most:
            self._most, self.peak, self.at = found, total, what
            self.parts = {name: n for name, n in self.by_label.items() if n}
            self.parts["kernels"] = self.scratch + passing
            self.parts["code"] = self.code
            self.parts["gaps"] = self.heap.size - self.live - passing

    @property
    def code(self) -> int:
        """Bytes of machine code."""
        return CODE_OF_A_KERNEL * len(self.codes)

    def look_again(self) -> None:
        """Forget the peak: look for it from now on."""
        self.peak, self.held, self._most = 0, 0, (0, 0)
        self.look(self.place)

    # -- what is made ------------------------------------------------------------------------

    def made(self, spec: Spec, strides: Strides | None = None, view: bool = False) -> Counted:
        """A new array; ``view`` if it is a part of a longer one, as NumPy sees it."""
        self.settle()
        storage = Storage(self, spec.nbytes)
        self._waiting = storage
        if strides is None:
            strides = packed_strides(spec.shape)
        return Counted(self, spec, storage, strides, view)

    def emit(self, opcode: str, *operands: Any, **fields: Any) -> Any:
        """The result of an instruction, which is entered and not kept; see `Program.emit`."""
        known = tuple([self.operand(x) for x in operands])
        specs = tuple([x.spec if isinstance(x, Value) else x for x in known])
        found = result_specs(opcode, specs, fields)
        if opcode == "call":
            return self._called(fields["function"], known, specs, found)
        if opcode == "matmul" and self.native and is_product_code(specs):
            self.heap.keep()
        if isinstance(found, tuple):
            return tuple([self.made(spec) for spec in found])
        if opcode in VIEWS:
            return self._viewed(opcode, known[0], fields, found)
        return self.made(found, like(found.shape, known))

    def _viewed(self, opcode: str, x: Any, fields: dict[str, Any], spec: Spec) -> Counted:
        strides = viewed(opcode, x.shape, x.strides, fields)
        if strides is None:
            return self.made(spec)  # the elements lie in no order that would do: a copy
        self.settle()
        return Counted(self, spec, x.storage, strides, True)

    def _called(self, function: Any, known: Any, specs: Any, found: Any) -> Any:
        """The results of a kernel, and the memory that it needs while it runs."""
        several = isinstance(found, tuple)
        results = found if several else (found,)
        if function.views and isinstance(known[0], Counted) and not several:
            x = known[0]
            return Counted(self, found, x.storage, x.strides, True)
        self.settle()
        needs: Workspace = workspace(function, specs, known, results, self.native)
        self.scratch = max(self.scratch, needs.kept)
        if needs.code is not None:
            self.codes.add(id(needs.code))
            self.heap.keep()
        place, self.place = self.place, f"{self.place} {type(function).__name__}".strip()
        passing = self.heap.take(needs.passing) if needs.passing else None
        made = [
            self._kernel_result(spec, strides, needs)
            for spec, strides in zip(results, needs.strides, strict=True)
        ]
        self.settle()
        self.look(self.place, needs.passing)
        self.place = place
        if passing is not None:
            self.heap.give(passing, needs.passing)
        return tuple(made) if several else made[0]

    def _kernel_result(self, spec: Spec, strides: Strides | None, needs: Workspace) -> Counted:
        made = self.made(spec, strides, needs.views)
        made.storage.nbytes += needs.more
        return made

    def replace(self, old: Value, new: Value) -> None:
        """``new`` lies where ``old`` lay: nothing was made."""
        if not (isinstance(old, Counted) and isinstance(new, Counted)):
            return
        if self._waiting is new.storage:
            new.storage.nbytes, self._waiting = 0, None
        new.storage, new.strides, new.base = old.storage, old.strides, old.base

    def capture(self, array: Any) -> Value:
        """An array that is there: of others, or a small one that Python makes by the way."""
        spec = Spec(array.shape, array.dtype)
        steps = getattr(array, "strides", None)
        strides = None if steps is None else tuple([n // array.itemsize for n in steps])
        return Counted(self, spec, Storage(self, 0), strides or packed_strides(spec.shape), False)


class Counter:
    """Stands in for arrays while a step is counted, where a tracer stands when one is compiled.

    What Variables hold is put aside at the first touch, and put back by `restore`.

    Args:
        ledger: where arrays are entered.
    """

    def __init__(self, ledger: Ledger):
        self.ledger = ledger
        self.kept: dict[Variable, tuple[Any, Variable | None, int]] = {}

    def planned(self, parameter: Any) -> Counted:
        """The array of a Parameter whose numbers were not drawn yet: it is made now."""
        return self.enter(parameter, Spec(parameter.shape, parameter.dtype))

    def stand_in(self, variable: Variable) -> Any:
        """The array that a Variable holds now, counted."""
        data = variable._data  # pyright: ignore[reportPrivateUsage]
        if data is None or isinstance(data, Value):
            return data
        return self.enter(variable, Spec(data.shape, data.dtype))

    def enter(self, variable: Variable, spec: Spec, label: str = "model") -> Counted:
        """Let a Variable hold an array that is counted, from before the step."""
        data, grad = variable._data, variable._grad  # pyright: ignore[reportPrivateUsage]
        self.kept[variable] = data, grad, variable._version[0]  # pyright: ignore[reportPrivateUsage]
        value = self.outside(spec, label)
        variable._data = value  # pyright: ignore[reportPrivateUsage]
        return value

    def outside(self, spec: Spec, label: str) -> Counted:
        """An array that was there before the step."""
        before, self.ledger.label = self.ledger.label, label
        value = self.ledger.made(spec)
        self.ledger.settle()
        self.ledger.label = before
        return value

    def operands(self, inputs: tuple[Any, ...], arrays: list[Any]) -> list[Any]:
        """What an operator is given."""
        return [self._operand(x, a) for x, a in zip(inputs, arrays, strict=True)]

    def _operand(self, x: Any, array: Any) -> Any:
        if isinstance(x, Variable):
            return self.stand_in(x)
        there = hasattr(array, "shape") and not isinstance(array, Value)
        return self.ledger.capture(array) if there else array

    def watch(self, containers: Iterable[Any]) -> None:
        """Nothing can change between two calls: there is one."""

    def making(self, what: str) -> None:
        """What lasts is made as it comes, and counted."""

    def host(self, source: Callable[[], float]) -> Host:
        """A number, which is not asked for."""
        return Host(source)

    def after_run(self, effect: Callable[[], None]) -> None:
        """Counts of updates stay as they are."""

    def restore(self) -> None:
        """Give every Variable what it held."""
        for variable, (data, grad, version) in self.kept.items():
            variable._data, variable._grad = data, grad  # pyright: ignore[reportPrivateUsage]
            variable._version[0] = version  # pyright: ignore[reportPrivateUsage]


@contextmanager
def labelled(ledger: Ledger, label: str) -> Any:
    """Call what is made inside by this name."""
    before, ledger.label = ledger.label, label
    try:
        yield
    finally:
        ledger.settle()
        ledger.label = before
