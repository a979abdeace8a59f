"""One page of what there is to say of a model and its step: summary, profile, compiled programs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..compiler import Step
from ..compiler.page import STYLE as STEP_STYLE
from ..compiler.page import part as step_part
from ..errors import DTypeError, RangeError
from ..files import atomic_write
from .doctor import Report
from .page_words import heads
from .profile_compiled import CompiledProfile
from .profile_report import Profile
from .style import asset, document
from .summary import Summary

HEADINGS = {
    Summary: ("Layers and memory", "层与内存"),
    Profile: ("Time by layer and operator", "各层与各算子的时间"),
    CompiledProfile: ("Time of the compiled step", "编译步骤的时间"),
    Step: ("The compiled step", "编译后的步骤"),
    Report: ("What looks wrong", "可疑之处"),
}
"""What the part of a page is called, by its class, in each of `LANGUAGES`."""

TITLES = ("A model and its step", "模型及其训练步骤")
LANGUAGES = {"en": "en", "zh": "zh-Hans"}  # as HTML names them

MOST_TEXT = 1_200_000  # characters of the programs of a step, so that a page stays below 2 MB
STYLE = """
main { max-width: 78rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.4rem; margin: .5rem 0 1rem }
section { background: var(--sheet); border: 1px solid var(--line); border-radius: 12px;
  padding: .9rem 1.1rem; margin: 0 0 1rem; min-width: 0 }
h2 { font-size: 1.05rem; font-weight: 650; margin: 0 0 .6rem }
section section { border: 0; padding: 0 }
.wide { overflow-x: auto; max-width: 100% }
table { border-collapse: collapse; font-size: .82rem; font-variant-numeric: tabular-nums }
th { font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--line) }
th, td { padding: .25rem .7rem .25rem 0; white-space: nowrap; vertical-align: top;
  text-align: left }
tbody tr:nth-child(even) { background: color-mix(in srgb, var(--line) 28%, transparent) }
td:first-child { font-family: var(--mono) }
.lamina-table :is(th, td):first-child { position: sticky; left: 0; background: var(--sheet) }
.lamina-table td:nth-child(2)[style*="left"] { white-space: normal; min-width: 11rem }
p { margin: .35rem 0; color: var(--soft); font-size: .88rem; max-width: 90ch }
pre { overflow-x: auto; max-width: 100%; font: .75rem/1.45 var(--mono); max-height: 28rem;
  background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: .7rem }
@media (max-width: 40rem) { main { padding: .5rem } section { padding: .7rem .8rem }
  .lamina-table :is(th, td):first-child { white-space: normal; overflow-wrap: anywhere;
    min-width: 8rem; max-width: 45vw } }
@media print { section { break-inside: auto; border: 0 } pre { max-height: none;
  white-space: pre-wrap } th, td { white-space: normal } }
"""


def explain(path: Any, *parts: Any, title: str | None = None, language: str = "en") -> Path:
    """Write one HTML page, which needs no other file and no network.

    Args:
        path: of the page, such as ``"step.html"``.
        *parts: what to show, in this order: what `summary`, `profile` and `doctor` gave, and
            compiled steps that ran.
        title: its heading; None is one that fits any model.
        language: of headings, also of tables, and of steps: ``"en"``, or ``"zh"`` for 中文.
    Returns:
        The path.
    Raises:
        DTypeError: a part of another kind, or none.
        RangeError: another language.
        CheckpointWriteError: the disk refuses.
    Example:
        >>> import tempfile
        >>> from lamina.insight import summary
        >>> from lamina.layers import Linear
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = explain(f"{folder}/page.html", summary(Linear(3), (5, 4)))
        ...     "multiply-adds" in path.read_text()
        True
    """
    if not parts:
        raise DTypeError("explain: give what summary or profile gave, or a compiled step")
    if language not in LANGUAGES:
        known = ", ".join(map(repr, LANGUAGES))
        raise RangeError(f"explain: language should be one of {known}, got {language!r}")
    title = title or TITLES[list(LANGUAGES).index(language)]
    sections = "".join([_section(part, language) for part in parts])
    body = f"<main><h1>{_escaped(title)}</h1>{sections}</main>"
    page = document(title, LANGUAGES[language], asset("page.css") + STYLE + STEP_STYLE, body, "")
    to = Path(os.fspath(path))
    atomic_write(to, lambda file: file.write(page.encode()))
    return to


def _section(part: Any, language: str) -> str:
    names = next((names for kind, names in HEADINGS.items() if isinstance(part, kind)), None)
    if names is None:
        kinds = ", ".join([kind.__name__ for kind in HEADINGS])
        raise DTypeError(f"explain: a part should be one of {kinds}, got {part!r:.60}")
    if isinstance(part, Step):
        content = step_part(part.described(), language, MOST_TEXT)
    else:
        content = part.html(heads(language)).replace("<table", '<div class="wide"><table')
        content = content.replace("</table>", "</table></div>")
    heading = names[list(LANGUAGES).index(language)]
    return f"<section><h2>{heading}</h2>{content}</section>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
