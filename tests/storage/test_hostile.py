"""Files made to deceive are refused: for the right reason, in little memory, and nothing runs."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamina import errors
from lamina.errors import CheckpointError
from lamina.files import load_npz
from storage.attacks import attacked
from storage.hostile import MARK, Evil, collection

CASES = {name: case for name, *case in collection()}


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_is_refused_for_the_right_reason(name):
    data, error, text = CASES[name]
    with pytest.raises(getattr(errors, error), match=re.escape(text)) as caught:
        load_npz(io.BytesIO(data))
    assert type(caught.value).__name__ == error


@pytest.mark.parametrize("name", CASES)
def test_its_message_is_short_and_of_one_line(name):
    with pytest.raises(CheckpointError, match=r"^load: a BytesIO: ") as caught:
        load_npz(io.BytesIO(CASES[name][0]))
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> list[dict[str, Any]]:
    """What happened to each file of the collection in a process that was watched."""
    folder = tmp_path_factory.mktemp("hostile") / "files"
    folder.mkdir()
    for number, (data, *_) in enumerate(CASES.values()):
        (folder / f"{number:03}.npz").write_bytes(data)
    return attacked(folder)


def test_no_file_is_opened_but_the_one_given_and_no_code_runs(results):
    for r in results:
        assert {(event, Path(about).name) for event, about in r["events"]} == {("open", r["file"])}


def test_memory_stays_under_twice_the_file_and_64_mebibytes(results):
    greedy = [r["file"] for r in results if r["peak"] > 2 * r["size"] + (64 << 20)]
    assert len(results) == len(CASES)
    assert greedy == []


def test_the_watch_would_see_code_that_runs(tmp_path):
    (tmp_path / "files").mkdir()
    np.savez(tmp_path / "files" / "a.npz", a=np.array([Evil()], object))
    (result,) = attacked(tmp_path / "files", "pickle")
    assert {"pickle.find_class", "os.system"} <= {event for event, _ in result["events"]}
    assert (tmp_path / MARK).exists()
