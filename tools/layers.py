"""The import rules of src/lamina: down, or sideways inside one package; no ring; no facade.

``python tools/layers.py [FOLDER]`` prints one line for each violation and exits with 1 if there
are any. FOLDER (default: src) is the one that holds the package ``lamina``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import combinations
from pathlib import Path

GROUND = (
    "errors",
    "log",
    "config",
    "arrays",
    "display",
    "files",
    "processors",
    "resident",
)  # each may import those before it
FLOORS = [
    set(GROUND),
    {"core", "listen", "random", "parameter", "machine"},
    {"functions"},
    {"kernels"},
    {"layers", "distributions"},
    {"compiler", "transforms", "optimizers", "storage", "data", "models", "metrics"},
    {"training", "distributed", "insight"},
    {"check", "report", "sklearn"},  # they stand on all of the above; only cli and tests on them
    {"cli"},
]
FLOOR = {part: floor for floor, parts in enumerate(FLOORS) for part in parts}
SIDEWAYS = {(later, earlier) for earlier, later in combinations(GROUND, 2)}
SIDEWAYS |= {("parameter", "core"), ("parameter", "random")}  # it stands on the engine
FACADE = {"lamina", "lamina.__main__"}
ALWAYS_THERE = {"numpy", "lamina", *sys.stdlib_module_names}
# A room may stand on an optional dependency. It is entered inside functions, and nowhere else.
# Rooms that stand on the same one may enter each other.
ROOMS = {
    "lamina.machine": {"llvmlite"},
    "lamina.kernels": {"llvmlite"},
    "lamina.compiler.native": {"llvmlite"},
    "lamina.sklearn": {"sklearn"},
}


def violations(folder: Path) -> list[str]:
    """One line for each import below ``folder/lamina`` that breaks a rule."""
    files = {name_of(path, folder): path for path in sorted((folder / "lamina").rglob("*.py"))}
    found, graph = [], {}
    for module, path in files.items():
        graph[module] = set()
        for node, place in imports(ast.parse(path.read_text(encoding="utf-8"), str(path))):
            for target in targets(node, module, path.name == "__init__.py", files):
                problem = "" if module in FACADE else judge(module, target, place)
                if problem:
                    found.append(f"{path}:{node.lineno}: {problem}")
                if place == "module" and target in files and module not in FACADE:
                    graph[module].add(target)
    return found + ring(graph)


def name_of(path: Path, folder: Path) -> str:
    """``src/lamina/core/__init__.py`` is ``lamina.core``."""
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST, place: str = "module") -> Iterator[tuple[ast.stmt, str]]:
    """Each import with where it stands: ``module``, ``function``, or ``types`` (TYPE_CHECKING)."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, place
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from imports(node, "function")
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from imports(node, "types")
        else:
            yield from imports(node, place)


def targets(node: ast.stmt, module: str, is_package: bool, known: dict[str, Path]) -> set[str]:
    """Full names of the modules that an import statement names."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    base = node.module or ""
    if node.level:
        package = module.split(".") if is_package else module.split(".")[:-1]
        base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
    inside = [f"{base}.{alias.name}" for alias in node.names]
    return {name if name in known else base for name in inside}


def judge(module: str, target: str, place: str) -> str:
    """What is wrong with ``module`` importing ``target``; nothing, if the text is empty."""
    root = target.split(".")[0]
    here, there = room(module), room(target)
    if there and ROOMS[there] != ROOMS.get(here):
        outside = place == "module"
        return f"{module} imports {target}, optional, outside a function" if outside else ""
    if place == "function" and root in ALWAYS_THERE:
        return f"{module} imports {target} inside a function: only optional dependencies may"
    if root != "lamina":
        known = ALWAYS_THERE | ROOMS.get(here, set())
        optional = place == "module" and root not in known
        return f"{module} imports {target}, optional, outside a function" if optional else ""
    if target in FACADE:
        return f"{module} imports the facade {target}: name the module that defines it"
    return compare(module, target)


def room(module: str) -> str:
    """The room of `ROOMS` that a module is in; nothing if it is in none."""
    return next((name for name in ROOMS if f"{module}.".startswith(f"{name}.")), "")


def compare(module: str, target: str) -> str:
    """The rule of floors, for two modules inside lamina."""
    a, b = module.split(".")[1], target.split(".")[1]
    for part in (a, b):
        if part not in FLOOR:
            return f"{module} imports {target}: lamina.{part} has no floor in tools/layers.py"
    if FLOOR[b] > FLOOR[a]:
        return f"{module} (floor {FLOOR[a]}) imports upward {target} (floor {FLOOR[b]})"
    if a != b and FLOOR[b] == FLOOR[a] and (a, b) not in SIDEWAYS:
        return f"{module} imports sideways {target}: both are on floor {FLOOR[a]}"
    return ""


def ring(graph: dict[str, set[str]]) -> list[str]:
    """The first ring of module-level imports, if there is one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return ["a ring of imports: " + " <- ".join(error.args[1])]
    return []


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0] if arguments else "src")
    found = violations(folder)
    count = len(list((folder / "lamina").rglob("*.py")))
    print(*found, f"layers: {count} modules, {len(found)} violations", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
