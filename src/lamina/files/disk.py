"""What a save asks of the operating system: one method for each request."""

from __future__ import annotations

import errno
import os
import stat

try:
    import fcntl
except ImportError:  # Windows: there, an open file cannot be removed, which serves as the lock
    fcntl = None

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
SAFE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
PIECE = 1 << 30  # bytes in one write: some systems refuse 2 GiB and more


class Disk:
    """The local file system. A subclass that fails, or that only pretends, serves in tests."""

    def create(self, path: str) -> int:
        """Make the file ``path``, which must not exist, and lock it; its file descriptor.

        A `remove_orphan` may come between making and locking, and remove the file: then it has
        no name any more, and another one is made.
        """
        while True:
            fd = os.open(path, NEW | SAFE, 0o666)
            if not lock(fd, wait=True) or os.fstat(fd).st_nlink:
                return fd
            os.close(fd)

    def set_mode(self, fd: int, mode: int) -> None:
        """Set the permission bits, where the system has them."""
        if hasattr(os, "fchmod"):
            os.fchmod(fd, mode)

    def write(self, fd: int, data: memoryview) -> int:
        """Write some of ``data``; how many bytes were taken."""
        return os.write(fd, data[:PIECE])

    def fsync(self, fd: int) -> None:
        """Wait until the file's content is on the disk itself."""
        os.fsync(fd)

    def close(self, fd: int) -> None:
        """Close the file, and with it its lock."""
        os.close(fd)

    def replace(self, fd: int, source: str, target: str) -> None:
        """Close the file, which was `fsync`-ed, and give it the name ``target`` in one step.

        It keeps its lock until it has its name, else a `remove_orphan` could come between. Windows
        renames only what is closed.
        """
        if fcntl is None:
            os.close(fd)
            os.replace(source, target)
            return
        try:
            os.replace(source, target)
        finally:
            os.close(fd)

    def remove(self, path: str) -> None:
        """Remove a file."""
        os.unlink(path)

    def sync_folder(self, path: str) -> None:
        """Wait until the names in a folder are on the disk itself, where the system can."""
        if not hasattr(os, "O_DIRECTORY"):
            return
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network disks have none
                raise
        finally:
            os.close(fd)

    def remove_orphan(self, path: str, pid: int) -> bool:
        """Remove ``path`` if it is a plain file that no living process writes; True if it is gone.

        The process's number alone does not say it: that of another machine, on a shared disk,
        or of another container means nothing here. The lock does: it goes with its process.
        It is held until the file is removed, so that `create` cannot hand that file out; and a
        file without a name is left alone, since `create` may have made another of that name.
        """
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return False
        if fcntl is None:
            if pid != os.getpid():
                self.remove(path)
            return pid != os.getpid()
        if pid != os.getpid() and is_alive(pid):
            return False
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | SAFE)
        try:
            orphan = lock(fd, wait=False) and os.fstat(fd).st_nlink > 0  # 0: swept by another
            if orphan:
                self.remove(path)
            return orphan
        finally:
            os.close(fd)


def lock(fd: int, wait: bool) -> bool:
    """Lock an open file for this process; False if another has it, or the disk has no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def is_alive(pid: int) -> bool:
    """True if a process of that number runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


DISK = Disk()
