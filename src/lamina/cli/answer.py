"""What a command answers: words for people, one JSON object for programs, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np

DONE, FAILED, USAGE, FOUND, INTERRUPTED = 0, 1, 2, 3, 130
"""The exit statuses; see `lamina.cli.main`."""


@dataclass(frozen=True)
class Answer:
    """The end of a command.

    Attributes:
        text: printed, without ``--json``.
        data: printed as JSON, with it.
        status: of the process.
        show: prints in place of ``text``, for what knows more of terminals.
    """

    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    status: int = DONE
    show: Callable[[], None] | None = None


def as_json(data: dict[str, Any]) -> str:
    """One object, as every reader of JSON takes it: NaN and infinity become null.

    Example:
        >>> as_json({"loss": float("nan"), "shape": (2, 3)})
        '{"loss": null, "shape": [2, 3]}'
    """
    return json.dumps(plain(data), ensure_ascii=False, default=str, allow_nan=False)


def plain(value: Any) -> Any:
    """``value`` in JSON's own kinds."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value


def table(rows: list[tuple[str, str]], gap: int = 2) -> str:
    """Names and values in two columns.

    Example:
        >>> print(table([("loss", "0.5"), ("accuracy", "98 %")]))
        loss      0.5
        accuracy  98 %
    """
    width = max((len(name) for name, _ in rows), default=0) + gap
    return "\n".join(f"{name:<{width}}{value}".rstrip() for name, value in rows)
