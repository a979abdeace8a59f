"""Progress: what is counted, and when it moves or prints."""

from __future__ import annotations

import sys

import pytest

from lamina.cli import progress as module
from lamina.cli.progress import Bar, Lines, Progress, progress


class Clock:
    """Seconds that pass when told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def after_two_batches(kind, clock):
    shown = kind(4, 50, clock)
    clock.now += 2
    shown.step(30, 0.5, 20)
    shown.step(10, 0.1, 10)
    return shown


def test_loss_is_the_mean_over_samples_and_not_over_batches(clock):
    assert after_two_batches(Progress, clock).loss == pytest.approx(0.4)  # (15 + 1) / 40, rounded


def test_accuracy_is_the_share_of_right_samples(clock):
    assert after_two_batches(Progress, clock).accuracy == 30 / 40


def test_the_rate_is_samples_by_seconds(clock):
    assert after_two_batches(Progress, clock).rate == 20


def test_the_time_left_is_what_is_left_at_this_rate(clock):
    assert after_two_batches(Progress, clock).left == (4 * 50 - 40) / 20


def test_a_new_epoch_forgets_means_and_keeps_the_count(clock):
    shown = after_two_batches(Progress, clock)
    shown.start_epoch()
    shown.step(1, 3.0, 0)
    assert (shown.loss, shown.accuracy, shown.done) == (3.0, 0.0, 41)


def test_before_the_first_batch_nothing_is_divided_by_zero(clock):
    shown = Progress(4, 50, clock)
    assert (shown.loss, shown.accuracy, shown.rate) == (0, 0, 0)


def test_an_epoch_is_one_line_in_a_log(clock, capsys):
    shown = after_two_batches(Lines, clock)
    shown.end_epoch({"epoch": 1, "held_out_accuracy": 0.9712})
    assert capsys.readouterr().out == (
        "epoch 1/4  loss 0.4000  accuracy  75.0%  20 samples/s  0:08 left  held out 97.1%\n"
    )


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.4, "0:59"), (754, "12:34")])
def test_time_left_reads_as_minutes_and_seconds(seconds, text):
    assert module._clock_time(seconds) == text


def test_a_bar_shows_the_same_words(clock):
    shown = after_two_batches(Bar, clock)
    assert shown.display.tasks[0].fields["words"] == shown.describe()


def test_a_bar_is_as_far_as_the_samples_are(clock):
    task = after_two_batches(Bar, clock).display.tasks[0]
    assert (task.completed, task.total) == (40, 200)


def test_a_bar_tells_the_epoch_that_runs(clock):
    shown = after_two_batches(Bar, clock)
    shown.end_epoch({"epoch": 1, "held_out_accuracy": 0.9712})
    shown.step(1, 0.1, 1)
    assert shown.display.tasks[0].fields["epoch"] == "2/4"
    assert "97.1%" in shown.display.tasks[0].fields["held_out"]


def test_a_bar_stops_when_its_block_is_left(clock):
    with Bar(4, 50, clock) as shown:
        assert shown.display.live.is_started
    assert not shown.display.live.is_started


def test_a_log_gets_lines(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert type(progress(1, 1)) is Lines


def test_a_terminal_gets_a_bar(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert type(progress(1, 1)) is Bar


def test_a_terminal_without_rich_gets_lines(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    assert type(progress(1, 1)) is Lines
