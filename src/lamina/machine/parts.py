"""One module as several, which several threads compile at once."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from ctypes import string_at
from typing import Any

import llvmlite.binding as llvm

from ..processors import cores

LENGTH = struct.Struct("<Q")


def split(text: str, part: int) -> list[str]:
    """A module as about ``len(text) / part`` modules of similar size, but no more than cores.

    A function that was internal can be called from the other parts. A module with global variables
    stays whole: each part would have its own.
    """
    count = min(cores(), len(text) // part + 1)
    rest, functions = taken_apart(text)
    if count == 1 or len(functions) == 1 or any(line.startswith("@") for line in rest):
        return [text]
    bins: list[list[int]] = [[] for _ in range(min(count, len(functions)))]
    sizes = [0] * len(bins)
    for i in sorted(range(len(functions)), key=lambda i: -len(functions[i])):
        smallest = sizes.index(min(sizes))
        bins[smallest].append(i)
        sizes[smallest] += len(functions[i])
    heads = [function.partition("\n")[0] for function in functions]
    parts = []
    for chosen in bins:
        declared = [_declared(head) for i, head in enumerate(heads) if i not in chosen]
        defined = [functions[i].replace("define internal", "define hidden", 1) for i in chosen]
        parts.append("\n".join([*rest, *declared, *defined]))
    return parts


def taken_apart(text: str) -> tuple[list[str], list[str]]:
    """The lines outside functions, and the functions."""
    rest: list[str] = []
    functions: list[str] = []
    inside: list[str] | None = None
    for line in text.splitlines():
        if inside is None and line.startswith("define "):
            inside = []
        if inside is None:
            rest.append(line)
            continue
        inside.append(line)
        if line == "}":
            functions.append("\n".join(inside))
            inside = None
    return rest, functions


def _declared(head: str) -> str:
    """``define internal void @"f"(...) noinline {`` as a declaration."""
    head = head.rstrip().removesuffix("{")
    return head.replace("define internal", "declare", 1).replace("define", "declare", 1)


def emit_all(texts: list[str], machine: Callable[[], Any]) -> list[bytes]:
    """The machine code of each module, as object files; each is made by a thread of its own.

    Args:
        texts: the modules.
        machine: makes a target machine: each thread needs one, and a context.
    """
    results: list[Any] = [None] * len(texts)

    def work(i: int) -> None:
        try:
            module = llvm.parse_assembly(texts[i], llvm.create_context())
            results[i] = emit_object(machine(), module)
        except RuntimeError as error:
            results[i] = error

    threads = [threading.Thread(target=work, args=(i,)) for i in range(1, len(texts))]
    for thread in threads:
        thread.start()
    work(0)
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, RuntimeError):
            raise result
    return results


def emit_object(machine: Any, module: Any) -> bytes:
    """``machine.emit_object(module)``, but without the lock that llvmlite holds meanwhile.

    LLVM allows it for modules of different contexts. Where llvmlite has no function without a
    lock, the threads wait for one another.
    """
    function = getattr(llvm.ffi.lib.LLVMPY_TargetMachineEmitToMemory, "_cfn", None)
    if function is None:
        return machine.emit_object(module)
    with llvm.ffi.OutputString() as error:
        buffer = function(machine, module, 1, error)
        if not buffer:
            raise RuntimeError(str(error))
    return _content(buffer)


def _content(buffer: Any) -> bytes:
    """What is in a memory buffer of LLVM's, which is freed."""
    lib = llvm.ffi.lib
    try:
        return string_at(lib.LLVMPY_GetBufferStart(buffer), lib.LLVMPY_GetBufferSize(buffer))
    finally:
        lib.LLVMPY_DisposeMemoryBuffer(buffer)


def packed(objects: list[bytes]) -> bytes:
    """Several byte strings as one."""
    return b"".join(LENGTH.pack(len(content)) + content for content in objects)


def unpacked(content: bytes) -> list[bytes]:
    """The byte strings that were packed."""
    objects, place = [], 0
    while place < len(content):
        start = place + LENGTH.size
        place = start + LENGTH.unpack_from(content, place)[0]
        objects.append(content[start:place])
    return objects
