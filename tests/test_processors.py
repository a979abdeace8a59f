"""How many processors there are for this process: those it may run on, and a container's quota."""

from __future__ import annotations

import os

import pytest

from lamina import processors


@pytest.fixture(autouse=True)
def four(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5, 7}, raising=False)


def test_without_a_quota_all_that_it_may_run_on_are_used(tmp_path):
    assert processors.cores(tmp_path / "none") == 4
    assert processors.quota(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("text", "quota", "count"),
    [
        ("max 100000", None, 4),
        ("200000 100000", 2.0, 2),
        ("250000 100000", 2.5, 2),
        ("50000 100000", 0.5, 1),
        ("900000 100000", 9.0, 4),
        ("", None, 4),
    ],
)
def test_a_container_with_a_quota_uses_no_more_than_that(tmp_path, text, quota, count):
    (tmp_path / "cpu.max").write_text(text)
    assert processors.quota(tmp_path / "cpu.max") == quota
    assert processors.cores(tmp_path / "cpu.max") == count


def test_where_the_system_tells_of_none_it_may_run_on_all_are_taken(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert processors.cores(tmp_path / "none") == 3
