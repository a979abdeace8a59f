"""What a process keeps: memory that an eager step freed, and not the translator's pages."""

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


CODE = """
import numpy as np

import lamina
import lamina.functions as F

def resident():
    found, ours = {"Rss:": 0, "Anonymous:": 0}, False
    for line in open("/proc/self/smaps"):
        head, *rest = line.split()
        if not head.endswith(":"):
            ours = "/libllvmlite" in line
        elif ours and head in found:
            found[head] += int(rest[0])
    return (found["Rss:"] - found["Anonymous:"]) * 1024

x = np.ones((64, 64), np.float32)
for i in range(3):
    step = lamina.compile(lambda x: F.matmul(x, x) + i, backend="native")
    assert (step(x).data == 64 + i).all()
    print(resident())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it is an advice to Linux")
@pytest.mark.parametrize("kept", [True, False])
def test_pages_of_the_translator_are_left_after_each_use_of_it(kept, tmp_path):
    environment = os.environ | {"LAMINA_CACHE": str(tmp_path) if kept else "off"}
    for _ in range(2 if kept else 1):  # the second finds its code on disk
        command = [sys.executable, "-c", CODE]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        # to ask for addresses takes some again; all are 35 to 65 MB
        assert all([int(line) < 8 << 20 for line in ran.stdout.splitlines()]), ran.stdout
