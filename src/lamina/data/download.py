"""Files from the network: checked by SHA-256, and gone on with where a try was interrupted."""

from __future__ import annotations

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from typing import IO, NamedTuple

from ..errors import CorruptFileError, SourceError
from ..files.disk import lock
from ..log import logger
from .binary import opened

PIECE = 1 << 18
TRIES = 3
PAUSE = 1.0  # seconds between two tries
TIMEOUT = 30.0  # seconds without a byte


class Remote(NamedTuple):
    """A file that may be fetched.

    Attributes:
        url: ``http`` or ``https``; the name ends in ``.gz`` if it is packed.
        size: bytes of its content, unpacked.
        sha256: of that content.
    """

    url: str
    size: int
    sha256: str


def download(remote: Remote, target: str) -> None:
    """Fetch ``remote`` into the file ``target``, which is whole or is not there.

    What came is in ``target.part`` meanwhile; the next try, of this program or another one, asks
    for the rest only. Two processes that want one file fetch it once.

    Raises:
        SourceError: it cannot be had, or is not what its checksum says.
    """
    os.makedirs(os.path.dirname(target), exist_ok=True)
    part = f"{target}.part"
    with open(part, "ab") as file:
        lock(file.fileno(), wait=True)
        if os.path.exists(target):  # another process was faster
            return
        logger.info("fetching %s into %s", remote.url, target)
        _fetch_all(remote, file)
        os.fsync(file.fileno())
        _check(remote, part, target)
        os.replace(part, target)


def _fetch_all(remote: Remote, file: IO[bytes]) -> None:
    """Try until all of it is there, or `TRIES` tries brought nothing new."""
    failures, reason = 0, ""
    while failures < TRIES:
        before = file.seek(0, os.SEEK_END)
        try:
            if _fetch(remote, file):
                return
            reason = "the connection ended early"
        except SourceError:  # another try would bring the same
            raise
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 416 and before:  # what is there is not a beginning of it
                    file.truncate(0)
                elif error.code < 500:
                    raise SourceError(f"{remote.url} cannot be had: {error}") from None
            reason = str(error)
        except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
            reason = str(error)
        failures = 0 if file.seek(0, os.SEEK_END) > before else failures + 1
        time.sleep(PAUSE if failures else 0)
    raise SourceError(
        f"{remote.url} cannot be had: {reason}; what came is kept, and the next try goes on there"
    )


def _fetch(remote: Remote, file: IO[bytes]) -> bool:
    """One request for what is not there yet; whether it came to its end."""
    start = file.seek(0, os.SEEK_END)
    if not remote.url.startswith(("http://", "https://")):
        raise SourceError(f"{remote.url} is no address of http or https")
    request = urllib.request.Request(remote.url)
    if start:
        request.add_header("Range", f"bytes={start}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        if start and answer.status != 206:  # it sends the whole file again
            file.truncate(0)
            start = 0
        length = answer.headers.get("Content-Length")
        most = 2 * remote.size + PIECE  # packing makes nothing twice as long
        while piece := answer.read(PIECE):
            start += len(piece)
            if start > most:
                file.truncate(0)
                raise SourceError(f"{remote.url} is longer than what was asked for can be")
            file.write(piece)
        file.flush()
        return length is None or answer.length == 0


def _check(remote: Remote, part: str, target: str) -> None:
    """Raise unless the content of ``part`` is what ``remote`` says; it is removed then."""
    digest, size = hashlib.sha256(), 0
    try:
        with opened(part, packed=target.endswith(".gz")) as file:
            while size <= remote.size and (piece := file.read(PIECE)):
                digest.update(piece)
                size += len(piece)
        found = digest.hexdigest()
        why = "" if found == remote.sha256 else f"SHA-256 {found[:16]}... of {size:,} bytes"
    except CorruptFileError as error:
        why = str(error)
    if why:
        os.truncate(part, 0)
        raise SourceError(
            f"{remote.url} is not what it should be: {why}, expected {remote.sha256[:16]}... of "
            f"{remote.size:,} bytes; it was removed"
        )
