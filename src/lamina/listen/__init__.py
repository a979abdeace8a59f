"""Arrays that are not there yet: what tracing, and running on shapes alone, stand on.

A `Value` has a shape and a dtype, but no numbers. NumPy's own functions, called on Values, add
instructions to their `Program`: the compiler listens to NumPy.

Example:
    >>> import numpy as np
    >>> program = Program()
    >>> x = program.input((32, 10), np.float32, "x")
    >>> y = np.exp(x - x.max(axis=1, keepdims=True))
    >>> program.outputs = (y / y.sum(axis=1, keepdims=True),)
    >>> print(program)
    %0: float32[32, 10] = input('x')
    %1: float32[32, 1] = max(%0, axis=(1,), keepdims=True)
    %2: float32[32, 10] = subtract(%0, %1)
    %3: float32[32, 10] = exp(%2)
    %4: float32[32, 1] = sum(%3, axis=(1,), keepdims=True)
    %5: float32[32, 10] = divide(%3, %4)
    return %5
"""

from __future__ import annotations

from . import heard_element, heard_index, heard_product, heard_reduce, heard_shape
from .host import Host, now
from .ir import Instruction, Program, Value, repeat
from .opcodes import TABLE, VIEWS, Opcode
from .run import multiply_adds, run
from .spec import Spec
from .text import parse
from .verify import verify

FAMILIES = (heard_element, heard_index, heard_product, heard_reduce, heard_shape)
"""The modules that hear NumPy's functions; importing them is what fills the table."""

__all__ = [
    "Spec",
    "Value",
    "Host",
    "now",
    "Instruction",
    "Program",
    "Opcode",
    "TABLE",
    "VIEWS",
    "parse",
    "verify",
    "run",
    "multiply_adds",
    "repeat",
]
