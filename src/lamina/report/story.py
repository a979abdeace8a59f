"""What a report tells of one run: its folder, read, thinned, and cut to a size."""

from __future__ import annotations

import base64
import re
import string
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array
from ..compiler.described import Described
from ..errors import CheckpointError
from ..training import Run
from .layers import Layers, read_layers
from .read import PLACE, Columns, Note, json_file, number, records
from .thin import Curve, thin

CURVE_BYTES = 400_000  # of the page, for the curves of all runs
POINT_BYTES = 42  # of one point of a curve, about, with its share of the places
MOST_POINTS, FEWEST_POINTS = 800, 60  # of one curve
MOST_CURVES = 60  # of one run
SAMPLE_BYTES = 420_000  # of the page, for samples
MOST_TEXT = 6_000  # characters of one sample
GRAPH_BYTES = 230_000
COMPILED_BYTES = 240_000  # of programs and their sources
MOST_PROGRAMS = 6  # of a compiled step
MOST_EPOCHS = 200  # in the table
MOST_COLUMNS = 12  # of that table
SAMPLE = re.compile(r"(.+)-(\d{1,18})\.(png|txt)")
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Sample:
    """A picture or a text that the run left.

    Attributes:
        source: of a picture, as a ``data:`` address; or None.
        text: of a text; or None.
    """

    name: str
    iteration: int
    source: str | None = None
    text: str | None = None


@dataclass
class Story:
    """One run.

    Attributes:
        letter: how it is called in figures of several runs: A, B ...
        description: ``run.json``.
        curves: one for each metric.
        epochs: the records of epochs, as they are in the file; some, if there are many.
        notes: what the reader must know about missing or damaged files.
    """

    letter: str
    folder: Path
    description: dict[str, Any]
    curves: list[Curve] = field(default_factory=list)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    layers: Layers | None = None
    graph: str | None = None
    samples: list[Sample] = field(default_factory=list)
    nonfinite: dict[str, Any] | None = None
    compiled: list[Described] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The run's own, or that of its folder."""
        own = self.description.get("name")
        return own if isinstance(own, str) and own.strip() else self.folder.resolve().name

    def last(self, name: str) -> float | None:
        """The newest value of a metric; that of the last epoch, if there is one."""
        found = [curve.last for curve in self.curves if curve.name == name]
        if not found:
            metrics = self.description.get("metrics")
            return number(metrics.get(name)) if isinstance(metrics, dict) else None
        return found[-1]


def read_story(run: Run, index: int, of: int) -> Story:
    """Read a run folder.

    Args:
        run: the folder.
        index: of the run in the report, from 0.
        of: how many runs share the page.
    """
    folder = Path(run.folder)
    story = Story(string.ascii_uppercase[index], folder, run.description)
    steps, epochs = _read_metrics(story)
    _draw(story, steps, epochs, CURVE_BYTES // of)
    if (folder / "statistics.jsonl").is_file():
        story.layers = read_layers(folder / "statistics.jsonl", story.notes, of)
    if (folder / "nonfinite.json").is_file():
        story.nonfinite = json_file(folder / "nonfinite.json", story.notes)
    _read_compiled(story)
    _read_graph(story, GRAPH_BYTES // of)
    _read_samples(story, SAMPLE_BYTES // of)
    return story


def _read_metrics(story: Story) -> tuple[Columns, Columns]:
    steps, epochs = Columns(), Columns()
    path = story.folder / "metrics.jsonl"
    try:
        for record in records(path, story.notes):
            if record.get("event") == "epoch":
                epochs.add(record)
                story.epochs.append(record)
            elif record.get("event", "step") == "step":
                steps.add(record)
    except FileNotFoundError:
        story.notes.append(Note("no_metrics", {}))
    except OSError as error:
        story.notes.append(
            Note("unreadable", {"file": path.name, "why": error.strerror or str(error)})
        )
    else:
        if not steps.length and not epochs.length:
            story.notes.append(Note("empty_metrics", {}))
    return steps, epochs


def _draw(story: Story, steps: Columns, epochs: Columns, budget: int) -> None:
    """Thin the metrics, and say what an epoch is in iterations."""
    named = [("step", name) for name in steps.columns] + [("epoch", n) for n in epochs.columns]
    if len(named) > MOST_CURVES:
        story.notes.append(Note("many_curves", {"count": len(named), "shown": MOST_CURVES}))
        named = named[:MOST_CURVES]
    if not named:
        return
    most = budget // (POINT_BYTES * len(named))
    most = min(max(most, FEWEST_POINTS), MOST_POINTS)
    ends = _ends(epochs)
    for event, name in named:
        x, y = (steps if event == "step" else epochs).series(name)
        x[:, 1] = _in_epochs(x[:, 0], ends, x[:, 1])
        story.curves.append(thin(name, event, x, y, most))


def _ends(epochs: Columns) -> tuple[Array, Array]:
    """The iterations at which epochs ended, and how many had ended then; after 0, 0."""
    iterations, counts = (np.array([0.0, *epochs.place[name]]) for name in PLACE[:2])
    order = np.argsort(iterations, kind="stable")
    return iterations[order], counts[order]


def _in_epochs(iterations: Array, ends: tuple[Array, Array], given: Array) -> Array:
    """Where iterations lie between the ends of epochs; beyond the last, at the same pace."""
    if len(ends[0]) < 2:
        return given
    found = np.interp(iterations, *ends)
    pace = ends[1][-1] / ends[0][-1] if ends[0][-1] > 0 else 0.0
    return np.where(
        iterations > ends[0][-1], ends[1][-1] + pace * (iterations - ends[0][-1]), found
    )


def _read_compiled(story: Story) -> None:
    path = story.folder / "compiled.json"
    found = json_file(path, story.notes) if path.is_file() else None
    if found is None:
        return
    try:
        programs = found.get("programs")
        if not isinstance(programs, list):
            raise CheckpointError("there are no programs in it")
        story.compiled = [Described.of_dict(program) for program in programs[:MOST_PROGRAMS]]
    except CheckpointError:
        story.notes.append(Note("damaged_file", {"file": path.name}))


# -- pictures and texts --------------------------------------------------------------------------


def _read_graph(story: Story, budget: int) -> None:
    path = story.folder / "graph.svg"
    if not path.is_file():
        return
    try:
        content = path.read_bytes()
    except OSError as error:
        fill = {"file": path.name, "why": error.strerror or str(error)}
        story.notes.append(Note("unreadable", fill))
        return
    if len(content) * 4 // 3 > budget:
        story.notes.append(Note("large_graph", {"file": path.name, "size": len(content)}))
    elif b"<svg" not in content[:1000] or b"</svg>" not in content[-100:]:
        story.notes.append(Note("damaged_file", {"file": path.name}))
    else:
        story.graph = _data("image/svg+xml", content)


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _read_samples(story: Story, budget: int) -> None:
    """The newest of each name first; then older ones, as long as there is room."""
    folder = story.folder / "samples"
    if not folder.is_dir():
        return
    left_out = 0
    for name, iteration, path in _newest_first(folder):
        try:
            sample = _sample(name, iteration, path, budget)
        except OSError as error:
            fill = {"file": f"samples/{path.name}", "why": error.strerror or str(error)}
            story.notes.append(Note("unreadable", fill))
            continue
        if sample is None:
            story.notes.append(Note("damaged_file", {"file": f"samples/{path.name}"}))
            continue
        size = len(sample.source or "") + 4 * len(sample.text or "")
        if size > budget:
            left_out += 1
            continue
        budget -= size
        story.samples.append(sample)
    if left_out:
        story.notes.append(Note("samples_left_out", {"count": left_out}))


def _newest_first(folder: Path) -> list[tuple[str, int, Path]]:
    """Name, iteration and path: all newest ones, then all second newest ..."""
    by_name: dict[str, list[tuple[int, Path]]] = {}
    for path in sorted(folder.iterdir()):
        match = SAMPLE.fullmatch(path.name)
        if match and path.is_file():
            by_name.setdefault(match[1], []).append((int(match[2]), path))
    ranked = [
        (rank, name, iteration, path)
        for name, found in by_name.items()
        for rank, (iteration, path) in enumerate(sorted(found, reverse=True))
    ]
    return [(name, iteration, path) for _, name, iteration, path in sorted(ranked)]


def _sample(name: str, iteration: int, path: Path, budget: int) -> Sample | None:
    """None: what should be a picture is none."""
    if path.suffix == ".txt":
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(MOST_TEXT + 1)
        cut = text[:MOST_TEXT] + "…" if len(text) > MOST_TEXT else text
        return Sample(name, iteration, text=cut)
    with open(path, "rb") as file:
        content = file.read(budget + 1)
    if not content.startswith(PNG):
        return None
    return Sample(name, iteration, source=_data("image/png", content))
