"""tools/size.py: each limit is shown to fire one line too late, and to stay silent one before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.size import main, measure, report, violations


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def function(lines: int, docstring: int = 0) -> str:
    """A function of ``lines`` lines, with a docstring of so many more."""
    quoted = ['    """First.', *["    more"] * (docstring - 2), '    """'] if docstring else []
    return "\n".join(["def long():", *quoted, *["    x = 1"] * (lines - 1)]) + "\n"


@pytest.mark.parametrize("folder", ["src/lamina/layers", "tests/layers"])
def test_a_file_of_450_lines_is_too_long(tmp_path, folder):
    write(tmp_path, f"{folder}/conv.py", "x = 1\n" * 450)
    message = f"{folder}/conv.py: 450 lines, must stay under 450"
    assert violations(*measure(tmp_path)) == [message]


def test_a_file_of_449_lines_passes(tmp_path):
    write(tmp_path, "src/lamina/layers/conv.py", "x = 1\n" * 449)
    assert violations(*measure(tmp_path)) == []


def test_blank_lines_and_docstrings_of_a_file_count(tmp_path):
    write(tmp_path, "src/lamina/errors.py", '"""A\nB"""\n' + "\n" * 448)
    assert violations(*measure(tmp_path)) == [
        "src/lamina/errors.py: 450 lines, must stay under 450"
    ]


@pytest.mark.parametrize("folder", ["src/lamina/layers", "tests/layers"])
def test_a_function_of_61_lines_is_too_long(tmp_path, folder):
    write(tmp_path, f"{folder}/conv.py", "\n" + function(61))
    message = f"{folder}/conv.py:2 long: 61 lines, at most 60 allowed"
    assert violations(*measure(tmp_path)) == [message]


def test_a_function_of_60_lines_and_a_docstring_passes(tmp_path):
    write(tmp_path, "src/lamina/layers/conv.py", function(60, docstring=7))
    assert violations(*measure(tmp_path)) == []


def test_a_nested_method_is_measured_too(tmp_path):
    body = function(61).replace("\n", "\n        ").rstrip()
    write(tmp_path, "src/lamina/layers/conv.py", f"def f():\n    class A:\n        {body}\n")
    found = violations(*measure(tmp_path))
    assert "src/lamina/layers/conv.py:3 long: 61 lines, at most 60 allowed" in found


def test_a_core_of_1200_lines_is_too_long(tmp_path):
    for name in ("function", "variable", "backward"):
        write(tmp_path, f"src/lamina/core/{name}.py", "x = 1\n" * 400)
    assert violations(*measure(tmp_path)) == ["src/lamina/core: 1200 lines, must stay under 1200"]


def test_a_core_of_1199_lines_passes(tmp_path):
    for name, lines in {"function": 400, "variable": 400, "backward": 399}.items():
        write(tmp_path, f"src/lamina/core/{name}.py", "x = 1\n" * lines)
    assert violations(*measure(tmp_path)) == []


def test_the_report_adds_up_each_package(tmp_path):
    write(tmp_path, "src/lamina/core/a.py", "x = 1\n" * 3)
    write(tmp_path, "src/lamina/core/deep/b.py", "x = 1\n" * 4)
    write(tmp_path, "src/lamina/errors.py", "x = 1\n" * 5)
    write(tmp_path, "tests/core/test_a.py", "x = 1\n" * 11)
    rows = [line.split() for line in report(*measure(tmp_path)).splitlines()]
    assert rows[:4] == [
        ["7", "src/lamina/core"],
        ["5", "src/lamina/errors.py"],
        ["11", "tests"],
        ["12", "src", "in", "all,", "11", "in", "tests"],
    ]


def test_the_command_exits_with_one_if_a_limit_is_broken(tmp_path, capsys):
    write(tmp_path, "src/lamina/errors.py", "x = 1\n" * 450)
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.endswith("size: 1 violations\n")


def test_the_command_exits_with_zero_if_all_is_well(tmp_path, capsys):
    write(tmp_path, "src/lamina/errors.py", function(2) + function(3))
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith("size: 0 violations\n")
