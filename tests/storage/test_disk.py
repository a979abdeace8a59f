"""Disks and systems that can do less: no locks, no fsync of folders, Windows."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
from pathlib import Path

import pytest

from lamina.errors import CheckpointWriteError
from lamina.files import atomic_write, disk, load_npz, save_npz
from lamina.files.atomic import sweep
from lamina.files.disk import DISK, is_alive
from storage.samples import arrays_like, same

ORPHAN = ".m.npz.{pid}-0123456789abcdef.lamina-tmp"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def failing(number: int):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    return fail


def test_without_locks_nothing_is_swept_and_saves_work(monkeypatch):
    orphan = ORPHAN.format(pid=os.getpid())
    Path(orphan).write_bytes(b"half")
    monkeypatch.setattr(disk.fcntl, "flock", failing(errno.ENOLCK))
    save_npz("m", arrays_like(1))
    assert same(load_npz("m")[0], arrays_like(1))
    assert sorted(os.listdir()) == [orphan, "m.npz"]


def test_a_temporary_file_that_was_swept_before_it_was_locked_is_made_anew(monkeypatch):
    lock, swept = disk.lock, []

    def late(fd, wait):
        if not swept:
            swept.append(os.listdir())
            os.unlink(swept[0][0])
        return lock(fd, wait)

    monkeypatch.setattr(disk, "lock", late)
    save_npz("m", arrays_like(1))
    assert len(swept[0]) == 1
    assert same(load_npz("m")[0], arrays_like(1))


def test_a_sweep_that_comes_late_leaves_the_file_that_was_made_anew(monkeypatch):
    orphan, lock = Path(ORPHAN.format(pid=os.getpid())), disk.lock
    orphan.write_bytes(b"half")

    def after_another_swept_and_a_save_began(fd, wait):
        orphan.unlink()
        orphan.write_bytes(b"new")
        return lock(fd, wait)

    monkeypatch.setattr(disk, "lock", after_another_swept_and_a_save_began)
    assert sweep(".", "m.npz") == []
    assert orphan.read_bytes() == b"new"


def test_a_temporary_file_never_takes_the_place_of_another():
    Path("mine").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="mine"):
        DISK.create("mine")


def test_a_temporary_file_is_never_made_through_a_link():
    os.symlink("elsewhere", "link")
    with pytest.raises(FileExistsError, match="link"):
        DISK.create("link")


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_folder_that_cannot_be_synced_at_all_is_no_failure(number, monkeypatch):
    monkeypatch.setattr(os, "fsync", failing(number))
    before = os.listdir("/proc/self/fd")
    DISK.sync_folder(".")
    assert os.listdir("/proc/self/fd") == before


def test_a_folder_whose_sync_fails_is_a_failure(monkeypatch):
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        DISK.sync_folder(".")


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Python has not on Windows."""
    monkeypatch.setattr(disk, "fcntl", None)
    monkeypatch.setattr(disk, "SAFE", 0)
    monkeypatch.delattr(os, "O_DIRECTORY")
    monkeypatch.delattr(os, "O_NONBLOCK")
    monkeypatch.delattr(os, "fchmod")


def test_on_windows_saves_work(windows):
    save_npz("m", arrays_like(1))
    save_npz("m", arrays_like(2))
    assert same(load_npz("m")[0], arrays_like(2))
    assert os.listdir() == ["m.npz"]


def test_on_windows_only_files_of_this_process_stay(windows):
    mine, theirs = ORPHAN.format(pid=os.getpid()), ORPHAN.format(pid=1)
    Path(mine).write_bytes(b"half")
    Path(theirs).write_bytes(b"half")
    assert sweep(".", "m.npz") == [theirs]


def test_on_windows_no_signal_is_sent_to_see_if_a_process_lives(windows, monkeypatch):
    monkeypatch.setattr(os, "kill", None)  # there, signal 0 would end the process
    Path(ORPHAN.format(pid=1)).write_bytes(b"half")
    assert len(sweep(".", "m.npz")) == 1


def test_a_process_that_may_not_be_signalled_lives(monkeypatch):
    monkeypatch.setattr(os, "kill", failing(errno.EPERM))
    assert is_alive(1)


def test_a_disk_that_does_not_say_what_is_free_fails_all_the_same(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", failing(errno.EIO))
    monkeypatch.setattr(os, "fsync", failing(errno.ENOSPC))
    with pytest.raises(CheckpointWriteError, match=r"No space left on device after 3 bytes; a fi"):
        atomic_write("note", lambda file: file.write(b"abc"))


def test_text_can_be_written_through_a_wrapper():
    def write(file):
        text = io.TextIOWrapper(file, encoding="utf-8")
        json.dump({"step": 7}, text)
        text.detach()

    atomic_write("note", write)
    assert json.loads(Path("note").read_text()) == {"step": 7}
