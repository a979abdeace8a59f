"""The page that lamina grew from: its two code cells verbatim, and the same program on lamina."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import pytest

import lamina
from fixtures.seed import CELLS, run_cells
from lamina import Parameter, Variable
from lamina import functions as F

# of the two cells as the page has them, so that nobody mends the fixture
DIGESTS = {
    "seed_cell_layer.txt": "58ab7a805902f453913201611d8da6246a82bf2fef9e79244533e8828c536aa8",
    "seed_cell_linear.txt": "b8269dd43a98abe87d146117ccccf0f0b222b874398d0d9609e092155fa20f62",
}


def network(Layer, Linear, *sizes, bias=True):
    class MLP(Layer):
        def __init__(self):
            super().__init__()
            self.l1 = Linear(sizes[0])
            self.l2 = Linear(sizes[1], nobias=not bias)

        def forward(self, x):
            return self.l2(F.tanh(self.l1(x)))

    return MLP()


@pytest.fixture(params=["the cells", "lamina"])
def words(request):
    """Layer and Linear: those of the page, and lamina's own."""
    if request.param == "the cells":
        names = run_cells()
        return names["Layer"], names["Linear"]
    return lamina.Layer, lamina.Linear


@pytest.fixture
def x():
    return Variable(np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3), requires_grad=False)


@pytest.mark.parametrize("cell", CELLS)
def test_the_cells_are_verbatim(cell):
    path = os.path.join(os.path.dirname(__file__), "fixtures", cell)
    with open(path, "rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == DIGESTS[cell]


def test_forward_learns_the_input_size(words, x):
    model = network(*words, 4, 2)
    assert model(x).shape == (5, 2)
    assert model.l1.W.shape == (3, 4)
    assert model.l1.in_size == 3


def test_backward_reaches_every_parameter_and_cleargrads_forgets(words, x):
    model = network(*words, 4, 2)
    model(x).sum().backward()
    assert all(p.grad.shape == p.shape for p in model.params())
    model.cleargrads()
    assert all(p.grad is None for p in model.params())


def test_parameters_flatten_to_paths(words, x):
    model = network(*words, 4, 2)
    model(x)
    found = {}
    model._flatten_params(found, "net")
    assert sorted(found) == ["net/l1/W", "net/l1/b", "net/l2/W", "net/l2/b"]
    assert all(isinstance(p, Parameter) for p in found.values())


def test_weights_are_saved_and_loaded(words, x, tmp_path, capsys):
    model, other = network(*words, 4, 2), network(*words, 4, 2)
    y, _ = model(x), other(x)
    model.save_weights(tmp_path / "m.npz")
    other.load_weights(tmp_path / "m.npz")
    assert np.array_equal(other(x).data, y.data)
    lines = sorted(capsys.readouterr().out.splitlines())
    assert lines == ["l1/W loaded", "l1/b loaded", "l2/W loaded", "l2/b loaded"]


def test_nobias_leaves_no_b(words, x):
    model = network(*words, 4, 2, bias=False)
    assert model(x).shape == (5, 2)
    assert model.l2.b is None


def test_training_by_hand_lowers_the_loss(words, x):
    model = network(*words, 4, 1)
    losses = []
    np.random.seed(0)  # what the cells draw from
    for _ in range(200):
        y = model(x)
        loss = F.mean_squared_error(y, x.data[:, :1].astype(y.dtype) ** 2)
        model.cleargrads()
        loss.backward()
        for p in model.params():
            p.data -= 0.1 * p.grad.data
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


def test_to_cpu_keeps_the_numbers(words, x):
    model = network(*words, 4, 2)
    y = model(x)
    model.to_cpu()
    assert np.array_equal(model(x).data, y.data)


def test_to_gpu_without_cupy_is_one_clear_error(words, x, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cupy", None)
    model = network(*words, 4, 2)
    model(x)
    with pytest.raises(RuntimeError, match="CuPy is needed"):
        model.to_gpu()


def test_a_layer_without_forward_says_so(words):
    with pytest.raises(NotImplementedError):
        words[0]()(Variable([1.0]))


# -- files written elsewhere ---------------------------------------------------------------------


def by_the_seed(path, x):
    names = run_cells()
    model = network(names["Layer"], names["Linear"], 4, 2)
    y = model(x)
    model.save_weights(path)
    return y


def test_a_file_written_by_the_seeds_code_loads(x, tmp_path):
    y = by_the_seed(tmp_path / "m.npz", x)
    model = network(lamina.Layer, lamina.Linear, 4, 2)
    model.load_weights(tmp_path / "m.npz")
    assert model.l1.W.dtype == np.float32
    # the seed's weights are float64, lamina's are cast to float32: 24 bits of each product's terms
    np.testing.assert_allclose(model(x).data, y.data, rtol=1e-5)


def test_a_file_written_as_dezero_does_loads(x, tmp_path):
    W1, W2 = np.ones((3, 4), np.float32), np.ones((4, 2), np.float32)
    arrays = {"l2/W": W2, "l1/b": np.zeros(4, np.float32), "l1/W": W1, "l2/b": W2[0]}
    np.savez_compressed(tmp_path / "m.npz", **arrays)
    model = network(lamina.Layer, lamina.Linear, 4, 2)
    assert model.load_weights(tmp_path / "m.npz", quiet=True) == ["l1/W", "l1/b", "l2/W", "l2/b"]
    assert model(x).shape == (5, 2)


def chainer_arrays(prefix=""):
    """As `chainer.serializers.save_npz` writes them: W is (out, in)."""
    rng = np.random.default_rng(0)
    shapes = {"l1/W": (4, 3), "l1/b": (4,), "l2/W": (2, 4), "l2/b": (2,)}
    return {prefix + k: rng.standard_normal(s).astype(np.float32) for k, s in shapes.items()}


@pytest.mark.parametrize("prefix", ["", "updater/model:main/"])
def test_a_file_written_as_chainer_does_loads(x, tmp_path, prefix):
    arrays = chainer_arrays(prefix)
    np.savez_compressed(tmp_path / "m.npz", **arrays, **({"epoch": 3} if prefix else {}))
    model = network(lamina.Layer, lamina.Linear, 4, 2)
    model.load_weights(tmp_path / "m.npz", prefix=prefix, layout="chainer", quiet=True)
    a = {k.removeprefix(prefix): v for k, v in arrays.items()}
    expected = np.tanh(x.data @ a["l1/W"].T + a["l1/b"]) @ a["l2/W"].T + a["l2/b"]
    # the same products in float32; transposed arrays may be summed in another order
    np.testing.assert_allclose(model(x).data, expected, rtol=1e-5, atol=1e-6)


def test_chainers_layout_is_suggested_where_it_is_seen(x, tmp_path):
    np.savez_compressed(tmp_path / "m.npz", **chainer_arrays())
    model = network(lamina.Layer, lamina.Linear, 4, 2)
    model(x)
    with pytest.raises(ValueError, match=r"l1/W: .*layout='chainer' reads \(out, in\)"):
        model.load_weights(tmp_path / "m.npz")
