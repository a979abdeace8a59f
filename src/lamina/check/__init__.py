"""Checks for operators, ours and yours: derivatives against differences, values against a reference.

`gradient` checks the derivatives of a function, `operator` all that an operator promises, over
samples of inputs; `case` is one row of a table of operators.
"""

from .case import Case, case
from .gradient import gradient

__all__ = ["Case", "case", "gradient"]
