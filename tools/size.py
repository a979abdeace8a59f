"""How large the code is, and whether a file or a function has outgrown its limit.

``python tools/size.py [ROOT]`` prints lines for each part of ROOT/src/lamina and of ROOT/tests, and
the longest files and functions; it exits with 1 if a limit is broken. A file counts whole, blank
lines and docstrings included; a function counts without its docstring.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

FILE_LIMIT = 450  # a file stays under it
CORE_LIMIT = 1200  # all of src/lamina/core stays under it: an afternoon's reading
FUNCTION_LIMIT = 60  # the longest function allowed


class Piece(NamedTuple):
    """A file or a function, with its length in lines."""

    lines: int
    where: str


def measure(root: Path) -> tuple[list[Piece], list[Piece]]:
    """All files and all functions below ``root/src`` and ``root/tests``."""
    files, functions = [], []
    for path in sorted([*root.glob("src/**/*.py"), *root.glob("tests/**/*.py")]):
        text = path.read_text(encoding="utf-8")
        where = path.relative_to(root).as_posix()
        files.append(Piece(len(text.splitlines()), where))
        functions.extend(measure_functions(ast.parse(text, where), where))
    return files, functions


def measure_functions(tree: ast.AST, where: str) -> Iterator[Piece]:
    """Each function of a file, nested ones too, without docstring and decorators."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if ast.get_docstring(node, clean=False) is not None:
                lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
            yield Piece(lines, f"{where}:{node.lineno} {node.name}")


def part_of(where: str) -> str:
    """The row of the table that a file belongs to: ``src/lamina/core``, ``tests``."""
    if where.startswith("tests/"):
        return "tests"
    return "/".join(where.split("/")[:3])


def violations(files: list[Piece], functions: list[Piece]) -> list[str]:
    """One line for each limit that is broken."""
    found = [
        f"{file.where}: {file.lines} lines, must stay under {FILE_LIMIT}"
        for file in files
        if file.lines >= FILE_LIMIT
    ]
    found += [
        f"{function.where}: {function.lines} lines, at most {FUNCTION_LIMIT} allowed"
        for function in functions
        if function.lines > FUNCTION_LIMIT
    ]
    core = sum(file.lines for file in files if part_of(file.where) == "src/lamina/core")
    if core >= CORE_LIMIT:
        found.append(f"src/lamina/core: {core} lines, must stay under {CORE_LIMIT}")
    return found


def report(files: list[Piece], functions: list[Piece]) -> str:
    """The table that `make check` prints."""
    parts = Counter()
    for file in files:
        parts[part_of(file.where)] += file.lines
    rows = [f"{lines:7,}  {part}" for part, lines in sorted(parts.items())]
    source = sum(file.lines for file in files if file.where.startswith("src/"))
    rows.append(f"{source:7,}  src in all, {parts['tests']:,} in tests")
    rows += ["longest files", *longest(files)]
    ours = [function for function in functions if function.where.startswith("src/")]
    return "\n".join([*rows, spread(ours), *longest(ours)])


def longest(pieces: list[Piece]) -> list[str]:
    """The five longest, one a line."""
    return [f"{piece.lines:7,}  {piece.where}" for piece in sorted(pieces, reverse=True)[:5]]


def spread(functions: list[Piece]) -> str:
    """Median and 90th centile of the functions' lengths."""
    lengths = [function.lines for function in functions]
    if len(lengths) < 2:
        return "longest functions of src"
    return (
        f"longest functions of src; of {len(lengths)}, the median is {median(lengths):g} lines, "
        f"the 90th centile {quantiles(lengths, n=10)[-1]:g}"
    )


def main(arguments: list[str]) -> int:
    files, functions = measure(Path(arguments[0] if arguments else "."))
    found = violations(files, functions)
    print(report(files, functions), *found, f"size: {len(found)} violations", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
