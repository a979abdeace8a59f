"""Sources: the binary readers on files made here, where files are looked for, and downloads."""

from __future__ import annotations

import gzip
import hashlib
import re
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from lamina.data import (
    CIFAR10_KINDS,
    FASHION_KINDS,
    Loader,
    cifar10,
    download,
    fashion_mnist,
    mnist,
    read_cifar10,
    read_idx,
    sources,
    topics,
)
from lamina.data.download import Remote
from lamina.errors import CorruptFileError, DTypeError, LimitError, SourceError

CODES = {"u1": 8, "i1": 9, ">i2": 11, ">i4": 12, ">f4": 13, ">f8": 14}


def idx(array: np.ndarray, dtype: str = "u1") -> bytes:
    """An IDX file, written as the format's page says."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, CODES[dtype], array.ndim, *array.shape)
    return header + array.astype(dtype).tobytes()


# -- IDX -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("shape", [(7,), (2, 3, 5), (0, 4), ()])
def test_what_is_written_is_read(tmp_path, dtype, shape, packed):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    path = tmp_path / ("some.gz" if packed else "some")
    content = idx(array, dtype)
    path.write_bytes(gzip.compress(content) if packed else content)
    found = read_idx(path)
    assert found.tolist() == array.tolist()
    assert found.dtype == np.dtype(dtype).newbyteorder("=")


GOOD = idx(np.arange(24).reshape(2, 3, 4))


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", CorruptFileError, "is no IDX file: it begins with b''"),
        (b"\x00\x00", CorruptFileError, "is no IDX file"),
        (b"\x1f\x8b" + GOOD, CorruptFileError, "is no IDX file"),
        (b"\x00\x00\x0a\x01" + GOOD[4:], CorruptFileError, "is no IDX file"),
        (b"\x01" + GOOD[1:], CorruptFileError, "is no IDX file"),
        (GOOD[:10], CorruptFileError, "ends within its header"),
        (GOOD[:-1], CorruptFileError, r"shape \(2, 3, 4\), 24 bytes, and has 23"),
        (GOOD + b"\x00", CorruptFileError, r"shape \(2, 3, 4\), 24 bytes, and has more"),
        (b"\x00\x00\x08\x02" + b"\xff" * 8, LimitError, "more than 4,294,967,296 bytes"),
        (b"\x00\x00\x08\x01\xff\xff\xff\xff" + b"\x00" * 9, CorruptFileError, "and has 9"),
    ],
)
def test_an_idx_file_that_does_not_fit_its_header_is_refused(tmp_path, content, error, message):
    path = tmp_path / "some"
    path.write_bytes(content)
    with pytest.raises(error, match=message):
        read_idx(path)


@pytest.mark.parametrize(
    "damage", [lambda c: c[:-9], lambda c: c[:30] + b"\xff" + c[31:], lambda c: GOOD]
)
def test_a_damaged_gz_is_refused(tmp_path, damage):
    path = tmp_path / "some.gz"
    path.write_bytes(damage(gzip.compress(GOOD)))
    with pytest.raises(CorruptFileError, match=r"some\.gz"):
        read_idx(path)


# -- CIFAR-10 ------------------------------------------------------------------------------------


def cifar(n: int, first: int = 0) -> bytes:
    """``n`` images: image i has label i modulo 10 and the planes i, i + 1, i + 2."""
    planes = [np.repeat(np.arange(i, i + 3, dtype=np.uint8), 1024) for i in range(first, first + n)]
    return b"".join(bytes([(first + i) % 10]) + plane.tobytes() for i, plane in enumerate(planes))


@pytest.fixture
def cifar_folder(tmp_path) -> Path:
    for i in range(5):
        (tmp_path / f"data_batch_{i + 1}.bin").write_bytes(cifar(3, 3 * i))
    (tmp_path / "test_batch.bin").write_bytes(cifar(2, 50))
    return tmp_path


def test_cifar_images_are_planes_of_colour(tmp_path):
    content = bytearray(cifar(1))
    content[1 + 1024 + 32 * 2 + 5] = 99  # green, row 2, column 5
    (tmp_path / "some").write_bytes(content)
    x, t = read_cifar10(tmp_path / "some")
    assert (x.shape, x.dtype, t.tolist(), t.dtype) == ((1, 3, 32, 32), np.uint8, [0], np.int64)
    assert x[0, 1, 2, 5] == 99
    assert [int(plane[0, 0]) for plane in x[0]] == [0, 1, 2]


def test_the_five_files_of_cifar_are_one_training_part(cifar_folder):
    x, t = cifar10(path=cifar_folder, dtype=np.uint8)
    assert (x.shape, t.tolist()) == ((15, 3, 32, 32), [*range(10), *range(5)])
    assert x[:, 0, 0, 0].tolist() == list(range(15))


def test_the_test_part_of_cifar(cifar_folder):
    x, t = cifar10(False, cifar_folder)
    assert (x.dtype, t.tolist()) == (np.float32, [0, 1])
    assert x[0, :, 0, 0].tolist() == (np.float32([50, 51, 52]) / np.float32(255)).tolist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has 0 bytes, which is no whole number of images"),
        (cifar(2)[:-1], "has 6,145 bytes, which is no whole number of images of 3,073"),
        (b"\x0a" + cifar(1)[1:], "image 0 has label 10"),
    ],
)
def test_a_cifar_file_that_is_none_is_refused(tmp_path, content, message):
    (tmp_path / "some").write_bytes(content)
    with pytest.raises(CorruptFileError, match=message):
        read_cifar10(tmp_path / "some")


# -- where files are -----------------------------------------------------------------------------


def fill(folder: Path, shade: int, packed: bool = True, dots: bool = False) -> Path:
    """The four files of MNIST with few pictures, all of one shade."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, n in (("train", 4), ("t10k", 3)):
        images, labels = np.full((n, 28, 28), shade), np.arange(n)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            name = f"{part}-{kind}-ubyte".replace("-idx", ".idx" if dots else "-idx")
            content = idx(array)
            if packed:
                (folder / f"{name}.gz").write_bytes(gzip.compress(content))
            else:
                (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def nowhere(tmp_path, monkeypatch) -> Path:
    """No data of this machine is found: all places are below this folder."""
    monkeypatch.setenv("LAMINA_DATA", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "DEBIAN", str(tmp_path / "debian"))
    return tmp_path


@pytest.mark.parametrize(("packed", "dots"), [(True, False), (False, False), (False, True)])
def test_files_are_read_in_each_of_their_spellings(tmp_path, packed, dots):
    x, t = mnist(path=fill(tmp_path, 51, packed, dots))
    assert (x.shape, x.dtype, t.tolist()) == ((4, 1, 28, 28), np.float32, [0, 1, 2, 3])
    assert set(x.ravel().tolist()) == {float(np.float32(51) / np.float32(255))}


def test_the_test_part_and_bytes(tmp_path):
    x, t = fashion_mnist(False, fill(tmp_path, 51), dtype=np.uint8)
    assert (x.shape, x.dtype, t.dtype, x.max()) == ((3, 1, 28, 28), np.uint8, np.int64, 51)


PLACES = ["own/mnist", "own", "cache/lamina/data/mnist", "debian/mnist"]


@pytest.mark.parametrize("first", range(4))
def test_the_first_place_that_has_the_files_is_taken(nowhere, first):
    for shade, place in enumerate(PLACES):
        if shade >= first:
            fill(nowhere / place, shade)
    assert mnist(dtype=np.uint8)[0].max() == first


def test_a_path_is_the_only_place(nowhere):
    fill(nowhere / "own", 1)
    with pytest.raises(
        SourceError, match=r"train-images-idx3-ubyte was not found in .*other; name"
    ):
        mnist(path=nowhere / "other")


@pytest.mark.parametrize("source", [mnist, cifar10, lambda: fashion_mnist(fetch=False)])
def test_files_that_are_nowhere_are_told_with_all_places(nowhere, source):
    with pytest.raises(SourceError, match=r"not found in .*own.*cache.*debian.*LAMINA_DATA"):
        source()


def test_images_and_labels_that_do_not_fit_are_refused(tmp_path):
    fill(tmp_path, 1)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.arange(9))))
    with pytest.raises(SourceError, match=r"images of shape \(4, 28, 28\) and labels of \(9,\)"):
        mnist(path=tmp_path)


@pytest.mark.parametrize("source", [mnist, cifar10, fashion_mnist])
def test_an_unknown_part_or_dtype_is_refused(source, tmp_path, cifar_folder):
    folder = cifar_folder if source is cifar10 else fill(tmp_path, 1)
    with pytest.raises(DTypeError, match="train should be True or False, got 'test'"):
        source("test", folder)
    with pytest.raises(DTypeError, match="should be floating or uint8, got int64"):
        source(True, folder, np.int64)


def test_every_kind_has_a_name():
    assert (len(set(FASHION_KINDS)), len(set(CIFAR10_KINDS))) == (10, 10)


def test_the_topics_of_python_are_a_long_english_text():
    assert len(topics()) > 100_000
    assert "Assert statements are a convenient way" in re.sub(r"\s+", " ", topics())


DEBIAN_FILES = Path("/usr/share/datasets/fashion-mnist")


@pytest.mark.skipif(not DEBIAN_FILES.is_dir(), reason="Debian's package dataset-fashion-mnist")
@pytest.mark.parametrize("file", [name for name in sources.FASHION if name.startswith("t10k")])
def test_the_files_of_debian_have_the_checksums(file):
    content = gzip.decompress((DEBIAN_FILES / f"{file}.gz").read_bytes())
    remote = sources.FASHION[file]
    assert (len(content), hashlib.sha256(content).hexdigest()) == (remote.size, remote.sha256)


# -- downloads -----------------------------------------------------------------------------------


class Server(ThreadingHTTPServer):
    """Serves one content on the loopback; ``plan`` says how it behaves at each request."""

    daemon_threads = True

    def __init__(self, content: bytes):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.plan, self.asked = content, [], []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file.gz"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range")
        server.asked.append(wanted)
        plan = server.plan.pop(0) if server.plan else "whole"
        start = int(wanted[6:-1]) if wanted and plan != "no ranges" else 0
        if plan == "gone":
            self.send_error(404)
            return
        if plan == "busy":
            self.send_error(503)
            return
        if start >= len(server.content):
            self.send_error(416)
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if plan == "half" else body)


CONTENT = np.random.default_rng(0).bytes(200_000)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(gzip.compress(CONTENT)) as one:
        thread = threading.Thread(target=one.serve_forever, args=(0.01,))
        thread.start()
        yield one
        one.shutdown()
        thread.join()


@pytest.fixture
def remote(server) -> Remote:
    return Remote(server.url, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def test_a_file_is_fetched_whole(remote, server, tmp_path):
    target = tmp_path / "new" / "file.gz"
    download.download(remote, str(target))
    assert gzip.decompress(target.read_bytes()) == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["file.gz"]


@pytest.mark.parametrize("plan", [["half"], ["half", "half", "half"], ["busy"], ["half", "busy"]])
def test_a_connection_that_breaks_is_gone_on_with(remote, server, tmp_path, plan):
    server.plan = list(plan)
    download.download(remote, str(tmp_path / "file.gz"))
    assert gzip.decompress((tmp_path / "file.gz").read_bytes()) == CONTENT
    assert len(server.asked) == len(plan) + 1
    half = len(server.content) // 2
    if plan[0] == "half":
        assert server.asked[1] == f"bytes={half}-"


def test_what_an_earlier_program_fetched_is_not_fetched_again(remote, server, tmp_path):
    (tmp_path / "file.gz.part").write_bytes(server.content[:1000])
    download.download(remote, str(tmp_path / "file.gz"))
    assert server.asked == ["bytes=1000-"]
    assert gzip.decompress((tmp_path / "file.gz").read_bytes()) == CONTENT


def test_a_server_that_sends_all_again_is_understood(remote, server, tmp_path):
    server.plan = ["no ranges"]
    (tmp_path / "file.gz.part").write_bytes(b"x" * 1000)
    download.download(remote, str(tmp_path / "file.gz"))
    assert gzip.decompress((tmp_path / "file.gz").read_bytes()) == CONTENT


def test_a_beginning_that_is_longer_than_the_file_is_thrown_away(remote, server, tmp_path):
    (tmp_path / "file.gz.part").write_bytes(b"x" * 10**6)
    download.download(remote, str(tmp_path / "file.gz"))
    assert gzip.decompress((tmp_path / "file.gz").read_bytes()) == CONTENT


def test_a_server_that_stays_away_is_an_error_and_what_came_is_kept(remote, server, tmp_path):
    server.plan = ["half", "busy", "busy", "busy"]
    with pytest.raises(SourceError, match="cannot be had: HTTP Error 503"):
        download.download(remote, str(tmp_path / "file.gz"))
    assert (tmp_path / "file.gz.part").stat().st_size == len(server.content) // 2
    assert not (tmp_path / "file.gz").exists()


def test_a_file_that_is_not_there_is_asked_for_once(remote, server, tmp_path):
    server.plan = ["gone"] * 9
    with pytest.raises(SourceError, match="cannot be had: HTTP Error 404"):
        download.download(remote, str(tmp_path / "file.gz"))
    assert len(server.asked) == 1


@pytest.mark.parametrize("flip", [0, 5000, -3])
def test_a_file_of_another_content_is_thrown_away(remote, server, tmp_path, flip):
    damaged = bytearray(server.content)
    damaged[flip] ^= 1
    server.content = bytes(damaged)
    with pytest.raises(SourceError, match="is not what it should be"):
        download.download(remote, str(tmp_path / "file.gz"))
    assert (tmp_path / "file.gz.part").stat().st_size == 0
    assert not (tmp_path / "file.gz").exists()


def test_a_whole_file_with_another_checksum_is_thrown_away(remote, tmp_path):
    wrong = remote._replace(sha256="0" * 64)
    with pytest.raises(SourceError, match=r"SHA-256 .* of 200,000 bytes, expected 0000"):
        download.download(wrong, str(tmp_path / "file.gz"))


def test_more_than_there_can_be_is_not_read(remote, server, tmp_path):
    server.content = server.content * 10
    with pytest.raises(SourceError, match="is longer than what was asked for can be"):
        download.download(remote, str(tmp_path / "file.gz"))
    assert len(server.asked) == 1


def test_no_server_at_all_is_an_error(remote, tmp_path):
    away = remote._replace(url="http://127.0.0.1:1/file.gz")
    with pytest.raises(SourceError, match=r"cannot be had: .*refused"):
        download.download(away, str(tmp_path / "file.gz"))


def test_files_of_this_machine_are_no_address(remote, tmp_path):
    with pytest.raises(SourceError, match="is no address of http or https"):
        download.download(remote._replace(url="file:///etc/hostname"), str(tmp_path / "file.gz"))


def test_fashion_mnist_is_fetched_once_where_it_is_nowhere(nowhere, server, monkeypatch):
    files = {
        "train-images-idx3-ubyte": idx(np.full((4, 28, 28), 9)),
        "train-labels-idx1-ubyte": idx(np.arange(4)),
    }
    remotes = {
        name: Remote(server.url, len(content), hashlib.sha256(content).hexdigest())
        for name, content in files.items()
    }
    monkeypatch.setattr(sources, "FASHION", remotes)
    calls = []

    def fetch(remote, target):
        calls.append(Path(target).name)
        server.content = gzip.compress(files[calls[-1].removesuffix(".gz")])
        download.download(remote, target)

    monkeypatch.setattr(sources, "download", fetch)
    for _ in range(2):
        x, t = fashion_mnist(dtype=np.uint8)
        assert (x.shape, x.max(), t.tolist()) == ((4, 1, 28, 28), 9, [0, 1, 2, 3])
    assert calls == ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
    assert len(next(iter(Loader((x, t), 2)))) == 2
