"""Machine code on disk, in a folder of the user's own. Nothing unchecked comes out of it."""

from __future__ import annotations

import functools
import hashlib
import os
import stat
from pathlib import Path

from ..files.atomic import atomic_write
from ..files.disk import SAFE, Disk
from ..log import logger

MAGIC = b"lamina object 1\n"
SUFFIX = ".object"
LARGEST = 1 << 26  # bytes of one file
LIMIT = 1 << 29  # bytes of all files


class Hasty(Disk):
    """A disk that is not waited for: a file that a power failure tore is refused by its hash."""

    def fsync(self, fd: int) -> None:
        """Nothing."""

    def sync_folder(self, path: str) -> None:
        """Nothing."""


class Cache:
    """Byte strings by name, in a folder.

    Whatever is wrong with the folder or with a file is logged, and costs time and nothing else.

    Args:
        folder: made if need be, with mode 0700. One that another user owns, or can write or read,
            is not used. None: there is no cache.
        limit: bytes that the files may have in all; those that were used longest ago go first.
    """

    def __init__(self, folder: Path | None, limit: int = LIMIT):
        self.folder = folder
        self.limit = limit

    def _usable(self) -> Path | None:
        """The folder, if it is there and belongs to the user alone."""
        if self.folder is None:
            return None
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            problem = unsafe(os.stat(self.folder))
        except OSError as error:
            problem = error.strerror or str(error)
        if problem:
            logger.info("native code: the cache %s is not used: %s", self.folder, problem)
            self.folder = None
        return self.folder

    def get(self, name: str) -> bytes | None:
        """What was put under a name; None if nothing was, or if it is not what was put."""
        folder = self._usable()
        if folder is None:
            return None
        path = folder / (name + SUFFIX)
        try:
            content = read(path)
            os.utime(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.info("native code: %s is not used: %s", path, error.strerror or error)
            return None
        head = len(MAGIC) + hashlib.sha256().digest_size
        if content[:head] != MAGIC + digest(name, content[head:]):
            logger.info("native code: %s is damaged and will be made anew", path)
            return None
        return content[head:]

    def put(self, name: str, content: bytes) -> None:
        """Keep ``content`` under a name."""
        folder = self._usable()
        if folder is None:
            return
        path = folder / (name + SUFFIX)
        whole = MAGIC + digest(name, content) + content
        try:
            atomic_write(path, lambda file: file.write(whole), size=len(whole), disk=Hasty())
            self._trim(folder)
        except OSError as error:  # CheckpointWriteError is one
            logger.info("native code: it is not kept on disk: %s", error.strerror or error)

    def _trim(self, folder: Path) -> None:
        """Remove the files that were used longest ago until the rest is within the limit."""
        files = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX):
                    status = entry.stat(follow_symlinks=False)
                    files.append((status.st_mtime_ns, status.st_size, entry.path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self.limit:
                return
            Path(path).unlink(missing_ok=True)
            total -= size


def digest(name: str, content: bytes) -> bytes:
    """SHA-256 of a name and what stands under it: a file cannot take another one's place."""
    return hashlib.sha256(name.encode() + b"\0" + content).digest()


def unsafe(folder: os.stat_result) -> str:
    """Why a folder is no place for code that will be executed; nothing if it is one."""
    if not stat.S_ISDIR(folder.st_mode):
        return "it is not a folder"
    if os.name == "nt":  # the folders of a user's profile are the user's
        return ""
    if folder.st_uid != os.geteuid():
        return f"it belongs to user {folder.st_uid}, and this is user {os.geteuid()}"
    mode = stat.S_IMODE(folder.st_mode)
    return "" if mode & 0o077 == 0 else f"others have access, its mode is {mode:04o}; set 0700"


def read(path: Path) -> bytes:
    """A plain file of the user's, up to `LARGEST` bytes.

    Raises:
        OSError: it cannot be read, or is something else.
    """
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | SAFE)
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(None, "it is not a plain file")
        if os.name != "nt" and status.st_uid != os.geteuid():
            raise OSError(None, f"it belongs to user {status.st_uid}")
        if status.st_size > LARGEST:
            raise OSError(None, f"it has {status.st_size:,} bytes")
        return file.read(LARGEST)


@functools.cache
def default_cache() -> Cache:
    """The cache of this process: ``LAMINA_CACHE`` names the folder, or is ``off``."""
    named = os.environ.get("LAMINA_CACHE", "")
    if named.lower() == "off":
        return Cache(None)
    if named:
        return Cache(Path(named))
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        return Cache((Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "lamina")
    except RuntimeError:  # there is no home
        return Cache(None)
