"""Who computes with how many threads: the part of ``lamina info`` that says so."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..data.processes import environment
from ..processors import affinity, cores, quota, threads_wanted

COUNTS = ("scipy_openblas_get_num_threads64_", "openblas_get_num_threads64_",
          "openblas_get_num_threads")  # fmt: skip
"""What OpenBLAS calls it: NumPy's own since 1.26, before, and as it comes from its makers."""

WORKERS = 2  # processes of a Loader, for which it is told how many threads each has


def layout() -> dict[str, Any]:
    """Numbers by name; None where nobody knows, or nothing is limited."""
    own = environment(WORKERS)
    return {
        "cores": cores(),
        "affinity": affinity(),
        "machine": os.cpu_count(),
        "quota": quota(),
        "native": threads_wanted(),
        "blas": blas_threads(),
        "loader_processes": int(own["OPENBLAS_NUM_THREADS"]),
    }


def rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """What `layout` gave, in words."""
    limit = found["quota"]
    held = "no quota" if limit is None else f"a quota of {limit:g}"
    blas = found["blas"]
    each = found["loader_processes"]
    return [
        (
            "cores",
            f"{found['cores']}: this process may run on {found['affinity']} of "
            f"{found['machine']}, with {held}",
        ),
        ("native step", f"{_threads(found['native'])}, and none of BLAS beside them"),
        ("eager", "as many as BLAS takes" if blas is None else f"{_threads(blas)} of BLAS"),
        ("Loader", f"workers=0 needs none; {WORKERS} processes have {_threads(each)} each"),
    ]


def _threads(count: int) -> str:
    return f"{count} thread{'' if count == 1 else 's'}"


def blas_threads() -> int | None:
    """How many the OpenBLAS in NumPy's wheel takes, asked of itself; None of another library."""
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        for path in sorted(folder.glob("*openblas*")):
            library = ctypes.CDLL(str(path))  # the one that is loaded already
            for name in COUNTS:
                if hasattr(library, name):
                    return int(getattr(library, name)())
    return None
