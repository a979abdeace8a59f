"""What `import lamina` brings along, and that every module can do without optional packages."""

from __future__ import annotations

import subprocess
import sys

WATCH = """
import sys
import numpy, numpy.random  # first: their compiled parts bring top-level helpers of their own
allowed = {"numpy", "lamina", *sys.stdlib_module_names}
before = set(sys.modules)
import lamina
roots = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(roots - allowed))
"""

BLOCK = """
import importlib, pkgutil, sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {"numpy", "lamina", *sys.stdlib_module_names}:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Block())
import lamina
for module in pkgutil.walk_packages(lamina.__path__, "lamina."):
    # these rooms stand on llvmlite and scikit-learn, and are entered when they are there
    rooms = ("lamina.compiler.native.", "lamina.kernels.", "lamina.machine.", "lamina.sklearn")
    if module.name != "lamina.__main__" and not module.name.startswith(rooms):
        importlib.import_module(module.name)
print("all imported")
"""


def python(*arguments: str) -> str:
    """What a fresh interpreter prints, with warnings as errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_importing_lamina_imports_numpy_and_the_standard_library_only():
    assert python("-c", WATCH) == "[]\n"


def test_every_module_can_be_imported_where_no_optional_package_is_installed():
    assert python("-c", BLOCK) == "all imported\n"


def test_the_version_is_the_installed_one():
    from importlib.metadata import version

    assert python("-c", "import lamina; print(lamina.__version__)") == version("lamina") + "\n"
