"""From IR to machine code: parse, optimise, emit, keep on disk, load."""

from __future__ import annotations

import functools
import hashlib
import threading
from typing import Any

import llvmlite
import llvmlite.binding as llvm
from llvmlite import ir

from .cache import Cache, default_cache
from .target import Target

VERSION = 2  # of what this file does to a module: raise it, and nothing cached before is used


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
        address = module.compile().address("f")``
    """

    def __init__(self, target: Target):
        self.target = target
        self.ir = ir.Module("lamina")

    def compile(self, *, verify: bool = False) -> Compiled:
        """Machine code for all functions, from the cache if it is there.

        Args:
            verify: let LLVM check the IR first: an error then names what is wrong with it, and
                without it crashes the process.
        """
        return compile_text(str(self.ir), self.target, verify=verify)


def compile_text(
    text: str, target: Target, *, verify: bool = False, cache: Cache | None = None
) -> Compiled:
    """Machine code for a module given as text; see `Module.compile`."""
    initialize()
    cache = default_cache() if cache is None else cache
    name = key(text, target)
    code = cache.get(name)
    cached = code is not None
    if code is None:
        code = emit(text, target, verify)
        cache.put(name, code)
    return Compiled(text, target, code, cached)


def key(text: str, target: Target) -> str:
    """What machine code depends on, as one word of hexadecimal digits."""
    parts = (
        text,
        target.cpu,
        target.features,
        llvm.get_default_triple(),
        llvmlite.__version__,
        ".".join(map(str, llvm.llvm_version_info)),
        str(VERSION),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def emit(text: str, target: Target, verify: bool) -> bytes:
    """Machine code, as an object file."""
    module = optimised(text, target, verify)
    return machine(target).emit_object(module)


def optimised(text: str, target: Target, verify: bool) -> Any:
    """The parsed module, after LLVM's passes."""
    module = llvm.parse_assembly(text)
    if verify:
        module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=1)
    passes = llvm.create_new_module_pass_manager()
    # kernels are written as they should be: what they know of one another is left, and tidying up
    passes.add_ipsccp_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, llvm.create_pass_builder(machine(target), options))
    return module


def machine(target: Target) -> Any:
    """LLVM's target machine."""
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=target.cpu, features=target.features, opt=2, jit=True
    )


class Compiled:
    """Machine code in memory, for as long as this object lives.

    Attributes:
        text: the IR that it was made from.
        cached: whether it came from the cache.
    """

    def __init__(self, text: str, target: Target, code: bytes, cached: bool):
        self.text, self.target, self.cached = text, target, cached
        self._engine: Any = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine(target))
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        self._lock = threading.Lock()

    def address(self, name: str) -> int:
        """Where a function is.

        Raises:
            KeyError: there is none of that name.
        """
        address = self._engine.get_function_address(name)
        if not address:
            raise KeyError(f"compiled module: it has no function {name!r}")
        return address

    def assembly(self) -> str:
        """The machine code as text; compiled once more for it."""
        return machine(self.target).emit_assembly(optimised(self.text, self.target, False))
