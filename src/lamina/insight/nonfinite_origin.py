"""What was found: where the first NaN or infinity of a step came from, as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from .nonfinite_probe import Seen


@dataclass(frozen=True)
class Origin:
    """Where the first NaN or infinity of a step came from.

    Args:
        stage: ``"forward"``, ``"backward"``, ``"update"``, or ``"before"``: it was there already.
        value: ``"nan"`` or ``"inf"``.
        operator: the operator that made it, or the optimizer.
        layer: the path of the Layer, or of the parameter for an update; empty outside of all.
        line: the user's line.
        reason: what happened.
        remedy: what to do.
        inside: the operator inside ``backward`` that made it.
        inputs: what was seen of its operands.
        source: what it came from, where it came in from outside: a name such as ``batch/0``, how
            many are NaN, how many infinite, and the index of the first.
        through: operators that carried it on, in order.
        loss: the loss that came out; None if the step gave none.
        iteration: which step of training it was; None outside of a Trainer.
    """

    stage: str
    value: str
    operator: str
    layer: str = ""
    line: str = ""
    reason: str = ""
    remedy: str = ""
    inside: str = ""
    inputs: list[Seen] = field(default_factory=list)
    source: dict[str, Any] | None = None
    through: list[str] = field(default_factory=list)
    loss: float | None = None
    iteration: int | None = None

    def __str__(self) -> str:
        when = "" if self.iteration is None else f" at step {self.iteration}"
        first = {
            "forward": f"The loss is {self.value}{when}.",
            "backward": f"The loss is a number{when}, and a gradient is {self.value}.",
            "update": f"Loss and gradients are numbers{when}, and the update makes {self.value}.",
            "before": f"{self._source()} before the step{when}.",
        }[self.stage]
        where = f", in {self.layer}" if self.layer else ""
        lines = [first, f"Made by  {self.maker}{where}."]
        if self.line:
            lines.append(f"Line     {self.line}")
        lines.append(f"Because  {self.reason}.")
        if self.source and self.stage != "before":
            lines.append(f"From     {self._source()}.")
        lines += [f"{'Inputs' if not i else '':9}{seen}" for i, seen in enumerate(self.inputs)]
        if self.through:
            lines.append(f"Then     through {_few(self.through)}.")
        return "\n".join([*lines, f"Do       {self.remedy}."])

    @property
    def maker(self) -> str:
        """What made it, in words: ``Log``, or ``the backward of Sqrt``."""
        what = self.operator or "code outside of lamina"
        return f"the backward of {what}" if self.inside else what

    def _source(self) -> str:
        source = self.source or {}
        counts = [f"{source.get(k)} {w}" for k, w in (("nan", "NaN"), ("infinite", "infinite"))
                  if source.get(k)]  # fmt: skip
        text = f"{source.get('name', 'something')} has {' and '.join(counts)}"
        index = source.get("index")
        return text + (f", the first at index {tuple(index)}" if index else "")

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON takes it."""
        inputs = [{**asdict(seen), "shape": list(seen.shape)} for seen in self.inputs]
        known = {**asdict(self), "inputs": inputs}
        loss = self.loss if self.loss is None or isfinite(self.loss) else repr(self.loss)
        return {"kind": "lamina nonfinite", "version": 1, **known, "loss": loss, "text": str(self)}


def _few(names: list[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
