"""One thread less is used while it is faster, and no longer."""

from __future__ import annotations

from collections.abc import Callable

from lamina.machine import team
from lamina.machine.watch import ENOUGH, LOOK, Watch


def simulate(watch: Watch, seconds: float, run: Callable[[int], tuple[float, bool]]) -> list[float]:
    """The time spent with all threads and with one less."""
    spent = [0.0, 0.0]
    while sum(spent) < seconds:
        fewer = watch.fewer
        took, slept = run(fewer)
        spent[fewer] += took
        if watch.ended(took, slept):
            break
    return spent


def test_one_thread_less_does_most_of_the_work_while_it_is_faster():
    spent = simulate(Watch(), 10, lambda fewer: (0.001, False) if fewer else (0.005, True))
    assert spent[1] > 0.85 * sum(spent)


def test_all_threads_do_most_of_the_work_while_they_are_faster():
    spent = simulate(Watch(), 10, lambda fewer: (0.002, False) if fewer else (0.001, True))
    assert spent[0] > 0.9 * sum(spent)


def test_looks_become_rarer():
    watch = Watch()
    slower = lambda fewer: (0.002, False) if fewer else (0.001, True)  # noqa: E731 (one line)
    first = simulate(watch, 10, slower)
    later = simulate(watch, 10, slower)
    assert later[1] < first[1] / 2


def test_when_the_other_program_ends_all_threads_come_back():
    watch = Watch()
    simulate(watch, 5, lambda fewer: (0.001, False) if fewer else (0.005, True))
    spent = simulate(watch, 3, lambda fewer: (0.001, False) if fewer else (0.0005, False))
    assert spent[0] > spent[1]


def test_the_watch_ends_when_nobody_sleeps_any_more():
    watch = Watch()
    spent = simulate(watch, 1e3, lambda fewer: (0.001, False) if fewer else (0.0005, False))
    assert ENOUGH * LOOK < sum(spent) < 1e3


def test_long_runs_are_looked_at_one_by_one():
    spent = simulate(Watch(), 100, lambda fewer: (2.0, False) if fewer else (1.0, True))
    assert spent[1] <= 14


def test_a_team_keeps_no_more_watches_than_a_limit(monkeypatch):
    one = team.Team(2)
    monkeypatch.setattr(one, "_workers", [None])  # as if they had been started
    monkeypatch.setattr(one, "_launch", lambda *_: 1)  # each run slept
    kept = []
    for work in range(2 * team.WATCHED):
        one.run(0, 0, work=work)
        kept.append(len(one._watched))
    assert max(kept) == team.WATCHED
    assert kept[-1] > 0
