"""The sections of a config and their keys, as dataclasses: annotations say what fits."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, Literal

from .name import KINDS

Source = Annotated[Any, KINDS["source"]]
Share = Annotated[Any, replace(KINDS["source"], words="a source of data, or a share such as 0.2")]
Transform = Annotated[Any, KINDS["transform"]]
Metric = Annotated[Any, KINDS["metric"]]
Callback = Annotated[Any, KINDS["callback"]]


@dataclass(frozen=True)
class Config:
    """The file itself; its tables are looked into later, one after the other."""

    epochs: int
    seed: int = 0
    folder: str | None = None


@dataclass(frozen=True)
class Data:
    """``[data]``; beside these keys it takes what a `Loader` takes."""

    source: Source
    held_out: Share = None
    transform: list[Transform] = field(default_factory=list)
    augment: list[Transform] = field(default_factory=list)


@dataclass(frozen=True)
class Training:
    """``[training]``"""

    compile: Literal["auto", "replay", "native", "off"] = "auto"
    profile: bool = False
    callbacks: list[Callback] = field(default_factory=list)


@dataclass(frozen=True)
class Evaluation:
    """``[evaluation]``"""

    metrics: list[Metric] = field(default_factory=list)
    every: int = 1
    batch_size: int | None = None


TABLES = ("data", "model", "loss", "optimizer", "training", "evaluation")
NEEDED = ("data", "model", "loss", "optimizer")


def keys_of(section: type) -> list[str]:
    """The keys of a section."""
    return [found.name for found in fields(section)]
