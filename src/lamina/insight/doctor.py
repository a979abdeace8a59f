"""The doctor: why does it not learn?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from ..errors import DTypeError
from ..layers import Layer
from ..optimizers import Optimizer
from . import rules_data, rules_gradient, rules_loss, rules_structure
from .facts import Facts, observe
from .rule import RULES, Finding, findings
from .summary_table import NONE

PARTS = (rules_data, rules_structure, rules_loss, rules_gradient)
"""Each registered its rules when it was imported."""


@dataclass(frozen=True)
class Report:
    """What the doctor found; prints as a table, and shows as HTML in a notebook.

    Attributes:
        findings: causes; what only follows from another finding is left out.
        loss: at the start; None if it could not be computed.
        losses: of the trial, before each update and after the last; empty if there was none.
        rate: the learning rate of the trial.
        rules: how many rules looked.
    """

    findings: list[Finding] = field(default_factory=list)
    loss: float | None = None
    losses: list[float] = field(default_factory=list)
    rate: float = 0.0
    rules: int = 0

    HEAD = ("rule", "place", "evidence", "remedy")

    @property
    def names(self) -> list[str]:
        """The names of the rules that found something, each once."""
        return list(dict.fromkeys(finding.rule for finding in self.findings))

    def _rows(self) -> list[tuple[str, ...]]:
        return [(f.rule, f.place, f.evidence, f.remedy) for f in self.findings]

    def _foot(self) -> str:
        count = len(self.findings)
        text = f"{count} finding{'' if count == 1 else 's'} of {self.rules} rules"
        if self.loss is not None:
            text += f"; loss at the start: {self.loss:.4g}"
        if self.losses:
            text += (
                f"; after {len(self.losses) - 1} updates on this batch (lr={self.rate:g}): "
                f"{self.losses[-1]:.4g}"
            )
        return text

    def __str__(self) -> str:
        lines: list[str] = []
        for name, place, evidence, remedy in self._rows():
            lines += [f"{name}  at {place}", f"    seen    {evidence}", f"    do      {remedy}"]
        rule = "-" * min(100, max(map(len, [*lines, self._foot()])))
        return "\n".join([*lines, rule, self._foot()])

    __repr__ = __str__

    def html(self, heads: Mapping[str, str] = NONE) -> str:
        """A table; ``heads`` are what its columns are called in another language."""
        head = "".join(f"<th>{heads.get(name, name)}</th>" for name in self.HEAD)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self._rows()
        )
        table = f"<table><tr>{head}</tr>{body}</table>" if body else ""
        return f"{table}<p>{escape(self._foot())}</p>"

    _repr_html_ = html


def doctor(
    model: Layer,
    loss: Callable[..., Any],
    batch: Any,
    optimizer: Optimizer | None = None,
) -> Report:
    """Why a model does not learn: one instrumented step, a tiny trial, and plain findings.

    All is done on copies: the model, its gradients and modes, the optimizer, the batch and the
    random streams stay as they are.

    Args:
        model: a Layer.
        loss: ``loss(model, *batch)`` gives the loss of a training step, one number.
        batch: a tuple of what the loss takes after the model, such as ``(x, t)``.
        optimizer: set up with this model. With it, its updates and its learning rate are judged,
            by 20 updates on this one batch; without it, SGD with three rates is tried.
    Returns:
        A table; ``report.findings`` is a list, empty for a healthy model.
    Raises:
        DTypeError: an argument that is of another kind.
    Example:
        >>> import numpy as np
        >>> import lamina.functions as F
        >>> from lamina.layers import Linear, Sequential, Softmax
        >>> x = np.random.default_rng(0).standard_normal((32, 4)).astype(np.float32)
        >>> t = (x[:, 0] > 0).astype(int)
        >>> model = Sequential(Linear(16), F.relu, Linear(2), Softmax())
        >>> report = doctor(model, lambda m, x, t: F.softmax_cross_entropy(m(x), t), (x, t))
        >>> report.names
        ['softmax-before-cross-entropy']
    """
    if not isinstance(model, Layer):
        raise DTypeError(f"doctor: model should be a Layer, got {type(model).__name__}")
    if not callable(loss):
        raise DTypeError(
            f"doctor: loss should be a function, loss(model, *batch), got {type(loss).__name__}"
        )
    if not isinstance(batch, (tuple, list)):
        raise DTypeError(
            f"doctor: batch should be a tuple such as (x, t), got {type(batch).__name__}"
        )
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise DTypeError(
            f"doctor: optimizer should be an Optimizer, got {type(optimizer).__name__}"
        )
    return _report(observe(model, loss, tuple(batch), optimizer))


def _report(facts: Facts) -> Report:
    with np.errstate(all="ignore"):
        found = findings(facts)
    value = facts.value if facts.stepped else None
    return Report(found, value, facts.trial.losses, facts.trial.rate, len(RULES))
