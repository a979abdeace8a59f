"""Two runs compared: the first tensor that differs, and what differs before."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CheckpointError
from ..storage import Checkpoints, load_npz
from .fingerprint import FILE, read_lines

Values = tuple[Any, Any]

NOTED = ("config", "environment", "model")
"""The parts of ``run.json`` that say how a run was made."""


@dataclass(frozen=True)
class Difference:
    """What differs between two runs; prints as text.

    Attributes:
        runs: their folders.
        by: what was compared: ``"hashes"``, ``"metrics"`` where one of the runs has no hashes, or
            ``"nothing"`` where there is no step that both wrote.
        steps: how many steps both wrote, up to the first that differs.
        iteration: that step; None if none does. 0 is the start.
        tensor: the first that differs in it, such as ``"output/l1"``, or the first metric.
        values: its two hashes, or the two numbers.
        since: the last step before that was the same; None at the first.
        agreed: tensors of that step that come before, and are the same.
        others: tensors of that step that differ, too, in order.
        only: names that only the first run has in that step, and only the second.
        settings: by a name such as ``"config.optimizer.lr"``, the two values that differ; None
            stands for none.
        drawn: whether parameters of the tensor's Layer were made in that step.
        weights: of the first checkpoint of one step that differs: its step, a parameter, and the
            largest difference; None if there is none, or hashes tell more.
    """

    runs: tuple[str, str]
    by: str = "nothing"
    steps: int = 0
    iteration: int | None = None
    tensor: str | None = None
    values: Values | None = None
    since: int | None = None
    agreed: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    only: tuple[list[str], list[str]] = field(default_factory=lambda: ([], []))
    settings: dict[str, Values] = field(default_factory=dict)
    weights: tuple[int, str, float] | None = None
    drawn: bool = False

    @property
    def same(self) -> bool:
        """Whether steps were compared, and nothing in them differs."""
        return self.by != "nothing" and self.iteration is None and self.weights is None

    @property
    def layer(self) -> str:
        """The path of the Layer that the tensor belongs to; empty if it belongs to none."""
        kind, _, path = (self.tensor or "").partition("/")
        if kind == "output":
            return path.partition("#")[0].partition(":")[0]
        return path.rpartition("/")[0] if kind in ("gradient", "parameter", "buffer") else ""

    @property
    def reason(self) -> str:
        """Where to look, from what is the same before it."""
        return _reason(self)

    def __str__(self) -> str:
        a, b = self.runs
        lines = [("First difference", self._first())]
        if self.values is not None:
            lines.append(("", f"{self.values[0]} in {a}, {self.values[1]} in {b}"))
        if self.iteration is not None:
            lines.append(("Look at", self.reason))
            lines.append(("Same before", self._before()))
        if self.others:
            lines.append(("Also differ", _few(self.others)))
        for run, names in zip(self.runs, self.only, strict=True):
            if names:
                lines.append((f"Only in {run}", _few(names)))
        if self.weights is not None:
            step, name, largest = self.weights
            lines.append(("Checkpoints", f"of step {step}: {name} differs by up to {largest:.3g}"))
        shown = [f"{key}: {_shown(x)} and {_shown(y)}" for key, (x, y) in self.settings.items()]
        lines += [("Settings" if not i else "", text) for i, text in enumerate(shown or ["same"])]
        width = max(len(head) for head, _ in lines) + 2
        return "\n".join(f"{head:{width}}{text}".rstrip() for head, text in lines)

    def _first(self) -> str:
        if self.by == "nothing":
            return "unknown: there is no step that both runs wrote"
        if self.iteration is None:
            return f"none in {self.steps} steps, by {self.by}"
        when = f"step {self.iteration}" if self.iteration else "the start"
        return f"{when}, {self.tensor}"

    def _before(self) -> str:
        steps = "nothing" if self.since is None else f"all up to step {self.since}"
        if self.since == 0:
            steps = "the start"
        tensors = f"{len(self.agreed)} of this step" if self.agreed else ""
        return " and ".join(filter(None, [steps if self.since is not None else "", tensors])) or (
            "nothing"
        )

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON takes it."""
        return {
            "same": self.same,
            "runs": list(self.runs),
            "by": self.by,
            "steps": self.steps,
            "iteration": self.iteration,
            "tensor": self.tensor,
            "layer": self.layer,
            "values": None if self.values is None else list(self.values),
            "since": self.since,
            "agreed": self.agreed,
            "others": self.others,
            "only": [list(names) for names in self.only],
            "settings": {key: list(values) for key, values in self.settings.items()},
            "weights": None if self.weights is None else list(self.weights),
            "reason": self.reason,
        }


def diff(run1: Any, run2: Any) -> Difference:
    """The first tensor in which two runs differ, and the settings in which they do.

    Runs that wrote hashes, with the callback `Fingerprints`, are compared tensor by tensor, in
    order of computation. Others are compared by their metrics, which tells the step, and by their
    checkpoints, which tell the parameters.

    Args:
        run1: the folder of a run, or a `Run`.
        run2: another.
    Returns:
        What differs; ``str`` of it is for people, ``as_dict()`` for programs.
    Raises:
        CheckpointError: a folder that holds no run, or a file in it that is damaged.
    """
    folders = folder_of(run1), folder_of(run2)
    runs = str(folders[0]), str(folders[1])
    settings = _settings(*(_description(folder) for folder in folders))
    logs = [_hashes(folder) for folder in folders]
    if all(logs):
        return _compare(runs, "hashes", logs[0], logs[1], settings)
    logs = [_metrics(folder) for folder in folders]
    return _compare(runs, "metrics", logs[0], logs[1], settings, _weights(*folders))


def folder_of(run: Any) -> Path:
    """The folder of a run that is given as a path or as a `Run`."""
    return Path(os.fspath(getattr(run, "folder", run)))


# -- what a run wrote ----------------------------------------------------------------------------


def _description(folder: Path) -> dict[str, Any]:
    path = folder / "run.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"diff: {folder} is no run: it has no run.json") from None
    except (ValueError, OSError) as error:
        raise CheckpointError(f"diff: {path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise CheckpointError(f"diff: {path} should hold an object")
    return found


Log = dict[int, dict[str, Any]]
"""By step, by name."""


def _hashes(folder: Path) -> Log:
    path = folder / FILE
    return {
        _iteration(line, path, number): dict(line["hashes"])
        for number, line in enumerate(read_lines(str(path)), 1)
        if isinstance(line.get("hashes"), dict)
    }


def _metrics(folder: Path) -> Log:
    path, found = folder / "metrics.jsonl", {}
    for number, line in enumerate(read_lines(str(path)), 1):
        if line.get("event") == "step":
            names = [key for key in line if key not in ("event", "iteration", "epoch", "seconds")]
            found[_iteration(line, path, number)] = {name: line[name] for name in names}
    return found


def _iteration(line: dict[str, Any], path: Path, number: int) -> int:
    iteration = line.get("iteration")
    if not isinstance(iteration, int):
        raise CheckpointError(f"{path}, line {number}: iteration should be a number of steps")
    return iteration


def _weights(a: Path, b: Path) -> tuple[int, str, float] | None:
    """The first pair of checkpoints that differ in a parameter or buffer."""
    both = [Checkpoints(folder / "checkpoints") for folder in (a, b)]
    for step in sorted(set(both[0].steps()) & set(both[1].steps())):
        arrays = [
            load_npz(folder / "checkpoints" / f"step-{step:09d}.npz", prefix="model/")[0]
            for folder in (a, b)
        ]
        for name, first in arrays[0].items():
            second = arrays[1].get(name)
            if second is not None and not np.array_equal(first, second, equal_nan=True):
                return step, name.removeprefix("model/"), _largest(first, second)
    return None


def _largest(a: Any, b: Any) -> float:
    if a.shape != b.shape:
        return float("inf")
    return float(np.max(np.abs(np.subtract(a, b, dtype=np.float64)))) if a.size else 0.0


# -- what differs --------------------------------------------------------------------------------


def _settings(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Values]:
    first, second = (dict(_flat({key: run.get(key) for key in NOTED})) for run in (a, b))
    names = dict.fromkeys([*first, *second])
    return {
        name: (first.get(name), second.get(name))
        for name in names
        if first.get(name) != second.get(name) and name != "config.folder"
    }


def _flat(x: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(x, dict):
        for key, item in x.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, x


def _compare(
    runs: tuple[str, str],
    by: str,
    a: Log,
    b: Log,
    settings: dict[str, Values],
    weights: tuple[int, str, float] | None = None,
) -> Difference:
    common = sorted(a.keys() & b.keys())
    since = None
    for count, step in enumerate(common):
        first, second = a[step], b[step]
        shared = [name for name in first if name in second]
        differ = [name for name in shared if not _equal(first[name], second[name])]
        if differ:
            at = shared.index(differ[0])
            own = f"parameter/{differ[0].partition('/')[2]}/"
            before = {} if since is None else a[since]
            drawn = any(name.startswith(own) and name not in before for name in first)
            return Difference(
                runs, by, count + 1, step, differ[0], (first[differ[0]], second[differ[0]]), since,
                shared[:at], differ[1:],
                ([n for n in first if n not in second], [n for n in second if n not in first]),
                settings, weights, drawn,
            )  # fmt: skip
        since = step
    return Difference(
        runs, by if common else "nothing", len(common), settings=settings, weights=weights
    )


def _equal(a: Any, b: Any) -> bool:
    return a == b or (a != a and b != b)  # NaN twice is the same


def _reason(d: Difference) -> str:
    if d.iteration is None or d.tensor is None:
        return ""
    if d.by == "metrics":
        return "the settings; to see which tensor is the first, run both with Fingerprints()"
    kind = d.tensor.partition("/")[0]
    if d.iteration == 0:
        return "the start: another seed, another initializer, or other weights that were loaded"
    if d.since is not None and d.iteration - d.since > 1 and kind != "batch":
        return (
            f"the steps from {d.since + 1} on, which were not written; run both with "
            "Fingerprints(every=1) from a checkpoint before"
        )
    first = "this layer: its weights were drawn in this step, from another seed; or "
    if kind == "output" and d.drawn:
        return first + REASONS[kind].removeprefix("this layer: ")
    return REASONS.get(kind, "what computes it")


REASONS = {
    "batch": "the data: other files, another order (the seed of the Loader), or another transform",
    "output": "this layer: what it got is the same, so it draws other random numbers (dropout), or "
    "computes by another kernel, dtype or number of threads",
    "loss": "what stands between batch and loss: no output before it differs, of those written",
    "value": "how this value is computed: the loss is the same",
    "gradient": "backward: the loss is the same. Another kernel, another order of sums, or a hook",
    "parameter": "the update: batch, loss and gradients are the same, so optimizer, learning rate, "
    "clipping or decay differ",
    "buffer": "what changes this buffer: gradients and parameters are the same",
}
"""By the kind of the first tensor that differs, where it is written at every step."""


def _few(names: list[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _shown(x: Any) -> str:
    return "none" if x is None else str(x)
