"""Builds an experiment from a document: part by part, and every problem at once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as Folder
from typing import Any

from ...data import Loader
from ...layers import Layer
from ...optimizers import Optimizer
from ...random import seed
from . import fit
from .make import BROKEN, WRONG, Maker, of_user
from .name import KINDS
from .problem import Problems, did_you_mean, listed, nearest
from .section import NEEDED, TABLES, Config, Data, Evaluation, Training, keys_of
from .source import opened, transformed
from .toml import Document

LOADER = [name for name in inspect.signature(Loader).parameters if name != "dataset"]
"""What ``[data]`` takes for the loader."""


@dataclass
class Experiment:
    """What a config describes, made.

    Attributes:
        document: the config.
        folders: where its files are.
        config: seed, epochs and folder.
        loader: of what is learnt from.
        data: the sections' words about data.
        learnt: the dataset that is learnt from, as its source gives it.
        held_out: a dataset that is not; None if there is none.
        model: its Layer; its sizes are known after `Steps.build`.
        loss: of outputs and targets; or of the model and a batch.
        takes: which of the two, ``"outputs"`` or ``"model"``.
        optimizer: not set up yet.
        training: how it is trained.
        evaluation: what is measured.
    """

    document: Document
    folders: tuple[Folder, ...]
    config: Config
    loader: Loader
    data: Data
    learnt: Any
    held_out: Any
    model: Layer
    loss: Callable[..., Any]
    takes: str
    optimizer: Optimizer
    training: Training
    evaluation: Evaluation

    def in_order(self, dataset: Any) -> Loader:
        """A loader for measuring: all samples, always in the same order, and not augmented."""
        size = self.evaluation.batch_size or self.loader.batch_size
        return Loader(transformed(dataset, self.data.transform), size, shuffle=False)


def build(document: Document, folders: tuple[Folder, ...]) -> Experiment:
    """Make all that a config describes.

    The random streams start at its seed.

    Args:
        document: the config.
        folders: where files and modules of the user's are looked up, before those installed.
    Raises:
        ConfigError: everything that is wrong with it.
    """
    return _Build(document, folders).all()


class _Build:
    """The parts of an experiment, each with its problems."""

    def __init__(self, document: Document, folders: tuple[Folder, ...]):
        self.document, self.folders, self.tree = document, folders, document.tree
        self.problems = Problems(document)
        self.maker = Maker(self.problems, folders)

    def all(self) -> Experiment:
        config = self.config()
        seed(0 if config is BROKEN else config.seed)
        data, learnt, held_out, loader = self.data(config)
        known = config is not BROKEN and loader is not BROKEN
        self.maker.updates = config.epochs * len(loader) if known else 1  # else none will be made
        model = self.part("model", KINDS["layer"], Layer)
        takes = self.takes()
        loss = self.part("loss", KINDS["function"], Callable)
        optimizer = self.part("optimizer", KINDS["optimizer"], Optimizer, "name")
        training = self.section("training", Training)
        evaluation = self.section("evaluation", Evaluation)
        self.problems.check()
        return Experiment(
            self.document, self.folders, config, loader, data, learnt, held_out, model, loss,
            takes, optimizer, training, evaluation,
        )  # fmt: skip

    # -- the file ----------------------------------------------------------------------------

    def config(self) -> Any:
        """Its own keys; and whether all tables are there, and no others."""
        known = [*keys_of(Config), *TABLES]
        for name in self.tree:
            if name not in known:
                self.unknown_table(name, known)
        for name in NEEDED:
            if name not in self.tree:
                self.problems.add((), f"lacks [{name}]; a whole config: lamina train --example")
        own = {name: self.tree[name] for name in keys_of(Config) if name in self.tree}
        made = self.maker.construct((), Config, own, "a config")
        return self.in_range(made)

    def unknown_table(self, name: str, known: list[str]) -> None:
        """A key that belongs nowhere, or into one of the tables."""
        section = self.home_of(name)
        near = nearest(name, known)
        if near is None and section:
            self.problems.add((name,), f"belongs into [{section}]")
        else:
            hint = did_you_mean(name, known, f"; there are {listed(known)}")
            self.problems.add((name,), f"is no key of a config{hint}")

    def home_of(self, name: str) -> str:
        """The table that has a key of this name."""
        sections = {"data": [*keys_of(Data), *LOADER], "training": keys_of(Training)}
        sections |= {"evaluation": keys_of(Evaluation), "optimizer": ["lr"]}
        return next((section for section, keys in sections.items() if name in keys), "")

    def in_range(self, config: Any) -> Any:
        if config is BROKEN:
            return BROKEN
        for name, low in (("epochs", 1), ("seed", 0)):
            number = getattr(config, name)
            if number < low:
                self.problems.add((name,), f"should be {low} or more, got {number}")
                return BROKEN
        return config

    def table(self, name: str) -> dict[str, Any] | None:
        """A table of the file; None, and a problem, if something else stands there."""
        found = self.tree.get(name, {})
        if isinstance(found, dict):
            return found
        self.problems.add((name,), f"should be a table, [{name}], got {fit.shown(found)}")
        return None

    def section(self, name: str, kind: type) -> Any:
        """A section whose keys are fields."""
        table = self.table(name)
        return BROKEN if table is None else self.maker.construct((name,), kind, table, f"[{name}]")

    def part(self, name: str, kind: Any, wanted: Any, key: str = "") -> Any:
        """A section that is one object."""
        if name not in self.tree:
            return BROKEN
        value = self.tree[name]
        if name == "loss" and isinstance(value, dict):
            value = {word: x for word, x in value.items() if word != "takes"}
        made = self.maker.role((name,), value, kind, key)
        if made is not BROKEN and not fit.fits(made, wanted):
            self.problems.add((name,), f"should be {kind.words}, and makes {made!r:.60}")
            return BROKEN
        return made

    def takes(self) -> str:
        """What the loss is called with."""
        loss = self.tree.get("loss")
        takes = loss.get("takes", "outputs") if isinstance(loss, dict) else "outputs"
        if takes not in ("outputs", "model"):
            text = "outputs (and targets) or model (and the batch)"
            self.problems.add(("loss", "takes"), f"should be {text}, got {fit.shown(takes)}")
        return takes

    # -- data --------------------------------------------------------------------------------

    def data(self, config: Any) -> tuple[Any, Any, Any, Any]:
        """The section, the two datasets, and the loader of the first."""
        nothing = (BROKEN, BROKEN, BROKEN, BROKEN)
        table = self.table("data")
        if not table:
            return nothing
        own = {name: value for name, value in table.items() if name not in LOADER}
        section = self.maker.construct(("data",), Data, own, "[data]", LOADER)
        given = {name: value for name, value in table.items() if name in LOADER}
        loading = functools.partial(Loader, None)
        settings = self.maker.arguments(("data",), loading, given, words="[data]")
        if any(part is BROKEN for part in (section, settings, config)):
            return nothing
        try:
            learnt, held_out = opened(section, config.seed)
            changed = transformed(learnt, [*section.augment, *section.transform])
            loader = Loader(changed, **{"seed": config.seed, **settings[1]})
        except WRONG as error:
            self.problems.add(("data",), f"cannot be opened: {of_user(error)}")
            return nothing
        return section, learnt, held_out, loader
