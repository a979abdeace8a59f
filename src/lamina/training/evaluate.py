"""Evaluate: measures what was not learnt from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from ..arrays import is_array
from ..config import no_grad, test_mode
from ..errors import DTypeError, RangeError
from ..optimizers.schedule import check_whole
from .callback import MAKES, Callback, Values
from .values import Means, has_position, number, size_of

if TYPE_CHECKING:
    from .trainer import Trainer


@contextmanager
def evaluating(trainer: Trainer) -> Iterator[None]:
    """Test mode, no gradients, and averages of weights in their place where a callback has some."""
    with ExitStack() as all_of_them:
        for callback in trainer.callbacks:
            place = getattr(callback, "evaluating", None)
            if place is not None:
                all_of_them.enter_context(place())
        all_of_them.enter_context(no_grad())
        all_of_them.enter_context(test_mode())
        yield


class Evaluate(Callback):
    """Adds means over held-out data to the values of an epoch: ``"held_out/loss"`` and others.

    In test mode, without gradients, and with the averages of an `Average` in place of the weights.

    Args:
        data: batches: a `Loader`, or a list of them; or one batch: a tuple of arrays.
        function: of a batch, as the step; gives a number, the loss, or a dict of names and numbers.
            Means count each batch with its size.
        every: epochs from one to the next; the last always has one.
        name: what stands before the names of the values.
    """

    rank = MAKES

    def __init__(
        self, data: Any, function: Callable[..., Any], every: int = 1, name: str = "held_out"
    ):
        if not callable(function):
            raise DTypeError(f"Evaluate: function should be one, got {function!r:.60}")
        check_whole("Evaluate: every", every)
        self.data, self.function, self.every, self.name = data, function, every, name

    def end_epoch(self, trainer: Trainer, values: Values) -> None:
        """Measure, if it is time."""
        if trainer.epoch % self.every and trainer.epoch != trainer.epochs:
            return
        with evaluating(trainer):
            found = self.measure()
        values.update({f"{self.name}/{key}": value for key, value in found.items()})

    def measure(self) -> Values:
        """The means over all data, in whatever mode this is.

        Raises:
            RangeError: there are no data.
            DTypeError: the function gave something else than numbers.
        """
        means = Means()
        for batch in self._batches():
            result = self.function(*batch)
            if not isinstance(result, dict):
                result = {"loss": result}
            values = {k: number(k, v, "the function of Evaluate") for k, v in result.items()}
            means.add(values, size_of(batch))
        if not means.sums:
            raise RangeError(f"Evaluate: there is nothing to measure in {self.data!r:.60}")
        return means.values()

    def _batches(self) -> Iterable[tuple[Any, ...]]:
        if is_array(self.data):
            return [(self.data,)]
        if isinstance(self.data, tuple) and all(map(is_array, self.data)):
            return [self.data]
        return [b if isinstance(b, tuple) else (b,) for b in self.data]

    def state_dict(self) -> dict[str, Any]:
        """Where its loader is: in another order, the last bits of a mean are others."""
        return {"loader": self.data.state_dict()} if has_position(self.data) else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on there; other data than before start at their beginning."""
        if has_position(self.data) and "loader" in state:
            self.data.load_state_dict(state["loader"])
