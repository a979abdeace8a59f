"""One HTML file that tells of runs, and asks for nothing from any network."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from ..compiler.page import STYLE
from ..errors import DTypeError, RangeError
from ..files import atomic_write
from ..storage.checkpoint import versions
from ..training import Run
from . import sections
from .charts import chart_data
from .markup import Markup, data, tag
from .story import Story, read_story
from .words import LANGUAGES, Words

MOST_RUNS = 12  # on one page: more colours than that nobody tells apart
SECTIONS = (
    *(sections.notes, sections.nonfinite, sections.headline, sections.curves, sections.layers),
    *(sections.samples, sections.graph, sections.compiled, sections.config, sections.environment),
)
SCRIPTS = ("number.js", "chart.js", "strips.js", "page.js")

Folder = str | os.PathLike[str]


def write(
    runs: Run | Folder | Sequence[Run | Folder],
    path: Folder | None = None,
    language: str = "en",
) -> Path:
    """Write a report of one run, or one that compares several: a single HTML file.

    Curves, configuration, environment, statistics of parameters and gradients, samples, the graph,
    the compiled step, and where a NaN came from: whatever the folders hold. Damaged files are left
    out, and the page says so. It is smaller than 2 MB: long curves are thinned, and keep their
    spikes.

    Args:
        runs: folders that a `Trainer` wrote, finished or not; at most 12.
        path: the file to write; None is ``report.html`` in the run's folder, or, of several runs,
            in the nearest folder that all of them are in.
        language: ``"en"``, or ``"zh"`` for 中文.
    Returns:
        The path of the file.
    Raises:
        RangeError: no run, more than 12, or another language.
        CheckpointError: a folder is no run, or its ``run.json`` is damaged.
        CheckpointWriteError: the disk refuses.
    """
    if language not in LANGUAGES:
        known = ", ".join(map(repr, LANGUAGES))
        raise RangeError(f"report: language should be one of {known}, got {language!r}")
    found = _runs(runs)
    target = Path(path) if path is not None else _usual_path(found)
    text = page(found, language)
    atomic_write(
        target, lambda file: file.write(text.encode("utf-8", "replace")), make_folders=True
    )
    return target


def _runs(runs: Run | Folder | Sequence[Run | Folder]) -> list[Run]:
    listed = [runs] if isinstance(runs, Run | str | os.PathLike) else list(runs)
    if not 1 <= len(listed) <= MOST_RUNS:
        raise RangeError(f"report: should get 1 to {MOST_RUNS} runs, got {len(listed)}")
    for run in listed:
        if not isinstance(run, Run | str | os.PathLike):
            raise DTypeError(f"report: a run should be a folder, got {run!r:.60}")
    return [run if isinstance(run, Run) else Run(run) for run in listed]


def _usual_path(runs: list[Run]) -> Path:
    if len(runs) == 1:
        return Path(runs[0].folder) / "report.html"
    folders = {os.path.abspath(run.folder) for run in runs}
    try:
        return Path(os.path.commonpath(folders)) / "report.html"
    except ValueError:
        raise RangeError(
            "report: the runs are on several drives; give a path to write to"
        ) from None


def page(runs: Sequence[Run], language: str = "en") -> str:
    """The report, as text.

    Raises:
        CheckpointError: a ``run.json`` is damaged.
    """
    stories = [read_story(run, i, len(runs)) for i, run in enumerate(runs)]
    words = Words(language)
    bodies = [(make.__name__, make(stories, words)) for make in SECTIONS]
    there = [(body, _key_of(body)) for _, body in bodies if body]
    title = _title(stories, words)
    script = "\n".join(map(_part, SCRIPTS))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", Markup(_part("page.css") + STYLE)),
    )
    body = tag(
        "body",
        tag("a", words("skip"), href="#curves", class_="skip"),
        tag("div", id="announce", aria_live="polite", class_="unseen"),
        _header(stories, title, words),
        _contents([key for _, key in there], words),
        tag("main", *[body for body, _ in there]),
        tag("footer", words("made_by", version=versions()["lamina"])),
        tag("script", data(chart_data(stories, words)), type="application/json", id="data"),
        tag("script", Markup(script)),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang=LANGUAGES[language])}\n"


def _key_of(body: Markup) -> str:
    """The id of a section."""
    return body.split('id="', 1)[1].split('"', 1)[0].removesuffix("-heading")


def _part(name: str) -> str:
    return files(__package__ or "").joinpath(name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """Only this page's own script runs, and nothing is loaded: whatever stands in a run's files."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    parts = (
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(parts)


def _title(stories: list[Story], words: Words) -> str:
    if len(stories) == 1:
        return words("title_one", name=stories[0].name[:120])
    return words("title_many", count=len(stories))


def _header(stories: list[Story], title: str, words: Words) -> Markup:
    choices = [tag("option", words(f"theme_{key}"), value=key) for key in ("auto", "light", "dark")]
    theme = tag("label", words("theme"), " ", tag("select", *choices, id="theme"), class_="screen")
    many = len(stories) > 1
    heading = title if many else stories[0].name[:120]
    line = None if many else sections.status_line(stories[0], words)
    return tag("header", tag("div", tag("h1", heading), line), theme)


def _contents(keys: list[str], words: Words) -> Markup:
    short = {"nonfinite": "nonfinite_link"}
    links = [tag("a", words(short.get(key, key)), href=f"#{key}") for key in keys]
    return tag("nav", *links, aria_label=words("contents"), class_="screen")
