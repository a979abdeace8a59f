"""Optimizer: a chain of transformations, and the step at its end: ``W -= lr * update``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Self
from weakref import ref

from ..arrays import Array
from ..config import after_run, current, host
from ..core import Variable
from ..errors import (
    DTypeError,
    GraphError,
    LaminaError,
    RegistrationError,
    TraceError,
    UninitializedError,
)
from . import state
from .groups import (
    Chain,
    Group,
    Groups,
    by_group,
    check_globs,
    common_front,
    group_of,
    split,
    through,
)
from .schedule import Schedule, real
from .slot import Slot, named_parameters
from .transformation import Transformation

LOOK_EVERY = 64


class Optimizer:
    """Changes parameters along their gradients.

    Gradients pass through the chain, one parameter at a time, and what comes out is scaled by the
    learning rate and subtracted in place: the parameter keeps its array, and its dtype.

    Parameters that are frozen or have no gradient are left alone. What is remembered of each is
    made at its first update, on its device, and follows it to another.

    Args:
        *chain: transformations, in the order in which a gradient passes them.
        lr: the learning rate: a number of 0 or more, or a schedule.
        groups: for some parameters another ``lr``, a ``scale`` of the rate, or another ``chain``:
            a dict of these for each glob of names, ``{"head/*": dict(scale=0.1)}``. The first glob
            that matches counts. The links at the front that all chains share see the gradients of
            all groups together, so that a norm is that of the model.
    Raises:
        RangeError: a number outside its range.
        DTypeError: something that is no number, schedule or transformation.
    Example:
        >>> import numpy as np
        >>> from lamina.optimizers import ClipNorm, AddMomentum
        >>> W = Variable(np.array([3.0, 4.0]))
        >>> optimizer = Optimizer(ClipNorm(1.0), AddMomentum(0.5), lr=0.1).setup({"W": W})
        >>> optimizer
        Optimizer(ClipNorm(limit=1.0), AddMomentum(momentum=0.5, nesterov=False), lr=0.1)
        >>> W.grad = 10 * W.data
        >>> optimizer.update()
        >>> W
        Variable([2.94, 3.92], float64)
    """

    step: int
    """How many updates were made."""

    used_rate: float | None = None
    """The learning rate of the newest update; None before the first of this process."""

    def __init__(self, *chain: Transformation, lr: float | Schedule, groups: Groups = None):
        what = type(self).__name__
        self.chain = _checked(what, chain)
        self.lr = lr
        self._base = Group("*", self.chain)
        self._regroup(groups, ["chain"], lambda changes: changes.get("chain", chain))
        self.step = 0
        self._model: Any = None
        self._slots: dict[str, Slot] = {}

    def _regroup(self, groups: Groups, known: list[str], chain: Any) -> None:
        """Make groups of what the user wrote; see `split`."""
        what = type(self).__name__
        self._shown = groups
        self.groups = split(what, groups, known, lambda changes: _checked(what, chain(changes)))
        self._front = common_front([self.chain, *[group.chain for group in self.groups]])

    def take_over(self, other: Optimizer, *links: Transformation) -> None:
        """Have chain, rate and groups of ``other``, with ``links`` behind each chain.

        Raises:
            DTypeError: it is no optimizer.
            RegistrationError: it was set up already: its state would be lost.
        """
        what = type(self).__name__
        if not isinstance(other, Optimizer):
            raise DTypeError(f"{what}: should get an optimizer, got {other!r:.60}")
        if other._slots:
            raise RegistrationError(
                f"{what}: the {type(other).__name__} inside was set up already; "
                f"call setup of the {what} only"
            )
        self.lr, self._shown, self._front = other.lr, other._shown, other._front
        self.chain = (*other.chain, *links)
        self._base = replace(other._base, chain=self.chain)
        self.groups = tuple([replace(g, chain=(*g.chain, *links)) for g in other.groups])

    # -- the learning rate -------------------------------------------------------------------

    @property
    def lr(self) -> float | Schedule:
        """The learning rate as it was given: a number or a schedule. May be set at any time."""
        return self._lr

    @lr.setter
    def lr(self, value: float | Schedule) -> None:
        what = f"{type(self).__name__}: lr"
        if current().tracer is not None:
            raise TraceError(
                f"{what} is set inside of a step that is compiled, where it would be set only now; "
                "set it before the step is called, or give a schedule"
            )
        self._lr = value if callable(value) else real(what, value)

    @property
    def rate(self) -> float:
        """The learning rate of the next update, as a number."""
        if not callable(self._lr):
            return self._lr
        return real(f"{type(self).__name__}: lr of {self._lr!r:.80}", self._lr(self.step))

    def _rate_now(self) -> float:
        """`rate`, for an update: it is noted, so that whoever logs it need not compute it again."""
        self.used_rate = rate = self.rate
        return rate

    def rate_of(self, name: str) -> float:
        """The learning rate of the next update of the parameter called ``name``, as a number."""
        return self._group_of(name).rate(lambda: self.rate, self.step)

    def _group_of(self, name: str) -> Group:
        return group_of(name, self.groups, self._base)

    # -- the parameters ----------------------------------------------------------------------

    def setup(self, model: Any) -> Self:
        """Take on the parameters of ``model``; gives itself back.

        Called again, after the model was changed, it keeps what it remembers of each parameter
        that is still there, also under a new name. If none is, it starts from nothing.

        Args:
            model: anything with ``named_params()``; or a dict, or a list, of parameters or of
                (name, parameter) pairs. In a list parameters are called by their ``name``, or by
                their position. A parameter that comes twice is updated once.
        Raises:
            RegistrationError: there are no parameters, or two have one name.
            DTypeError: something else than a parameter is among them.
        """
        what = f"{type(self).__name__}.setup"
        named = named_parameters(what, model)
        names = [name for name, _ in named]
        for group in (self._base, *self.groups):
            for transformation in group.chain:
                transformation.check(names)
        check_globs(what, self.groups, names)
        known = {slot.param: slot for slot in self._slots.values()}
        slots = {
            name: known.get(param) or Slot(name, param, self._group_of(name))
            for name, param in named
        }
        if not any(param in known for _, param in named):
            self.step = 0
        for name, slot in slots.items():
            slot.settle(name, self._group_of(name))
        self._slots = slots
        # a dict or a model can be asked again who is there, a list was read once
        asked_again = hasattr(model, "named_params") or isinstance(model, Mapping)
        self._model = model if asked_again else None
        return self

    def named_params(self) -> Iterable[tuple[str, Variable]]:
        """The pairs of name and parameter that it was set up with."""
        return [(name, slot.param) for name, slot in self._slots.items()]

    def cleargrads(self) -> None:
        """Forget the gradients of all parameters."""
        for slot in self._slots.values():
            slot.param.cleargrad()

    # -- the update --------------------------------------------------------------------------

    def update(self) -> None:
        """Change every parameter that has a gradient, once.

        Raises:
            UninitializedError: before `setup`.
            GraphError: no parameter has a gradient.
            RegistrationError: the model has other parameters than at `setup`.
            ShapeError: a parameter was given an array of another shape.
        """
        slots, updates = self._due()
        rates = {group: self._host_rate(group) for group in (self._base, *self.groups)}
        flow = through(self.chain[: self._front], updates, slots)
        for group, own, part in by_group(slots, flow):
            # lazily: the chain runs for one parameter, which is then changed, before the next
            changes = through(group.chain[self._front :], part, own)
            for slot, update in zip(own, changes, strict=True):
                slot.param.data -= rates[group] * update
                for transformation in slot.finishing:
                    transformation.finish(slot.state, slot.param, slot.next_count)
        after_run(lambda: self._count(slots))

    def _host_rate(self, group: Group) -> float:
        return host(lambda: group.rate(self._rate_now, self.step))

    def _count(self, slots: list[Slot]) -> None:
        for slot in slots:
            slot.count += 1
        self.step += 1

    def _due(self) -> tuple[list[Slot], list[Array]]:
        """The parameters to change, and their gradients. All that can be wrong is found here,
        before anything is changed.
        """
        slots: list[Slot] = []
        updates: list[Array] = []
        doubt = self.step % LOOK_EVERY == 0 or not self.step & (self.step - 1)
        doubt = doubt or current().tracer is not None  # a compiled step looks when it is heard
        for slot in self._slots.values():
            param = slot.param
            if not param.requires_grad:
                continue
            grad = param.grad
            if grad is None:
                doubt = True
                continue
            if slot.last() is grad:
                doubt = True
            slot.last = ref(grad)  # weak: to know it again without keeping its memory
            if param.data is not slot.array:
                slot.fit()
            slots.append(slot)
            updates.append(grad.data)
        if doubt:
            self._look()
        if not slots:
            raise self._nothing_to_do()
        if self.groups:  # neighbours of one group
            order = [self._base, *self.groups]
            pairs = sorted(zip(slots, updates), key=lambda pair: order.index(pair[0].group))
            return [slot for slot, _ in pairs], [update for _, update in pairs]
        return slots, updates

    def _look(self) -> None:
        """See whether the model still has the parameters that it had at `setup`.

        A walk over a model takes longer than updating a small one, so it is done only where there
        is doubt: a parameter has no gradient, or the one it had last time (which is what happens to
        one that is no longer part of the model), and now and then, for parameters that were added:
        before update 0, 1, 2, 4, ... 64, then every 64.
        """
        if self._model is None:
            return
        now = dict(named_parameters(f"{type(self).__name__}.update", self._model))
        changes = [f"{name} is gone" for name in self._slots if name not in now]
        changes += [f"{name} is new" for name in now if name not in self._slots]
        changes += [
            f"{name} is another parameter now"
            for name, slot in self._slots.items()
            if name in now and now[name] is not slot.param
        ]
        if changes:
            raise RegistrationError(
                f"{type(self).__name__}.update: the model changed since setup: "
                f"{', '.join(changes):.1000}; call setup(model) again"
            )

    def _nothing_to_do(self) -> LaminaError:
        what = f"{type(self).__name__}.update"
        if not self._slots:
            return self._not_set_up("update")
        if not any(slot.param.requires_grad for slot in self._slots.values()):
            return GraphError(f"{what}: all parameters are frozen; unfreeze what is to be trained")
        return GraphError(f"{what}: no parameter has a gradient; call loss.backward() first")

    def _not_set_up(self, method: str) -> LaminaError:
        return UninitializedError(
            f"{type(self).__name__}.{method}: there are no parameters yet; call setup(model) first"
        )

    # -- its state ---------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All there is to save, as copies: arrays by name, and what JSON can hold.

        Returns:
            ``{"arrays": {"l1/W.m": ...}, "scalars": {"step": ..., "lr": ..., "counts": {...}}}``.
            Arrays are NumPy's and named by parameter, a dot, and what they are; ``counts`` has how
            often each parameter was updated; ``lr`` is None for a schedule, which belongs to the
            program. If a schedule has a state, as `Plateau` has, it is in ``scalars`` too.
        Raises:
            UninitializedError: before `setup`.
        """
        if not self._slots:
            raise self._not_set_up("state_dict")
        saved = state.save(self._slots, self.step, self._lr)
        schedules = {key: s.state_dict() for key, s in self._stateful().items()}
        if schedules:
            saved["scalars"]["schedules"] = schedules
        return saved

    def _stateful(self) -> dict[str, Any]:
        """Schedules that have a state: of a group under its glob, the optimizer's under ''."""
        rates = {"": self._lr, **{group.glob: group.lr for group in self.groups}}
        return {key: lr for key, lr in rates.items() if hasattr(lr, "state_dict")}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue where `state_dict` was taken: all of it, or nothing.

        Everything is checked before anything is changed, and arrays are filled in place. A number
        as learning rate is taken from ``saved``, unless this optimizer has a schedule.

        Raises:
            StateMismatchError: names, shapes or dtypes differ; all differences are listed.
            CheckpointError: ``saved`` is not what `state_dict` gives.
            UninitializedError: before `setup`.
        """
        if not self._slots:
            raise self._not_set_up("load_state_dict")
        what = f"{type(self).__name__}.load_state_dict"
        self.step, lr = state.load(what, self._slots, self._stateful(), saved)
        if lr is not None and not callable(self._lr):
            self.lr = lr

    def __repr__(self) -> str:
        groups = [] if not self._shown else [f"groups={self._shown!r}"]
        shown = ", ".join([*map(repr, self.chain), f"lr={self._lr!r}", *groups])
        return f"{type(self).__name__}({shown})"


def _checked(what: str, chain: Any) -> Chain:
    links: tuple[Any, ...] = tuple(chain) if isinstance(chain, (tuple, list)) else (chain,)
    for transformation in links:
        if not isinstance(transformation, Transformation):
            raise DTypeError(
                f"{what}: a chain is made of transformations, got {transformation!r:.60}"
            )
    return links
