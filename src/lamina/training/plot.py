"""Plot: the curves of a training, as a picture."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

from ..errors import DependencyError, RangeError
from ..optimizers.schedule import check_whole
from .callback import READS, Callback, Values

if TYPE_CHECKING:
    from .trainer import Trainer


class Plot(Callback):
    """Draws the values of all epochs to ``curves.png`` in the run's folder, at the end, with
    matplotlib.

    Values that differ only in what stands before the last ``/``, as ``loss`` and
    ``held_out/loss``, share their axes.

    Args:
        every: epochs from one drawing to the next; None draws at the end only.
    """

    rank = READS

    def __init__(self, every: int | None = None):
        if every is not None:
            check_whole("Plot: every", every)
        self.every = every
        self.history: dict[str, list[list[float]]] = {}  # name: pairs of epoch and value

    def start(self, trainer: Trainer) -> None:
        """See that it can draw."""
        if trainer.run_folder is None:
            raise RangeError("Plot: there is no folder to write to; give Trainer(folder=...)")
        figure()

    def end_epoch(self, trainer: Trainer, values: Values) -> None:
        """Take the values in; draw, if it is time."""
        for name, value in values.items():
            self.history.setdefault(name, []).append([trainer.epoch, value])
        if self.every is not None and trainer.epoch % self.every == 0:
            self.draw(trainer)

    def end(self, trainer: Trainer) -> None:
        """Draw, if there is something to be seen."""
        if self.history:
            self.draw(trainer)

    def draw(self, trainer: Trainer) -> None:
        """Write the picture."""
        buffer = io.BytesIO()
        drawn(self.history).savefig(buffer, format="png")
        if trainer.run_folder is not None:
            trainer.run_folder.write("curves.png", lambda file: file.write(buffer.getvalue()))

    def state_dict(self) -> dict[str, Any]:
        """All values so far."""
        return {"history": {name: [list(p) for p in h] for name, h in self.history.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with them."""
        self.history = {name: [list(p) for p in h] for name, h in state["history"].items()}


def figure(**sizes: Any) -> Any:
    """A figure of matplotlib, apart from whatever is shown on screen.

    Raises:
        DependencyError: matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise DependencyError(
            "Plot: needs matplotlib, which is not installed: pip install 'lamina[plot]'"
        ) from None
    return Figure(**sizes)


def drawn(history: dict[str, list[list[float]]]) -> Any:
    """One pair of axes for each kind of value."""
    kinds: dict[str, list[str]] = {}
    for name in history:
        kinds.setdefault(name.rpartition("/")[2], []).append(name)
    columns = min(len(kinds), 3)
    rows = math.ceil(len(kinds) / columns)
    canvas = figure(figsize=(4.5 * columns, 3.2 * rows), dpi=100, layout="constrained")
    cells = canvas.subplots(rows, columns, squeeze=False).flat
    for axes, (kind, names) in zip(cells, kinds.items(), strict=False):
        for name in names:
            epochs, values = zip(*history[name], strict=True)
            axes.plot(epochs, values, ".-", label=name)
        axes.set(title=kind, xlabel="epoch")
        axes.grid(alpha=0.3)
        if len(names) > 1:
            axes.legend()
    for axes in list(cells):
        axes.axis("off")
    return canvas
