"""In which setting is it measured? Prints machine, versions and commit; other scripts ask it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FORCED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def start_clean(threads: int) -> None:
    """Run this script again, if need be, in an environment that NumPy and PyTorch are timed in.

    OpenBLAS reads its variables when it is loaded, so they must be right before Python starts. A
    core type that is forced makes it choose other kernels than a user's would be; it and the cache
    size go together. And byte code is kept: pip leaves it beside all it installs, so a process that
    may not would translate lamina's source at every start, and nobody else's.
    """
    wanted = {**os.environ, **dict.fromkeys(THREADS, str(threads))}
    for name in (*FORCED, "PYTHONDONTWRITEBYTECODE"):
        wanted.pop(name, None)
    if wanted != dict(os.environ):
        os.execve(sys.executable, [sys.executable, *sys.argv], wanted)


def machine() -> str:
    """The processor, how many cores of it may be used, and how busy they are."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {cores} cores{load}, {platform.system()} {platform.machine()}"


def versions() -> str:
    """Python, NumPy with its BLAS, and lamina with its commit."""
    import numpy as np

    import lamina

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return (
        f"Python {platform.python_version()}, NumPy {np.__version__} ({blas['name']} "
        f"{blas['version']}), lamina {lamina.__version__} at {commit()}"
    )


def commit() -> str:
    """The commit, and whether files of the package differ from it."""

    def git(*words: str) -> str:
        run = subprocess.run(
            ["git", *words],
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        return run.stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "src") else ""
    return (git("rev-parse", "--short", "HEAD") or "no commit") + changed


# -- how busy others are -------------------------------------------------------------------------

DISTURBED = 0.1  # of one core, used by other programs


def busy() -> float | None:
    """Seconds that the cores have worked since the start, together; None where nobody counts."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return None
    user, nice, system, _, _, irq, softirq, steal = map(int, stat.read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def quiet_rounds(measure: Callable[[], tuple[Any, float]], wanted: int) -> list[Any]:
    """What ``measure`` gives in rounds that other programs leave alone.

    Args:
        measure: gives a result, and how many seconds of the cores it used itself.
        wanted: how many results. If there are too few after five times as many rounds, the others
            are used too, and that is printed.
    """
    quiet, disturbed = [], []
    while len(quiet) < wanted and len(quiet) + len(disturbed) < 5 * wanted:
        before, start = busy(), time.perf_counter()
        result, own = measure()
        took, after = time.perf_counter() - start, busy()
        others = 0.0 if before is None or after is None else (after - before - own) / took
        (quiet if others < DISTURBED else disturbed).append(result)
    if len(quiet) < wanted:
        print(f"  (a busy machine: {len(disturbed)} of {len(quiet + disturbed)} rounds disturbed)")
        return quiet + disturbed
    return quiet


def main() -> None:
    print(machine())
    print(versions())


if __name__ == "__main__":
    main()
