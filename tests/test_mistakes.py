"""Forty mistakes that everybody makes once, and what lamina answers.

Each row says what the message must name: the place, what was expected, what came, and what to do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import lamina
from lamina import Buffer, Function, Layer, Linear, Parameter, Sequential, Variable, no_grad, using
from lamina import data as D
from lamina import functions as F
from lamina import layers as L
from lamina import optimizers as O


class Mistake(NamedTuple):
    make: Callable[[Any], object]
    error: type[Exception]
    place: str
    expected: str
    got: str
    hint: str


def f32(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


class Net(Layer):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = [Linear(4, in_size=3), Linear(2, in_size=5)]

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


class Unfinished(Layer):
    pass


class Holder(Layer):
    def __init__(self, key: str, value: Any) -> None:
        super().__init__()
        setattr(self, key, value)


class WrongCount(Function):
    def forward(self, a, b):
        return a + b

    def backward(self, gy):
        return gy


def backward_twice(_):
    loss = (Variable([1.0, 2.0]) ** 2).sum()
    loss.backward()
    loss.backward()


def change_in_place(_):
    x = Variable([1.0, 2.0])
    y = (x * x).sum()
    x.data += 1
    y.backward()


def overwrite_in_place(_):
    layer = Linear(2, in_size=3)
    layer.W = f32(3, 2)


def shadowed_cycle(_):
    child, parent = Layer(), Layer()
    parent.child = child
    child.parent = parent


def debug_log(_):
    with using(debug=True), np.errstate(all="ignore"):
        F.log(Variable([1.0, -1.0]))


def frozen_typo(_):
    Net().freeze("block/*")


def not_built(path):
    Sequential(Linear(3), Linear(2)).save_weights(path / "m.npz")


def load_other(path):
    Linear(4, in_size=3).save_weights(path / "m.npz")
    Linear(5, in_size=3).load_weights(path / "m.npz")


def load_text(path):
    (path / "m.npz").write_text("no weights")
    Linear(4).load_weights(path / "m.npz")


def save_nowhere(path):
    Linear(4, in_size=3).save_weights(path / "nowhere" / "m.npz")


def update_without_backward(_):
    model = Linear(2, in_size=3)
    O.SGD(lr=0.1).setup(model).update()


def loss_under_no_grad(_):
    with no_grad():
        loss = F.sum(Variable([1.0]) * 2)
    loss.backward()


class ClassLevel:
    def __call__(self, _):
        class Shared(Layer):
            W = Parameter([1.0])


def to_gpu(_):
    sys.modules["cupy"] = None  # type: ignore[assignment]
    try:
        Linear(2, in_size=3).to_gpu()
    finally:
        del sys.modules["cupy"]


labels = np.array([0, 1, 2])
MISTAKES = {
    "wrong width in a nested layer": Mistake(
        lambda _: Net()(f32(7, 3)),
        ValueError,
        "in Net/blocks/1 (Linear 5 -> 2)",
        "5",
        "4",
        "Net/blocks/0",
    ),
    "sizes in PyTorch's order": Mistake(
        lambda _: Linear(784, 100),
        TypeError,
        "Linear",
        "True or False",
        "100",
        "did you mean Linear(100, in_size=784)",
    ),
    "an attribute that shadows a method": Mistake(
        lambda _: Holder("params", [Linear(2)]),
        AttributeError,
        "Holder.params",
        "is a method",
        "params",
        "params_",
    ),
    "layers in a set": Mistake(
        lambda _: Holder("blocks", {Linear(2)}),
        AttributeError,
        "Holder.blocks",
        "order",
        "set",
        "use a list",
    ),
    "an array over a Parameter": Mistake(
        overwrite_in_place,
        TypeError,
        "Linear.W",
        "Parameter",
        "(3, 2)",
        "layer.W.data[...] = array",
    ),
    "a layer that holds itself": Mistake(
        shadowed_cycle,
        AttributeError,
        "Layer.parent",
        "cannot hold itself",
        "at child",
        "weakref.ref",
    ),
    "a Parameter of the class": Mistake(
        ClassLevel(),
        TypeError,
        "Shared.W",
        "shared by all its instances",
        "Parameter",
        "in __init__",
    ),
    "a slash in a name": Mistake(
        lambda _: Holder("a/b", Linear(2)),
        AttributeError,
        "Holder",
        "should not",
        "'a/b'",
        "paths such as l1/W",
    ),
    "no forward": Mistake(
        lambda _: Unfinished()(1),
        NotImplementedError,
        "in Unfinished",
        "forward",
        "int 1",
        "should define forward(self",
    ),
    "a class in place of a layer": Mistake(
        lambda _: Sequential(Linear),
        TypeError,
        "step 0",
        "a Layer or a function",
        "Linear",
        "did you mean Linear(...)",
    ),
    "a label out of range": Mistake(
        lambda _: F.softmax_cross_entropy(f32(3, 2), labels),
        ValueError,
        "softmax_cross_entropy",
        "0",
        "2",
        "class",
    ),
    "labels that are not integers": Mistake(
        lambda _: F.softmax_cross_entropy(f32(3, 4), np.array([0.0, 1.0, 2.0])),
        TypeError,
        "softmax_cross_entropy",
        "integer",
        "float64",
        "astype",
    ),
    "a label too few": Mistake(
        lambda _: F.softmax_cross_entropy(f32(3, 4), labels[:2]),
        ValueError,
        "softmax_cross_entropy",
        "(3,)",
        "(2,)",
        "t",
    ),
    "(N, 1) against (N,)": Mistake(
        lambda _: F.mean_squared_error(f32(4, 1), f32(4)),
        ValueError,
        "mean_squared_error",
        "(4, 1)",
        "(4,)",
        "reshape",
    ),
    "a reduction that is none": Mistake(
        lambda _: F.mean_squared_error(f32(4), f32(4), reduction="avg"),
        ValueError,
        "mean_squared_error",
        "'mean'",
        "'avg'",
        "'none'",
    ),
    "backward twice": Mistake(
        backward_twice,
        RuntimeError,
        "Sum",
        "used and freed",
        "earlier backward",
        "retain_graph=True",
    ),
    "data changed in place": Mistake(
        change_in_place, RuntimeError, "Mul", "needs", "was changed", "after backward"
    ),
    "backward of many numbers": Mistake(
        lambda _: (Variable(f32(2, 3)) * 2).backward(),
        ValueError,
        "backward",
        "needs grad",
        "(2, 3)",
        "sum() or mean()",
    ),
    "backward of a constant": Mistake(
        lambda _: Variable([1.0], requires_grad=False).backward(),
        RuntimeError,
        "backward",
        "requires no gradient",
        "(1,)",
        "no_grad()",
    ),
    "backward after no_grad": Mistake(
        loss_under_no_grad, RuntimeError, "backward", "requires no gradient", "()", "no_grad()"
    ),
    "a gradient of integers": Mistake(
        lambda _: Variable([1, 2], requires_grad=True),
        TypeError,
        "requires_grad",
        "floating",
        "int64",
        "use a floating dtype",
    ),
    "assigning into a Variable": Mistake(
        lambda _: Variable([1.0]).__setitem__(0, 2.0),
        RuntimeError,
        "Variable",
        "cannot be assigned into",
        "x.data",
        "F.where",
    ),
    "training a Buffer": Mistake(
        lambda _: setattr(Buffer([1.0]), "requires_grad", True),
        RuntimeError,
        "Buffer",
        "never trained",
        "requires_grad",
        "use a Parameter",
    ),
    "saving before the first call": Mistake(
        not_built, RuntimeError, "save_weights", "uninitialised", "0/W, 1/W", "model.build(shape)"
    ),
    "weights of another model": Mistake(
        load_other,
        ValueError,
        "m.npz",
        "expected shape (3, 5)",
        "got (3, 4)",
        "nothing was changed",
    ),
    "weights from a text file": Mistake(
        load_text, ValueError, "m.npz", "archive", "10 bytes", "too few"
    ),
    "saving into a missing folder": Mistake(
        save_nowhere, OSError, "m.npz", "there is no folder", "nowhere", "make_folders=True"
    ),
    "using a lazy Parameter": Mistake(
        lambda _: Linear(3).W + 1,
        RuntimeError,
        "Parameter W",
        "uninitialised",
        "first call",
        "call the model once",
    ),
    "matmul of shapes that do not fit": Mistake(
        lambda _: F.matmul(f32(2, 3), f32(4, 5)), ValueError, "matmul", "3", "4", "(2, 3) @ (4, 5)"
    ),
    "reshape to another size": Mistake(
        lambda _: F.reshape(f32(2, 3), (4, 2)), ValueError, "reshape", "(2, 3)", "(4, 2)", "6"
    ),
    "an axis that is not there": Mistake(
        lambda _: F.sum(f32(2, 3), axis=2), ValueError, "sum", "2", "(2, 3)", "axis"
    ),
    "text as an operand": Mistake(
        lambda _: Variable([1.0]) + "1",
        TypeError,
        "Add",
        "array, a number or a list",
        "str '1'",
        "should be",
    ),
    "dropping more than all": Mistake(
        lambda _: F.dropout(f32(3), 1.5), ValueError, "dropout", "0", "1.5", "1"
    ),
    "a setting that does not exist": Mistake(
        lambda _: using(training=False),
        TypeError,
        "using",
        "there are grad, train",
        "'training'",
        "train",
    ),
    "a mode that is no bool": Mistake(
        lambda _: Linear(2).train("no"), TypeError, "train", "True or False", "'no'", "mode"
    ),
    "update before backward": Mistake(
        update_without_backward, RuntimeError, "update", "gradient", "no", "loss.backward()"
    ),
    "update before setup": Mistake(
        lambda _: O.SGD(lr=0.1).update(), RuntimeError, "SGD", "setup", "update", "setup(model)"
    ),
    "a learning rate below zero": Mistake(
        lambda _: O.SGD(lr=-1), ValueError, "SGD", "0", "-1", "lr"
    ),
    "freezing by a wrong name": Mistake(
        frozen_typo, AttributeError, "Net", "matches", "'block/*'", "there are blocks/0/W"
    ),
    "arrays of different lengths": Mistake(
        lambda _: D.Loader((f32(3), f32(4)), 2),
        ValueError,
        "ArrayDataset",
        "length",
        "4",
        "got 3, 4",
    ),
    "a batch of nothing": Mistake(
        lambda _: D.Loader(f32(3), 0), ValueError, "batch_size", "1 or more", "0", "Loader"
    ),
    "a backward that forgets an input": Mistake(
        lambda _: WrongCount()(Variable([1.0]), Variable([2.0])).backward(),
        RuntimeError,
        "WrongCount.backward",
        "2 gradients",
        "got 1",
        "one an input",
    ),
    "log of a negative number": Mistake(
        debug_log, FloatingPointError, "Log()", "(2,)", "1 NaN", "from -1 to 1"
    ),
    "a GPU without CuPy": Mistake(
        to_gpu,
        RuntimeError,
        "to_gpu",
        "CuPy is needed",
        "cannot be imported",
        "pip install 'lamina[gpu]'",
    ),
    "NumPy's function on a Variable": Mistake(
        lambda _: np.linalg.svd(Variable(f32(2, 2))), TypeError, "svd", "Variable", "np", ".data"
    ),
    "a shape that is no shape": Mistake(
        lambda _: Linear(2).summary("wide"),
        ValueError,
        "input 0",
        "a shape such as (32, 784)",
        "'wide'",
        "or an array",
    ),
    "an initializer of another dtype": Mistake(
        lambda _: Linear(2, in_size=3, init=lambda shape, dtype, rng: np.ones(shape)).W.data,
        ValueError,
        "Parameter W",
        "float32 (3, 2)",
        "float64 (3, 2)",
        "the initializer should give",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_answered_with_place_expected_got_and_hint(mistake, tmp_path):
    with pytest.raises(mistake.error) as caught:
        mistake.make(tmp_path)
    message = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    for part in (mistake.place, mistake.expected, mistake.got, mistake.hint):
        assert part in message


def test_there_are_forty():
    assert len(MISTAKES) >= 40
    assert lamina.layers is L
