"""The engine: an afternoon's reading.

`variable` holds an array and its place in the graph, `parameter` what is trained, `function` what
an operator is and how it is applied, `backward` the walk.
"""

from .backward import gradients
from .function import Function
from .parameter import Parameter
from .variable import Buffer, Variable

__all__ = ["Buffer", "Function", "Parameter", "Variable", "gradients"]
