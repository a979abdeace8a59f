"""Traps 1 to 19: what a Layer registers. Each runs on lamina, and on the seed's code to fail."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import lamina
from fixtures.seed import both
from lamina import Buffer, Parameter, Variable
from lamina.errors import RegistrationError


def net(lib, *sizes):
    """A Layer with l1, l2, ... of the given output sizes, for inputs of width 3."""

    class Net(lib.Layer):
        def __init__(self):
            super().__init__()
            width = 3
            for i, size in enumerate(sizes):
                setattr(self, f"l{i + 1}", lib.Linear(size, in_size=width))
                width = size

    return Net()


def flat(layer):
    found = {}
    layer._flatten_params(found)
    return found


def ones(*shape):
    return Parameter(np.ones(shape, np.float32))


@both
def test_t01_the_order_of_parameters_does_not_depend_on_the_hash_seed(lib):
    code = f"""
        from fixtures.seed import {lib.name} as lib
        from lamina import Parameter
        layer = lib.Layer()
        for name in "alpha beta gamma delta epsilon zeta".split():
            setattr(layer, name, Parameter([1.0]))
        found = {{}}
        layer._flatten_params(found)
        print(" ".join(found))
    """
    orders = set()
    for hash_seed in "012345":
        environment = os.environ | {
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        command = [sys.executable, "-c", textwrap.dedent(code)]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        orders.add(run.stdout.strip())
    assert orders == {"alpha beta gamma delta epsilon zeta"}


@both
def test_t02_lists_tuples_and_dicts_of_layers_and_parameters_are_registered(lib):
    layer = lib.Layer()
    layer.blocks = [lib.Linear(2, in_size=3), {"deep": (ones(1), lib.Linear(5, True, in_size=2))}]
    layer.blocks.append(ones(7))
    names = ["blocks/0/W", "blocks/0/b", "blocks/1/deep/0", "blocks/1/deep/1/W", "blocks/2"]
    assert list(flat(layer)) == names


@both
def test_t03_a_parameter_set_to_none_is_no_parameter_any_more(lib):
    layer = lib.Linear(2, in_size=3)
    layer.b = None
    layer.cleargrads()
    assert list(flat(layer)) == ["W"]


@both
def test_t04_a_layer_set_to_none_is_no_layer_any_more(lib):
    model = net(lib, 4, 2)
    model.l1 = None
    assert [p.shape for p in model.params()] == [(4, 2), (2,)]


@both
def test_t05_an_array_over_a_parameter_is_refused_with_what_to_write(lib):
    layer = lib.Linear(2, in_size=3)
    with pytest.raises(TypeError, match=r"write layer\.W\.data\[\.\.\.\] = array"):
        layer.W = np.zeros((3, 2), np.float32)


@both
def test_t06_a_plain_variable_over_a_parameter_is_refused(lib):
    layer = lib.Linear(2, in_size=3)
    with pytest.raises(TypeError, match=r"Linear\.W is a Parameter and was assigned a Variable"):
        layer.W = Variable(np.zeros((3, 2), np.float32))


@both
def test_t07_a_deleted_parameter_is_no_parameter_any_more(lib):
    layer = lib.Linear(2, in_size=3)
    del layer.b
    assert len(list(layer.params())) == 1


@both
def test_t08_attributes_before_super_init_work(lib):
    class Early(lib.Layer):
        def __init__(self):
            self.W = ones(2)
            super().__init__()

    assert list(flat(Early())) == ["W"]


@both
def test_t08_a_forgotten_super_init_works(lib):
    class Forgetful(lib.Layer):
        def __init__(self):
            self.W = ones(2)

    assert list(flat(Forgetful())) == ["W"]


@both
def test_t09_a_tied_parameter_comes_once(lib):
    layer = lib.Layer()
    layer.encoder = layer.decoder = ones(3, 2)
    assert len(list(layer.params())) == 1


@both
def test_t10_a_layer_under_two_names_has_its_parameters_once(lib):
    model = lib.Layer()
    model.first = model.second = lib.Linear(2, in_size=3)
    assert len(list(model.params())) == 2
    assert list(flat(model)) == ["first/W", "first/b"]


@both
def test_t11_a_layer_that_would_hold_itself_is_refused_with_the_path(lib):
    model = net(lib, 4, 2)
    with pytest.raises(
        AttributeError, match=r"Linear\.parent: this Net holds the Linear itself at l1"
    ):
        model.l1.parent = model


def test_t11_a_cycle_through_a_list_is_refused_by_the_walk():
    model = lamina.Layer()
    model.child = lamina.Layer()
    model.child.friends = []
    model.child.friends.append(model)
    with pytest.raises(RegistrationError, match=r"child/friends/0 is a Layer that holds this one"):
        list(model.params())


@both
def test_t12_a_parameter_of_the_class_is_refused(lib):
    with pytest.raises(TypeError, match=r"Bad\.W is a Parameter of the class"):

        class Bad(lib.Layer):
            W = ones(2)


@both
def test_t13_attributes_called_inputs_and_outputs_are_the_users_own(lib):
    class Recorder(lib.Layer):
        def __init__(self):
            super().__init__()
            self.inputs, self.outputs = ones(2), ones(3)

        def forward(self, x):
            return x * 2

    layer = Recorder()
    layer(Variable([1.0]))
    assert [p.shape for p in layer.params()] == [(2,), (3,)]


@both
@pytest.mark.parametrize("name", ["params", "forward", "to_cpu"])
def test_t14_names_of_methods_are_refused(lib, name):
    with pytest.raises(AttributeError, match=f"Layer.{name} is a method of Layer"):
        setattr(lib.Layer(), name, ones(2))


def test_t14_the_method_of_a_subclass_is_refused_too():
    class Net(lamina.Layer):
        def encode(self, x):
            return x

    with pytest.raises(RegistrationError, match=r"Net\.encode is a method of Net"):
        Net().encode = ones(2)


@both
def test_t15_registering_while_iterating_disturbs_nobody(lib):
    layer = lib.Layer()
    layer.a, layer.b = ones(2), ones(3)
    for i, _ in enumerate(layer.params()):
        setattr(layer, f"new{i}", ones(1))
    assert len(flat(layer)) == 4


@both
def test_t16_a_copy_registers_apart_from_its_original(lib):
    layer = lib.Linear(2, in_size=3)
    copied = copy.copy(layer)
    copied.extra = ones(5)
    assert list(flat(copied)) == ["W", "b", "extra"]
    assert len(list(layer.params())) == 2


@both
@pytest.mark.parametrize("name", ["a/W", "a.W", ""])
def test_t17_names_that_would_not_make_a_path_are_refused(lib, name):
    with pytest.raises(AttributeError, match=r"should not be empty or hold / or \."):
        setattr(lib.Layer(), name, ones(2))


@both
def test_t18_a_parameter_is_called_by_its_full_path(lib):
    model = lib.Layer()
    model.body = net(lib, 4, 2)
    assert model.body.l2.W.name == "body/l2/W"


@both
def test_t19_buffers_are_saved_and_not_trained(lib, tmp_path):
    layer = lib.Layer()
    layer.mean = Buffer(np.arange(3.0))
    layer.W = ones(2)
    assert len(list(layer.params())) == 1
    layer.save_weights(tmp_path / "m.npz")
    layer.mean.data[...] = 0
    layer.load_weights(tmp_path / "m.npz", quiet=True)
    assert layer.mean.data.tolist() == [0, 1, 2]
