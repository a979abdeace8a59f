"""Samples: what a model makes, written down as it learns."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..arrays import is_array
from ..core import Variable
from ..errors import DTypeError, RangeError
from ..optimizers.schedule import check_whole
from .callback import MAKES, Callback, Values
from .evaluate import evaluating
from .png import as_picture, encode_png
from .run import Sample

if TYPE_CHECKING:
    from .trainer import Trainer


class Samples(Callback):
    """Writes what a function makes to ``samples/NAME-000000123.png`` or ``.txt``.

    The function runs in test mode, without gradients, with the averages of an `Average`.

    Args:
        function: without arguments; gives text, a picture (see ``as_picture``), a figure of
            matplotlib, or a dict of names and these.
        every: epochs from one to the next; the last always has one.
        name: of what it makes, if that is no dict.
    Attributes:
        newest: what was written last.
    """

    rank = MAKES

    def __init__(self, function: Callable[[], Any], every: int = 1, name: str = "sample"):
        if not callable(function):
            raise DTypeError(f"Samples: function should be one, got {function!r:.60}")
        check_whole("Samples: every", every)
        self.function, self.every, self.name = function, every, name
        self.newest: list[Sample] = []

    def start(self, trainer: Trainer) -> None:
        """See that there is a folder."""
        if trainer.run_folder is None:
            raise RangeError("Samples: there is no folder to write to; give Trainer(folder=...)")

    def end_epoch(self, trainer: Trainer, values: Values) -> None:
        """Write, if it is time."""
        if trainer.epoch % self.every and trainer.epoch != trainer.epochs:
            return
        with evaluating(trainer):
            made = self.function()
        named = made if isinstance(made, dict) else {self.name: made}
        self.newest = [self._write(trainer, name, thing) for name, thing in named.items()]

    def _write(self, trainer: Trainer, name: str, thing: Any) -> Sample:
        if not isinstance(name, str) or not name or "/" in name or "\0" in name:
            raise RangeError(f"Samples: a name should be that of a file, got {name!r:.60}")
        content, suffix = encoded(name, thing)
        place = f"samples/{name}-{trainer.iteration:09d}.{suffix}"
        if trainer.run_folder is None:
            raise RangeError("Samples: there is no folder to write to; give Trainer(folder=...)")
        path = trainer.run_folder.write(place, lambda file: file.write(content))
        return Sample(name, trainer.iteration, path)


def encoded(name: str, thing: Any) -> tuple[bytes, str]:
    """The bytes of a file, and how its name ends.

    Raises:
        DTypeError: it is neither text nor a picture.
    """
    if isinstance(thing, str):
        return thing.encode(), "txt"
    if hasattr(thing, "savefig"):
        buffer = io.BytesIO()
        thing.savefig(buffer, format="png")
        return buffer.getvalue(), "png"
    array = thing.data if isinstance(thing, Variable) else thing
    if not is_array(array):
        raise DTypeError(
            f"Samples: {name} should be text, a picture or a figure, got {type(thing).__name__}"
        )
    return encode_png(as_picture(array)), "png"
