"""Run: the folder of a training, plain files that can be read without lamina."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import CheckpointError
from ..files import atomic_write
from ..files.disk import DISK, Disk
from ..storage import Checkpoints
from . import lines

KIND, VERSION = "lamina run", 1
NAME = "run.json"
WRITTEN = ("compiled.json", "nonfinite.json")
FOLDERS = ("checkpoints", "samples", "tensorboard")
SAMPLE = re.compile(r"(.+)-(\d{9,18})\.(png|txt)")


class Sample(NamedTuple):
    """One file of ``samples/``."""

    name: str
    iteration: int
    path: Path


class Unsynced(Disk):
    """A file that is renamed whole, but may be the old one again after a loss of power."""

    def fsync(self, fd: int) -> None:
        """Does not wait."""

    def sync_folder(self, path: str) -> None:
        """Does not wait."""


UNSYNCED = Unsynced()


class Run:
    """The folder of a run: ``run.json``, ``metrics.jsonl``, checkpoints and what else was written.

    Args:
        folder: holds a ``run.json``, which a `Trainer` writes.
    Raises:
        CheckpointError: it holds none.
    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp()) / "first"
        >>> run = Run.make(folder)
        >>> run.describe({"status": "running"})
        >>> Run(folder).description
        {'kind': 'lamina run', 'version': 1, 'status': 'running'}
        >>> Run(folder).metrics()
        []
    """

    def __init__(self, folder: str | os.PathLike[str]):
        self.folder = Path(folder)
        if not (self.folder / NAME).is_file():
            raise CheckpointError(f"Run: {self.folder} is no run: there is no {NAME} in it")

    @classmethod
    def make(cls, folder: str | os.PathLike[str]) -> Run:
        """A run that is to be written: the folder is made, where it is missing."""
        run = cls.__new__(cls)
        run.folder = Path(folder)
        run.folder.mkdir(parents=True, exist_ok=True)
        return run

    # -- reading -----------------------------------------------------------------------------

    @property
    def description(self) -> dict[str, Any]:
        """What ``run.json`` holds now.

        Raises:
            CheckpointError: it is not what lamina writes.
        """
        path = self.folder / NAME
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise CheckpointError(f"Run: there is no {path} any more") from None
        except (ValueError, RecursionError) as error:
            raise CheckpointError(f"Run: {path} is damaged: {error}") from None
        kind, version = (found.get("kind"), found.get("version")) if _is_dict(found) else ("", 0)
        if kind != KIND:
            raise CheckpointError(f"Run: {path} is not that of a run: its kind is {kind!r:.60}")
        if version != VERSION:
            raise CheckpointError(
                f"Run: {path} is of version {version!r:.60}, and {VERSION} can be read; a later "
                "lamina may have written it"
            )
        return found

    def metrics(self, event: str | None = None) -> list[dict[str, Any]]:
        """The records of ``metrics.jsonl``.

        Args:
            event: ``"epoch"`` or ``"step"``: these only.
        Raises:
            CheckpointError: a line other than the last is damaged.
        """
        records = lines.read(self.folder / "metrics.jsonl")
        return [r for r in records if event is None or r.get("event") == event]

    def statistics(self) -> list[dict[str, Any]]:
        """The records of ``statistics.jsonl``."""
        return lines.read(self.folder / "statistics.jsonl")

    def samples(self) -> list[Sample]:
        """The files of ``samples/``, by name and iteration."""
        folder = self.folder / "samples"
        if not folder.is_dir():
            return []
        found = [(SAMPLE.fullmatch(path.name), path) for path in folder.iterdir()]
        return sorted(Sample(m[1], int(m[2]), path) for m, path in found if m)

    def checkpoints(self, keep: int = 3, best: str | None = None) -> Checkpoints:
        """The folder of its checkpoints."""
        return Checkpoints(self.folder / "checkpoints", keep, best)

    # -- writing -----------------------------------------------------------------------------

    def describe(self, description: dict[str, Any]) -> None:
        """Write ``run.json``, whole or not at all."""
        content = {"kind": KIND, "version": VERSION, **lines.finite(description)}
        text = json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n"
        self.write(NAME, lambda file: file.write(text.encode()))

    def write(self, name: str, write: Callable[[Any], object]) -> Path:
        """Write a file of the folder, whole or not at all; its path.

        It is not waited for the disk itself: what must survive a loss of power is a checkpoint.
        """
        path = self.folder / name
        atomic_write(path, write, make_folders=True, disk=UNSYNCED)
        return path

    def sync(self) -> None:
        """Wait until all lines that were handed to the system are on the disk itself.

        Raises:
            CheckpointWriteError: the disk refused.
        """
        for path in sorted(self.folder.glob("*.jsonl")):
            lines.sync(path)
        DISK.sync_folder(str(self.folder))

    def cut(self, iteration: int, epoch: int) -> None:
        """Cut off what was written behind a checkpoint: lines, and samples of later steps."""
        for path in sorted(self.folder.glob("*.jsonl")):
            lines.cut(path, iteration, epoch)
        for sample in self.samples():
            if sample.iteration > iteration:
                sample.path.unlink()

    def is_begun(self) -> bool:
        """Whether there is something of a run, which a new one would be mixed with."""
        names = [NAME, "metrics.jsonl", "statistics.jsonl", *FOLDERS]
        return any((self.folder / name).exists() for name in names)

    def clear(self) -> None:
        """Remove what a run writes, and nothing else; ``run.json`` first."""
        files = [self.folder / name for name in (NAME, *WRITTEN)]
        for path in [*files, *sorted(self.folder.glob("*.jsonl"))]:
            path.unlink(missing_ok=True)
        for name in FOLDERS:
            if (self.folder / name).is_dir():
                shutil.rmtree(self.folder / name)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)
