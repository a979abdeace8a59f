"""An update, run on arrays that are not there yet, becomes a program that gives the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from lamina.listen import Program, run, verify
from lamina.listen.ir import Memory
from optimizers.methods import METHODS
from optimizers.model import gradient, small
from optimizers.model import run as train


def hear_one_update(optimizer, model, step):
    """Let Values stand for all that lasts and for the gradients, update once, put all back.

    Returns:
        The program, its inputs, and what the Variables hold after a real update.
    """
    program = Program()
    inputs = []

    def absent(array):
        inputs.append(array.copy())
        value = program.input(array.shape, array.dtype)
        value.memory = Memory(foreign=False)  # a state of the program's own, which it may replace
        return value

    slots = optimizer._slots.values()
    lasting = [p for p in model.params.values()]
    lasting += [buffer for slot in slots for buffer in slot.state.values()]
    there = [variable.data for variable in lasting]
    for variable in lasting:
        variable.data = absent(variable.data)
    for (name, p), array in zip(model.named_params(), there):
        p.grad = absent(gradient(name, array, step).astype(array.dtype))
    optimizer.update()
    program.outputs = tuple(variable.data for variable in lasting)
    for variable, array in zip(lasting, there):
        variable.data = array
    for slot in slots:
        slot.count -= 1
    optimizer.step -= 1
    train(optimizer, model, 1, start=step)
    return program, inputs, [variable.data for variable in lasting]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", METHODS)
def test_an_update_is_heard_and_runs_to_the_same_bits(name, dtype):
    options = {"weight_decay": 0.1, "clip_norm": 0.5, "clip_value": 0.4}
    model = small(dtype)
    optimizer = METHODS[name](**options).setup(model)
    train(optimizer, model, 2)
    program, inputs, after = hear_one_update(optimizer, model, step=2)
    computed = run(verify(program), *inputs)
    assert [x.tobytes() for x in computed] == [x.tobytes() for x in after]
