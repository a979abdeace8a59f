"""tools/layers.py: each rule is shown to fire on a tree made for it, and to stay silent without."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.layers import FLOOR, main, violations

GOOD = {
    "__init__.py": "from .core.variable import Variable\nfrom .cli.main import main\n",
    "__main__.py": "from lamina import Variable\n",
    "errors.py": "",
    "config.py": "from .errors import LaminaError\n",
    "core/__init__.py": "from .variable import Variable\n",
    "core/variable.py": "import numpy as np\nfrom ..config import using\n",
    "layers/linear.py": "import math\nfrom ..core.variable import Variable\n",
    "models/mlp.py": "from ..layers.linear import Linear\n",
    "training/trainer.py": "from ..models import mlp\n",
    "cli/main.py": "def main():\n    import rich\n",
    "compiler/native/code.py": "from llvmlite import ir\nfrom ...machine.lanes import Vec\n",
    "machine/lanes.py": "import llvmlite\n",
    "compiler/bound.py": "def f():\n    from .native.code import Code\n",
}


def write(folder: Path, **changes: str) -> Path:
    """The good tree with some files added or replaced; ``core__x`` stands for ``core/x.py``."""
    files = GOOD | {f"{name.replace('__', '/', 1)}.py": text for name, text in changes.items()}
    for name, text in files.items():
        path = folder / "lamina" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_a_tree_that_keeps_the_rules_has_no_violation(tmp_path):
    assert violations(write(tmp_path)) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"core__backward": "from ..layers.linear import Linear\n"},
            "lamina.core.backward (floor 1) imports upward lamina.layers.linear (floor 4)",
            id="upward",
        ),
        pytest.param(
            {"core__backward": "import lamina.layers.linear\n"},
            "lamina.core.backward (floor 1) imports upward lamina.layers.linear (floor 4)",
            id="upward with an absolute name",
        ),
        pytest.param(
            {"core__backward": "from .. import cli\n", "cli____init__": ""},
            "lamina.core.backward (floor 1) imports upward lamina.cli (floor 8)",
            id="upward through the parent package",
        ),
        pytest.param(
            {
                "core__backward": "from typing import TYPE_CHECKING\n"
                "if TYPE_CHECKING:\n    from ..layers.linear import Linear\n"
            },
            "lamina.core.backward (floor 1) imports upward lamina.layers.linear (floor 4)",
            id="upward for types only",
        ),
        pytest.param(
            {"storage__npz": "from ..optimizers import sgd\n", "optimizers__sgd": ""},
            "lamina.storage.npz imports sideways lamina.optimizers.sgd: both are on floor 5",
            id="sideways between packages",
        ),
        pytest.param(
            {"core__backward": "from ..listen.ir import Value\n", "listen__ir": ""},
            "lamina.core.backward imports sideways lamina.listen.ir: both are on floor 1",
            id="core to listen",
        ),
        pytest.param(
            {"errors": "from .config import using\n", "config": ""},
            "lamina.errors imports sideways lamina.config: both are on floor 0",
            id="an allowed sideways import turned round",
        ),
        pytest.param(
            {"functions__unary": "from lamina import Variable\n"},
            "lamina.functions.unary imports the facade lamina: name the module that defines it",
            id="facade",
        ),
        pytest.param(
            {"functions__unary": "from .. import Variable\n"},
            "lamina.functions.unary imports the facade lamina: name the module that defines it",
            id="facade by a relative name",
        ),
        pytest.param(
            {"layers__conv": "def f():\n    from ..core.variable import Variable\n"},
            "lamina.layers.conv imports lamina.core.variable inside a function: "
            "only optional dependencies may",
            id="own module inside a function",
        ),
        pytest.param(
            {"layers__conv": "class A:\n    async def f(self):\n        import json\n"},
            "lamina.layers.conv imports json inside a function: only optional dependencies may",
            id="standard library inside a method",
        ),
        pytest.param(
            {"arrays": "import cupy\n"},
            "lamina.arrays imports cupy, optional, outside a function",
            id="optional dependency at the top",
        ),
        pytest.param(
            {"compiler__step": "from .native.code import Code\n"},
            "lamina.compiler.step imports lamina.compiler.native.code, optional, "
            "outside a function",
            id="a room entered at the top",
        ),
        pytest.param(
            {"compiler__step": "import llvmlite\n"},
            "lamina.compiler.step imports llvmlite, optional, outside a function",
            id="what a room stands on, outside it",
        ),
        pytest.param(
            {"storage__npz": "from ..check.gradient import gradient\n", "check__gradient": ""},
            "lamina.storage.npz (floor 5) imports upward lamina.check.gradient (floor 7)",
            id="check is imported by tests only",
        ),
        pytest.param(
            {"helpers": "from .errors import LaminaError\n"},
            "lamina.helpers imports lamina.errors: lamina.helpers has no floor in tools/layers.py",
            id="a package that the table does not know",
        ),
    ],
)
def test_a_broken_rule_is_one_line_with_both_modules(tmp_path, changes, message):
    found = violations(write(tmp_path, **changes))
    assert [line.split(": ", 1)[1] for line in found] == [message]


def test_a_violation_begins_with_file_and_line(tmp_path):
    write(tmp_path, core__backward="import math\n\nfrom ..layers import linear\n")
    (line,) = violations(tmp_path)
    assert line.startswith(f"{tmp_path / 'lamina/core/backward.py'}:3: ")


def test_a_ring_inside_one_package_is_found_and_drawn(tmp_path):
    write(tmp_path, core__a="from .b import f\n", core__b="from . import a\n")
    (line,) = violations(tmp_path)
    assert line in (
        "a ring of imports: lamina.core.a <- lamina.core.b <- lamina.core.a",
        "a ring of imports: lamina.core.b <- lamina.core.a <- lamina.core.b",
    )


def test_a_ring_closed_by_a_package_is_found(tmp_path):
    write(tmp_path, core____init__="from .a import f\n", core__a="from . import f\n")
    (line,) = violations(tmp_path)
    assert line in (
        "a ring of imports: lamina.core <- lamina.core.a <- lamina.core",
        "a ring of imports: lamina.core.a <- lamina.core <- lamina.core.a",
    )


def test_an_import_for_types_closes_no_ring(tmp_path):
    write(
        tmp_path,
        core__a="from .b import f\n",
        core__b="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .a import g\n",
    )
    assert violations(tmp_path) == []


def test_training_may_import_every_package_of_floor_five():
    assert all(
        FLOOR[part] < FLOOR["training"]
        for part in ("compiler", "transforms", "optimizers", "storage", "data", "models")
    )


def test_the_command_exits_with_one_if_a_rule_is_broken(tmp_path, capsys):
    assert main([str(write(tmp_path, arrays="import cupy\n"))]) == 1
    assert capsys.readouterr().out.endswith("layers: 14 modules, 1 violations\n")


def test_the_command_exits_with_zero_if_all_is_well(tmp_path, capsys):
    assert main([str(write(tmp_path))]) == 0
    assert capsys.readouterr().out.endswith("layers: 13 modules, 0 violations\n")
