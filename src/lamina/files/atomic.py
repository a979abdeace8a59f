"""Files that are whole or not there: temporary file, flush, fsync, rename, fsync of the folder.

After any failure, of the disk, of the program or of the power, the name holds the old file or the
new one, and nothing in between. A temporary file that a killed process left behind is removed by
the next save to the same name.
"""

from __future__ import annotations

import errno
import io
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable
from typing import BinaryIO, cast

from ..errors import CheckpointWriteError
from .disk import DISK, Disk

SUFFIX = ".lamina-tmp"
LONGEST_NAME = 200  # bytes of the target's name in the temporary one: 255 is what disks take


def atomic_write(
    path: str | os.PathLike[str],
    write: Callable[[BinaryIO], object],
    *,
    make_folders: bool = False,
    size: int | None = None,
    disk: Disk = DISK,
) -> None:
    """Let ``write`` fill a file that appears under ``path`` whole, or not at all.

    When this returns, the file survives a loss of power. Permissions are those of the file that
    was there, or what ``open(path, "wb")`` would give. A symbolic link as the last part of
    ``path`` is refused: following it would overwrite a file of another name, replacing it would
    undo the link, and either surprises someone. Links among the folders are followed.

    Args:
        path: the file to make or to replace.
        write: gets a file open for writing bytes, unbuffered: each ``write`` goes to the disk.
        make_folders: make the folders that ``path`` names and that are missing.
        size: how many bytes will come, if it is known; the message of a full disk says it.
        disk: the operations, one method each; a test passes one that fails.
    Raises:
        CheckpointWriteError: the disk refused. The old file is as it was, the temporary one is
            gone; ``errno`` says why. If the last step fails, the fsync of the folder, the new
            file is in place already, and the message says so.
    Source: Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014, section 4.
    Example:
        >>> import tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "note.txt")
        >>> atomic_write(path, lambda file: file.write(b"whole"))
        >>> with open(path, "rb") as file:
        ...     file.read()
        b'whole'
    """
    target = os.path.abspath(os.fspath(path))
    folder, name = os.path.split(target)
    progress = Progress(size)
    try:
        if make_folders:
            os.makedirs(folder, exist_ok=True)
        mode = permissions(target)
        sweep(folder, name, disk)
        write_and_rename(target, os.path.join(folder, temporary(name)), write, mode, progress, disk)
        progress.replaced = True
        disk.sync_folder(folder)
    except OSError as error:
        if isinstance(error, CheckpointWriteError):
            raise
        raise refused(error, target, progress) from error


class Progress:
    """How far a save came: for its error message."""

    def __init__(self, size: int | None):
        self.size = size
        self.written = 0
        self.replaced = False


def permissions(target: str) -> int | None:
    """The permission bits of the file that ``target`` is now; None if there is none.

    Raises:
        CheckpointWriteError: for a link, a folder, or a device: a rename would replace it.
    """
    try:
        status = os.lstat(target)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(status.st_mode):
        real = os.path.realpath(target)
        raise unfit(
            target, errno.ELOOP, f"is a symbolic link; save to {real} itself, or remove the link"
        )
    if stat.S_ISDIR(status.st_mode):
        raise unfit(target, errno.EISDIR, "is a folder; name a file inside it")
    if not stat.S_ISREG(status.st_mode):
        raise unfit(
            target, errno.EINVAL, "is a device or a pipe, and not a file; pass it as an open file"
        )
    return stat.S_IMODE(status.st_mode)


def unfit(target: str, number: int, why: str) -> CheckpointWriteError:
    """The error for a target that is not a file."""
    return CheckpointWriteError(number, f"save: {target} {why}; nothing was changed", target)


def write_and_rename(
    target: str,
    temp: str,
    write: Callable[[BinaryIO], object],
    mode: int | None,
    progress: Progress,
    disk: Disk,
) -> None:
    """The file under ``temp``, complete and on the disk, then under ``target``."""
    fd = None
    try:
        fd = disk.create(temp)
        if mode is not None:
            disk.set_mode(fd, mode)
        with Output(fd, progress, disk) as file:
            write(cast(BinaryIO, file))
        disk.fsync(fd)
        closing, fd = fd, None  # even a close that fails frees the number, for another thread
        disk.replace(closing, temp, target)
    except BaseException:
        discard(fd, temp, disk)
        raise


def discard(fd: int | None, temp: str, disk: Disk) -> None:
    """Close and remove a temporary file; the error that led here is the one to be told."""
    try:
        if fd is not None:
            disk.close(fd)
    except OSError:
        pass
    finally:
        try:
            disk.remove(temp)
        except OSError:
            pass  # it was never made, or the next save sweeps it


class Output(io.RawIOBase):
    """The temporary file as ``write`` sees it: each write is complete, or raises."""

    def __init__(self, fd: int, progress: Progress, disk: Disk):
        self.fd = fd
        self.progress = progress
        self.disk = disk

    def writable(self) -> bool:
        """True: writing is all it can do."""
        return True

    def tell(self) -> int:
        """How many bytes were written."""
        return self.progress.written

    def write(self, data) -> int:  # type: ignore[override] (any buffer, as in io)
        """Write all of ``data``, in as many pieces as the disk takes it."""
        rest = memoryview(data).cast("B")
        total = len(rest)
        while rest:
            count = self.disk.write(self.fd, rest)
            if count <= 0:
                raise OSError(errno.EIO, "the disk took no bytes and gave no reason")
            self.progress.written += count
            rest = rest[count:]
        return total


def refused(error: OSError, target: str, progress: Progress) -> CheckpointWriteError:
    """What the user reads when the disk said no."""
    reason = error.strerror or str(error) or type(error).__name__
    folder = os.path.dirname(target)
    if error.errno == errno.ENOENT and not os.path.isdir(folder):
        text = f"there is no folder {folder}; make it, or pass make_folders=True"
        return CheckpointWriteError(error.errno, f"save: {target}: {text}", target)
    of = "" if progress.size is None else f" of {progress.size:,}"
    if progress.replaced:
        text = f"the new file is in place and whole, but may not survive a loss of power ({reason})"
    else:
        text = (
            f"{reason} after {progress.written:,}{of} bytes{free(target)}; "
            "a file that was there before is untouched"
        )
    return CheckpointWriteError(error.errno, f"save: {target}: {text}", target)


def free(target: str) -> str:
    """``, 1,024 free`` on the disk of ``target``; nothing if it cannot be asked."""
    try:
        return f", {shutil.disk_usage(os.path.dirname(target)).free:,} free on the disk"
    except OSError:
        return ""


# -- temporary files -----------------------------------------------------------------------------


def temporary(name: str) -> str:
    """A name for a temporary file beside ``name``: hidden, and unlike any other.

    >>> temporary("m.npz").startswith(".m.npz.")
    True
    """
    return f".{shortened(name)}.{os.getpid()}-{secrets.token_hex(8)}{SUFFIX}"


def shortened(name: str) -> str:
    """The beginning of a name, so that the temporary one is no longer than disks allow."""
    return os.fsdecode(os.fsencode(name)[:LONGEST_NAME])


def sweep(folder: str, name: str, disk: Disk = DISK) -> list[str]:
    """Remove what killed processes left of saves to ``name``; the names of what was removed.

    A file is removed if its name is one that `temporary` makes, it is a plain file, its process is
    no more, and nobody holds its lock. What is in doubt stays.
    """
    pattern = re.compile(
        rf"\.{re.escape(shortened(name))}\.(\d+)-[0-9a-f]{{16}}{re.escape(SUFFIX)}"
    )
    try:
        names = os.listdir(folder)
    except OSError:
        return []  # the save itself will tell
    matches = filter(None, map(pattern.fullmatch, names))
    return [match[0] for match in matches if removed(os.path.join(folder, match[0]), match, disk)]


def removed(path: str, match: re.Match[str], disk: Disk) -> bool:
    """True if a temporary file was an orphan and is gone now."""
    try:
        return disk.remove_orphan(path, int(match[1]))
    except OSError:
        return False  # gone already, or not ours to remove
