"""The first number of a step that is NaN or infinite: which operator made it, where, and why."""

# pyright: reportPrivateUsage=false
# (it reads gradients of leaves as they lie)

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isfinite
from typing import Any

import numpy as np

from ..arrays import Array, is_array
from ..compiler.step import Step
from ..core import Variable
from ..errors import DTypeError
from ..layers import Layer
from ..listen.place import user_line
from ..optimizers import Optimizer
from .fingerprint import flat
from .nonfinite_origin import Origin
from .nonfinite_probe import Event, Seen, is_finite, source, watching, word_of
from .nonfinite_reason import reason_of
from .nonfinite_state import named_by, put_back


def find_nonfinite(
    step: Callable[..., Any],
    *batch: Any,
    model: Layer | None = None,
    optimizer: Optimizer | None = None,
) -> Origin | None:
    """Run one step, looking at every operator, and say where its first NaN or infinity is made.

    For a loop written by hand: call it when the loss is not finite, before the update. An update
    with NaN makes every parameter NaN, and then there is nothing left to find but that; the
    callback `NonFinite` of a Trainer goes back to a state from before.

    Infinities that are meant, as in a mask of attention, are not named: what is named led to the
    loss, or to a gradient or a parameter.

    Args:
        step: makes one step of training, ``step(*batch)``, and gives the loss, or a dict with
            ``"loss"``. Of a compiled step, the function inside runs.
        *batch: its arguments.
        model: the Layer that the step trains; None looks for it in what the function refers to.
        optimizer: what updates it; None looks for it likewise.
    Returns:
        What was found; None if all is finite. Model, optimizer and random streams are as before.
    Raises:
        DTypeError: ``step`` is no function.
    Example:
        >>> import lamina.functions as F
        >>> from lamina.core import Variable
        >>> found = find_nonfinite(lambda x: F.mean(F.log(x)), Variable([1.0, 0.0]))
        >>> found.operator, found.reason
        ('Log', 'the logarithm of 0 is minus infinity')
    """
    if not callable(step):
        raise DTypeError(f"find_nonfinite: step should be a function of a batch, got {step!r:.60}")
    function = getattr(step, "function", step)  # what was compiled
    model = model if model is not None else next(referred(function, Layer), None)
    optimizer = optimizer if optimizer is not None else next(referred(function, Optimizer), None)
    with put_back(model, optimizer):
        return Look(function, batch, model, optimizer).origin()


def referred(function: Any, kind: type) -> Iterator[Any]:
    """Objects of a kind that a function, or a compiled step in it, refers to by name, or is a
    method of.
    """
    function = inspect.unwrap(function)
    owner = getattr(function, "__self__", None)
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    held = list(vars(owner).values()) if owner is not None and hasattr(owner, "__dict__") else []
    if code is not None:
        around = function.__globals__
        held += [around[name] for name in code.co_names if name in around]
        held += [c.cell_contents for c in function.__closure__ or () if _is_filled(c)]
    yield from (x for x in [owner, *held] if isinstance(x, kind))
    for step in held:
        if isinstance(step, Step):
            yield from referred(step.function, kind)


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


@contextmanager
def as_written(function: Any) -> Iterator[None]:
    """Let compiled steps that a function calls run as they were written.

    A step that is not native runs so at the first call under settings that it has not seen; and no
    step has seen those of a probe.
    """
    native = [(step, step.native) for step in referred(function, Step)]
    for step, _ in native:
        step.native = False
    try:
        yield
    finally:
        for step, was in native:
            step.native = was


# -- the look ------------------------------------------------------------------------------------


class Look:
    """One step, run under a `Probe`, and the way back from what is not finite.

    Args:
        step: the function.
        batch: its arguments.
        model: names its parameters.
        optimizer: whose update is looked at.
    """

    def __init__(
        self, step: Any, batch: tuple[Any, ...], model: Layer | None, optimizer: Optimizer | None
    ):
        self.step, self.batch, self.model, self.optimizer = step, batch, model, optimizer
        self.values: Any = None
        self.error: Exception | None = None
        self.line = ""
        self.before = self._named()

    def origin(self) -> Origin | None:
        """Run the step, and find where it began."""
        rates = self._rates()
        before = {name: (v, v._data.copy()) for name, v in self.before if v._data is not None}
        with watching(self._leaves()) as self.probe, self._updates(), as_written(self.step):
            try:
                self.values = self.step(*self.batch)
            except (ArithmeticError, ValueError, RuntimeError) as error:  # a check of the user's
                self.error = error
        self.names = self._leaves()
        found = self._forward() or self._backward() or self._update(before, rates)
        if found is None and self.error is not None:
            raise self.error
        return found

    def _named(self) -> list[tuple[str, Any]]:
        if self.model is not None:
            return [*self.model.named_params(), *self.model.named_buffers()]
        return named_by(self.optimizer)

    def _rates(self) -> dict[str, float]:
        if self.optimizer is None:
            return {}
        return {name: self.optimizer.rate_of(name) for name, _ in named_by(self.optimizer)}

    @contextmanager
    def _updates(self) -> Iterator[None]:
        """Note the line that calls ``update``."""
        optimizer = self.optimizer
        if optimizer is None:
            yield
            return
        update = optimizer.update

        def noted(*args: Any, **kwargs: Any) -> Any:
            self.line = user_line()
            return update(*args, **kwargs)

        optimizer.update = noted
        try:
            yield
        finally:
            del optimizer.update

    def _leaves(self) -> dict[int, str]:
        """Names of arrays that no operator made, by id."""
        names = {id(v._data): f"parameter {name}" for name, v in self._named()}
        for path, x in flat("batch", self.batch):
            names[id(x._data if isinstance(x, Variable) else x)] = path
        return names

    # -- the three stages --------------------------------------------------------------------

    def _forward(self) -> Origin | None:
        loss = self.values.get("loss") if isinstance(self.values, dict) else self.values
        number = number_of(loss)
        if number is not None and isfinite(number):
            return None
        ahead = [e for e in self.probe.events if e.backward_of is None]
        data = loss._data if isinstance(loss, Variable) else loss
        target = self.probe.makers.get(id(data)) or self._last(ahead, number)
        if target is not None:
            return self._from(target, "forward", number)
        if number is None or loss is None:
            return None
        return Origin(
            "forward", _word(number), "", reason="no operator of lamina gave NaN or infinity",
            remedy="Look at the code between the model and the loss that is not lamina's, or at a "
            "compiled step that is called inside of this one", loss=number,
        )  # fmt: skip

    def _last(self, ahead: list[Event], number: float | None) -> Event | None:
        """What the loss came from, where it was handed on as a number, or never came out."""
        scalars = [e for e in ahead if not e.output.shape]
        if number is None and self.error is None:
            return None
        return (scalars or ahead or [None])[-1]

    def _backward(self) -> Origin | None:
        found: list[tuple[int, Event]] = []
        for _, variable in self._named():
            grad = variable._grad
            if grad is not None and not is_finite(grad._data):
                maker = self.probe.makers.get(id(grad._data)) or self._same(grad._data)
                if maker is not None:
                    found.append((self._root(maker).number, maker))
        return self._from(min(found, key=lambda pair: pair[0])[1], "backward") if found else None

    def _same(self, array: Array) -> Event | None:
        """The event that made what an array is a copy of."""
        for held in reversed(self.probe.held):
            same = held.shape == array.shape and np.array_equal(held, array, equal_nan=True)
            if same and id(held) in self.probe.makers:
                return self.probe.makers[id(held)]
        behind = [e for e in self.probe.events if e.backward_of is not None]
        return behind[0] if behind else None

    def _update(
        self, before: dict[str, tuple[Any, Array]], rates: dict[str, float]
    ) -> Origin | None:
        for name, (variable, old) in before.items():
            if not is_finite(old):
                return self._there_before(name, old)
            if not is_finite(variable._data):
                return self._changed(name, variable, old, rates.get(name))
        return None

    def _there_before(self, name: str, old: Array) -> Origin:
        return Origin(
            "before", _word(old), "an earlier step, or whoever filled it", name.rpartition("/")[0],
            reason="it was so before this step",
            remedy="Go back to a checkpoint from before, and look at the step that made it",
            source=source(f"parameter {name}", old), loss=self._loss(),
        )  # fmt: skip

    def _changed(self, name: str, variable: Any, old: Array, rate: float | None) -> Origin:
        grad = variable._grad
        inputs = [Seen.of(old, "before")]
        inputs += [] if grad is None else [Seen.of(grad, "gradient")]
        inputs += [] if rate is None else [Seen.of(rate, "learning rate")]
        reason, remedy = _of_update(grad, rate)
        who = "" if self.optimizer is None else type(self.optimizer).__name__
        return Origin(
            "update", _word(variable._data), who, name, self.line,
            reason, remedy, inputs=inputs, loss=self._loss(),
        )  # fmt: skip

    def _loss(self) -> float | None:
        loss = self.values.get("loss") if isinstance(self.values, dict) else self.values
        return number_of(loss)

    # -- the way back ------------------------------------------------------------------------

    def _root(self, event: Event) -> Event:
        """The first event that led to this one and had finite operands; else the first NaN."""
        path = self._path(event)
        born = [e for e in path if not e.bad or self._comes_from_outside(e)]
        return min(born or path, key=lambda e: (e.output.nan == 0 and not born, e.number))

    def _path(self, event: Event) -> list[Event]:
        """All events that led to one, through what is not finite."""
        found, pending = {event.number: event}, [event]
        while pending:
            here = pending.pop()
            for each in here.bad:
                maker = self.probe.makers.get(each)
                if maker is not None and maker.number < here.number and maker.number not in found:
                    found[maker.number] = maker
                    pending.append(maker)
        return list(found.values())

    def _comes_from_outside(self, event: Event) -> bool:
        """Whether an operand is not finite, and no operator made it: NaN, or infinity in the batch
        or a parameter. Another infinity is a constant, which is most often meant.
        """
        outside = [each for each in event.bad if each in self.probe.sources]
        return bool(outside) and (
            any(each in self.names for each in outside) or any(x.nan for x in event.inputs)
        )

    def _from(self, target: Event, stage: str, loss: float | None = None) -> Origin:
        root = self._root(target)
        if stage == "forward" and root.backward_of is not None:
            stage = "backward"
        reason, remedy = reason_of(root)
        outside = [self.probe.sources[each] for each in root.bad if each in self.probe.sources]
        came = outside[0] if outside else None
        path = sorted(self._path(target), key=lambda e: e.number)
        through = [word_of(e.function) for e in path if e.number > root.number]
        if came is not None:
            held = came["name"].partition(" ")[0]
            reason = f"{'NaN' if came['nan'] else 'infinity'} came in with {came['name']}"
            remedy = (
                "Look at the data: leave out such samples, or fill what is missing"
                if held.startswith("batch")
                else "Look at what filled it: a checkpoint, an initializer, or an earlier update"
            )
        behind = root.backward_of
        return Origin(
            stage=stage,
            value="nan" if target.output.nan else "inf",
            operator=word_of(behind or root.function),
            inside=word_of(root.function) if behind is not None else "",
            layer=root.layer,
            line=root.line,
            reason=reason,
            remedy=remedy,
            inputs=root.inputs,
            source=came,
            through=list(dict.fromkeys(through)),
            loss=loss if loss is not None else self._loss(),
        )


def _of_update(grad: Any, rate: float | None) -> tuple[str, str]:
    if rate is not None and not isfinite(rate):
        return f"the learning rate is {rate}", "Look at the schedule at this step"
    if rate is not None and abs(rate) > 10:
        return f"the learning rate is {rate:g}", "Take a learning rate of at most about 1"
    large = None if grad is None else float(np.abs(grad.numpy()).max())
    if large is not None and large > 1e6:
        return (
            f"a gradient is as large as {large:.3g}",
            "Clip gradients: clip_norm=1 of the optimizer",
        )
    return (
        "the optimizer divided by 0, or what it remembers overflowed",
        "Look at its eps, which should be above 0, and at what it was resumed with",
    )


def number_of(x: Any) -> float | None:
    """A loss as a number: NaN of an array that is not finite, None of what holds no number."""
    if isinstance(x, Variable) or is_array(x):
        array = np.asarray(x.numpy() if isinstance(x, Variable) else x)
        if array.size != 1:
            return None if is_finite(array) else float("nan")
        return float(array.reshape(()))
    return float(x) if isinstance(x, (int, float, np.generic)) else None


def _word(x: Any) -> str:
    return "nan" if np.isnan(np.asarray(x)).any() else "inf"
