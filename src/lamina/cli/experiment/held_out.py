"""What the data held out say: the loss, and metrics of all outputs together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...arrays import to_numpy
from ...core import Variable
from ...training import Evaluate


class HeldOut(Evaluate):
    """Adds the loss over held-out data, and metrics, to the values of an epoch.

    The loss is a mean. Metrics are computed from the outputs for all samples at once: the F1 score,
    say, of all of them is no mean of those of batches.

    Args:
        data: batches, the targets last in each.
        loss: of a batch; gives the loss, and the model's outputs if there are metrics.
        metrics: by name; each of all outputs and all targets.
        every: epochs from one to the next.
        name: what stands before the names of the values.
    """

    def __init__(
        self,
        data: Any,
        loss: Callable[..., tuple[Any, Any]],
        metrics: dict[str, Callable[..., Any]],
        every: int = 1,
        name: str = "held_out",
    ):
        super().__init__(data, self._keep, every, name)
        self.loss, self.of_all = loss, metrics
        self._kept: list[tuple[Any, Any]] = []

    def _keep(self, *batch: Any) -> Any:
        loss, outputs = self.loss(*batch)
        if self.of_all:
            self._kept.append((array_of(outputs), array_of(batch[-1])))
        return loss

    def measure(self) -> dict[str, float]:
        """The loss and the metrics, in whatever mode this is."""
        self._kept.clear()
        found = super().measure()
        if self._kept:
            outputs, targets = (np.concatenate(parts) for parts in zip(*self._kept))
            found |= {name: float(of(outputs, targets)) for name, of in self.of_all.items()}
        self._kept.clear()
        return found


def array_of(outputs: Any) -> Any:
    """Outputs as an array of NumPy's; of several, the first."""
    while isinstance(outputs, (tuple, list)):
        outputs = outputs[0]
    return to_numpy(outputs.data if isinstance(outputs, Variable) else outputs)
