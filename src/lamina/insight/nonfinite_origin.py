"""What was found: where the first NaN or infinity of a step came from, as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from .nonfinite_probe import Seen
from .nonfinite_words import LABELS, check_language, translated


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
        return self.text()

    def text(self, language: str = "en") -> str:
        """The report in a few lines, in English or Chinese: ``"en"`` or ``"zh"``.

        Raises:
            RangeError: another language.
        """
        label = LABELS[check_language("Origin.text", language)]
        when = "" if self.iteration is None else label["when"].format(step=self.iteration)
        source = self._source(language) if self.source or self.stage == "before" else ""
        where = label["where"].format(layer=self.layer) if self.layer else ""
        because, do = (translated(words, language) for words in (self.reason, self.remedy))
        lines = [
            label[self.stage].format(value=self.value, when=when, source=source),
            label["made"].format(maker=self._maker(language), where=where),
        ]
        if self.line:
            lines.append(label["line"].format(line=self.line))
        lines.append(label["because"].format(reason=because))
        if self.source and self.stage != "before":
            lines.append(label["from"].format(source=source))
        for i, seen in enumerate(self.inputs):
            lines.append(label["no label" if i else "inputs"] + seen.text(language))
        if self.through:
            lines.append(label["through"].format(names=_few(self.through, label)))
        return "\n".join([*lines, label["do"].format(remedy=do)])

    @property
    def maker(self) -> str:
        """What made it, in words: ``Log``, or ``the backward of Sqrt``."""
        return self._maker("en")

    def _maker(self, language: str) -> str:
        label = LABELS[language]
        what = translated(self.operator, language) or label["outside"]
        return label["backward of"].format(operator=what) if self.inside else what

    def _source(self, language: str) -> str:
        source, label = self.source or {}, LABELS[language]
        kinds = ("nan", "infinite")
        counts = [label[k].format(count=source.get(k)) for k in kinds if source.get(k)]
        name = translated(source.get("name", "something"), language)
        text = label["has"].format(name=name, counts=label["and"].join(counts))
        index = source.get("index")
        return label["index"].format(text=text, index=tuple(index)) if index else text

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """All of it as JSON takes it; what is its ``"text"`` in a language, the rest in English."""
        inputs = [{**asdict(seen), "shape": list(seen.shape)} for seen in self.inputs]
        known = {**asdict(self), "inputs": inputs}
        loss = self.loss if self.loss is None or isfinite(self.loss) else repr(self.loss)
        return {
            "kind": "lamina nonfinite",
            "version": 1,
            **known,
            "loss": loss,
            "text": self.text(language),
        }


def _few(names: list[str], label: dict[str, str], most: int = 6) -> str:
    shown, more = ", ".join(names[:most]), len(names) - most
    return label["more"].format(names=shown, count=more) if more > 0 else shown
