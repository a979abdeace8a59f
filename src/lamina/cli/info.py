"""``lamina info``: what is installed, for questions and bug reports."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

OPTIONAL = {
    "rich": "cli",
    "matplotlib": "plot",
    "scikit-learn": "demo",
    "llvmlite": "fast",
    "safetensors": "interop",
    "onnx": "interop",
    "cupy-cuda13x": "gpu",
    "mpi4py": "mpi",
}
"""Packages that lamina can use, and the extra that installs each."""


def add_to(commands: Any) -> None:
    """Add ``lamina info`` to a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "info",
        help="versions of lamina, Python, NumPy and what else lamina can use",
        description="Print the versions of lamina, Python, NumPy and of what else lamina can use.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print one fact a line."""
    for name, value in facts().items():
        print(f"{name:<14} {value}")
    return 0


def facts() -> dict[str, str]:
    """Names and values, in the order in which they are printed."""
    return {
        "lamina": lamina_version(),
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "NumPy": f"{np.__version__}, {blas()}",
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        **{name: installed(name, extra) for name, extra in OPTIONAL.items()},
    }


def lamina_version() -> str:
    """The version of this lamina, also where it runs without having been installed."""
    # The facade knows; it was loaded before any of its parts, and its parts do not import it.
    return sys.modules[__name__.partition(".")[0]].__version__


def blas() -> str:
    """The library that multiplies matrices, as NumPy was built."""
    found = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    return f"{found.get('name', 'unknown BLAS')} {found.get('version', '')}".strip()


def installed(package: str, extra: str) -> str:
    """The version of an optional package, or how to install it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return f"not installed; it comes with: pip install 'lamina[{extra}]'"
