"""Every request to the disk fails once: the last acknowledged file still loads, bit by bit.

The loop is SQLite's: fail request 0, then 1, then 2, until a save gets through without a failure.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from lamina.errors import CheckpointWriteError
from lamina.files import load_npz, save_npz
from lamina.files.disk import Disk
from storage.disks import OPERATIONS, CountingDisk, FailingDisk, HesitantDisk
from storage.samples import arrays_like, same

OLD, NEW, NEXT = arrays_like(1), arrays_like(2), arrays_like(3)

ERRORS = {
    "ENOSPC": OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "EIO": OSError(errno.EIO, os.strerror(errno.EIO)),
    "EDQUOT": OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
    "EROFS": OSError(errno.EROFS, os.strerror(errno.EROFS)),
    "EACCES": OSError(errno.EACCES, os.strerror(errno.EACCES)),
    "interrupt": KeyboardInterrupt(),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    save_npz("m", OLD)
    return tmp_path


def requests_of_a_save() -> list[str]:
    disk = CountingDisk()
    save_npz("m", NEW, disk=disk)
    save_npz("m", OLD)
    return disk.calls


def failed_save(disk: Disk, kind: str) -> None:
    """Save to a disk that fails, and check the error."""
    if kind == "interrupt":
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            save_npz("m", NEW, disk=disk)
        return
    with pytest.raises(CheckpointWriteError, match=str(ERRORS[kind].strerror)) as caught:
        save_npz("m", NEW, disk=disk)
    assert caught.value.errno == getattr(errno, kind)


def temporaries() -> list[str]:
    return [name for name in os.listdir() if name != "m.npz"]


def test_a_save_asks_for_what_makes_it_last(folder):
    calls = [name for name in requests_of_a_save() if name != "write"]
    assert calls == ["create", "set_mode", "fsync", "replace", "sync_folder"]


def test_every_request_is_one_that_can_fail():
    assert set(OPERATIONS) == {name for name in vars(Disk) if name[0] != "_"}


@pytest.mark.parametrize("for_ever", [False, True], ids=["once", "for_ever"])
@pytest.mark.parametrize("after", [False, True], ids=["instead", "after"])
@pytest.mark.parametrize("kind", ERRORS)
def test_whichever_request_fails_the_last_acknowledged_file_loads(folder, kind, after, for_ever):
    names = requests_of_a_save()
    for number, name in enumerate(names):
        failed_save(FailingDisk(number, ERRORS[kind], after, for_ever), kind)
        published = name == "sync_folder" or (name == "replace" and after)
        assert same(load_npz("m")[0], NEW if published else OLD), f"request {number}, {name}"
        assert len(temporaries()) <= 1, f"request {number}, {name}"
        save_npz("m", NEXT)
        assert temporaries() == [], f"request {number}, {name}"
        assert same(load_npz("m")[0], NEXT)
        save_npz("m", OLD)


@pytest.mark.parametrize("kind", ERRORS)
def test_a_save_without_a_failure_gets_through(folder, kind):
    count = len(requests_of_a_save())
    save_npz("m", NEW, disk=FailingDisk(count, ERRORS[kind], False, True))
    assert same(load_npz("m")[0], NEW)


def test_a_short_write_is_continued(folder):
    writes = requests_of_a_save().count("write")
    for number in range(writes):
        disk = HesitantDisk(number, 1)
        save_npz("m", NEW, disk=disk)
        assert disk.calls.count("write") == writes + 1
        assert same(load_npz("m")[0], NEW)
        save_npz("m", OLD)


def test_a_disk_that_takes_nothing_is_an_error_and_no_endless_loop(folder):
    with pytest.raises(CheckpointWriteError, match="the disk took no bytes and gave no reason"):
        save_npz("m", NEW, disk=HesitantDisk(3, 0))
    assert same(load_npz("m")[0], OLD)


@pytest.mark.parametrize("after", [False, True], ids=["instead", "after"])
@pytest.mark.parametrize("kind", ERRORS)
def test_an_orphan_that_cannot_be_swept_harms_nothing(folder, kind, after):
    with pytest.raises(KeyboardInterrupt, match=r"^$"):  # leaves one behind
        save_npz("m", NEW, disk=FailingDisk(3, KeyboardInterrupt(), False, True))
    assert len(temporaries()) == 1
    disk = FailingDisk(0, ERRORS[kind], after, False)  # the first request is to remove it
    if kind == "interrupt":
        failed_save(disk, kind)
    else:
        save_npz("m", NEW, disk=disk)
    assert disk.calls[0] == "remove_orphan"
    assert len(temporaries()) <= 1
    save_npz("m", NEXT)
    assert temporaries() == []


def test_the_last_step_failing_is_told_as_what_it_is(folder):
    disk = FailingDisk(len(requests_of_a_save()) - 1, ERRORS["EIO"], False, False)
    with pytest.raises(CheckpointWriteError, match="the new file is in place and whole, but may"):
        save_npz("m", NEW, disk=disk)


def test_a_full_disk_is_told_with_what_was_needed_and_what_is_free(folder):
    disk = FailingDisk(4, ERRORS["ENOSPC"], False, False)
    with pytest.raises(
        CheckpointWriteError, match=r"m\.npz: No space left .* after \d+ of \d,\d+ bytes, [\d,]+ fr"
    ):
        save_npz("m", NEW, disk=disk)
