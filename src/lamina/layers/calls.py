"""The Layers that are running now, in this thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..parameter import Parameter
    from .layer import Layer


class _Calls(threading.local):
    def __init__(self) -> None:
        self.stack: list[Layer] = []  # outermost first
        self.started: list[Parameter] = []  # given a shape since the outermost call began
        self.observer: Callable[..., Any] | None = None  # called in place of forward, if set


calls = _Calls()
