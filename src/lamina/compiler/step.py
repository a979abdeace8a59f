"""`compile`: a user's step, traced at its second call and replayed from then on."""

from __future__ import annotations

import functools
import importlib.util
import threading
from collections.abc import Callable
from types import MethodType
from typing import Any

from numpy import ndarray

from ..config import current
from ..core import Variable
from ..errors import DependencyError, DTypeError, LaminaError, TraceError, UnsteadyError
from ..log import logger
from . import page
from .around import Around
from .bound import Bound
from .described import Described
from .replay import Source
from .trace import Traced, is_input, trace
from .tree import take_apart

MANY = 16
"""Kinds of calls, after which a step says that they are many: modes and last batches make a few."""

BACKENDS = ("auto", "replay", "native")


def compile(
    function: Callable[..., Any] | None = None, *, backend: str = "auto", profile: bool = False
) -> Any:
    """Make a step that is traced once and then replayed, with the same results.

    The step is written as always: it may run layers, a loss, ``backward`` and an optimizer's
    ``update``. The first call with new shapes runs it as it is; the second hears it; from then on
    the program runs, without the Python of the step. For native code the first is heard already, if
    no parameter has to learn its size: to run it as it is would take more memory than all others.

    Arrays and Variables among the arguments are inputs. Whatever else the step reads is read when
    it is heard: Python values of the surrounding program are constants, except learning rates and
    counts of the optimizers.

    Args:
        function: the step; without it, a decorator.
        backend: ``"replay"`` calls NumPy, and gives what the step itself gives, to the last bit
            (under ``using(native=False)``, if there are large products, convolutions or recurrent
            networks); ``"native"`` generates machine code, through llvmlite, and rounds differently
            in the last places; ``"auto"`` is the faster of those that are installed, or the first
            under ``using(native=False)``.
        profile: time each group of a native program, with a barrier behind each, or each
            instruction of a replayed one; the times are in `Step.explain`, beside what this machine
            can do at most.
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
        return functools.partial(compile, backend=backend, profile=profile)
    return Step(function, backend, profile)


class Step:
    """A function that runs as a compiled program; see `compile`."""

    def __init__(self, function: Callable[..., Any], backend: str = "auto", profile: bool = False):
        functools.update_wrapper(self, function)
        self.function, self.native = function, chooses_native(backend)
        self.backend, self.profile = backend, profile
        self._auto = backend == "auto"  # which obeys the setting
        self._attribute = getattr(function, "__name__", "")
        self._key = f"{getattr(function, '__qualname__', id(self))} compiled"
        self._runs: dict[Any, Bound | None] = {}  # None: called once, not traced yet
        self._around: dict[Any, Around] = {}  # what a program was made of
        self._lock = threading.RLock()
        self._latest: Callable[..., Any] | None = None  # `repeated`, of the last call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the step."""
        if self._latest is not None and not kwargs:
            found = self._latest(*args)
            if found is not MISSED:
                return found
        return self._run(args, kwargs)

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Find the program for these arguments, or make it."""
        if current().tracer is not None:
            return self.function(*args, **kwargs)  # inside another step, as a part of it
        leaves, form = take_apart((args, kwargs))
        with self._lock:
            around = Around(self.function)
            key = form, _signature(leaves), around.plain()
            run = self._runs.get(key)
            native = self.native and (current().native or not self._auto)
            if run is None and key not in self._runs:
                self._tell_of_many()
                traced = self._at_once(args, kwargs) if native else None
                if traced is None:
                    outputs = self.function(*args, **kwargs)
                    self._runs[key] = None  # lazy parameters are there now
                    return outputs
                run = self._bound(key, traced, native)
            elif run is None or not (around.same(self._around[key]) and run.fits()):
                run = self._bound(key, trace(self.function, args, kwargs, native=native), native)
            outputs = run([_array(x) for x in leaves if is_input(x)])
            if run.repeated is None and not kwargs:
                run.repeated = repeated(run, args, self._around[key], self._lock)
            self._latest = None if kwargs else run.repeated
            return outputs

    def _tell_of_many(self) -> None:
        """Say once that there are many kinds of calls, which is slow: nothing else shows it."""
        if len(self._runs) == MANY:
            name = getattr(self.function, "__name__", "the step")
            logger.warning(
                f"compile: {name} was called in {MANY} ways, and for each a program is made, which "
                "takes time: give a number that changes as an array, np.array(x, np.float32), and "
                "arrays of few shapes"
            )

    def _bound(self, key: Any, traced: Traced, native: bool) -> Bound:
        """The program for calls of one kind, from now on."""
        run = self._runs[key] = Bound(traced, native, self.profile)
        self._around[key] = Around(self.function)
        return run

    def _at_once(self, args: Any, kwargs: Any) -> Traced | None:
        """The step as heard at its first call, or None if that has to run as it is.

        Native code rounds in its own way. A run that goes on from a checkpoint calls the step for
        the first time where an undisturbed one has called it often, and the two stay equal only if
        whatever can be heard is heard.
        """
        try:
            return trace(self.function, args, kwargs, settled=True, native=True)
        except UnsteadyError:
            raise
        except LaminaError:
            return None  # a size is to be learnt; or it is wrong, which the call itself tells

    def __set_name__(self, owner: type, name: str) -> None:
        self._attribute = name
        self._key = (
            f"{owner.__module__}.{owner.__qualname__}.{name} compiled"  # no attribute's name
        )

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """The step as a method: each instance has programs of its own, which go with it."""
        if instance is None:
            return self
        if not hasattr(instance, "__dict__"):
            return MethodType(self, instance)
        held = vars(instance)
        bound = held.get(self._key)
        if bound is None or bound.function.__self__ is not instance:  # of what it is a copy of
            bound = held[self._key] = MethodStep(self, instance)
        return bound

    def __reduce__(self) -> Any:
        """A copy is compiled anew: programs belong to the arrays that they were heard with."""
        return Step, (self.function, self.backend, self.profile)

    def explain(self, *, html: bool = False, language: str = "en") -> str:
        """The programs that were traced: instructions, memory, groups, the Python that runs.

        Args:
            html: as a part of a HTML page, without anything from elsewhere.
            language: of the part: ``"en"``, or ``"zh"`` for 中文.
        Raises:
            RangeError: another language.
        """
        if html:
            return f"<style>{page.STYLE}</style>{page.part(self.described(), language)}"
        runs = self._traced()
        parts = [f"{len(runs)} program{'' if len(runs) == 1 else 's'}"]
        return "\n\n".join(parts + [run.explain() for run in runs])

    def described(self) -> list[Described]:
        """What `explain` tells, as figures and texts: one for each program that was traced."""
        return [run.described() for run in self._traced()]

    def _traced(self) -> list[Bound]:
        return [run for run in self._runs.values() if run is not None]


class MethodStep(Step):
    """A step of a class, bound to one of its instances."""

    def __init__(self, step: Step, instance: Any):
        super().__init__(MethodType(step.function, instance), step.backend, step.profile)
        self._attribute = step._attribute

    def __reduce__(self) -> Any:
        """Of the copy of an instance the copy of its step."""
        return getattr, (self.function.__self__, self._attribute)


MISSED = object()
"""What `repeated` gives for a call that is another than the last one."""


def repeated(run: Bound, args: tuple[Any, ...], around: Around, lock: Any) -> Any:
    """A function that runs a program again, if a call is one like the last: most are.

    It is written as Python code, as the program is: a loop over the arguments would take longer.

    Args:
        run: what ran.
        args: of the last call. If there are others than arrays and Variables, no call is like it.
        around: what the names that the step reads meant.
        lock: that of the step.
    """
    source, inputs = Source({}), []
    settings, missed = source.object(current(), "settings"), source.object(MISSED, "missed")
    checks = [f"{source.function('current', current)}() is {settings}"]
    for i, x in enumerate(args):
        name, array = f"x{i}", x
        if type(x) is Variable:
            checks.append(f"type({name}) is {source.function('Variable', Variable)}")
            checks.append(f"{name}._requires_grad is {x._requires_grad}")
            name, array = f"{name}._data", x._data
        if type(array) is not ndarray or not array.dtype.isnative:
            return source.function_of("repeated", ["*args"], [f"return {missed}"])
        checks.append(f"type({name}) is {source.function('ndarray', ndarray)}")
        checks.append(f"{name}.shape == {array.shape}")
        checks.append(f"{name}.dtype is {source.object(array.dtype, 'dtype')}")
        inputs.append(name)
    for cell, held in around.cells:
        checks.append(f"{source.object(cell, 'c')}.cell_contents is {source.object(held, 'held')}")
    names = source.object(around.globals, "names")
    checks += [f"{names}.get({n!r}) is {source.object(x, 'held')}" for n, x in around.names]
    given = "".join([f"x{i}, " for i in range(len(args))])
    lines = [
        f"if len(args) != {len(args)}:",
        f"    return {missed}",
        *([f"{given}= args"] if args else []),
        f"with {source.object(lock, 'lock')}:",
        f"    if {' and '.join(checks)} and {source.object(run.fits, 'fits')}():",
        f"        return {source.object(run.again, 'again')}({', '.join(inputs)})",
        f"return {missed}",
    ]
    return source.function_of("repeated", ["*args"], lines)


def _signature(leaves: list[Any]) -> Any:
    """What a program depends on: shapes and dtypes of inputs, all else by value, the settings."""
    parts = [
        (type(x), x.shape, x.dtype, getattr(x, "requires_grad", None)) if is_input(x) else _plain(x)
        for x in leaves
    ]
    return tuple(parts), current()


def _array(x: Any) -> Any:
    """The numbers of an input, in the order of bytes that this machine has."""
    array = x.data if isinstance(x, Variable) else x
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _plain(x: Any) -> Any:
    try:
        hash(x)
    except (TypeError, ValueError):  # a memoryview that can be written to is a ValueError
        raise TraceError(
            f"compile: an argument of the step is a {type(x).__name__}, which cannot be compared "
            "from call to call; give arrays, numbers, text, or tuples, lists and dicts of them"
        ) from None
    return type(x), x.hex() if type(x) is float else x  # -0.0 is not 0.0, and NaN is NaN


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
