"""Average: weights that are averaged during training stand in for them in evaluation."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from ..errors import DTypeError
from ..optimizers import Average as Averages
from ..optimizers.schedule import check_whole
from .callback import MAKES, Callback, Values

if TYPE_CHECKING:
    from .trainer import Trainer


class Average(Callback):
    """Takes the weights into an average after each step; `Evaluate` and `Samples` use the average.

    Args:
        average: `lamina.optimizers.EMA` or `SWA <lamina.optimizers.SWA>`, after its ``setup``.
        every: steps from one to the next; None takes them in at the end of each epoch.
    """

    rank = MAKES - 1  # before what evaluates

    def __init__(self, average: Averages, every: int | None = 1):
        if not isinstance(average, Averages):
            raise DTypeError(f"Average: should get an EMA or a SWA, got {average!r:.60}")
        if every is not None:
            check_whole("Average: every", every)
        self.average, self.every = average, every

    def after_step(self, trainer: Trainer, batch: tuple[Any, ...], values: Values) -> None:
        """Take the weights in, if it is time."""
        if self.every is not None and trainer.iteration % self.every == 0:
            self.average.update()

    def end_epoch(self, trainer: Trainer, values: Values) -> None:
        """Take the weights in, if it is time."""
        if self.every is None:
            self.average.update()

    def evaluating(self) -> AbstractContextManager[None]:
        """For a ``with`` block, the averages stand in place of the weights, once there are any."""
        return self.average.swapped() if self.average.step else nullcontext()

    def state_dict(self) -> dict[str, Any]:
        """The averages."""
        return self.average.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with them."""
        self.average.load_state_dict(state)
