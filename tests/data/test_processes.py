"""Worker processes: the same batches as without, and a word and no hang when one of them ends."""

from __future__ import annotations

import _thread
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import islice

import numpy as np
import pytest

from fixtures.datasets import Everything, Lonely, Odd, Pids, Rows, Slow, Unsendable, Writes
from lamina import using
from lamina.data import Loader, order
from lamina.errors import DTypeError, WorkerError
from lamina.processors import cores

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes need POSIX")

CHILDREN = "/proc/self/task"
linux = pytest.mark.skipif(not os.path.isdir(CHILDREN), reason="looks into /proc")


def make(dataset=None, workers=2, **settings) -> Loader:
    given = {"batch_size": 4, "seed": 5, "kind": "process"} | settings
    return Loader(Rows() if dataset is None else dataset, workers=workers, **given)


def flat(batch) -> list:
    """The bytes, dtypes and shapes of all arrays of a batch, in order."""
    if isinstance(batch, np.ndarray):
        return [(batch.tobytes(), batch.dtype.str, batch.shape, batch.strides)]
    if isinstance(batch, dict):
        return [(key, flat(value)) for key, value in batch.items()]
    return [flat(value) for value in batch]


def pids(loader: Loader) -> list[int]:
    return [one.process.pid for one in loader._team.workers]


def is_there(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def exists(pid: int) -> bool:
    """Alive or a zombie."""
    return os.path.exists(f"/proc/{pid}")


def kilobytes(field: str, pid: int) -> int:
    with open(f"/proc/{pid}/smaps_rollup") as file:
        [line] = [line for line in file if line.startswith(f"{field}:")]
    return int(line.split()[1])


def wait_until_gone(those: list[int], seconds: float = 30) -> list[int]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(map(is_there, those)):
        time.sleep(0.02)
    return [pid for pid in those if is_there(pid)]


# -- the same batches ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["thread", "process"])
@pytest.mark.parametrize("workers", [1, 4])
def test_batches_do_not_depend_on_the_number_of_workers(workers, kind):
    plain = Loader(Everything(), 4, seed=5)
    loader = make(Everything(), workers, kind=kind)
    for _ in range(2):
        assert [flat(batch) for batch in loader] == [flat(batch) for batch in plain]


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_a_run_that_is_resumed_with_other_workers_goes_on_exactly(kind):
    plain = make(workers=0)
    every = [flat(batch) for _ in range(3) for batch in plain]
    loader = make(kind=kind)
    done = [flat(batch) for batch in loader]
    done += [flat(batch) for batch in islice(loader, 2)]
    state = json.loads(json.dumps(loader.state_dict()))  # more batches are made than given

    resumed = make(workers=1, kind=kind)
    resumed.load_state_dict(state)
    done += [flat(batch) for _ in range(2) for batch in resumed]
    assert done == every


def test_the_number_of_workers_is_not_in_the_state():
    assert make().state_dict() == make(workers=0).state_dict()


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_settings_around_the_loop_hold_in_the_workers(kind):
    with using(dtype=np.float64):
        assert next(iter(make([0.5, 1.5, 2.5], 1, kind=kind))).dtype == np.float64


def test_what_is_no_number_comes_through_too():
    batch = next(iter(make(Odd(), 1, shuffle=False)))
    assert batch["names"] == ["item 0", "item 1", "item 2", "item 3"]
    assert (batch["none"], batch["objects"].tolist()) == (None, [None, "a"])


def test_a_batch_is_the_loop_s_own_and_stays_as_it_is():
    batches = list(make())
    assert [x[0, 0, 0] for x, _ in batches] == [t[0] for _, t in batches]
    batches[0][0][:] = -1  # writable, too


def test_a_dataset_may_write_into_its_own_arrays():
    assert next(iter(make(Writes(), 1, shuffle=False)))[:, 0].tolist() == [0, 1, 2, 3]


def test_batches_come_from_other_processes():
    seen = {int(pid) for who, _ in make(Pids(), 2) for pid in who}
    assert seen
    assert os.getpid() not in seen


def test_workers_and_their_blas_threads_have_a_core_each(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    [threads] = {int(count) for _, counts in make(Pids(), 3) for count in counts}
    assert threads == max(cores() // 3, 1)


def test_fewer_blas_threads_that_were_asked_for_stay_fewer(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert next(iter(make(Pids(), 1)))[1].tolist() == [1] * 4


def test_large_arrays_are_mapped_and_not_copied_to_each_worker(tmp_path):
    path = tmp_path / "large.npy"
    np.save(path, np.arange(40.0).reshape(20, 2))
    mapped = np.load(path, mmap_mode="r")
    x, t = next(iter(make((mapped, np.arange(20)), 1, shuffle=False)))
    assert (x.tolist(), t.tolist()) == ([[0, 1], [2, 3], [4, 5], [6, 7]], [0, 1, 2, 3])


# -- their lives ---------------------------------------------------------------------------------


def test_workers_stay_from_epoch_to_epoch():
    loader = make()
    list(loader)
    first = pids(loader)
    list(loader)
    assert pids(loader) == first


@linux
def test_workers_end_with_their_loader():
    loader = make()
    next(iter(loader))
    workers = pids(loader)
    assert all(map(is_there, workers))
    del loader
    gc.collect()
    assert not any(map(exists, workers))


@linux
def test_close_ends_the_workers_and_the_next_loop_has_others():
    loader = make()
    list(loader)
    workers = pids(loader)
    loader.close()
    assert not any(map(exists, workers))
    assert len(list(loader)) == 6


def test_a_loop_that_was_left_leaves_nothing_in_the_next_one():
    loader, plain = make(Slow()), make(workers=0)
    for one in (loader, plain):
        next(iter(one))
    assert [flat(batch) for batch in loader] == [flat(batch) for batch in plain]


def test_no_descriptor_stays_open():
    before = len(os.listdir("/dev/fd"))
    for _ in range(3):
        loader = make(workers=1)
        next(iter(loader))
        loader.close()
    assert len(os.listdir("/dev/fd")) == before


@linux
def test_memory_does_not_grow_with_the_epochs():
    loader = make(Rows(400), batch_size=16)
    sizes = []
    for _ in range(40):
        list(loader)
        sizes.append([kilobytes("Rss", pid) for pid in pids(loader)])
    # F17 of the plan: less than 5 % over 50 epochs; a batch of these is 400 bytes
    assert np.all(np.array(sizes[-1]) < 1.05 * np.array(sizes[4]))


@linux
def test_a_worker_has_no_copy_of_a_large_array():
    loader = make((np.ones((64, 1 << 18), np.float32), np.arange(64)), 1)  # 64 MiB
    for _ in loader:
        pass
    assert kilobytes("Anonymous", pids(loader)[0]) < 64 << 10


def test_workers_start_while_another_thread_multiplies_matrices():
    # a fork at this moment hangs, and with it the thread: OpenBLAS has a lock for its own threads
    a, stop = np.ones((700, 700)), threading.Event()

    def multiply():
        while not stop.is_set():
            a @ a

    thread = threading.Thread(target=multiply)
    thread.start()
    try:
        assert len(list(make(workers=1))) == 6
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_a_loop_that_is_interrupted_leaves_a_loader_that_works(kind):
    loader, plain = make(kind=kind), make(workers=0)
    next(iter(plain))
    loop = iter(loader)
    next(loop)
    with pytest.raises(KeyboardInterrupt, match="now"):
        loop.throw(KeyboardInterrupt("now"))
    assert [flat(batch) for batch in loader] == [flat(batch) for batch in plain]


def test_ctrl_c_while_the_loop_waits_ends_the_workers():
    loader = make(Rows(23, 0, "hang"))
    timer = threading.Timer(0.5, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        list(loader)
    assert loader._team.workers == []


# -- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["thread", "process"])
@pytest.mark.parametrize(
    ("what", "message"),
    [("fail", "ValueError: no row 9"), ("leave", "SystemExit: 7"), ("starve", "MemoryError")],
)
def test_an_exception_comes_with_its_sample_and_traceback(what, message, kind):
    with pytest.raises(WorkerError, match=message) as caught:
        list(make(Rows(23, 9, what), kind=kind, shuffle=False))
    assert f"in {what}" in caught.value.traceback
    if what != "leave":  # SystemExit is no Exception, and is let through as it is
        assert caught.value.sample == 9
        assert "sample 9, batch 2 of epoch 0" in str(caught.value)


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_batches_before_the_one_that_failed_are_given(kind):
    loader = make(Rows(23, 9, "fail"), 4, kind=kind, shuffle=False)
    given = []
    with pytest.raises(WorkerError, match="no row 9"):
        given.extend(t.tolist() for _, t in loader)
    assert given == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_without_workers_the_exception_is_the_dataset_s_own_and_names_the_sample():
    with pytest.raises(ValueError, match="no row 9") as caught:
        list(make(Rows(23, 9, "fail"), 0))
    assert caught.value.__notes__ == ["in sample 9 of the dataset"]


def test_a_worker_that_kills_itself_is_named_with_signal_and_batch():
    with pytest.raises(WorkerError, match=r"\(pid \d+\) was killed by SIGKILL") as caught:
        list(make(Rows(23, 9, "die"), shuffle=False))
    assert caught.value.signal == "SIGKILL"
    assert "while it made batch 2 of epoch 0 (samples 8, 9, 10, 11)" in str(caught.value)


def test_a_worker_that_vanishes_is_named_with_its_exit_code():
    with pytest.raises(WorkerError, match="ended with exit code 3") as caught:
        list(make(Rows(23, 9, "vanish")))
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("delay", [0, 0.05, 0.3, 0.6])
def test_a_worker_that_is_killed_is_an_error_and_no_hang(delay):
    loader = make(Slow(500), batch_size=5)
    loop = iter(loader)
    thread = threading.Timer(delay, lambda: os.kill(pids(loader)[0], signal.SIGKILL))
    loader._team._start()
    victim = pids(loader)[0]
    thread.start()
    try:
        with pytest.raises(WorkerError, match=rf"\(pid {victim}\) was killed by SIGKILL") as caught:
            list(loop)
        assert caught.value.pid == victim
    finally:
        thread.join()
    assert not exists(victim) or not os.path.isdir(CHILDREN)


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_a_batch_that_does_not_come_in_time_is_an_error(kind):
    with pytest.raises(WorkerError, match=r"within 0\.5 s, its timeout"):
        list(make(Rows(23, 0, "hang"), 1, kind=kind, timeout=0.5))


def test_a_dataset_that_cannot_be_sent_is_refused_with_a_way_out():
    with pytest.raises(DTypeError, match=r"Unsendable, cannot be sent .* kind=\"thread\""):
        next(iter(make(Unsendable())))


def test_a_dataset_that_cannot_be_received_is_an_error_with_the_reason():
    with pytest.raises(WorkerError, match="could not receive the dataset: RuntimeError: not here"):
        next(iter(make(Lonely())))


def test_a_worker_that_cannot_start_is_an_error(monkeypatch):
    monkeypatch.setattr("lamina.data.processes.spawn.get_executable", lambda: b"/bin/false")
    with pytest.raises(WorkerError, match="ended with exit code 1 while it was starting") as caught:
        next(iter(make()))
    # The error of the socket would keep the message that was not sent, a view of a BytesIO: when
    # the collector meets both in a ring, CPython 3.12 crashes and 3.13 complains.
    assert caught.value.__context__ is None


# -- whole programs ------------------------------------------------------------------------------

PROGRAM = """
import os, sys
from lamina.data import Loader
{definition}
{guard}
    loader = Loader({dataset}, 4, workers=2, kind="process")
    for epoch in range({epochs}):
        for batch in loader:
            print(*[one.process.pid for one in loader._team.workers], flush=True)
    print("done")
"""
OWN = """
class Own:
    def __len__(self):
        return 9
    def __getitem__(self, i):
        return i
"""


def program(
    tmp_path, guard='if __name__ == "__main__":', definition="", dataset="[*range(9)]", n=1
):
    path = tmp_path / "program.py"
    text = PROGRAM.format(guard=guard, definition=definition, dataset=dataset, epochs=n)
    path.write_text(text)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "error", str(path)]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, env=environment, process_group=0
    )


def finished(running):
    with running:
        return running.communicate()


def test_a_program_needs_no_guard_if_its_dataset_comes_from_a_module(tmp_path):
    output, errors = finished(program(tmp_path, guard="if True:"))
    assert (output.splitlines()[-1], errors) == ("done", "")


def test_a_dataset_of_the_main_module_works_with_a_guard(tmp_path):
    output, errors = finished(program(tmp_path, definition=OWN, dataset="Own()"))
    assert (output.splitlines()[-1], errors) == ("done", "")


def test_a_dataset_of_the_main_module_without_a_guard_is_told_what_to_do(tmp_path):
    running = program(tmp_path, "if True:", OWN, "Own()")
    _, errors = finished(running)
    assert running.returncode == 1
    assert 'put what the program does below `if __name__ == "__main__":`' in errors


@linux
@pytest.mark.parametrize("busy", [False, True])
def test_workers_end_soon_after_a_parent_that_is_killed(tmp_path, busy):
    last = order(23, seed=0, epoch=0)[-1]  # its batch, the sixth, is never ready
    dataset = f"Rows(23, {last}, 'hang')" if busy else "Rows()"
    definition = "from fixtures.datasets import Rows"
    with program(tmp_path, definition=definition, dataset=dataset, n=10**6) as running:
        for _ in range(5):
            workers = [int(word) for word in running.stdout.readline().split()]
        if busy:
            time.sleep(0.3)  # until one of them hangs
        running.kill()
        assert wait_until_gone(workers) == []


@linux
def test_ctrl_c_ends_the_program_and_its_workers_without_noise(tmp_path):
    with program(tmp_path, n=10**6) as running:
        workers = [int(word) for word in running.stdout.readline().split()]
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does
        _, errors = running.communicate()
    assert errors.count("KeyboardInterrupt") == 1
    assert wait_until_gone(workers) == []
