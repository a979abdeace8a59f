"""build and summary: what a model is, from shapes alone."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from lamina import Layer, Linear, Parameter, Sequential, Variable
from lamina import functions as F
from lamina.errors import ShapeError, TraceError


class Tied(Layer):
    """One Linear, called twice, and a Parameter of its own."""

    def __init__(self):
        super().__init__()
        self.scale = Parameter(np.ones(3, np.float32))
        self.inner = Linear(3, in_size=3)

    def forward(self, x):
        return self.inner(self.inner(x)) * self.scale


class Asks(Layer):
    """Its forward looks at a number."""

    def __init__(self):
        super().__init__()
        self.l1 = Linear(4)

    def forward(self, x):
        return self.l1(x) if float(x.sum()) > 0 else x


def mlp():
    return Sequential(Linear(5), F.relu, Linear(2, nobias=True))


def test_build_learns_every_size():
    model = mlp().build((7, 3))
    assert [p.shape for p in model.params()] == [(3, 5), (5,), (5, 2)]


def test_build_draws_nothing_and_a_call_draws_the_same_numbers():
    from lamina import seed

    model = mlp().build((7, 3))
    assert {p.state for p in model.params()} == {"planned"}
    seed(0)
    built = model(np.ones((1, 3), np.float32))
    seed(0)
    assert np.array_equal(mlp()(np.ones((1, 3), np.float32)).data, built.data)


def test_build_takes_an_example_and_looks_only_at_its_shape():
    example = np.full((7, 3), np.nan, np.float32)
    assert mlp().build(example)[0].in_size == 3
    assert mlp().build(Variable(example))[0].in_size == 3


def test_build_of_a_forward_that_needs_numbers_runs_on_an_example():
    model = Asks().build(np.ones((2, 3), np.float32))
    assert model.l1.in_size == 3


def test_build_of_a_forward_that_needs_numbers_refuses_a_shape():
    model = Asks()
    with pytest.raises(TraceError, match="has no numbers yet"):
        model.build((2, 3))
    assert model.l1.in_size is None


def test_build_without_inputs_says_what_it_wants():
    with pytest.raises(ShapeError, match="build: give the shape of each input"):
        mlp().build()


def test_build_that_fails_leaves_no_size():
    model = Sequential(Linear(5), Linear(2, in_size=4))
    with pytest.raises(ShapeError, match="in Sequential/1"):
        model.build((7, 3))
    assert model[0].in_size is None


def test_summary_counts_parameters_products_and_bytes():
    summary = mlp().summary((7, 3))
    assert summary.params == 3 * 5 + 5 + 5 * 2
    assert summary.multiply_adds == 7 * (3 * 5 + 5 * 2)
    # 4 bytes a number: a product, the sum with its bias, the relu, a product
    assert summary.activation == 4 * 7 * (5 + 5 + 5 + 2)


def test_summary_rows_are_the_calls_and_their_own_figures():
    rows = mlp().summary((7, 3)).rows
    assert [row.path for row in rows] == ["Sequential", "0", "2"]
    assert [row.output for row in rows] == ["float32 (7, 2)", "float32 (7, 5)", "float32 (7, 2)"]
    assert [row.multiply_adds for row in rows] == [0, 7 * 15, 7 * 10]
    assert [row.params for row in rows] == [0, 20, 10]


def test_summary_counts_a_layer_that_is_called_twice_once():
    summary = Tied().summary((7, 3))
    assert [row.params for row in summary.rows] == [3, 12, 0]
    assert summary.params == 15
    assert summary.multiply_adds == 2 * 7 * 9


def test_summary_leaves_a_lazy_model_lazy():
    model = mlp()
    model.summary((7, 3))
    assert model[0].in_size is None
    assert model(np.ones((2, 4), np.float32)).shape == (2, 2)


def test_summary_after_a_failure_leaves_a_lazy_model_lazy():
    model = Sequential(Linear(5), Linear(2, in_size=4))
    with pytest.raises(ShapeError, match="last axis of x should be 4"):
        model.summary((7, 3))
    assert model[0].in_size is None


def test_summary_without_inputs_knows_what_was_built():
    text = str(mlp().build((7, 3)).summary())
    assert "parameters: 30" in text
    assert "Linear(3 -> 5)" in text


def test_summary_of_a_model_that_would_not_fit_in_memory_takes_none():
    model = Sequential(Linear(10**6), F.tanh, Linear(10**6))
    tracemalloc.start()
    try:
        summary = model.summary((10**5, 10**6))
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert summary.params == 2 * (10**12 + 10**6)
    assert used < 2**20  # a megabyte, where the first product alone would be 400 GB


def test_summary_says_what_is_frozen():
    model = mlp().build((7, 3))
    model.freeze("0/*")
    assert model.summary((7, 3)).frozen == 20
    assert "(20 frozen)" in str(model.summary((7, 3)))


def test_summary_prints_a_table_with_aligned_figures():
    lines = str(mlp().summary((7, 3))).splitlines()
    assert lines[0].split() == ["path", "layer", "output", "parameters", "multiply-adds",
                                "activations"]  # fmt: skip
    assert lines[3].endswith("20            105        280 B")
    assert lines[-1] == "parameters: 30; multiply-adds: 175; activations: 476 B"


def test_summary_shows_as_html():
    html = mlp().summary((7, 3))._repr_html_()
    assert html.startswith("<table><tr><th>path</th>")
    assert "Linear(3 -&gt; 5)" in html


def test_integer_inputs_are_given_as_an_example():
    class Lookup(Layer):
        def __init__(self):
            super().__init__()
            self.table = Parameter(np.ones((10, 4), np.float32))

        def forward(self, i):
            return self.table[i]

    assert Lookup().summary(np.zeros((3, 5), np.int64)).rows[0].output == "float32 (3, 5, 4)"


def test_several_inputs():
    class Two(Layer):
        def forward(self, a, b):
            return F.matmul(a, b), a.sum()

    row = Two().summary((2, 3), (3, 5)).rows[0]
    assert row.output == "float32 (2, 5), float32 ()"


@pytest.mark.parametrize("wrong", ["wide", 3, (2, "3"), None])
def test_an_input_that_is_no_shape_is_refused(wrong):
    with pytest.raises(ShapeError, match="input 0: should be a shape such as"):
        mlp().summary(wrong)
