"""What a rule of the doctor is, what it finds, and in which order findings explain one another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .facts import Facts

Found: TypeAlias = "Iterable[tuple[str, str]]"
"""Pairs of place and evidence."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or looks wrong.

    Args:
        rule: the name of the rule that found it.
        place: paths of layers or parameters, or ``"batch"``, ``"loss"``, ``"optimizer"``.
        evidence: what was seen, with its numbers.
        remedy: what to do.
    """

    rule: str
    place: str
    evidence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.place}: {self.evidence}. {self.remedy}."


@dataclass(frozen=True)
class Rule:
    """A look at the facts.

    Args:
        name: of its findings.
        look: gives pairs of place and evidence.
        remedy: what to do.
        explained_by: names of rules whose findings are the cause of this one's: it is silent then.
        always: it can look also where the loss could not be computed.
    """

    name: str
    look: Callable[[Facts], Found]
    remedy: str
    explained_by: tuple[str, ...]
    always: bool


RULES: dict[str, Rule] = {}
"""All rules by name, in the order in which their findings are listed."""


def rule(
    name: str, remedy: str, *, explained_by: tuple[str, ...] = (), always: bool = False
) -> Callable[[Callable[[Facts], Found]], Callable[[Facts], Found]]:
    """Make a function of the facts a rule; as a decorator. Arguments as of `Rule`."""

    def register(look: Callable[[Facts], Found]) -> Callable[[Facts], Found]:
        RULES[name] = Rule(name, look, remedy, explained_by, always)
        return look

    return register


def findings(facts: Facts) -> list[Finding]:
    """What all rules find, less what is a consequence of something else that was found."""
    found = {each.name: list(_look(each, facts)) for each in RULES.values()}
    present = {name for name, list_ in found.items() if list_}
    return [
        finding
        for name, list_ in found.items()
        if not present.intersection(RULES[name].explained_by)
        for finding in list_
    ]


def _look(each: Rule, facts: Facts) -> Iterator[Finding]:
    if facts.stepped or each.always:
        for place, evidence in each.look(facts):
            yield Finding(each.name, place, evidence, each.remedy)


def listed(names: Iterable[str], most: int = 4) -> str:
    """Names in one line: the first few, and how many more."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
