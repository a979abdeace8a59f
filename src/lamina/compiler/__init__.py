"""The compiler: a step traced once, simplified, planned and emitted."""

from .step import Step, compile

__all__ = ["Step", "compile"]
