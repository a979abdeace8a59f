"""A team of threads: same results on any number of them, whatever else the process does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lamina import processors
from lamina.errors import RangeError
from lamina.machine import barrier
from lamina.machine.team import Team, team
from machine.sample import compiled, run

ROUNDS = 40  # even, so that what is turned round is as it was

SETUP = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
import os, time
import numpy as np
from machine.sample import compiled, run
from lamina.machine.team import Team

code, made = compiled(1001, 3), Team(3)
x, y = np.arange(1001, dtype=np.float32), np.zeros(1001, np.float32)

def turned():
    x[:] = np.arange(1001)
    run(made, code, x, y)
    return bool(np.array_equal(x, np.arange(1001)[::-1]))
"""


@pytest.fixture
def teams():
    made: list[Team] = []

    def make(threads: int) -> Team:
        made.append(Team(threads))
        return made[-1]

    yield make
    for one in made:
        one.close()


def python(text: str, seconds: float = 30, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, with a team of three threads and a function that turns 0..1000."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", SETUP + text],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        env={**os.environ, **variables},
    )


# -- results -------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_a_function_gives_the_same_on_any_number_of_threads(teams, threads):
    x = np.arange(1001, dtype=np.float32)
    run(teams(threads), compiled(1001), x, np.zeros_like(x))
    assert np.array_equal(x, np.arange(1001)[::-1])


def test_jobs_of_changing_numbers_of_threads_follow_one_another(teams, rng):
    x, code, many = np.arange(101, dtype=np.float32), compiled(101, ROUNDS), teams(4)
    for threads in rng.integers(1, 6, 100):
        run(many, code, x, np.zeros_like(x), threads=int(threads))
    assert np.array_equal(x, np.arange(101))


@pytest.mark.parametrize("patience", [0, 1, 100])
def test_threads_that_sleep_at_every_barrier_are_woken(teams, patience):
    x, code, many = np.arange(101, dtype=np.float32), compiled(101, ROUNDS), teams(4)
    many._put(barrier.PATIENCE, patience)
    many._put(barrier.IDLE_PATIENCE, patience)
    for _ in range(100):
        run(many, code, x, np.zeros_like(x))
        many._watched.clear()  # or it would go on with fewer threads
    assert np.array_equal(x, np.arange(101))


def test_threads_that_sleep_between_jobs_are_woken(teams):
    x, code, many = np.arange(101, dtype=np.float32), compiled(101, 1), teams(3)
    for _ in range(4):
        run(many, code, x, np.zeros_like(x))
        while not all(many._words[(barrier.SLEEPERS + t * barrier.LINE) // 8] for t in (1, 2)):
            time.sleep(0.001)  # until both sleep
    assert np.array_equal(x, np.arange(101))


def test_threads_that_sleep_use_no_time_of_the_processor(teams):
    x, code, many = np.arange(101, dtype=np.float32), compiled(101), teams(2)
    run(many, code, x, np.zeros_like(x))
    while not many._words[(barrier.SLEEPERS + barrier.LINE) // 8]:
        time.sleep(0.001)
    before = time.process_time()
    time.sleep(0.1)
    assert time.process_time() - before < 0.05  # one that polls uses 0.1


# -- threads -------------------------------------------------------------------------------------


def threads_of_lamina() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("lamina-")]


def test_a_team_of_one_starts_no_thread(teams):
    before = threads_of_lamina()
    x = np.arange(11, dtype=np.float32)
    run(teams(1), compiled(11), x, np.zeros_like(x))
    assert threads_of_lamina() == before


def test_a_job_for_one_thread_starts_none(teams):
    before = threads_of_lamina()
    x = np.arange(11, dtype=np.float32)
    run(teams(4), compiled(11), x, np.zeros_like(x), threads=1)
    assert threads_of_lamina() == before


def test_a_closed_team_has_no_threads_and_works_alone():
    before = threads_of_lamina()
    x, code, many = np.arange(101, dtype=np.float32), compiled(101, ROUNDS), Team(3)
    run(many, code, x, np.zeros_like(x))
    many.close()
    assert threads_of_lamina() == before
    run(many, code, x, np.zeros_like(x))
    assert np.array_equal(x, np.arange(101))
    assert threads_of_lamina() == before


def test_closing_twice_is_closing_once():
    many = Team(2)
    many.close()
    many.close()


def test_where_no_thread_can_be_started_one_does_it_all(teams, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    x, many = np.arange(11, dtype=np.float32), teams(3)
    run(many, compiled(11), x, np.zeros_like(x))
    assert np.array_equal(x, np.arange(11)[::-1])
    assert many.threads == 1


def test_two_python_threads_may_run_at_once(teams):
    many, code = teams(3), compiled(101, ROUNDS)
    arrays = [np.arange(101, dtype=np.float32) for _ in range(4)]
    failed = []

    def work(x: np.ndarray) -> None:
        for _ in range(100):
            run(many, code, x, np.zeros_like(x))
            if not np.array_equal(x, np.arange(101)):
                failed.append(x)
                return

    threads = [threading.Thread(target=work, args=(x,)) for x in arrays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.parametrize("threads", [0, -1, 65536])
def test_a_wrong_number_of_threads_is_named(threads):
    with pytest.raises(RangeError, match=f"Team: {threads} threads; give a number from 1 to 65535"):
        Team(threads)


# -- processes -----------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_has_threads_of_its_own_and_the_parent_keeps_its(teams):
    x, y, code, many = *np.zeros((2, 101), np.float32), compiled(101, ROUNDS + 1), teams(3)
    for _ in range(5):
        x[:] = np.arange(101)
        run(many, code, x, y)
        child = os.fork()
        if child == 0:
            run(many, code, x, y)
            os._exit(0 if np.array_equal(x, np.arange(101)) and many._workers else 1)
        run(many, code, x, y)
        assert os.waitpid(child, 0)[1] == 0
        assert np.array_equal(x, np.arange(101))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_in_the_middle_of_a_job_leaves_a_child_that_works(teams):
    code, many = compiled(1001, 2000), teams(2)
    x, y = np.zeros((2, 1001), np.float32)
    seen = threading.Event()

    def work():
        while not seen.is_set():  # one job may be over before anybody looks
            run(many, code, x, y)

    worker = threading.Thread(target=work)
    worker.start()
    while not many._words[barrier.BUSY // 8]:
        pass
    child = os.fork()
    if child == 0:
        z = np.arange(1001, dtype=np.float32)
        run(many, code, z, np.zeros_like(z))
        os._exit(0 if np.array_equal(z, np.arange(1001)) and many._workers else 1)
    seen.set()
    assert os.waitpid(child, 0)[1] == 0
    worker.join()


@pytest.mark.parametrize("rest", ["", "time.sleep(0.1)", "made.close()", "sys.exit(3)"])
def test_the_interpreter_ends_while_threads_spin_or_sleep(rest):
    done = python(f"print(turned(), flush=True)\n{rest}")
    assert (done.stdout, done.stderr) == ("True\n", "")
    assert done.returncode == (3 if rest == "sys.exit(3)" else 0)


def test_the_interpreter_ends_while_another_thread_runs_a_job():
    done = python("""
import threading
def work():
    while True:
        run(made, code, x, y)
threading.Thread(target=work, daemon=True).start()
time.sleep(0.05)
print("end", flush=True)
""")
    assert (done.stdout, done.stderr, done.returncode) == ("end\n", "", 0)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
def test_an_interrupt_leaves_a_team_that_works():
    done = python("""
import signal
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.003)
class Alarm(Exception): pass
def handler(*_): raise Alarm
signal.signal(signal.SIGALRM, handler)
count = 0
while count < 20:
    try:
        while True:
            run(made, code, x, y)
    except Alarm:
        count += 1
signal.setitimer(signal.ITIMER_REAL, 0)
print(turned(), made.threads, len(made._workers))
""")
    assert (done.stdout, done.stderr) == ("True 3 2\n", "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
def test_control_c_is_a_keyboard_interrupt():
    process = subprocess.Popen(
        [sys.executable, "-c", SETUP + "turned()\nprint(1, flush=True)\nwhile True: turned()"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_other_programs_on_all_cores_do_not_stop_a_team(teams):
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(min(processors.cores(), 4))
    ]
    try:
        x, code, many = np.arange(101, dtype=np.float32), compiled(101, ROUNDS), teams(2)
        for _ in range(10):
            run(many, code, x, np.zeros_like(x))
        assert np.array_equal(x, np.arange(101))
    finally:
        for process in busy:
            process.kill()
            process.wait()


# -- how many ------------------------------------------------------------------------------------


def test_the_process_has_one_team():
    assert team() is team()


def test_lamina_threads_says_how_many(monkeypatch):
    monkeypatch.setenv("LAMINA_THREADS", " 3 ")
    assert processors.threads_wanted() == 3


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "65536", "٣"])
def test_a_wrong_lamina_threads_is_named(monkeypatch, text):
    monkeypatch.setenv("LAMINA_THREADS", text)
    with pytest.raises(RangeError, match=f"LAMINA_THREADS is '{text}'; set it to a number"):
        processors.threads_wanted()


def test_importing_lamina_does_not_import_llvmlite():
    text = "import sys, lamina; print([name for name in sys.modules if 'llvmlite' in name])"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
