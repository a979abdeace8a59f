"""Checks for operators, ours and yours: derivatives by differences, values by a reference.

`gradient` checks the derivatives of a function, `operator` all that an operator promises, over
samples of inputs; `case` is one row of a table of operators.
"""

from .case import Case, case
from .gradient import gradient
from .operator import PROMISES, operator

__all__ = ["PROMISES", "Case", "case", "gradient", "operator"]
