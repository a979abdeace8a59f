"""Groups: some parameters, chosen by a glob of their names, take other numbers than the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from ..arrays import Array
from ..errors import DTypeError, RangeError
from .schedule import Schedule, real

if TYPE_CHECKING:
    from .slot import Slot
    from .transformation import Transformation

Chain: TypeAlias = "tuple[Transformation, ...]"
Groups: TypeAlias = "Mapping[str, Mapping[str, Any]] | None"


@dataclass(frozen=True, eq=False)
class Group:
    """The parameters that a glob names first, and what is different for them.

    Args:
        glob: matched against whole names, as in `fnmatch`; ``"*"`` also crosses ``/``.
        chain: what their gradients pass.
        lr: their learning rate, a number or a schedule; None is the optimizer's.
        scale: a factor of 0 or more on that rate.
    """

    glob: str
    chain: Chain
    lr: float | Schedule | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        if self.lr is not None and not callable(self.lr):
            real(f"group {self.glob!r}: lr", self.lr)
        real(f"group {self.glob!r}: scale", self.scale)

    def rate(self, base: Callable[[], float], step: int) -> float:
        """Their learning rate at ``step``; ``base`` gives the optimizer's."""
        if self.lr is None:
            return self.scale * base()
        if not callable(self.lr):
            return self.scale * self.lr
        return self.scale * real(f"group {self.glob!r}: lr of {self.lr!r:.80}", self.lr(step))


def split(
    what: str, groups: Groups, names: Iterable[str], chain: Callable[[dict[str, Any]], Chain]
) -> tuple[Group, ...]:
    """The groups of an optimizer, from what the user wrote.

    Args:
        what: names the optimizer in errors.
        groups: for each glob what is different.
        names: what may be; ``lr`` and ``scale`` always.
        chain: makes a group's chain from what is different, without ``lr`` and ``scale``.
    Raises:
        DTypeError: it is no dict of dicts, or says something that cannot be different.
    """
    if groups is None:
        return ()
    if not isinstance(groups, Mapping):
        raise DTypeError(f"{what}: groups should be a dict of dicts by glob, got {groups!r:.60}")
    known = ["lr", "scale", *names]
    return tuple([_group(what, glob, changes, known, chain) for glob, changes in groups.items()])


def _group(what: str, glob: Any, changes: Any, known: list[str], chain: Any) -> Group:
    if not isinstance(glob, str) or not isinstance(changes, Mapping):
        raise DTypeError(
            f"{what}: groups should have a dict for each glob, got {glob!r:.60}: {changes!r:.60}"
        )
    unknown = [name for name in changes if name not in known]
    if unknown:
        raise DTypeError(
            f"{what}: group {glob!r} cannot have its own {unknown[0]!r}; there are "
            f"{', '.join(known)}"
        )
    rest = {k: v for k, v in changes.items() if k not in ("lr", "scale")}
    return Group(glob, chain(rest), changes.get("lr"), changes.get("scale", 1.0))


def group_of(name: str, groups: tuple[Group, ...], base: Group) -> Group:
    """The first of ``groups`` whose glob matches, or ``base``."""
    return next((group for group in groups if fnmatchcase(name, group.glob)), base)


def check_globs(what: str, groups: tuple[Group, ...], names: list[str]) -> None:
    """Raise RangeError if a group would be empty: its glob is misspelt, or an earlier one wins."""
    found = [next((g for g in groups if fnmatchcase(name, g.glob)), None) for name in names]
    for group in groups:
        if not any(group is g for g in found):
            taken = any(fnmatchcase(name, group.glob) for name in names)
            why = "groups before it have all that match" if taken else "no parameter matches"
            raise RangeError(
                f"{what}: group {group.glob!r} is empty: {why}; there are {', '.join(names):.500}"
            )


def common_front(chains: list[Chain]) -> int:
    """How many links at the front are the same for all: these see the gradients of all together."""
    shortest = min(map(len, chains))
    first = chains[0]
    return next(
        (i for i in range(shortest) if any(chain[i] != first[i] for chain in chains)), shortest
    )


def through(chain: Iterable[Transformation], flow: Iterable[Array], slots: list[Slot]) -> Any:
    """What comes out of ``chain``, one parameter at a time."""
    for transformation in chain:
        flow = transformation.apply_all(flow, slots)
    return flow


def by_group(slots: list[Slot], flow: Iterable[Array]) -> Iterator[tuple[Group, list[Slot], Any]]:
    """Neighbours of one group, and their part of ``flow``."""
    rest = iter(flow)
    first = 0
    while first < len(slots):
        group = slots[first].group
        last = first + 1
        while last < len(slots) and slots[last].group is group:
            last += 1
        yield group, slots[first:last], islice(rest, last - first)
        first = last
