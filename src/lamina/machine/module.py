"""From IR to machine code: tidy up, emit, keep on disk, load.

Kernels are written as they are meant, so three of LLVM's passes over IR do. All of -O1 takes 105 ms
for the 2,600 lines of a small network's step, as long as everything else, and the step is not
faster: 9.4 us with all passes and with none; a larger one 3.35 and 3.45 ms (AMD EPYC 9005, llvmlite
0.50).
"""

from __future__ import annotations

import functools
import hashlib
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
from llvmlite import ir

from ..resident import leave
from .cache import Cache, default_cache
from .parts import emit_all, emit_object, packed, split, unpacked
from .target import Target

VERSION = 3  # of what becomes of a text: raise it, and nothing that was kept before is used
PART = 50_000  # characters of IR, that are worth a thread
ADDRESS = " at 0x"  # in the repr of an object that does not say what it is


@functools.cache
def initialize() -> None:
    """Make LLVM ready for this processor."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


class Module:
    """Functions that are compiled together.

    Args:
        target: the processor.
    Attributes:
        ir: llvmlite's module; `Code` writes into it.
    Example:
        ``module = Module(host()); code = Code(module.ir, "f", module.target); ...;
        compiled = module.compile(); address = compiled.address("f")``
    """

    def __init__(self, target: Target):
        self.target = target
        self.ir = ir.Module("lamina")

    def compile(self, *, verify: bool = False) -> Compiled:
        """Machine code for all functions, from the cache if it is there.

        Args:
            verify: let LLVM check the IR first: an error then names what is wrong with it, and
                without it may crash the process.
        """
        return compile_text(str(self.ir), self.target, verify=verify)

    def assembly(self) -> str:
        """The machine code as text; compiled for it."""
        initialize()
        return machine(self.target).emit_assembly(optimised(str(self.ir), self.target))


def compile_text(
    text: str, target: Target, *, verify: bool = False, cache: Cache | None = None
) -> Compiled:
    """Machine code for a module given as text; see `Module.compile`."""
    return _compiled(key(text, target), target, lambda: text, verify, cache)


def compile_recipe(
    recipe: str, target: Target, write: Callable[[Module], None], cache: Cache | None = None
) -> Compiled:
    """Machine code for a module that is written only if the cache does not have it.

    To write the IR of a large step takes longer than to load its code.

    Args:
        recipe: what ``write`` writes may depend on this, on lamina's source, and on nothing else.
        target: the processor.
        write: fills the module.
        cache: of the disk; None is the one of this process.
    """

    def text() -> str:
        module = Module(target)
        write(module)
        return str(module.ir)

    if ADDRESS in recipe:  # it names an object of this process alone
        return compile_text(text(), target, cache=cache)
    name = key("\0".join(("recipe", source(), recipe)), target)
    return _compiled(name, target, text, False, cache)


def _compiled(
    name: str, target: Target, text: Callable[[], str], verify: bool, cache: Cache | None
) -> Compiled:
    initialize()
    loaded = _loaded.get(name)
    if loaded is not None:
        return loaded
    cache = default_cache() if cache is None else cache
    kept = cache.get(name)
    objects = packed(emit(text(), target, verify)) if kept is None else kept
    if kept is None:
        cache.put(name, objects)
    made = _loaded[name] = Compiled(target, objects, cached=kept is not None)
    leave("libllvmlite")
    return made


@functools.cache
def source() -> str:
    """A hash of all Python that what is written depends on; it takes 10 ms."""
    lamina, found = Path(__file__).parents[1], hashlib.sha256()
    for part in ("compiler", "core", "functions", "kernels", "listen", "machine"):
        for path in sorted((lamina / part).rglob("*.py")):
            found.update(path.read_bytes())
    return found.hexdigest()


def key(text: str, target: Target) -> str:
    """What machine code depends on, as one word of hexadecimal digits."""
    parts = (
        text,
        target.cpu,
        target.features,
        llvm.get_process_triple(),
        llvmlite.__version__,
        ".".join(map(str, llvm.llvm_version_info)),
        str(VERSION),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def emit(text: str, target: Target, verify: bool) -> list[bytes]:
    """Machine code, as object files; of a long module, several threads make it."""
    module = optimised(text, target, verify)
    if len(text) < 2 * PART:
        return [emit_object(machine(target), module)]
    return emit_all(split(str(module), PART), functools.partial(machine, target))


def optimised(text: str, target: Target, verify: bool = False) -> Any:
    """The parsed module, after LLVM's passes."""
    module = llvm.parse_assembly(text, llvm.create_context())
    if verify:
        module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=1)
    passes = llvm.create_new_module_pass_manager()
    # what kernels know of one another is left to do, and tidying up
    passes.add_ipsccp_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, llvm.create_pass_builder(machine(target), options))
    return module


def machine(target: Target) -> Any:
    """LLVM's target machine, a new one."""
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=target.cpu, features=target.features, opt=2, jit=True
    )


class Compiled:
    """Machine code in memory, for as long as this object lives.

    Attributes:
        cached: whether it came from the disk.
    """

    def __init__(self, target: Target, objects: bytes, cached: bool):
        self.cached = cached
        # in LLVM's own context, which lasts: the garbage collector may close a context of ours
        # before the engine that still needs it
        empty = llvm.parse_assembly("")
        self._engine: Any = llvm.create_mcjit_compiler(empty, machine(target))
        for code in unpacked(objects):
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Where a function is.

        Raises:
            KeyError: there is none of that name.
        """
        address = self._engine.get_function_address(name)
        if not address:
            raise KeyError(f"compiled module: it has no function {name!r}")
        return address


_loaded: weakref.WeakValueDictionary[str, Compiled] = weakref.WeakValueDictionary()
