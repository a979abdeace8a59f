"""`compile`: a user's step, traced at its second call and replayed from then on."""

from __future__ import annotations

import functools
import importlib.util
import threading
from collections.abc import Callable
from typing import Any

from numpy import ndarray

from ..config import current
from ..core import Variable
from ..errors import DependencyError, DTypeError, LaminaError, TraceError
from . import page
from .bound import Bound
from .described import Described
from .trace import Traced, is_input, trace
from .tree import flatten

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
        self.profile = profile
        self._auto = backend == "auto"  # which obeys the setting
        self._runs: dict[Any, Bound | None] = {}  # None: called once, not traced yet
        self._lock = threading.RLock()
        self._latest: Latest | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the step."""
        latest = self._latest
        if latest is not None and not kwargs and latest.matches(args):
            with self._lock:
                if latest.run.fits():
                    return latest.run([x if type(x) is ndarray else x._data for x in args])
        return self._run(args, kwargs)

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Find the program for these arguments, or make it."""
        if current().tracer is not None:
            return self.function(*args, **kwargs)  # inside another step, as a part of it
        leaves, _ = flatten((args, kwargs))
        with self._lock:
            key = (_signature(leaves, kwargs), _constants(self.function))
            run = self._runs.get(key)
            native = self.native and (current().native or not self._auto)
            if run is None and key not in self._runs:
                traced = self._at_once(args, kwargs) if native else None
                if traced is None:
                    outputs = self.function(*args, **kwargs)
                    self._runs[key] = None  # lazy parameters are there now
                    return outputs
                run = self._runs[key] = Bound(traced, native, self.profile)
            if run is None or not run.fits():
                traced = trace(self.function, args, kwargs, native=native)
                run = self._runs[key] = Bound(traced, native, self.profile)
            self._latest = None if kwargs else Latest.of(self.function, args, run)
            return run([x.data if isinstance(x, Variable) else x for x in leaves if is_input(x)])

    def _at_once(self, args: Any, kwargs: Any) -> Traced | None:
        """The step as heard at its first call, or None if that has to run as it is.

        Native code rounds in its own way. A run that goes on from a checkpoint calls the step for
        the first time where an undisturbed one has called it often, and the two stay equal only if
        whatever can be heard is heard.
        """
        try:
            return trace(self.function, args, kwargs, settled=True, native=True)
        except LaminaError:
            return None  # a size is to be learnt; or it is wrong, which the call itself tells

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


class Latest:
    """The last call of a step: the next one is most often of the same kind, which is seen fast.

    Args:
        run: what ran.
        inputs: of each argument its class, its shape and dtype, and whether it requires a gradient.
        cells: of the step's closure, with what they held.
        names: of the step's globals, with what they were.
        around: the globals.
    """

    def __init__(self, run: Bound, inputs: Any, cells: Any, names: Any, around: Any):
        self.run, self.inputs, self.cells = run, inputs, cells
        self.names, self.around, self.settings = names, around, current()

    @staticmethod
    def of(function: Any, args: tuple[Any, ...], run: Bound) -> Latest | None:
        """What there is to compare; None if arguments are other than arrays and Variables."""
        code = getattr(function, "__code__", None)
        if code is None or not all([type(x) is ndarray or type(x) is Variable for x in args]):
            return None
        arrays = [x if type(x) is ndarray else x._data for x in args]
        if not all([type(array) is ndarray for array in arrays]):
            return None
        inputs = [
            (type(x), array.shape, array.dtype, getattr(x, "_requires_grad", None))
            for x, array in zip(args, arrays)
        ]
        cells = [(c, c.cell_contents) for c in function.__closure__ or () if _is_filled(c)]
        around = function.__globals__
        names = [(name, around[name]) for name in code.co_names if name in around]
        return Latest(run, inputs, cells, names, around)

    def matches(self, args: tuple[Any, ...]) -> bool:
        """Whether a call is one for the same program, as far as it shows from outside."""
        if current() is not self.settings or len(args) != len(self.inputs):
            return False
        for x, (kind, shape, dtype, wants) in zip(args, self.inputs):
            if type(x) is not kind:
                return False
            if kind is not ndarray:
                if x._requires_grad is not wants:
                    return False
                x = x._data
            if type(x) is not ndarray or x.shape != shape or x.dtype is not dtype:
                return False
        for cell, held in self.cells:
            if cell.cell_contents is not held:
                return False
        around = self.around
        for name, held in self.names:
            if around.get(name) is not held:
                return False
        return True


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
