"""Where numbers lie, as text: copies that are put in, and the orders of axes."""

from __future__ import annotations

from lamina.compiler.layout import laid_out
from lamina.listen import Program, verify

KERNELS = {"sin": "image", "cos": "steps", "sinh": "plain", "cosh": "rows"}
"""Stand in for instructions that want their operand, and have their result, to lie in some way."""


def wants(instruction):
    word = KERNELS.get(instruction.opcode)
    return () if word is None else (word, word)


def placed(text):
    """The lines of a program, behind each the order of the axes of its result."""
    program, layouts = laid_out(Program.parse(text), wants)
    lines = str(verify(program)).splitlines()
    results = [*program.inputs, *[v for i in program.instructions for v in i.results]]
    return [f"{line} : {layouts.order(v)}" for line, v in zip(lines, results)]


def test_images_are_copied_once_and_lie_with_their_channels_last_from_there_on():
    text = """
        %0: float32[2, 3, 8, 9] = input('x')
        %1: float32[2, 3, 8, 9] = sin(%0)
        %2: float32[2, 3, 8, 9] = tanh(%1)
        %3: float32[2, 3, 8, 9] = sin(%2)
        %4: float32[2, 3, 8, 9] = sin(%0)
        %5: float32[2, 3, 8, 9] = add(%3, %4)
        return %5
    """
    assert placed(text) == [
        "%0: float32[2, 3, 8, 9] = input('x') : (0, 1, 2, 3)",
        "%1: float32[2, 3, 8, 9] = copy(%0) : (0, 2, 3, 1)",
        "%2: float32[2, 3, 8, 9] = sin(%1) : (0, 2, 3, 1)",
        "%3: float32[2, 3, 8, 9] = tanh(%2) : (0, 2, 3, 1)",
        "%4: float32[2, 3, 8, 9] = sin(%3) : (0, 2, 3, 1)",
        "%5: float32[2, 3, 8, 9] = sin(%1) : (0, 2, 3, 1)",
        "%6: float32[2, 3, 8, 9] = add(%4, %5) : (0, 2, 3, 1)",
    ]


def test_an_image_with_one_channel_lies_right_as_it_is():
    text = "%0: float32[2, 1, 8, 9] = input('x')\n%1: float32[2, 1, 8, 9] = sin(%0)\nreturn %1"
    assert [line.partition(" = ")[2] for line in placed(text)] == [
        "input('x') : (0, 1, 2, 3)",
        "sin(%0) : (0, 2, 3, 1)",
    ]


def test_operands_of_products_have_neighbours_along_one_of_their_last_axes():
    text = """
        %0: float32[4, 6] = input('x')
        %1: float32[3, 5] = input('W')
        %2: float32[2, 3] = slice(%0, start=(0, 0), stop=(4, 6), step=(2, 2))
        %3: float32[2, 5] = matmul(%2, %1)
        %4: float32[5, 3] = transpose(%1, axes=(1, 0))
        %5: float32[2, 3] = matmul(%3, %4)
        return %5
    """
    assert [line.partition(" = ")[2].partition("(")[0] for line in placed(text)] == [
        *["input", "input", "slice", "copy", "matmul", "transpose", "matmul"]
    ]


def test_a_shape_that_no_view_can_have_needs_a_copy():
    text = """
        %0: float32[2, 3, 4] = input('x')
        %1: float32[2, 4, 3] = transpose(%0, axes=(0, 2, 1))
        %2: float32[8, 3] = reshape(%1, shape=(8, 3))
        %3: float32[6, 4] = reshape(%0, shape=(6, 4))
        return %2, %3
    """
    assert [line.partition(" = ")[2].partition(" : ")[0] for line in placed(text)] == [
        "input('x')",
        "transpose(%0, axes=(0, 2, 1))",
        "copy(%1)",
        "reshape(%2, shape=(8, 3))",
        "reshape(%0, shape=(6, 4))",
    ]


def test_a_kernel_is_not_given_a_part_of_a_buffer_unless_it_takes_rows():
    text = """
        %0: float32[4, 6] = input('x')
        %1: float32[3, 6] = slice(%0, start=(1, 0), stop=(4, 6), step=(1, 1))
        %2: float32[3, 6] = sinh(%1)
        %3: float32[3, 6] = cosh(%1)
        %4: float32[6, 3] = transpose(%1, axes=(1, 0))
        %5: float32[6, 3] = cosh(%4)
        return %2, %3, %5
    """
    assert [line.partition(" = ")[2].partition(" : ")[0] for line in placed(text)] == [
        "input('x')",
        "slice(%0, start=(1, 0), stop=(4, 6), step=(1, 1))",
        "copy(%1)",
        "sinh(%2)",
        "cosh(%1)",
        "transpose(%1, axes=(1, 0))",
        "copy(%5)",
        "cosh(%6)",
    ]
