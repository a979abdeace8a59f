"""``lamina doctor``: what it prints, and how it ends."""

from __future__ import annotations

import json
import sys

import pytest

from lamina.cli.main import main

SOURCE = """
import numpy as np
import lamina.functions as F
import lamina.layers as L
import lamina.optimizers as O

def loss(model, x, t):
    return F.softmax_cross_entropy(model(x), t)

def batch():
    x = np.random.default_rng(0).standard_normal((32, 4)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(int)

def healthy():
    model = L.Sequential(L.Linear(16), F.relu, L.Linear(2))
    return model, loss, batch(), O.Adam(lr=3e-3).setup(model)

def broken():
    return L.Sequential(L.Linear(16), F.relu, L.Linear(2), L.Softmax()), loss, batch()

def infinite():
    model, loss, (x, t) = broken()
    return L.Linear(2), lambda m, x, t: F.log(loss(m, x, t) * 0), (x, t)

def short():
    return L.Linear(2), loss

number = 3
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A current folder that holds the module ``subjects_of_the_doctor``."""
    (tmp_path / "subjects_of_the_doctor.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("subjects_of_the_doctor", None)


def test_a_healthy_model_ends_with_0(capsys):
    path = list(sys.path)
    assert main(["doctor", "subjects_of_the_doctor:healthy"]) == 0
    assert "0 findings of " in capsys.readouterr().out
    assert sys.path == path


def test_a_finding_is_printed_and_ends_with_3(capsys):
    assert main(["doctor", "subjects_of_the_doctor:broken"]) == 3
    assert "softmax-before-cross-entropy  at 3\n" in capsys.readouterr().out


def test_findings_as_json(capsys):
    assert main(["doctor", "--json", "subjects_of_the_doctor:broken"]) == 3
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding["rule"] == "softmax-before-cross-entropy"
    assert set(finding) == {"rule", "place", "evidence", "remedy"}


def test_json_has_no_infinity(capsys):
    assert main(["doctor", "--json", "subjects_of_the_doctor:infinite"]) == 3
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["loss"] is None
    assert [finding["rule"] for finding in found["findings"]] == ["not-finite-loss"]


@pytest.mark.parametrize(
    ("subject", "line"),
    [
        ("subjects_of_the_doctor:short", "got a tuple of 2\n"),
        ("subjects_of_the_doctor:batch", "got a tuple of 2\n"),
        ("subjects_of_the_doctor:number", "has no function 'number'\n"),
        ("subjects_of_the_doctor:nothing", "has no function 'nothing'\n"),
        ("no_module_of_this_name:f", "there is no module 'no_module_of_this_name', in "),
        ("no_package_of_this_name.inner:f", "there is no module 'no_package_of_this_name.inner'"),
    ],
)
def test_a_subject_that_is_none_is_one_line(subject, line, capsys):
    assert main(["doctor", subject]) == 1
    error = capsys.readouterr().err
    assert error.startswith("lamina: doctor: ")
    assert line in error


@pytest.mark.parametrize("subject", ["train", "train:", ":f", "a b:f", "train.py:f:g"])
def test_a_subject_of_another_form_is_wrong_usage(subject, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["doctor", subject])
    assert "or MODULE:FUNCTION, such as train:subject, got " in capsys.readouterr().err
