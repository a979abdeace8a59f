"""An experiment at work: its step, its trainer, and the folder from which it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ...arrays import Array, is_array
from ...compiler import compile
from ...config import no_grad, test_mode
from ...data import Loader
from ...errors import CheckpointError, ConfigError, LaminaError
from ...files import atomic_write
from ...insight import NonFinite, graph
from ...layers import Layer
from ...training import Average, Checkpoint, Run, Statistics, Trainer
from . import name
from .build import Experiment, build
from .held_out import HeldOut
from .make import title
from .override import changed
from .table import ENDINGS, read_arrays
from .toml import Document, parse, text_of

CONFIG = "config.toml"
"""The name of the config in a run's folder."""

MOST_BOXES = 200  # of a picture that can be looked at whole


# -- from files ----------------------------------------------------------------------------------


def read(path: Path, words: list[str]) -> Experiment:
    """The experiment of a config, with what the command line changes.

    Raises:
        ConfigError: it is no TOML, or an override is none, or what it says cannot be made.
        OSError: it cannot be read.
    """
    return build(changed(document_of(path), words), (path.resolve().parent, Path.cwd()))


def document_of(path: Path) -> Document:
    """The document of a file.

    Raises:
        ConfigError: it is no TOML.
        OSError: it cannot be read.
    """
    if path.is_dir():
        raise ConfigError(f"{path} is a folder, and a config is a file, such as digits.toml")
    try:
        return parse(path.read_bytes().decode(), path.name)
    except ValueError as error:  # of tomllib, or of text that is no UTF-8
        words = str(error).partition(" (at ")
        place = f", {words[2].rstrip(')')}" if words[2] else ""
        raise ConfigError(f"{path.name}{place}: is no TOML: {words[0]}") from None


def of_run(folder: Path, words: list[str]) -> tuple[Run, Experiment]:
    """A run and its experiment, from its folder alone.

    Raises:
        CheckpointError: it is no run, or none that ``lamina train`` made.
        ConfigError: an override is wrong.
    """
    run = Run(folder)
    path = folder / CONFIG
    if not path.is_file():
        raise CheckpointError(
            f"{folder}: there is no {CONFIG} in it: it is a run of a program, not of lamina train; "
            "go on with that program"
        )
    return run, read(path, words)


def keep(experiment: Experiment, folder: Path) -> None:
    """Write the config, and the user's files that it names, into the folder of a run."""
    document = experiment.document
    text = document.text or text_of(document.tree)
    atomic_write(folder / CONFIG, lambda file: file.write(text.encode()), make_folders=True)
    for file, inside in name.files(experiment.folders):
        content = file.read_bytes()
        target = folder / inside
        if target.resolve() != file.resolve():
            atomic_write(target, lambda f, c=content: f.write(c), make_folders=True)


# -- at work -------------------------------------------------------------------------------------


class Work:
    """A model that is built, and an optimizer that is set up; what a Trainer needs.

    Args:
        experiment: as it was made from its config.
    Raises:
        ConfigError: the model or the loss cannot take the first batch.
    """

    def __init__(self, experiment: Experiment):
        self.experiment = experiment
        self.model, self.optimizer = experiment.model, experiment.optimizer
        self.metrics = named(experiment.evaluation.metrics)
        self._build()
        with told(f"{experiment.document.label}: the optimizer cannot be set up"):
            self.optimizer.setup(self.model)
        self.averages = [c for c in experiment.training.callbacks if isinstance(c, Average)]
        for callback in self.averages:
            callback.average.setup(self.model)

    def _build(self) -> None:
        """Run the first batch once: sizes are learnt, and what does not fit is told now."""
        label = self.experiment.document.label
        with told(f"{label}: the first batch cannot be made"):
            batch = self.first = first_batch(self.experiment.loader)
        with (
            told(f"{label}: model and loss cannot take the first batch, {in_words(batch)}"),
            no_grad(),
            test_mode(),
        ):
            self.loss_with(self.model, *batch)

    def outputs_and_loss(self, model: Layer, *batch: Any) -> tuple[Any, Any]:
        """The outputs of a model, where they are known, and the loss of a batch."""
        experiment = self.experiment
        if experiment.takes == "model":
            return None, experiment.loss(model, *batch)
        if len(batch) < 2:
            raise ConfigError(
                f"{experiment.document.place(('loss',))}: loss takes outputs and targets, and a "
                'batch is one array; takes = "model" calls it with the model and the batch'
            )
        *inputs, targets = batch
        outputs = model(*inputs)
        return outputs, experiment.loss(outputs, targets)

    def loss_with(self, model: Layer, *batch: Any) -> Any:
        """The loss of a batch, with any model of this kind."""
        return self.outputs_and_loss(model, *batch)[1]

    def draw(self, path: Path) -> None:
        """Draw the computation of the first batch, as an SVG; that of many operators by layers."""
        with test_mode():
            picture = graph(lambda: self.loss_with(self.model, *self.first))
        if len(picture.boxes) > MOST_BOXES:
            picture = picture.folded(1)
        picture.save(path)

    def step(self) -> Callable[..., Any]:
        """The step of training, compiled if the config says so."""
        model, optimizer, loss_with = self.model, self.optimizer, self.loss_with

        def step(*batch: Any) -> Any:
            loss = loss_with(model, *batch)
            model.cleargrads()
            loss.backward()
            optimizer.update()
            return loss

        training = self.experiment.training
        if training.compile == "off":
            return step
        return compile(step, backend=training.compile, profile=training.profile)

    def measuring(self, data: str = "held_out") -> HeldOut:
        """What measures the loss and the metrics.

        Args:
            data: ``held_out``, ``train``, or the name of a file.
        Raises:
            ConfigError: there are no such data, or metrics of what is not known.
        """
        experiment = self.experiment
        if self.metrics and experiment.takes == "model":
            raise ConfigError(
                f"{experiment.document.place(('evaluation', 'metrics'))}: metrics need outputs and "
                "targets, which a loss that takes the model does not show"
            )
        loader = experiment.in_order(self._dataset(data))
        return HeldOut(loader, self._measured, self.metrics, experiment.evaluation.every)

    def _measured(self, *batch: Any) -> tuple[Any, Any]:
        outputs, loss = self.outputs_and_loss(self.model, *batch)
        return loss, outputs

    def _dataset(self, data: str) -> Any:
        if data == "train":
            return self.experiment.learnt
        if data != "held_out":
            if not data.endswith(ENDINGS):
                raise ConfigError(
                    f"--data should be held_out, train, or a file that ends in "
                    f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}, got {data!r}"
                )
            return tuple(self._as_batch(read_arrays(Path(data)), data))
        if self.experiment.held_out is None:
            raise ConfigError(
                f"{self.experiment.document.label}: nothing is held out: the source has no "
                "train=False, and data.held_out names no other; --data takes a file, or train"
            )
        return self.experiment.held_out

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Test mode, no gradients, and averages in place of the weights where there are any."""
        with ExitStack() as around:
            for callback in self.averages:
                around.enter_context(callback.evaluating())
            around.enter_context(no_grad())
            around.enter_context(test_mode())
            yield

    # -- new data ----------------------------------------------------------------------------

    def inputs(self, arrays: list[Array], label: str) -> Loader:
        """Arrays from a file as what the model takes: dtypes, shapes, transforms, batches."""
        raw = self._raw()
        known = raw if self.experiment.takes == "model" or len(raw) == 1 else raw[:-1]
        fitted = fitting(arrays, known, label)
        return self.experiment.in_order(tuple(fitted))

    def _raw(self) -> tuple[Any, ...]:
        """The first batch as the source gives it, before transforms."""
        return first_batch(Loader(self.experiment.learnt, self.experiment.loader.batch_size))

    def _as_batch(self, arrays: list[Array], label: str) -> list[Array]:
        raw = self._raw()
        if label.endswith(".csv") and len(raw) == 2:
            arrays = [arrays[0][:, :-1], arrays[0][:, -1]]  # a table: the target stands last
        return fitting(arrays, raw, label)

    def trainer(self, folder: Path, **settings: Any) -> Trainer:
        """The trainer of this run."""
        experiment = self.experiment
        callbacks: list[Any] = list(experiment.training.callbacks)
        measures = experiment.held_out is not None
        if measures:
            callbacks.insert(0, self.measuring())
        usual = Checkpoint(best="held_out/loss" if measures else None), NonFinite(), Statistics()
        given = {type(callback) for callback in callbacks}
        callbacks += [callback for callback in usual if type(callback) not in given]
        trainer = Trainer(
            self.step(),
            experiment.loader,
            experiment.config.epochs,
            self.model,
            self.optimizer,
            folder,
            callbacks,
            experiment.document.tree,
        )
        trainer.resume_command = ["lamina", "resume", str(folder)]
        return trainer


def named(metrics: list[Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Metrics by their names; a second one of a name is called ``f1-2``."""
    found: dict[str, Callable[..., Any]] = {}
    for metric in metrics:
        count = sum(title(other) == title(metric) for other in found.values())
        found[f"{title(metric)}-{count + 1}" if count else title(metric)] = metric
    return found


@contextmanager
def told(what: str) -> Iterator[None]:
    """What lamina refuses in here is a mistake of the config."""
    try:
        yield
    except ConfigError:
        raise
    except LaminaError as error:
        notes = "".join(f"; {note}" for note in getattr(error, "__notes__", []))
        raise ConfigError(" ".join(f"{what}: {error}{notes}".split())) from error


def first_batch(loader: Any) -> tuple[Any, ...]:
    """The first samples as a batch; the loader stays where it is."""
    plain = type(loader)(loader.dataset, loader.batch_size, shuffle=False)
    batch = next(iter(plain))
    return tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)


def fitting(arrays: list[Array], known: tuple[Any, ...], label: str) -> list[Array]:
    """Arrays of a file with the dtypes and shapes of those of a batch.

    Raises:
        ConfigError: another number of arrays, other shapes, or numbers that do not fit.
    """
    if len(arrays) != len(known):
        raise ConfigError(
            f"{label}: should hold {len(known)} array{'s' * (len(known) > 1)}, like "
            f"{in_words(known)}, got {len(arrays)}: {in_words(tuple(arrays))}"
        )
    fitted = []
    for given, like in zip(arrays, known):
        if given.ndim == like.ndim + 1 and given.shape[-1] == 1:
            given = given[..., 0]
        if given.ndim == 2 and given[:1].size == like[:1].size:
            given = given.reshape(-1, *like.shape[1:])  # a table's row, as an image
        if given.shape[1:] != like.shape[1:]:
            wanted = ", ".join(["n", *map(str, like.shape[1:])])
            raise ConfigError(
                f"{label}: should be of shape ({wanted}), as in training, got {given.shape}"
            )
        fitted.append(cast(given, like.dtype, label))
    return fitted


def cast(array: Array, dtype: Any, label: str) -> Array:
    """``array`` in the dtype of training, if no number is lost but for digits.

    Raises:
        ConfigError: fractions where there were whole numbers.
    """
    made = array.astype(dtype)
    if dtype.kind in "iu" and not np.array_equal(made, array):
        raise ConfigError(f"{label}: should hold whole numbers, {dtype}, as in training")
    return made


def in_words(batch: tuple[Any, ...]) -> str:
    """Dtypes and shapes of a batch."""
    kinds = [f"{x.dtype} {x.shape}" if is_array(x) else type(x).__name__ for x in batch]
    return " and ".join(kinds)
