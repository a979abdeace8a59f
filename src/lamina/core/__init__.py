"""The engine: an afternoon's reading.

`variable` holds an array and its place in the graph, `function` what an operator is and how it is
applied, `backward` the walk.
"""

from .backward import gradients
from .function import Function
from .variable import Variable

__all__ = ["Function", "Variable", "gradients"]
