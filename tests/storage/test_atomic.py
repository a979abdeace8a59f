"""atomic_write: the file is the new one, or the old one and an error that says why."""

from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lamina.errors import CheckpointWriteError
from lamina.files import atomic_write, load_npz, save_npz
from lamina.files.atomic import sweep, temporary
from lamina.files.disk import is_alive
from storage.samples import arrays_like, same, saved


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(data: bytes):
    return lambda file: file.write(data)


# -- what is written -----------------------------------------------------------------------------


def test_a_file_is_made(folder):
    atomic_write("note", write(b"whole"))
    assert Path("note").read_bytes() == b"whole"


def test_a_file_is_replaced(folder):
    Path("note").write_bytes(b"old and longer")
    atomic_write("note", write(b"new"))
    assert Path("note").read_bytes() == b"new"


def test_nothing_else_is_left_in_the_folder(folder):
    atomic_write("note", write(b"whole"))
    assert os.listdir() == ["note"]


def test_an_empty_file_can_be_made(folder):
    atomic_write("note", lambda file: None)
    assert Path("note").read_bytes() == b""


def test_the_file_is_not_there_before_it_is_whole(folder):
    seen = []
    atomic_write("note", lambda file: seen.append((file.write(b"a"), Path("note").exists())))
    assert seen == [(1, False)]


def test_tell_says_how_much_was_written(folder):
    seen = []
    atomic_write("note", lambda file: seen.append((file.write(b"abc"), file.tell())))
    assert seen == [(3, 3)]


def test_a_change_of_the_working_folder_while_writing_does_not_move_the_file(folder, monkeypatch):
    Path("elsewhere").mkdir()
    atomic_write("note", lambda file: (monkeypatch.chdir("elsewhere"), file.write(b"whole")))
    assert (folder / "note").read_bytes() == b"whole"


def test_missing_folders_are_made_on_request(folder):
    save_npz("runs/1/m", arrays_like(1), make_folders=True)
    assert same(load_npz("runs/1/m")[0], arrays_like(1))


def test_a_missing_folder_is_named_and_the_way_out_too(folder):
    with pytest.raises(CheckpointWriteError, match=r"no folder .*runs; make it, or pass make_fol"):
        save_npz("runs/m", arrays_like(1))


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, "x" * 251 + ".npz"])
def test_a_name_as_long_as_the_disk_takes_can_be_written(folder, name):
    atomic_write(name, write(b"whole"))
    assert os.listdir() == [name]


# -- permissions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_new_file_has_the_permissions_that_open_would_give(folder, mask):
    before = os.umask(mask)
    try:
        atomic_write("note", write(b""))
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat("note").st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_a_replaced_file_keeps_its_permissions(folder, mode):
    Path("note").write_bytes(b"old")
    os.chmod("note", mode)
    atomic_write("note", write(b"new"))
    assert stat.S_IMODE(os.stat("note").st_mode) == mode


# -- what is not a file --------------------------------------------------------------------------


def test_a_symbolic_link_is_refused_and_its_target_untouched(folder):
    save_npz("best", arrays_like(1))
    os.symlink("best.npz", "latest.npz")
    with pytest.raises(CheckpointWriteError, match=r"is a symbolic link; save to .*best\.npz its"):
        save_npz("latest", arrays_like(2))
    assert same(load_npz("best")[0], arrays_like(1))


def test_a_link_to_nowhere_is_refused_too(folder):
    os.symlink("nowhere.npz", "latest.npz")
    with pytest.raises(CheckpointWriteError, match="is a symbolic link"):
        save_npz("latest", arrays_like(2))
    assert os.listdir() == ["latest.npz"]


def test_a_link_among_the_folders_is_followed(folder):
    Path("disk2").mkdir()
    os.symlink("disk2", "runs")
    save_npz("runs/m", arrays_like(1))
    assert os.listdir("disk2") == ["m.npz"]


def test_a_folder_is_refused(folder):
    Path("m.npz").mkdir()
    with pytest.raises(CheckpointWriteError, match=r"m\.npz is a folder") as caught:
        save_npz("m", arrays_like(1))
    assert caught.value.errno == errno.EISDIR


def test_a_device_is_refused_before_it_is_replaced():
    with pytest.raises(CheckpointWriteError, match="/dev/null is a device or a pipe"):
        atomic_write("/dev/null", write(b""))
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


# -- failures ------------------------------------------------------------------------------------


def test_an_error_while_writing_passes_through_and_the_old_file_stays(folder):
    Path("note").write_bytes(b"old")
    with pytest.raises(ZeroDivisionError, match="division"):
        atomic_write("note", lambda file: file.write(b"new" * (1 // 0)))
    assert os.listdir() == ["note"]
    assert Path("note").read_bytes() == b"old"


def test_an_interrupt_passes_through_and_the_old_file_stays(folder):
    def interrupted(file):
        file.write(b"new")
        raise KeyboardInterrupt

    Path("note").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        atomic_write("note", interrupted)
    assert os.listdir() == ["note"]
    assert Path("note").read_bytes() == b"old"


def test_no_file_is_left_open(folder):
    before = os.listdir("/proc/self/fd")
    with pytest.raises(ZeroDivisionError, match="division"):
        atomic_write("note", lambda file: 1 // 0)
    atomic_write("note", write(b"whole"))
    assert os.listdir("/proc/self/fd") == before


SIZE = len(saved(arrays_like(2)))


@pytest.mark.parametrize("percent", range(0, 100, 5))
def test_a_full_disk_leaves_the_old_file_and_says_so(folder, percent):
    save_npz("m", arrays_like(1))
    limit = SIZE * percent // 100
    with pytest.raises(
        CheckpointWriteError, match=f"{limit:,} of {SIZE:,} bytes.*is unt"
    ) as caught:
        save_within(limit)
    assert caught.value.errno == errno.EFBIG
    assert caught.value.filename == str(folder / "m.npz")
    assert os.listdir() == ["m.npz"]
    assert same(load_npz("m")[0], arrays_like(1))


@pytest.mark.parametrize("percent", [100, 105])
def test_a_disk_with_just_enough_room_takes_the_new_file(folder, percent):
    save_npz("m", arrays_like(1))
    save_within(SIZE * percent // 100)
    assert same(load_npz("m")[0], arrays_like(2))


def save_within(limit: int) -> None:
    """Save with no more room in a file than ``limit`` bytes."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        save_npz("m", arrays_like(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


# -- orphans -------------------------------------------------------------------------------------


def dead() -> int:
    """The number of a process that has just ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def orphan(name: str, pid: int) -> str:
    """A temporary file of a process, as `temporary` names it."""
    path = temporary(name).replace(f".{os.getpid()}-", f".{pid}-")
    Path(path).write_bytes(b"half")
    return path


def test_the_next_save_removes_what_a_dead_process_left(folder):
    orphan("m.npz", dead())
    save_npz("m", arrays_like(1))
    assert os.listdir() == ["m.npz"]


def test_what_a_dead_process_left_of_another_file_stays(folder):
    other = orphan("other.npz", dead())
    save_npz("m", arrays_like(1))
    assert sorted(os.listdir()) == [other, "m.npz"]


def test_what_a_living_process_writes_stays(folder):
    theirs = orphan("m.npz", os.getppid())
    save_npz("m", arrays_like(1))
    assert sorted(os.listdir()) == [theirs, "m.npz"]


def test_what_this_process_writes_stays(folder):
    seen = []
    atomic_write("note", lambda file: seen.append(sweep(".", "note")))
    assert seen == [[]]


def test_what_this_process_left_is_removed(folder):
    left = orphan("m.npz", os.getpid())
    assert sweep(".", "m.npz") == [left]


def test_a_lock_protects_the_file_of_a_process_that_cannot_be_seen(folder):
    import fcntl

    theirs = orphan("m.npz", dead())  # its number means nothing here: it may run in a container
    with open(theirs) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert sweep(".", "m.npz") == []
    assert sweep(".", "m.npz") == [theirs]


@pytest.mark.parametrize(
    "name",
    [
        ".m.npz.{pid}-0123456789abcdef.lamina-tmp~",
        ".m.npz.{pid}-0123456789abcde.lamina-tmp",
        "m.npz.{pid}-0123456789abcdef.lamina-tmp",
        ".m.npz.{pid}-0123456789ABCDEF.lamina-tmp",
        ".mXnpz.{pid}-0123456789abcdef.lamina-tmp",
        ".m.npz..lamina-tmp",
        "m.npz.tmp",
    ],
)
def test_files_of_the_user_stay(folder, name):
    Path(name.format(pid=dead())).write_bytes(b"mine")
    assert sweep(".", "m.npz") == []


def test_links_folders_and_pipes_that_look_like_orphans_stay(folder):
    link, made, pipe = (orphan("m.npz", dead()) for _ in range(3))
    for path in (link, made, pipe):
        os.unlink(path)
    os.symlink("m.npz", link)
    os.mkdir(made)
    os.mkfifo(pipe)
    assert sweep(".", "m.npz") == []


def test_an_orphan_that_cannot_be_removed_does_not_stop_the_save(folder, monkeypatch):
    left = orphan("m.npz", dead())
    remove = os.unlink

    def refusing(path):
        if os.path.basename(path) == left:
            raise PermissionError(errno.EPERM, "not yours")
        remove(path)

    monkeypatch.setattr(os, "unlink", refusing)
    save_npz("m", arrays_like(1))
    assert same(load_npz("m")[0], arrays_like(1))


def test_process_numbers_beyond_those_of_the_system_count_as_living():
    assert is_alive(10**30)


# -- threads -------------------------------------------------------------------------------------


def test_eight_threads_saving_to_one_name_leave_one_whole_file(folder):
    from concurrent.futures import ThreadPoolExecutor

    def save(i: int) -> None:
        save_npz("m", {"a": np.full(100 + i, i)})
        load_npz("m")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(save, range(400)))
    array = load_npz("m")[0]["a"]
    assert os.listdir() == ["m.npz"]
    assert array.tolist() == [array[0]] * (100 + array[0])
