"""Layer beyond the traps: freezing, modes, messages, copies, Sequential."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import lamina
from lamina import Buffer, Layer, Linear, Parameter, Sequential, Variable, current
from lamina import functions as F
from lamina.errors import DTypeError, RangeError, RegistrationError


class Block(Layer):
    def __init__(self):
        super().__init__()
        self.l1 = Linear(3)
        self.mean = Buffer(np.zeros(3, np.float32))

    def forward(self, x):
        return F.tanh(self.l1(x)) - self.mean


class Net(Layer):
    def __init__(self, depth=2):
        super().__init__()
        self.blocks = [Block() for _ in range(depth)]
        self.last = Linear(2, nobias=True)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.last(x)


def ones(*shape):
    return np.ones(shape, np.float32)


def test_named_layers_come_outer_before_inner():
    names = [name for name, _ in Net().named_layers()]
    assert names == ["blocks/0", "blocks/0/l1", "blocks/1", "blocks/1/l1", "last"]


def test_named_buffers():
    assert [name for name, _ in Net().named_buffers()] == ["blocks/0/mean", "blocks/1/mean"]


def test_freeze_by_glob_names_what_it_froze():
    model = Net()
    assert model.freeze("blocks/0/*") == ["blocks/0/l1/W", "blocks/0/l1/b"]
    model(ones(4, 3)).sum().backward()
    assert model.blocks[0].l1.W.grad is None
    assert model.blocks[1].l1.W.grad is not None


def test_unfreeze_trains_again():
    model = Net()
    model.freeze()
    assert model.unfreeze("*/W") == ["blocks/0/l1/W", "blocks/1/l1/W", "last/W"]
    model(ones(4, 3)).sum().backward()
    assert model.last.W.grad is not None
    assert model.blocks[0].l1.b.grad is None


def test_freezing_forgets_the_gradient():
    model = Net()
    model(ones(4, 3)).sum().backward()
    model.freeze("last/*")
    assert model.last.W.grad is None


def test_train_false_holds_inside_the_call_only():
    seen = []

    class Looks(Layer):
        def forward(self):
            seen.append(current().train)

    layer = Looks()
    layer()
    layer.train(False)()
    layer.train()()
    assert seen == [True, False, True]
    assert current().train


def test_eval_reaches_layers_in_lists():
    model = Net().eval()
    assert not model.blocks[1].l1.training


def test_a_layer_in_prediction_inside_one_in_training():
    model = Sequential(F.dropout, Sequential(lambda x: F.dropout(x, 0.5)).eval())
    assert F.sum(model(ones(1000)) == 0).item() < 600
    assert np.array_equal(Sequential(lambda x: F.dropout(x, 0.5)).eval()(ones(9)).data, ones(9))


def test_repr_of_a_nested_model():
    expected = """\
Net(
  blocks/0: Block(
    l1: Linear(? -> 3)
    mean: Buffer (3,) float32
  )
  last: Linear(? -> 2, nobias=True)
)"""
    assert repr(Net(1)) == expected


def test_a_deep_copy_shares_nothing_and_starts_equal():
    model = Net()
    model(ones(4, 3))
    copied = copy.deepcopy(model)
    for p, q in zip(model.params(), copied.params(), strict=True):
        assert np.array_equal(p.data, q.data)
        assert not np.shares_memory(p.data, q.data)


def test_a_deep_copy_before_the_numbers_were_drawn_starts_equal():
    model = Net().build((4, 3))
    copied = copy.deepcopy(model)
    assert np.array_equal(model.last.W.data, copied.last.W.data)


def test_paths_in_a_deep_copy_are_its_own():
    model = Sequential(Net())
    copied = copy.deepcopy(model[0])
    assert model[0].last.W.name == "0/last/W"
    assert copied.last.W.name == "last/W"


def test_a_pickled_model_is_the_same_model():
    model = Net()
    y = model(ones(4, 3))
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again(ones(4, 3)).data, y.data)
    assert again.blocks[0].l1.W.name == "blocks/0/l1/W"


def test_a_shared_parameter_is_shared_in_the_copy():
    model = Layer()
    model.a = model.b = Parameter(ones(2))
    copied = copy.deepcopy(model)
    assert copied.a is copied.b
    assert copied.a is not model.a


def test_a_dropped_model_is_freed_without_the_collector():
    gc.disable()
    try:
        model = Net()
        y = model(ones(4, 3))
        y.sum().backward()
        gone = weakref.ref(model)
        del model
        assert gone() is None
    finally:
        gc.enable()


def test_a_path_grows_when_a_layer_is_assigned_and_shrinks_when_it_is_removed():
    inner = Linear(2, in_size=3)
    assert inner.W.name == "W"
    outer = Layer()
    outer.head = inner
    assert inner.W.name == "head/W"
    del outer.head
    assert inner.W.name == "W"


def test_a_layer_appended_after_the_first_call_gets_a_stream_of_its_path():
    starts = []
    for late in (False, True):
        lamina.seed(3)
        model = Net(1)
        if late:
            model(ones(4, 3))
        model.blocks.append(Block())
        model(ones(4, 3))
        starts.append(model.blocks[1].l1.W.data)
    assert np.array_equal(*starts)


def test_the_note_names_the_innermost_layer_once():
    model = Net()
    model(ones(4, 3))
    with pytest.raises(ValueError, match="last axis of x should be 3") as caught:
        model(ones(4, 7))
    assert caught.value.__notes__ == ["in Net/blocks/0/l1 (Linear 3 -> 3): got float32 (4, 7)"]


def test_the_note_of_a_users_own_error():
    class Picky(Layer):
        def forward(self, x, scale=1):
            raise KeyError("missing")

    with pytest.raises(KeyError, match="missing") as caught:
        Sequential(Linear(2), Picky())(ones(4, 3))
    came = "got float32 (4, 2), which came from Sequential/0"
    assert caught.value.__notes__ == [f"in Sequential/1 (Picky): {came}"]


def test_a_layer_that_is_not_registered_is_named_by_its_class():
    hidden = Linear(2, in_size=5)
    with pytest.raises(ValueError, match="got 3") as caught:
        Sequential(lambda x: hidden(x))(ones(4, 3))
    assert caught.value.__notes__[0].startswith("in Sequential/Linear (Linear 5 -> 2)")


def test_calls_leave_the_stack_empty_after_an_error():
    from lamina.layers.calls import calls

    with pytest.raises(ValueError, match="last axis"):
        Sequential(Linear(2, in_size=5))(ones(4, 3))
    assert calls.stack == []
    assert calls.started == []


def test_keyboard_interrupt_in_a_first_call_leaves_no_size():
    class Stops(Layer):
        def __init__(self):
            super().__init__()
            self.l1 = Linear(2)

        def forward(self, x):
            self.l1(x)
            raise KeyboardInterrupt

    layer = Stops()
    with pytest.raises(KeyboardInterrupt):
        layer(ones(4, 3))
    assert layer.l1.in_size is None


# -- Sequential ----------------------------------------------------------------------------------


def test_sequential_has_length_index_slice_and_append():
    model = Sequential(Linear(3), F.relu).append(Linear(2))
    assert len(model) == 3
    assert model[-1].out_size == 2
    assert len(model[:2]) == 2
    assert model[:1](ones(4, 5)).shape == (4, 3)


def test_a_slice_of_sequential_shares_its_layers():
    model = Sequential(Linear(3), F.relu)
    assert model[:1][0] is model[0]


def test_sequential_index_out_of_range():
    with pytest.raises(RangeError, match="there is no step 2 among 1"):
        Sequential(F.relu)[2]


def test_a_step_is_replaced_in_its_place():
    model = Sequential(Linear(3, in_size=2), F.relu, Linear(4, in_size=3), F.tanh)
    head = Linear(5, in_size=3)
    model[-2] = head
    assert model[2] is head
    assert [name for name, _ in model.named_params()] == ["0/W", "0/b", "2/W", "2/b"]
    assert model(np.ones((1, 2), np.float32)).shape == (1, 5)
    with pytest.raises(RangeError, match="there is no step 4 among 4"):
        model[4] = head
    with pytest.raises(DTypeError, match="step 1 should be a Layer or a function, got None"):
        model[1] = None


def test_sequential_of_what_cannot_be_called():
    with pytest.raises(DTypeError, match="step 1 should be a Layer or a function, got 3"):
        Sequential(F.relu, 3)


def test_an_empty_sequential_is_the_identity():
    x = Variable(ones(2))
    assert Sequential()(x) is x


def test_keywords_reach_the_first_step():
    assert Sequential(lambda x, k: x * k, F.relu)(ones(2), k=3).data.tolist() == [3, 3]


# -- attributes ----------------------------------------------------------------------------------


def test_layers_is_a_reserved_name_also_for_an_empty_list():
    with pytest.raises(RegistrationError, match="choose another name, such as layers_"):
        Layer().layers = []


def test_a_dict_with_a_key_that_makes_no_path_is_refused():
    with pytest.raises(RegistrationError, match=r"heads: key 'a/b' should be"):
        Layer().heads = {"a/b": Linear(2)}


def test_a_list_that_holds_itself_is_refused():
    blocks = [Linear(2)]
    blocks.append(blocks)
    with pytest.raises(RegistrationError, match="holds itself"):
        Layer().blocks = blocks


def test_a_buffer_is_replaced_by_a_buffer_only():
    layer = Block()
    with pytest.raises(RegistrationError, match=r"write layer\.mean\.data\[\.\.\.\] = array"):
        layer.mean = np.ones(3)
    layer.mean = Buffer(np.ones(3))
    assert layer.mean.data.tolist() == [1, 1, 1]


def test_plain_variables_are_not_registered():
    layer = Layer()
    layer.state = Variable([1.0])
    assert list(layer.params()) == []
