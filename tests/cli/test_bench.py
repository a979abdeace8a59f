"""``lamina bench``: all figures are there, in words and as JSON."""

from __future__ import annotations

import importlib.util
import json

import pytest

from lamina.cli import bench
from lamina.cli.main import main

NATIVE = importlib.util.find_spec("llvmlite") is not None
BACKENDS = {"eager", "replay"} | ({"native"} if NATIVE else set())


@pytest.fixture
def small(monkeypatch):
    """Networks and limits that take no time."""
    small = {
        "tiny": bench.Network("MLP 3-4-1", 5, (3, 4, 1), False),
        "mlp": bench.Network("MLP 4-5-3", 7, (4, 5, 3), True),
    }
    monkeypatch.setattr(bench, "NETWORKS", small)
    if NATIVE:
        from lamina.machine import limits

        made = limits.Limits(2, 16, 1e11, 2e11, 2e10, 3e10, 5e-7, 6e-7, 1e-7)
        monkeypatch.setattr(limits, "limits", lambda: made)


def test_json_holds_the_machine_its_limits_and_a_time_for_each_backend(small, capsys):
    assert main(["bench", "--json", "--seconds", "0.001"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"machine", "limits", "steps"}
    assert found["machine"]["NumPy"]
    assert found["limits"] is None or found["limits"]["flops"] == 2e11
    assert (found["limits"] is not None) is NATIVE
    for times in found["steps"].values():
        assert set(times) == BACKENDS | {"title"}
        assert all(times[name] > 0 for name in BACKENDS)


def test_the_table_has_a_line_for_each_figure(small, capsys):
    assert main(["bench", "--seconds", "0.001"]) == 0
    out = capsys.readouterr().out
    for word in ("MLP 3-4-1\n", "MLP 4-5-3\n", *[f"  {name} " for name in BACKENDS]):
        assert word in out
    assert ("products, all threads" if NATIVE else "needs llvmlite") in out


def test_without_llvmlite_the_rest_is_measured(small, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["bench", "--seconds", "0.001"]) == 0
    out = capsys.readouterr().out
    assert "not measured: native code needs llvmlite; pip install 'lamina[fast]'" in out
    assert "  replay " in out
    assert "  native " not in out


@pytest.mark.parametrize(
    ("t", "words"), [(2.5e-6, "2.5 us"), (1e-3, "1.00 ms"), (1.2, "1200.00 ms")]
)
def test_times_have_a_unit(t, words):
    assert bench.in_words(t) == words


@pytest.mark.parametrize("network", bench.NETWORKS.values(), ids=bench.NETWORKS)
def test_a_step_learns(network):
    step, inputs = bench.training(network), bench.batch(network)
    first = step(*inputs).item()
    for _ in range(3):
        last = step(*inputs).item()
    assert last < first


@pytest.mark.parametrize("word", ["0", "-1", "nan", "inf", "soon"])
def test_seconds_are_a_positive_number(word, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["bench", "--seconds", word])
    assert f"--seconds: should be a number above 0, got {word!r}" in capsys.readouterr().err
