"""matmul, linear, einsum: what does not fit is named, and nothing is computed for nobody."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, gradients
from lamina.check import gradient
from lamina.errors import RangeError, ShapeError
from lamina.functions.linear import MatMul
from lamina.listen import Program, multiply_adds


def zeros(*shape):
    return Variable(np.zeros(shape))


WRONG = {
    "matmul inner": (
        lambda: F.matmul(zeros(2, 3), zeros(4, 5)),
        r"^matmul: \(2, 3\) @ \(4, 5\), inner lengths 3 and 4 differ$",
    ),
    "matmul inner of a stack": (
        lambda: zeros(7, 2, 3) @ zeros(4, 5),
        r"^matmul: \(7, 2, 3\) @ \(4, 5\), inner lengths 3 and 4 differ$",
    ),
    "matmul inner where a reshape would fit": (
        lambda: zeros(2, 3, 4) @ zeros(6, 5),
        r"^matmul: \(2, 3, 4\) @ \(6, 5\), inner lengths 4 and 6 differ$",
    ),
    "matmul vector": (
        lambda: zeros(3) @ zeros(4, 5),
        r"^matmul: \(3,\) @ \(4, 5\), inner lengths 3 and 4 differ$",
    ),
    "matmul with a vector": (
        lambda: zeros(2, 3) @ zeros(2),
        r"^matmul: \(2, 3\) @ \(2,\), inner lengths 3 and 2 differ$",
    ),
    "matmul stacks": (
        lambda: F.matmul(zeros(2, 3, 4), zeros(5, 4, 6)),
        r"matmul: \(2, 3, 4\) @ \(5, 4, 6\), leading axes \(2,\) and \(5,\) do not broadcast",
    ),
    "matmul number": (
        lambda: F.matmul(2.0, zeros(2, 3)),
        r"matmul: \(\) @ \(2, 3\), a single number; use \* in place of @",
    ),
    "linear width": (
        lambda: F.linear(zeros(8, 32), zeros(64, 16)),
        r"^linear: last axis of x should be 64 \(W is \(64, 16\)\), got 32 \(x is \(8, 32\)\)$",
    ),
    "linear width where a reshape would fit": (
        lambda: F.linear(zeros(2, 3, 4), zeros(6, 5)),
        r"last axis of x should be 6 \(W is \(6, 5\)\), got 4 \(x is \(2, 3, 4\)\)",
    ),
    "linear number": (
        lambda: F.linear(1.0, zeros(2, 3)),
        r"last axis of x should be 2 .* got a single number",
    ),
    "linear W": (
        lambda: F.linear(zeros(2, 3), zeros(3)),
        r"linear: W should have shape \(in, out\), got \(3,\)",
    ),
    "linear b": (
        lambda: F.linear(zeros(2, 3), zeros(3, 5), zeros(1, 5)),
        r"linear: b should have shape \(5,\) \(W is \(3, 5\)\), got \(1, 5\)",
    ),
    "einsum lengths": (
        lambda: F.einsum("ij,jk->ik", zeros(2, 3), zeros(4, 5)),
        r"einsum 'ij,jk->ik': 'j' stands for axes of lengths 3 and 4; shapes are \(2, 3\), \(4,",
    ),
    "einsum diagonal": (
        lambda: F.einsum("ii->i", zeros(2, 3)),
        r"einsum 'ii->i': 'i' stands for axes of lengths \[2, 3\] in one operand of shape \(2, 3\)",
    ),
    "einsum operands": (
        lambda: F.einsum("ij,jk", zeros(2, 3)),
        r"einsum 'ij,jk': names 2 operands, got 1",
    ),
    "einsum rank": (
        lambda: F.einsum("ijk", zeros(2, 3)),
        r"einsum 'ijk': 'ijk' does not fit an operand of shape \(2, 3\)",
    ),
    "einsum rank without ellipsis": (
        lambda: F.einsum("i->i", zeros(2, 3)),
        r"einsum 'i->i': 'i' does not fit an operand of shape \(2, 3\)",
    ),
    "einsum two ellipses": (
        lambda: F.einsum("...i...", zeros(2, 3)),
        r"'\.\.\.i\.\.\.' does not fit an operand",
    ),
    "einsum unknown": (
        lambda: F.einsum("ij->ik", zeros(2, 3)),
        r"einsum 'ij->ik': the result names \['k'\], which no operand has",
    ),
    "einsum twice": (
        lambda: F.einsum("ij->ii", zeros(2, 3)),
        r"einsum 'ij->ii': the result names \['i'\] twice",
    ),
    "einsum ellipsis lost": (
        lambda: F.einsum("...i->i", zeros(2, 3)),
        r"einsum '\.\.\.i->i': the operands have 1 axes under '\.\.\.', the result none",
    ),
    "einsum letters": (
        lambda: F.einsum("i1->i", zeros(2, 3)),
        r"einsum 'i1->i': should be made of letters, commas, '\.\.\.' and one '->'",
    ),
    "einsum arrows": (
        lambda: F.einsum("ij->i->j", zeros(2, 3)),
        r"should be made of letters",
    ),
    "einsum numbers": (
        lambda: F.einsum(zeros(2, 3), [0, 99]),
        r"einsum: axes should be a list of numbers from 0 to 51 or \.\.\., got \[0, 99\]",
    ),
    "einsum no numbers": (
        lambda: F.einsum(zeros(2, 3), zeros(3, 2)),
        r"einsum: axes should be a list of numbers .* or give a text such as 'ij,jk->ik' first",
    ),
    "tensordot": (
        lambda: F.tensordot(zeros(2, 3), zeros(4, 2), 1),
        r"tensordot: axes \(1,\) of \(2, 3\) and \(0,\) of \(4, 2\) should have equal lengths",
    ),
    "tensordot counts": (
        lambda: F.tensordot(zeros(2, 3), zeros(3, 2), ((0, 1), (1,))),
        r"tensordot: axes \(0, 1\) of \(2, 3\) and \(1,\) of \(3, 2\) should have equal lengths",
    ),
    "dot": (
        lambda: F.dot(zeros(2, 3), zeros(4)),
        r"matmul: \(2, 3\) @ \(4,\), inner lengths 3 and 4 differ",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name):
    make, message = WRONG[name]
    with pytest.raises(ShapeError, match=message):
        make()


def test_tensordot_names_an_axis_that_is_not_there():
    with pytest.raises(RangeError, match="tensordot: axis 2 is outside an array of 2 axes"):
        F.tensordot(zeros(2, 3), zeros(3, 2), ((2,), (0,)))


def test_a_length_of_1_does_not_broadcast_in_tensordot():
    with pytest.raises(ShapeError, match="should have equal lengths"):
        F.tensordot(zeros(2, 1), zeros(3, 2), 1)


def test_t80_the_gradient_of_w_has_the_shape_of_w_for_batches_of_sequences(rng):
    x = Variable(rng.standard_normal((7, 7, 5)))  # B == T, which hid the seed's mistake
    W, b = Variable(rng.standard_normal((5, 4))), Variable(np.zeros(4))
    F.linear(x, W, b).sum().backward()
    expected = x.data.reshape(49, 5).T @ np.ones((49, 4))
    np.testing.assert_allclose(W.grad.data, expected, rtol=1e-13)  # 49 terms, in another order


def test_t80_stacks_of_matrices_have_gradients(rng):
    gradient(F.matmul, rng.standard_normal((3, 3, 2)), rng.standard_normal((3, 2, 4)))


def test_the_operator_at_works_from_both_sides(rng):
    a, b = rng.standard_normal((2, 3)), rng.standard_normal((3, 4))
    for y in (Variable(a) @ Variable(b), Variable(a) @ b, a @ Variable(b)):
        assert np.array_equal(y.data, a @ b)


def test_linear_of_a_stack_is_linear_of_its_rows(rng):
    x, W = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((5, 6))
    y = F.linear(x, W, np.ones(6))
    assert np.array_equal(y.data.reshape(24, 6), F.linear(x.reshape(24, 5), W, np.ones(6)).data)


def test_linear_does_not_write_into_its_operands():
    x, W, b = np.ones((2, 1)), np.eye(1), np.full(1, 5.0)
    F.linear(x, W, b)
    assert (x.tolist(), W.tolist(), b.tolist()) == ([[1], [1]], [[1]], [5])


def test_linear_promotes_as_numpy_does():
    x, W, b = np.ones((2, 3), np.float32), np.ones((3, 4), np.float32), np.ones(4)
    assert F.linear(x, W, b).dtype == np.float64


def products(monkeypatch):
    """The shapes of all products from now on."""
    seen = []
    forward = MatMul.forward

    def noted(self, a, b):
        y = forward(self, a, b)
        seen.append(y.shape)
        return y

    monkeypatch.setattr(MatMul, "forward", noted)
    return seen


def test_no_product_is_computed_for_an_input_without_gradient(rng, monkeypatch):
    x, W = rng.standard_normal((8, 5)), Variable(rng.standard_normal((5, 4)))
    y = F.linear(x, W).sum()
    seen = products(monkeypatch)
    y.backward()
    assert seen == [(5, 4)]


def test_the_gradient_of_a_shared_matrix_is_one_product(rng, monkeypatch):
    a, W = rng.standard_normal((6, 7, 5)), Variable(rng.standard_normal((5, 4)))
    y = F.matmul(a, W).sum()
    seen = products(monkeypatch)
    y.backward()
    assert seen == [(5, 4)]  # and not (6, 5, 4), summed


def test_transposed_products_cover_each_other(rng):
    shapes = {False: (3, 2), True: (2, 3)}
    a, b = rng.standard_normal(shapes[True]), rng.standard_normal((4, 2))
    gradient(MatMul(left=True, right=True), a, b, order=3)


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("right", [False, True])
def test_products_of_transposed_stacks_have_gradients(rng, left, right):
    a = rng.standard_normal((5, 2, 3) if left else (5, 3, 2))
    b = rng.standard_normal((4, 2) if right else (2, 4))
    gradient(MatMul(left, right), a, b)


def test_einsum_is_a_product_of_matrices_to_the_ear():
    program = Program()
    q, k = program.input((2, 3, 4, 5), np.float32), program.input((2, 6, 4, 5), np.float32)
    F.einsum("bqhd,bkhd->bhqk", Variable(q), Variable(k))
    counts = [multiply_adds(i) for i in program.instructions if i.opcode == "matmul"]
    assert counts == [2 * 4 * 3 * 6 * 5]


def test_linear_is_a_product_and_a_sum_to_the_ear():
    program = Program()
    x = program.input((8, 3), np.float32)
    F.linear(Variable(x), np.ones((3, 5), np.float32), np.ones(5, np.float32))
    assert [i.opcode for i in program.instructions] == ["matmul", "add"]


def test_einsum_contracts_small_things_first():
    program = Program()
    shapes = [(100, 2), (2, 100), (100, 1)]
    F.einsum("ab,bc,cd->ad", *[Variable(program.input(s, np.float32)) for s in shapes])
    assert max(r.size for i in program.instructions for r in i.results) == 100


def test_einsum_computes_only_the_gradients_that_are_asked_for(rng):
    a, b = Variable(rng.standard_normal((2, 3))), Variable(rng.standard_normal((3, 4)))
    y = F.einsum("ij,jk->ik", a, b)
    (g,) = gradients([y], [b], [np.ones((2, 4))])
    np.testing.assert_allclose(g.data, np.repeat(a.data.sum(0)[:, None], 4, 1), rtol=1e-14)


def test_einsum_has_more_axes_than_letters_in_an_alphabet():
    x = Variable(np.ones((1,) * 20 + (2, 3)))
    assert F.einsum("...ij->...ji", x).shape == (1,) * 20 + (3, 2)
