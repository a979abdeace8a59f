"""``lamina info``: what is installed, which kernels are active, and how many threads they have."""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from ..training import environment
from . import threads
from .answer import Answer, table

OPTIONAL = {
    "llvmlite": "fast",
    "rich": "cli",
    "matplotlib": "plot",
    "scikit-learn": "sklearn",
    "tensorboard": "test",
    "safetensors": "interop",
    "onnx": "interop",
    "gymnasium": "rl",
    "cupy-cuda13x": "gpu",
    "mpi4py": "mpi",
}
"""Packages that lamina can use, and the extra that installs each."""

VARIABLES = {
    "LAMINA_CACHE": "folder of generated code, or off",
    "LAMINA_THREADS": "threads of a native step",
    "LAMINA_LANES": "narrower vectors: 4, 8 or 16 numbers",
    "LAMINA_DATA": "folder of data sets",
    "LAMINA_TRACEBACK": "1: errors show the way there",
    "OPENBLAS_NUM_THREADS": "threads of NumPy's products",
    "OMP_NUM_THREADS": "the same, for other libraries",
    "MKL_NUM_THREADS": "the same, for MKL",
    "XDG_CACHE_HOME": "where caches are",
    "NO_COLOR": "no colours",
}
"""Variables of the environment that change what lamina does."""

FEATURES = {
    f"+{name}"
    for name in (
        *("sse4.2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512vl", "avx512dq", "avx512bw"),
        *("avx512vnni", "avx512bf16", "avx512fp16", "amx-tile", "neon", "sve", "sve2", "bf16"),
    )
}
"""Those of a processor's features that matter to kernels, as LLVM spells them."""

DESCRIPTION = """\
Print what is installed, which kernels are active and for which processor, how many
threads they have, and the variables of the environment that are in force: what a
question or a report of a bug should have with it."""


def add_to(commands: Any) -> None:
    """Add ``lamina info`` to a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "info", help="what is installed, which kernels, how many threads", description=DESCRIPTION
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Answer:
    """Print one fact a line."""
    known = {
        **facts(),
        "optional": optional(),
        "kernels": kernels(),
        "threads": threads.layout(),
        "variables": variables(),
    }
    return Answer(in_words(known), known)


def in_words(known: dict[str, Any]) -> str:
    """All facts, a line for each."""
    rows = [(name, value) for name, value in known.items() if isinstance(value, str)]
    missing = {name: f"pip install 'lamina[{extra}]'" for name, extra in OPTIONAL.items()}
    there = known["optional"]
    parts = [
        rows,
        [(name, there[name] or f"not installed; {missing[name]}") for name in there],
        [(name, str(value)) for name, value in known["kernels"].items()],
        threads.rows(known["threads"]),
        [(name, f"{value}   ({VARIABLES[name]})") for name, value in known["variables"].items()],
    ]
    return "\n\n".join(table([(f"{name:<20}", value) for name, value in p]) for p in parts if p)


def facts() -> dict[str, str]:
    """Versions, and the machine."""
    found = environment()
    return {
        "lamina": lamina_version(),
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "NumPy": f"{np.__version__}, {blas()}",
        "system": f"{found['platform']}",
        "processor": found["cpu"],
    }


def lamina_version() -> str:
    """The version of this lamina, also where it runs without having been installed."""
    # The facade knows; it was loaded before any of its parts, and its parts do not import it.
    return sys.modules[__name__.partition(".")[0]].__version__


def blas() -> str:
    """The library that multiplies matrices, as NumPy was built."""
    found = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    return f"{found.get('name', 'unknown BLAS')} {found.get('version', '')}".strip()


def optional() -> dict[str, str | None]:
    """The versions of optional packages; None for those that are not installed."""
    return {package: installed(package) for package in OPTIONAL}


def installed(package: str) -> str | None:
    """The version of a package; None if there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def kernels() -> dict[str, Any]:
    """How steps run: the backend that "auto" takes, for which vectors, where its code is kept."""
    if importlib.util.find_spec("llvmlite") is None:
        return {"backend": "replay: calls of NumPy, in float32 and float64"}
    return native()


def native() -> dict[str, Any]:
    """What generated code is made for."""
    from ..machine.cache import default_cache
    from ..machine.target import host

    target, cache = host(), default_cache()
    return {
        "backend": "native: generated code for float32; the rest is replayed with NumPy",
        "target": f"{target.cpu}, {vectors(target.lanes)}",
        "lanes": target.lanes,
        "features": " ".join(sorted(FEATURES & set(target.features.split(",")))).replace("+", ""),
        "cache": "off" if cache.folder is None else str(cache.folder),
    }


def vectors(lanes: int) -> str:
    """What vectors of so many float32 numbers are called."""
    machine = platform.machine().lower()
    if machine in ("x86_64", "amd64"):
        return {16: "AVX-512", 8: "AVX2"}.get(lanes, "SSE")
    return f"vectors of {lanes} numbers"


def variables() -> dict[str, str]:
    """Those variables of the environment that are set."""
    return {name: os.environ[name] for name in VARIABLES if name in os.environ}
