"""Convolution beyond the table: errors, the family of three, what is computed, where it lies."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

import lamina.functions as F
from functions.cases_conv import CASES
from lamina import Variable, gradients
from lamina.check import PROMISES, gradient
from lamina.errors import DTypeError, RangeError, ShapeError
from lamina.functions.conv import Conv, ConvTranspose, ConvWeight
from lamina.functions.window import BLOCK, Window
from lamina.listen import Program, multiply_adds


def ones(*shape, dtype=np.float64):
    return np.ones(shape, dtype)


IMAGE, KERNEL = ones(2, 4, 5, 6), ones(6, 4, 3, 2)

WRONG = {
    "rank of x": (
        lambda: F.conv2d(ones(4, 5, 6), KERNEL),
        ShapeError,
        r"^conv2d: x should have shape \(n, c, h, w\), got \(4, 5, 6\); one sample is a batch "
        r"too: x\[None\]$",
    ),
    "rank of x by two": (
        lambda: F.conv3d(ones(5, 6), ones(6, 4, 1, 3, 2)),
        ShapeError,
        r"^conv3d: x should have shape \(n, c, d, h, w\), got \(5, 6\)$",
    ),
    "rank of W": (
        lambda: F.conv1d(ones(2, 4, 5), KERNEL),
        ShapeError,
        r"^conv1d: W should have shape \(c_out, c_in / groups, length\), with a kernel of length "
        r"1 or more, got \(6, 4, 3, 2\)$",
    ),
    "empty kernel": (
        lambda: F.conv2d(IMAGE, ones(6, 4, 3, 0)),
        ShapeError,
        r"^conv2d: W should have .* got \(6, 4, 3, 0\)$",
    ),
    "channels": (
        lambda: F.conv2d(IMAGE, ones(6, 3, 3, 2)),
        ShapeError,
        r"^conv2d: W of shape \(6, 3, 3, 2\) with groups=1 takes 3 channels, x of shape "
        r"\(2, 4, 5, 6\) has 4$",
    ),
    "channels of a group": (
        lambda: F.conv2d(IMAGE, KERNEL, groups=2),
        ShapeError,
        r"with groups=2 takes 8 channels, x of shape \(2, 4, 5, 6\) has 4$",
    ),
    "groups that divide not": (
        lambda: F.conv2d(IMAGE, ones(5, 2, 3, 2), groups=2),
        RangeError,
        r"^conv2d: groups=2 does not divide c_out=5$",
    ),
    "groups of 0": (
        lambda: F.conv2d(IMAGE, KERNEL, groups=0),
        RangeError,
        r"^conv2d: groups should be 1 or more, got 0$",
    ),
    "groups of a half": (
        lambda: F.conv2d(IMAGE, KERNEL, groups=0.5),
        DTypeError,
        r"^conv2d: groups should be an integer, got 0\.5$",
    ),
    "b": (
        lambda: F.conv2d(IMAGE, KERNEL, ones(4)),
        ShapeError,
        r"^conv2d: b should have shape \(6,\), got \(4,\)$",
    ),
    "large kernel": (
        lambda: F.conv2d(IMAGE, ones(6, 4, 7, 2)),
        ShapeError,
        r"^conv2d: the kernel \(7, 2\) is larger than the image \(5, 6\); use a smaller kernel or "
        r"more padding$",
    ),
    "large dilated kernel": (
        lambda: F.conv2d(IMAGE, KERNEL, dilation=4, padding=1),
        ShapeError,
        r"the kernel \(3, 2\) \(dilated: \(9, 5\)\) is larger than the image \(5, 6\) \(padded: "
        r"\(7, 8\)\)",
    ),
    "image of nothing": (
        lambda: F.conv2d(ones(2, 4, 0, 6), KERNEL),
        ShapeError,
        r"the kernel \(3, 2\) is larger than the image \(0, 6\)",
    ),
    "stride": (
        lambda: F.conv2d(IMAGE, KERNEL, stride=(1, 0)),
        RangeError,
        r"^conv2d: stride should be an integer of 1 or more, or 2 of them, got \(1, 0\)$",
    ),
    "strides": (
        lambda: F.conv2d(IMAGE, KERNEL, stride=(1, 1, 1)),
        RangeError,
        r"^conv2d: stride should be an integer of 1 or more, or 2 of them, got \(1, 1, 1\)$",
    ),
    "stride of a half": (
        lambda: F.conv2d(IMAGE, KERNEL, stride=0.5),
        DTypeError,
        r"^conv2d: stride should be an integer, got 0\.5$",
    ),
    "dilation": (
        lambda: F.conv2d(IMAGE, KERNEL, dilation=0),
        RangeError,
        r"^conv2d: dilation should be an integer of 1 or more, or 2 of them, got 0$",
    ),
    **{
        f"padding {word!r}": (
            lambda word=word: F.conv2d(IMAGE, KERNEL, padding=word),
            RangeError,
            r"^conv2d: padding should be an integer of 0 or more, 2 of them or of pairs \(before, "
            r"after\) in a tuple, or 'same', got ",
        )
        for word in ["valid", -1, (1,), (1, 2, 3), ((1, 2), (3,)), (1, -2), 0.5, None, ((1, 2, 3),)]
    },
    "transposed channels": (
        lambda: F.conv_transpose2d(IMAGE, KERNEL),
        ShapeError,
        r"^conv_transpose2d: W of shape \(6, 4, 3, 2\) takes 6 channels, x of shape "
        r"\(2, 4, 5, 6\) has 4$",
    ),
    "transposed groups": (
        lambda: F.conv_transpose2d(IMAGE, ones(4, 2, 3, 2), groups=3),
        RangeError,
        r"^conv_transpose2d: groups=3 does not divide c_in=4$",
    ),
    "transposed b": (
        lambda: F.conv_transpose2d(IMAGE, ones(4, 2, 3, 2), ones(2), groups=2),
        ShapeError,
        r"^conv_transpose2d: b should have shape \(4,\), got \(2,\)$",
    ),
    "transposed W": (
        lambda: F.conv_transpose1d(ones(2, 4, 5), KERNEL),
        ShapeError,
        r"^conv_transpose1d: W should have shape \(c_in, c_out / groups, length\)",
    ),
    "output_padding": (
        lambda: F.conv_transpose2d(IMAGE, ones(4, 2, 3, 2), stride=(2, 3), output_padding=2),
        RangeError,
        r"^conv_transpose2d: output_padding \(2, 2\) should be less than stride \(2, 3\)$",
    ),
    "negative output_padding": (
        lambda: F.conv_transpose2d(IMAGE, ones(4, 2, 3, 2), output_padding=-1),
        RangeError,
        r"^conv_transpose2d: output_padding should be an integer of 0 or more, or 2 of them",
    ),
    "transposed same": (
        lambda: F.conv_transpose2d(IMAGE, ones(4, 2, 3, 2), padding="same"),
        RangeError,
        r"^conv_transpose2d: padding should be numbers, 'same' does not say what to cut off$",
    ),
    "nothing is left": (
        lambda: F.conv_transpose2d(IMAGE, ones(4, 2, 3, 2), padding=4),
        ShapeError,
        r"^conv_transpose2d: nothing is left of the result, its size would be \(-1, -1\)$",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), WRONG.values(), ids=list(WRONG))
def test_what_does_not_fit_is_named_with_its_values(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_absent_image_that_does_not_fit_is_refused_alike():
    x = Variable(Program().input((2, 3, 5, 6), np.float32))
    with pytest.raises(ShapeError, match=r"takes 4 channels, x of shape \(2, 3, 5, 6\) has 3"):
        F.conv2d(x, KERNEL)


# -- against others ------------------------------------------------------------------------------


def test_agrees_with_scipy_on_one_channel(rng):
    x, W = rng.standard_normal((7, 9)), rng.standard_normal((3, 4))
    y = F.conv2d(x[None, None], W[None, None]).data[0, 0]
    # SciPy adds the 12 products in another order
    np.testing.assert_allclose(y, scipy.signal.correlate2d(x, W, mode="valid"), rtol=1e-13)


def test_transposed_agrees_with_full_convolution_of_scipy(rng):
    x, W = rng.standard_normal((7, 9)), rng.standard_normal((3, 4))
    y = F.conv_transpose2d(x[None, None], W[None, None]).data[0, 0]
    # SciPy adds the 12 products in another order
    np.testing.assert_allclose(y, scipy.signal.convolve2d(x, W), rtol=1e-13)


@pytest.mark.parametrize("row", CASES, ids=lambda row: row.name)
def test_blocks_of_two_rows_give_what_the_whole_gives(row, monkeypatch):
    def by_twos(self, numbers, least):
        return [(i, min(i + 2, self.out[0])) for i in range(0, self.out[0], 2)]

    monkeypatch.setattr(Window, "blocks", by_twos)
    PROMISES["values"](row)
    PROMISES["derivatives"](row)


def test_blocks_cover_all_places_and_fit_into_the_cache():
    window = Window((52, 3), (3, 2), (1, 1), ((0, 0), (0, 0)), (1, 1))
    assert list(window.blocks(BLOCK // 20, 0)) == [(0, 20), (20, 40), (40, 50)]


def test_blocks_are_not_smaller_than_the_weights_are_worth():
    window = Window((52, 3), (3, 2), (1, 1), ((0, 0), (0, 0)), (1, 1))
    assert list(window.blocks(BLOCK // 20, 2 * BLOCK)) == [(0, 40), (40, 50)]


def test_a_row_that_is_larger_than_the_cache_is_a_block():
    window = Window((5, 3), (3, 2), (1, 1), ((0, 0), (0, 0)), (1, 1))
    assert list(window.blocks(2 * BLOCK, 0)) == [(0, 1), (1, 2), (2, 3)]


# -- the family ----------------------------------------------------------------------------------

ODD = Window((7, 6), (3, 2), (2, 1), ((1, 2), (0, 1)), (1, 2))


def test_t71_double_backward_with_unequal_sizes(rng):
    x, W = Variable(rng.standard_normal((2, 3, 5, 7))), Variable(rng.standard_normal((4, 3, 3, 2)))
    y = F.conv2d(x, W, stride=(2, 1), padding=(0, 1))
    gx, gW = gradients(y, [x, W], rng.standard_normal(y.shape), create_graph=True)
    ggx, ggW = gradients((gx * gx).sum() + (gW * gW).sum(), [x, W])
    assert (ggx.shape, ggW.shape) == (x.shape, W.shape)


@pytest.mark.parametrize("kind", [Conv, ConvTranspose, ConvWeight])
@pytest.mark.parametrize("groups", [1, 2])
def test_each_of_the_three_has_derivatives_to_the_third_order(kind, groups, rng):
    image, kernel, result = (2, 2, 7, 6), (4, 2 // groups, 3, 2), (2, 4, *ODD.out)
    operands = {
        Conv: (image, kernel),
        ConvTranspose: (result, kernel),
        ConvWeight: (image, result),
    }[kind]
    xs = [rng.uniform(-1, 1, shape) for shape in operands]
    gradient(kind(ODD, groups), *xs, order=3)


def test_the_three_are_one_sum(rng):
    x, W = rng.standard_normal((2, 4, 7, 6)), rng.standard_normal((6, 2, 3, 2))
    y = rng.standard_normal((2, 6, *ODD.out))
    sums = [
        (Conv(ODD, 2)(x, W).data * y).sum(),
        (ConvTranspose(ODD, 2)(y, W).data * x).sum(),
        (ConvWeight(ODD, 2)(x, y).data * W).sum(),
    ]
    # three orders of adding 2 * 6 * 4 * 5 * 2 * 6 products of size 1
    np.testing.assert_allclose(sums, sums[0], rtol=1e-11)


def test_backward_computes_no_gradient_of_an_image_that_is_data(monkeypatch):
    monkeypatch.setattr(ConvTranspose, "forward", None)
    W = Variable(KERNEL)
    F.conv2d(IMAGE, W).sum().backward()
    assert W.grad is not None


def test_backward_computes_no_gradient_of_a_frozen_kernel(monkeypatch):
    monkeypatch.setattr(ConvWeight, "forward", None)
    x = Variable(IMAGE)
    F.conv2d(x, KERNEL).sum().backward()
    assert x.grad is not None


def test_operators_keep_a_mixture_of_dtypes_as_products_do():
    y = F.conv2d(ones(2, 4, 5, 6, dtype=np.float32), KERNEL)
    assert y.dtype == np.float64


def test_integers_stay_integers():
    y = F.conv1d(np.arange(5)[None, None], np.array([[[1, 2]]]))
    assert (y.dtype, y.data.tolist()) == (np.int64, [[[2, 5, 8, 11]]])


def test_a_python_number_is_no_image():
    with pytest.raises(ShapeError, match=r"^conv2d: x should have shape .* got \(\)"):
        F.conv2d(1.0, KERNEL)


def test_results_lie_in_memory_with_samples_last():
    y = F.conv2d(IMAGE, KERNEL, padding=1).data
    assert y.transpose(1, 2, 3, 0).flags.c_contiguous


def test_pointwise_image_that_lies_so_already_is_not_copied(monkeypatch):
    x = F.conv2d(IMAGE, KERNEL)
    monkeypatch.setattr(np, "copy", None)
    assert F.conv2d(x, ones(3, 6, 1, 1)).shape == (2, 3, 3, 5)


# -- what is heard -------------------------------------------------------------------------------


def heard(f, *shapes):
    program = Program()
    y = f(*[Variable(program.input(shape, np.float32)) for shape in shapes])
    return y, program.instructions


def test_convolution_is_heard_as_one_call():
    y, instructions = heard(lambda x, W: F.conv2d(x, W, padding=1), IMAGE.shape, KERNEL.shape)
    assert [i.opcode for i in instructions] == ["call"]
    assert (y.shape, y.dtype) == ((2, 6, 5, 7), np.float32)


def test_multiply_adds_of_a_convolution():
    _, instructions = heard(lambda x, W: F.conv2d(x, W, groups=2), IMAGE.shape, (6, 2, 3, 2))
    assert sum(map(multiply_adds, instructions)) == 2 * (3 * 5) * 6 * (2 * 3 * 2)


def test_multiply_adds_of_a_transposed_convolution():
    f = F.conv_transpose2d
    _, instructions = heard(lambda x, W: f(x, W, stride=2, groups=2), IMAGE.shape, (4, 3, 3, 2))
    assert sum(map(multiply_adds, instructions)) == 2 * (5 * 6) * 4 * (3 * 3 * 2)


def test_gradients_take_as_many_multiply_adds_each_as_the_result():
    program = Program()
    x, W = [Variable(program.input(a.shape, np.float32)) for a in (IMAGE, KERNEL)]
    y = F.conv2d(x, W)
    gradients(y, [x, W], np.ones(y.shape, np.float32))
    counts = [multiply_adds(i) for i in program.instructions if i.opcode == "call"]
    assert counts == [2 * (3 * 5) * 6 * (4 * 3 * 2)] * 3
