"""llvmlite has no types, and what can be inferred of it is not what it does."""

from typing import Any

__version__: str

def __getattr__(name: str) -> Any: ...
