"""Threads and tasks: each has its own settings, and they do not disturb one another's graphs."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import lamina.functions as F
from lamina import Parameter, Variable, config, no_grad, test_mode, using


def in_a_new_thread(f):
    found = []
    thread = threading.Thread(target=lambda: found.append(f()))
    thread.start()
    thread.join()
    return found[0]


def records() -> bool:
    return (Variable(1.0) * 2.0).requires_grad


def test_t82_new_thread_does_not_see_no_grad_of_another() -> None:
    with no_grad():
        assert (records(), in_a_new_thread(records)) == (False, True)


def test_t82_new_thread_does_not_see_test_mode_of_another() -> None:
    with test_mode():
        assert (config.current().train, in_a_new_thread(lambda: config.current().train)) == (
            False,
            True,
        )


def test_t82_no_grad_entered_in_a_thread_stays_there() -> None:
    entered, leave = threading.Event(), threading.Event()

    def inside() -> None:
        with no_grad():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=inside)
    thread.start()
    assert entered.wait(10)
    try:
        assert records()
    finally:
        leave.set()
        thread.join()


def test_t82_tasks_do_not_see_each_others_no_grad() -> None:
    async def silent(ready: asyncio.Event, leave: asyncio.Event) -> bool:
        with no_grad():
            ready.set()
            await leave.wait()
            return records()

    async def main() -> tuple[bool, bool]:
        ready, leave = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(silent(ready, leave))
        await ready.wait()
        mine = records()
        leave.set()
        return mine, await task

    assert asyncio.run(main()) == (True, False)


def test_t82_one_decorated_function_may_run_in_two_threads_at_once() -> None:
    both = threading.Barrier(2, timeout=10)

    @no_grad()
    def silent() -> bool:
        both.wait()  # both are inside
        inside = records()
        both.wait()
        return inside

    with ThreadPoolExecutor(2) as pool:
        found = [f.result() for f in [pool.submit(silent) for _ in range(2)]]
    assert (found, records()) == ([False, False], True)


def test_copied_context_carries_the_settings_along() -> None:
    with no_grad():
        context = contextvars.copy_context()
    assert (in_a_new_thread(lambda: context.run(records)), records()) == (False, True)


def step(number: int) -> bytes:
    """Forward and backward of a small network, to order 2, with changes of mode between."""
    rng = np.random.default_rng(number)
    W = Parameter(rng.standard_normal((3, 2)))
    x = rng.standard_normal((5, 3))
    for _ in range(20):
        W.cleargrad()
        with no_grad():
            target = F.tanh(x @ W + 1.0)
        y = F.tanh(x @ W) - target
        with using(train=False):
            (y * y).sum().backward()
        W.data -= 0.1 * W.grad.data
    return W.data.tobytes()


def test_t82_eight_threads_of_forward_and_backward_equal_one() -> None:
    serial = [step(i) for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(step, range(8))) == serial


def test_threads_may_share_parameters_in_forward() -> None:
    W = Parameter(np.ones((3, 2)))

    def predict(i: int) -> float:
        with no_grad():
            return (np.full((1, 3), float(i)) @ W).sum().item()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(predict, range(50))) == [6.0 * i for i in range(50)]


def test_graph_may_be_walked_by_another_thread() -> None:
    x = Variable(2.0)
    y = x * x
    in_a_new_thread(y.backward)
    assert x.grad.item() == 4.0
