"""`compile`: a user's step, traced at its second call and replayed from then on."""

from __future__ import annotations

import functools
import importlib.util
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..config import changes, current
from ..core import Variable
from ..core.variable import result
from ..errors import DependencyError, DTypeError, TraceError
from ..listen import Value, run, verify
from .plan import ELEMENTWISE, bases_of, last_uses
from .replay import Replay
from .simplify import simplify
from .trace import Traced, is_input, trace
from .tree import flatten

BACKENDS = ("auto", "replay", "native")


def compile(function: Callable[..., Any] | None = None, *, backend: str = "auto") -> Any:
    """Make a step that is traced once and then replayed, with the same results.

    The step is written as always: it may run layers, a loss, ``backward`` and an optimizer's
    ``update``. The first call with new shapes runs it as it is; the second hears it; from then on
    the program runs, without the Python of the step.

    Arrays and Variables among the arguments are inputs. Whatever else the step reads is read when
    it is heard: Python values of the surrounding program are constants, except learning rates and
    counts of the optimizers.

    Args:
        function: the step; without it, a decorator.
        backend: ``"replay"`` calls NumPy, and gives what the step itself gives, to the last bit;
            ``"native"`` generates machine code, through llvmlite, and rounds differently in the
            last places; ``"auto"`` is the faster of those that are installed.
    Returns:
        A `Step`.
    Raises:
        TraceError: at the second call, if the step asks an array for its numbers.
        DTypeError: for a backend that there is not.
        DependencyError: for ``"native"`` without llvmlite.
    Example:
        >>> from lamina import functions as F
        >>> @compile
        ... def slope(x):
        ...     return F.sum(x * x)
        >>> [slope(Variable([0.5, i])).item() for i in (1.0, 2.0, 3.0)]
        [1.25, 4.25, 9.25]
        >>> print(slope.explain().partition("return")[0])
        1 program
        <BLANKLINE>
        %0: float64[2] = input('x0')
        %1: float64[2] = multiply(%0, %0)
        %2: float64[] = sum(%1, axis=(0,), keepdims=False)
        <BLANKLINE>
    """
    if backend not in BACKENDS:
        raise DTypeError(f"compile: backend should be one of {BACKENDS}, got {backend!r}")
    if function is None:
        return functools.partial(compile, backend=backend)
    return Step(function, backend)


class Step:
    """A function that runs as a compiled program; see `compile`."""

    def __init__(self, function: Callable[..., Any], backend: str = "auto"):
        functools.update_wrapper(self, function)
        self.function, self.native = function, chooses_native(backend)
        self._runs: dict[Any, _Run | None] = {}  # None: called once, not traced yet
        self._lock = threading.RLock()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the step."""
        if current().tracer is not None:
            return self.function(*args, **kwargs)  # inside another step, as a part of it
        leaves, _ = flatten((args, kwargs))
        with self._lock:
            key = (_signature(leaves, kwargs), _constants(self.function))
            run = self._runs.get(key)
            if run is None and key not in self._runs:
                outputs = self.function(*args, **kwargs)
                self._runs[key] = None  # lazy parameters and optimizer state are there now
                return outputs
            if run is None or not run.fits():
                run = self._runs[key] = _Run(trace(self.function, args, kwargs), self.native)
            return run([x.data if isinstance(x, Variable) else x for x in leaves if is_input(x)])

    def explain(self) -> str:
        """The programs that were traced: instructions, memory, and the Python that runs."""
        runs = [run for run in self._runs.values() if run is not None]
        parts = [f"{len(runs)} program{'' if len(runs) == 1 else 's'}"]
        return "\n\n".join(parts + [run.explain() for run in runs])


def _signature(leaves: list[Any], kwargs: dict[str, Any]) -> Any:
    """What a program depends on: shapes and dtypes of inputs, all else by value, the settings."""
    parts = [
        (type(x), x.shape, x.dtype, getattr(x, "requires_grad", None)) if is_input(x) else _plain(x)
        for x in leaves
    ]
    return tuple(parts), tuple(kwargs), current()


PLAIN = (bool, int, float, complex, str, type(None))


def _constants(function: Any) -> tuple[Any, ...]:
    """The plain values around a function: a program holds them as they were when it was heard."""
    code = getattr(function, "__code__", None)
    if code is None:
        return ()
    cells = [c.cell_contents for c in function.__closure__ or () if _is_filled(c)]
    names = function.__globals__
    around = [names[name] for name in code.co_names if name in names]
    return tuple([(type(x), x) for x in (*cells, *around) if isinstance(x, PLAIN)])


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _plain(x: Any) -> Any:
    try:
        hash(x)
    except TypeError:
        raise TraceError(
            f"compile: an argument of the step is a {type(x).__name__}, which cannot be compared "
            "from call to call; give arrays, numbers, text, or tuples, lists and dicts of them"
        ) from None
    return type(x), x


class _Run:
    """One traced program, bound to the Variables it captured."""

    def __init__(self, traced: Traced, native: bool):
        self.traced, self.native = traced, native
        self.changes = changes()
        self.program = verify(simplify(traced.program))
        self.variables = list(traced.variables)
        self.arrays = [v._data for v in self.variables]
        self.emitted: Any = None  # a Replay is made by the first run, which learns how results lie
        self.results = len(self.program.outputs) - len(traced.changed) - len(traced.grads)
        self.first_grad = self.results + len(traced.changed)

    def fits(self) -> bool:
        """Whether the model is what it was when the step was heard."""
        return (
            self.changes == changes()
            and all([v._data is array for v, array in zip(self.variables, self.arrays)])
            and all([len(held) == n for held, n in self.traced.watched])
            and all([(v._grad is not None) == had for v, had in self.traced.had_grad])
            and all([g is None or v._grad is g for v, g in self.traced.grads])
        )

    def _emit(self, inputs: list[Any]) -> tuple[Any, ...]:
        """Make what runs from now on, and run for the first time."""
        changed = [v._data for v in self.traced.changed]
        targets = dict(enumerate(changed, self.results))
        if self.native:
            from .native.program import Native  # needs llvmlite

            emitted = Native(self.program, targets)
            if emitted.is_native:
                self.copies = [(a, i) for i, a in targets.items() if i not in emitted.straight]
                self.emitted = emitted
                return self._next(inputs)
        return self._first(inputs, targets)

    def _first(self, inputs: list[Any], targets: dict[int, Any]) -> tuple[Any, ...]:
        """Run with NumPy, each result where NumPy puts it, and plan the next runs after that."""
        axes: dict[Value, list[int]] = {}

        def seen(value: Value, array: Any) -> None:
            order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
            if order != list(range(array.ndim)):
                axes[value] = order

        values = run(self.program, *inputs, seen=seen)
        outputs = self.program.outputs
        fixed = _straight(self.program, {outputs[i]: array for i, array in targets.items()})
        self.emitted = Replay(self.program, fixed, axes)
        self.copies = [(array, i) for i, array in targets.items() if outputs[i] not in fixed]
        _write(list(targets.values()), [values[i] for i in targets])
        return values

    def _next(self, inputs: list[Any]) -> tuple[Any, ...]:
        values = self.emitted.run(*inputs)
        _write([target for target, _ in self.copies], [values[i] for _, i in self.copies])
        return values

    def __call__(self, inputs: list[Any]) -> Any:
        """Run, then change what the step changes."""
        traced = self.traced
        values = self._emit(inputs) if self.emitted is None else self._next(inputs)
        for variable in traced.changed:
            variable._version[0] += 1
        for variable in traced.cleared:
            variable._grad = None
        for (variable, added_to), array in zip(traced.grads, values[self.first_grad :]):
            if added_to is None:
                variable._grad = result(array)
            else:
                np.copyto(added_to._data, array)
                variable._grad = added_to
        for effect in traced.effects:
            effect()
        return self._outputs(values[: self.results])

    def _outputs(self, values: tuple[Any, ...]) -> Any:
        leaves, rebuild = flatten(self.traced.outputs)
        copies = iter([value.copy() for value in values])
        return rebuild([_filled(leaf, copies) for leaf in leaves])

    def explain(self) -> str:
        """Program, memory, source."""
        if self.emitted is None:
            return str(self.program)
        count = len(self.program.instructions)
        return f"{self.program}\n\n{count} instructions; {self.emitted.explain()}"


def chooses_native(backend: str) -> bool:
    """Whether a backend means native code here.

    Raises:
        DependencyError: if it is asked for by name and llvmlite is missing.
    """
    if backend == "replay":
        return False
    there = importlib.util.find_spec("llvmlite") is not None
    if backend == "native" and not there:
        raise DependencyError(
            "compile: backend 'native' needs llvmlite, which is not installed; "
            "pip install 'lamina[fast]', or use backend='replay'"
        )
    return there


def _write(targets: list[Any], values: Sequence[Any]) -> None:
    """Copy values into targets, also if one is another's array: two that were exchanged."""
    own = [v.copy() if any(np.may_share_memory(v, t) for t in targets) else v for v in values]
    for target, value in zip(targets, own):
        np.copyto(target, value)


def _filled(leaf: Any, copies: Any) -> Any:
    if isinstance(leaf, Variable):
        return result(next(copies))
    return next(copies) if isinstance(leaf, Value) else leaf


def _straight(program: Any, targets: dict[Value, Any]) -> dict[Value, Any]:
    """Which of the changed arrays their last instruction can write into directly.

    Its captured Value must not be read afterwards, and no kernel may follow: one may raise, and
    then nothing of the state is to have changed.
    """
    place = {r: i for i, x in enumerate(program.instructions) for r in x.results}
    captured = {id(array): value for value, array in program.captures.items()}
    last_call = max([-1, *[i for i, x in enumerate(program.instructions) if x.opcode == "call"]])
    last = last_uses(program, bases_of(program))
    return {
        value: target
        for value, target in targets.items()
        if value in place
        and place[value] > last_call
        and program.instructions[place[value]].opcode in ELEMENTWISE
        and (value.shape, value.dtype) == (target.shape, target.dtype)
        and (id(target) not in captured or last.get(captured[id(target)], -1) <= place[value])
    }
