"""The compiler: a step traced once, simplified, planned and emitted."""

from .scan import cond, scan
from .step import Step, compile

__all__ = ["Step", "compile", "cond", "scan"]
