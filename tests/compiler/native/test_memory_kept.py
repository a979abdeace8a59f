"""Freed memory that eager execution keeps for its next step."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

pytest.importorskip("llvmlite")

SCRIPT = """
import resource
import sys

import numpy as np

import lamina.functions as F

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def step():
    arrays = [np.ones(2 << 20, np.float32) for _ in range(4)]
    arrays.append(F.matmul(x, x))

x = np.ones((600, 600), np.float32)
for _ in range(5):
    step()
before = faults()
for _ in range(10):
    step()
print((faults() - before) * resource.getpagesize())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is an option of glibc")
@pytest.mark.parametrize("own", [{}, {"MALLOC_TRIM_THRESHOLD_": "0"}])
def test_memory_that_a_step_freed_is_there_for_the_next_unless_the_user_says_otherwise(own):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment | own,
        capture_output=True,
        text=True,
        check=True,
    )
    taken = int(ran.stdout)
    # ten times 32 MB, but for large pages, of which one fault brings 2 MB
    assert taken > 300_000 if own else taken < 50_000, taken
