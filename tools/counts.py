"""What there is to use, counted: so that no page has to say a number that grows old.

``python tools/counts.py`` prints how many public names of each kind lamina has, and how much code
that is. A loss is a function with a ``reduction`` of several samples to one number; a schedule is
what an optimizer calls for its learning rate.
"""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from lamina import distributions, functions, layers, metrics, models, optimizers

SRC = Path(__file__).parents[1] / "src" / "lamina"
SILENT = (
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
)


def public(module: ModuleType) -> list[Any]:
    """What a module lists in ``__all__``."""
    return [getattr(module, name) for name in module.__all__]


def derived(module: ModuleType, base: type) -> list[type]:
    """Its public classes that are made from ``base``, without those that are only made from."""
    classes = [x for x in public(module) if inspect.isclass(x) and issubclass(x, base)]
    return [x for x in classes if x not in (base, optimizers.Method)]


def losses() -> list[Callable[..., Any]]:
    """Functions with a reduction, but for sums of embeddings."""
    found = [f for f in public(functions) if inspect.isfunction(f)]
    return [
        f
        for f in found
        if "reduction" in inspect.signature(f).parameters and f is not functions.embedding_bag
    ]


def schedules() -> list[type]:
    """Classes of `lamina.optimizers` that are called with the number of the step."""
    found = [x for x in public(optimizers) if inspect.isclass(x) and "__call__" in dir(x)]
    return [x for x in found if x is not optimizers.Schedule]


def counts() -> dict[str, int]:
    """How many there are of each kind."""
    found = {
        "functions": [x for x in public(functions) if inspect.isfunction(x)],
        "losses among them": losses(),
        "layers": derived(layers, layers.Layer),
        "models": [x for x in public(models) if callable(x)],
        "optimizers": derived(optimizers, optimizers.Optimizer),
        "transformations of gradients": derived(optimizers, optimizers.Transformation),
        "schedules": schedules(),
        "distributions": derived(distributions, distributions.Distribution),
        "metrics": [x for x in public(metrics) if inspect.isfunction(x)],
    }
    return {kind: len(names) for kind, names in found.items()}


def code_lines(text: str) -> int:
    """The lines of a program without blank ones, comments and docstrings."""
    words: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            if isinstance(node.value.value, str):
                words |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in SILENT:
            found |= set(range(token.start[0], token.end[0] + 1))
    return len(found - words)


def sizes(paths: Iterable[Path]) -> tuple[int, int]:
    """Lines of files, and lines of code among them."""
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return sum(len(text.splitlines()) for text in texts), sum(map(code_lines, texts))


def main() -> None:
    for kind, count in counts().items():
        print(f"{count:7,}  {kind}")
    for name in ("", "compiler", "core", "kernels", "machine"):
        lines, code = sizes((SRC / name).rglob("*.py"))
        print(f"{lines:7,}  lines of src/lamina/{name}, {code:,} of them code".replace("/,", ","))


if __name__ == "__main__":
    main()
