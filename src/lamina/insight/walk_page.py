"""The backward pass as a page that one steps through."""

# pyright: reportPrivateUsage=false
# (it reads the gradient walk)

from __future__ import annotations

import inspect
import json
import os
import re
from collections.abc import Callable
from html import escape
from textwrap import dedent
from typing import Any

from ..core import Function, Variable
from ..errors import RangeError
from ..files import atomic_write
from .graph_page import Drawn, legend
from .graph_source import Source, read
from .graph_tree import tree
from .page_words import WORDS, words
from .style import asset, document
from .walk import Arrived, Operand, Step, record
from .walk_numbers import THIN, Numbers
from .walk_rules import RULES

LARGEST = 1_900_000  # bytes; a page that would be larger shows less of each array

ICONS = {
    name: f'<svg class="icon {name}" viewBox="0 0 20 20" aria-hidden="true">'
    f'<path d="{path}"/></svg>'
    for name, path in {
        "first": "M4 4h2.5v12H4zM16 4v12l-8.5-6z",
        "back": "M14 4v12L5 10z",
        "on": "M6 4v12l9-6z",
        "play": "M3 5v10l7-5zM10 5v10l7-5z",
        "pause": "M5 4h3.5v12H5zM11.5 4H15v12h-3.5z",
    }.items()
}


class BackwardPage:
    """A backward pass as a page.

    Attributes:
        steps: operators, newest first, and leaves as soon as their gradients are complete.
        language: ``"en"`` or ``"zh"``, in which the page starts; it has a switch.
    """

    def __init__(self, source: Source, steps: list[Step], language: str):
        self.source, self.steps, self.language = source, steps, language

    @property
    def html(self) -> str:
        """The page: it needs no other file and no network."""
        texts = (self._text(level) for level in range(len(THIN)))
        text = ""
        for text in texts:
            if len(text.encode()) <= LARGEST:
                break
        return text

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page.

        Raises:
            RangeError: the path does not end in ``.html``.
            CheckpointWriteError: the disk refuses.
        """
        if os.path.splitext(os.fspath(path))[1].lower() != ".html":
            raise RangeError(f"backward_page: a path should end in .html, got {os.fspath(path)!r}")
        text = self.html
        atomic_write(path, lambda file: file.write(text.encode()))

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{escape(self.html)}" style="width:100%;height:720px;border:0" '
            'title="backward"></iframe>'
        )

    def __repr__(self) -> str:
        operators = sum(1 for step in self.steps if step.function is not None)
        return f"BackwardPage({operators} operators, {len(self.steps) - operators} leaves)"

    def _text(self, level: int) -> str:
        say, source = words(self.language), self.source
        top = tree(source.boxes, source.layers)
        drawn = Drawn(source.boxes, source.edges, top, say, depth=1)
        told = json.dumps(_Told(source, self.steps, level).json(), separators=(",", ":"))
        told = told.replace("<", "\\u003c")  # no element may begin in it
        body = f"""<div class="walk">
<header>
<h1 data-word="walk">{say["walk"]}</h1>
{legend(say)}
<div class="switches">
<button type="button" class="digits" aria-pressed="false" data-word="all digits">\
{say["all digits"]}</button>
<button type="button" class="language"></button>
</div>
</header>
{drawn.html}
<main class="step" tabindex="-1"></main>
<footer>
<button type="button" data-go="first" data-title="first step">{ICONS["first"]}</button>
<button type="button" data-go="back" data-title="previous">{ICONS["back"]}</button>
<input type="range" min="0" max="{len(self.steps) - 1}" value="0" data-title="step">
<output class="count"></output>
<button type="button" data-go="play" data-title="play">{ICONS["play"]}{ICONS["pause"]}</button>
<button type="button" data-go="on" class="main" data-title="next">{ICONS["on"]}</button>
</footer>
</div>
<script type="application/json" id="told">{told}</script>"""
        style = asset("page.css") + asset("graph.css") + asset("walk.css")
        script = asset("graph.js") + asset("walk.js")
        return document(say["walk"], self.language, style, body, script)


def backward_page(
    loss: Variable | Callable[[], Variable],
    path: str | os.PathLike[str] | None = None,
    language: str = "en",
) -> BackwardPage:
    """The backward pass of a loss as a page that one steps through, from the loss to the leaves.

    Each step shows an operator: its formula, the gradient that arrived, the gradients that it
    sends back, and the numbers of the forward pass beside them; small arrays whole, large ones as
    a corner, a histogram and a few figures. Where a result was used more than once, the sum is
    shown. Hooks run as in ``backward``; no ``grad`` is touched, and ``backward`` can follow.

    Args:
        loss: one number, before ``backward``; or a function that computes it, as for `graph`.
        path: where to write the page, if at all; it ends in ``.html``.
        language: ``"en"`` or ``"zh"``.
    Returns:
        An object with ``steps``, ``html`` and ``save(path)``; shows as the page in a notebook.
    Raises:
        DTypeError: it is no Variable.
        GraphError: nothing was recorded for it.
        ShapeError: it is not one number.
        BackwardTwiceError: ``backward`` has freed the graph.
        RangeError: there is no such language, or the path ends otherwise.
        CheckpointWriteError: the disk refuses.
    Example:
        >>> import numpy as np
        >>> from lamina.layers import Linear
        >>> layer = Linear(3)
        >>> backward_page((layer(np.ones((2, 4), np.float32)) ** 2).sum())
        BackwardPage(3 operators, 2 leaves)
    """
    words(language)
    source = read(loss, "backward_page")
    page = BackwardPage(source, record(source), language)
    if path is not None:
        page.save(path)
    return page


class _Told:
    """What the page is told, as JSON: arrays once, however often they are shown."""

    def __init__(self, source: Source, steps: list[Step], level: int):
        self.source, self.steps, self.level = source, steps, level
        self.numbers: list[Any] = []
        self.place: dict[int, int] = {}
        self.codes: dict[str, str] = {}

    def json(self) -> dict[str, Any]:
        steps = [self.step(step) for step in self.steps]
        return {
            "steps": steps,
            "titles": [self.title(i) for i in range(len(self.source.boxes))],
            "numbers": self.numbers,
            "codes": self.codes,
            "words": WORDS,
        }

    def step(self, step: Step) -> dict[str, Any]:
        told: dict[str, Any] = {
            "box": step.box,
            "arrived": [self.arrived(a) for a in step.arrived],
            "operands": [self.operand(o) for o in step.operands],
        }
        if step.function is None:
            return told
        kind = type(step.function)
        self.codes.setdefault(kind.__qualname__, _source_of(kind))
        about = {
            "name": kind.__name__,
            "repr": repr(step.function),
            "formula": formula(kind),
            "code": kind.__qualname__,
        }
        return told | about | ({"rule": RULES[kind.__name__]} if kind.__name__ in RULES else {})

    def arrived(self, a: Arrived) -> dict[str, Any]:
        parts = [[p.step, p.operand, self.shown(p.numbers)] for p in a.parts]
        return {
            "name": a.name,
            "value": self.shown(a.value),
            "gradient": self.shown(a.gradient),
            "parts": parts,
        }

    def operand(self, o: Operand) -> dict[str, Any]:
        return {
            "name": o.name,
            "box": o.box,
            "value": self.shown(o.value),
            "gradient": self.shown(o.gradient),
            "wide": None if o.wide is None else str(o.wide),
        }

    def shown(self, numbers: Numbers | None) -> int | None:
        """The place of an array among all that are shown."""
        if numbers is None:
            return None
        if id(numbers) not in self.place:
            self.place[id(numbers)] = len(self.numbers)
            self.numbers.append(numbers.thinned(self.level).json())
        return self.place[id(numbers)]

    def title(self, i: int) -> str:
        """A box under the path of its innermost layer."""
        box = self.source.boxes[i]
        if box.kind not in ("operator", "result") or not box.scope:
            return box.title
        return f"{box.scope[-1]}: {box.title}"


def formula(kind: type[Function]) -> str:
    """The first sentence of what an operator's class says of itself."""
    text = " ".join(inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].split())
    return re.split(r"(?<=[^.])\.(?= |$)", text)[0]


def _source_of(kind: type[Function]) -> str:
    try:
        return dedent(inspect.getsource(kind.backward)).rstrip()
    except (OSError, TypeError):  # typed into an interpreter, or not written in Python
        return ""
