"""What a run depends on beside its program: versions, machine, threads."""

from __future__ import annotations

import os
import platform
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..processors import cores
from ..storage.checkpoint import versions


def environment() -> dict[str, Any]:
    """Versions of what runs, and the machine.

    Returns:
        ``lamina``, ``python``, ``numpy``, ``llvmlite`` (None where it is missing), ``platform``,
        ``cpu``, ``cores`` (that this process may use), ``threads`` (that a step may use: what
        ``LAMINA_THREADS``, ``OPENBLAS_NUM_THREADS`` or ``OMP_NUM_THREADS`` says, else all cores).
    Example:
        >>> sorted(environment())
        ['cores', 'cpu', 'lamina', 'llvmlite', 'numpy', 'platform', 'python', 'threads']
    """
    known = versions()
    return {
        **{name: known[name] for name in ("lamina", "python", "numpy")},
        "llvmlite": _installed("llvmlite"),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": cpu(),
        "cores": cores(),
        "threads": _threads(),
    }


@lru_cache
def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@lru_cache
def cpu() -> str:
    """The name of the processor, as the system tells it without another process."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n"):
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # no Linux
    return os.environ.get("PROCESSOR_IDENTIFIER", "") or platform.machine()


def _threads() -> int:
    for name in ("LAMINA_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(name, "")
        if text.isascii() and text.isdigit() and int(text) > 0:
            return min(int(text), cores())
    return cores()
