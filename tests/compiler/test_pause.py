"""The collector of cycles rests while a step becomes a program, and no longer."""

import gc

import numpy as np
import pytest

from lamina import Variable, compile
from lamina import functions as F
from lamina.compiler.pause import no_collection
from lamina.errors import TraceError


@pytest.fixture(autouse=True)
def collector():
    """Switched on, as it was, whatever a test does."""
    yield
    gc.enable()


def test_a_step_is_heard_while_the_collector_rests():
    seen = []

    @compile(backend="replay")
    def step(x):
        seen.append(gc.isenabled())
        return F.exp(x)

    for _ in range(3):
        step(Variable(np.ones(3)))
    assert seen == [True, False, False]  # run as it is, then heard twice
    assert gc.isenabled()


def test_the_collector_works_again_after_a_step_that_cannot_be_heard():
    @compile(backend="replay")
    def step(x):
        return x * float(x.data[0])

    step(Variable(np.ones(3)))
    with pytest.raises(TraceError, match="float"):
        step(Variable(np.ones(3)))
    assert gc.isenabled()


def test_a_collector_that_its_user_switched_off_stays_off():
    gc.disable()
    with no_collection():
        pass
    assert not gc.isenabled()
