"""Programs: their text, the verifier, passes, running, and what they cost."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lamina.errors import DTypeError, ProgramError, ShapeError, TraceError
from lamina.listen import Instruction, Program, Spec, multiply_adds, parse, repeat, run, verify


class Halves:
    """A kernel with two results, and fields."""

    def __init__(self, axis: int):
        self.axis = axis

    def forward(self, x: Any, scale: Any) -> tuple[Any, Any]:
        a, b = np.split(x, 2, self.axis)
        return a * scale, b > 0

    def spec(self, x: Any, scale: Any) -> tuple[Any, Any]:
        shape = list(x.shape)
        if shape[self.axis] % 2:
            raise ShapeError(f"halves: axis {self.axis} of {x.shape} is odd")
        shape[self.axis] //= 2
        return Spec(tuple(shape), x.dtype), (tuple(shape), np.bool_)

    def multiply_adds(self, x: Any, scale: Any) -> int:
        return 3 * x.size

    def __repr__(self) -> str:
        return f"Halves(axis={self.axis}, note='% 1 \\' \"')"


class Doubled:
    """A kernel with one result, told as a pair of shape and dtype, that is a view."""

    views = True

    def forward(self, x: Any, nothing: Any) -> Any:
        return np.concatenate([x, x])

    def spec(self, x: Any, nothing: Any) -> Any:
        return (2 * x.shape[0], *x.shape[1:]), x.dtype

    def __repr__(self) -> str:
        return "Doubled()"


TEXT = """\
%0: float32[4, 3] = input('l1/W %7')
%1: int64[2] = input(None)
%2: float32[3] = capture()
%3: float32[4, 3] = add(%0, %2)
%4: float32[2, 3] = slice(%3, start=(3, 0), stop=(-1, 3), step=(-2, 1))
%5: float32[2] = gather(%4, %1, -1, axes=(0, 1))
%6: float32[2], %7: int32[2] = frexp(%5)
%8: float32[2] = multiply(%6, float16(inf))
%9: float64[2] = multiply(%8, float64(-0.1))
%10: complex128[2] = add(%9, (1-2j))
%11: bool[4, 3] = greater(%3, -inf)
%12: float32[4, 3] = where(%11, %3, nan)
%13: float32[] = sum(%12, axis=(0, 1), keepdims=False)
%14: int64[0, 2] = full(shape=(0, 2), value=-7, dtype=int64)
%15: float64[2] = sum(%14, axis=(0,), keepdims=False, dtype=float64)
%16: float64[] = einsum(%15, subscripts='a->')
return %10, %7, %13, %16, %0"""


def kernels() -> Program:
    program = Program()
    x = program.input((4, 3), np.float32, "x")
    a, b = x.__hear__(Halves(axis=0), [x, 2.0])
    c = x.__hear__(Doubled(), [b, None])
    program.outputs = (a, c)
    return program


class TestText:
    def test_what_is_read_is_printed_again(self):
        assert str(parse(TEXT)) == TEXT

    def test_comments_and_empty_lines_are_skipped(self):
        assert parse("# a program\n\n" + TEXT + "\n").outputs[-1].name == "l1/W %7"

    def test_a_program_with_kernels_is_read_with_its_functions(self):
        program = kernels()
        assert Program.parse(str(program), program.functions()) == program

    def test_captured_arrays_are_given_in_their_order(self):
        program = Program()
        x = program.input((2,), np.float64)
        program.outputs = (x * np.array([2.0, 3.0]) + np.array([1.0, 1.0]),)
        again = parse(str(program), captures=program.captures.values())
        assert run(again, np.ones(2))[0].tolist() == [3.0, 4.0]

    def test_programs_that_read_differently_are_not_equal(self):
        assert parse("%0: int8[2] = input('x')\nreturn %0") != parse("%0: int8[2] = input('x')")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("%0: int8[2] = nonsense(%1)", "there is no opcode 'nonsense'"),
            ("%0: int8[2] = exp(%1)", "'1'"),
            ("return %1", "'1'"),
            ("exp(1)", "should be %n: dtype"),
            ("%0: int8[2] = 7", "should be %n: dtype"),
            ("%0: int8[2] = input('x')\n%1: int8[3] = positive(%0)", "%1 is written as int8.3."),
            ("%0: int8[2] = input('x')\n%0: int8[2] = positive(%0)", "%0 is defined twice"),
            ("%0: int8[2] = input('x')\n%1: int8[2] = add(%0)", "takes 2 operands, got 1"),
            ("%0: int8[2] = input('x')\n%1: int8[2] = positive(%0, axis=1)", "axis"),
            ("%0: int8[2] = input('x')\n%1: int8[2] = add(%0, [1, 2])", r"\[1, 2\] is no operand"),
            ("%0: int8[2] = input('x')\n%1: int8[2], %2: int8[2] = positive(%0)", "argument"),
            ("%0: int8[2] = call(function='F()')", r"the operator F\(\) is not among"),
            ("%0: object[2] = input('x')", "dtype should be of numbers"),
            ("%0: int8[2] = exp(", "parse: '%0: int8"),
            ("%0: int8[-2] = input('x')", "should be %n: dtype"),
        ],
    )
    def test_what_is_no_program_is_refused(self, text, message):
        with pytest.raises(ProgramError, match=message):
            parse(text)


class TestVerifier:
    def corrupted(self, number: int, **changes: Any) -> Program:
        program = parse(TEXT)
        program.instructions[number] = replace(program.instructions[number], **changes)
        return program

    def test_a_program_that_is_right_comes_back(self):
        program = kernels()
        assert verify(program) is program

    @pytest.mark.parametrize(
        ("number", "changes", "message"),
        [
            (0, {"opcode": "nonsense"}, r"instruction 0 \(nonsense\): there is no such opcode"),
            (0, {"opcode": "less"}, r"recorded as float32\[4, 3\] and comes out as bool\[4, 3\]"),
            (1, {"fields": {"start": (0,), "stop": (2,), "step": (1,)}}, "1 slices for 2 axes"),
            (1, {"fields": {}}, r"instruction 1 \(slice\): .*missing 3 required"),
            (9, {"fields": {"axis": (0,), "keepdims": False}}, r"comes out as float32\[3\]"),
            (9, {"fields": {"axis": (0, 2), "keepdims": False}}, r"axes \(0, 2\) are outside"),
            (9, {"operands": (1.0,)}, r"instruction 9 \(sum\): 'float' object has no"),
            (10, {"fields": {"shape": (1, 2), "value": 0, "dtype": "i8"}}, "comes out as int64.1"),
        ],
    )
    def test_a_wrong_instruction_is_found(self, number, changes, message):
        with pytest.raises(ProgramError, match=message):
            verify(self.corrupted(number, **changes))

    def test_a_missing_operand_is_found(self):
        program = parse(TEXT)
        first = program.instructions[0]
        program.instructions[0] = replace(first, operands=first.operands[:1])
        with pytest.raises(ProgramError, match="takes 2 operands, got 1"):
            verify(program)

    def test_a_use_before_the_definition_is_found(self):
        program = parse(TEXT)
        program.instructions.reverse()
        with pytest.raises(ProgramError, match="used before it is defined"):
            verify(program)

    def test_a_value_of_another_program_is_found(self):
        program = parse(TEXT)
        program.outputs = parse(TEXT).outputs
        with pytest.raises(ProgramError, match=r"outputs: .* is used before it is defined"):
            verify(program)

    def test_a_second_definition_is_found(self):
        program = parse(TEXT)
        program.instructions.append(program.instructions[-1])
        with pytest.raises(ProgramError, match=r"instruction 13 \(einsum\): .*a second time"):
            verify(program)

    def test_a_result_of_another_dtype_is_found(self):
        program = parse(TEXT)
        program.instructions[0].results[0].spec = Spec((4, 3), np.float64)
        with pytest.raises(ProgramError, match=r"recorded as float64\[4, 3\]"):
            verify(program)

    def test_a_captured_array_that_changed_its_shape_is_found(self):
        program = Program()
        array = np.zeros(6)
        program.capture(array)
        program.captures = dict.fromkeys(program.captures, array.reshape(2, 3))
        with pytest.raises(ProgramError, match=r"is now float64\[2, 3\]"):
            verify(program)

    def test_a_kernel_that_tells_another_result_is_found(self):
        program = kernels()
        program.instructions[0].fields["function"] = Halves(axis=1)
        with pytest.raises(ProgramError, match=r"halves: axis 1 of \(4, 3\) is odd"):
            verify(program)


class TestPasses:
    def test_a_pass_that_changes_nothing_gives_an_equal_program(self):
        program = kernels()
        assert program.mapped(repeat) == program

    def test_a_pass_replaces_an_instruction_by_an_operand(self):
        def without_sums_with_zero(new: Program, old: Instruction, operands: Any) -> Any:
            if old.opcode == "add" and operands[1] == 0:
                return operands[0]
            return repeat(new, old, operands)

        program = parse("%0: int8[2] = input('x')\n%1: int8[2] = add(%0, 0)\nreturn %1")
        assert str(program.mapped(without_sums_with_zero)) == "%0: int8[2] = input('x')\nreturn %0"

    def test_a_pass_replaces_several_results(self):
        def by_others(new: Program, old: Instruction, operands: Any) -> Any:
            return operands[0], np.sign(operands[0]).astype(np.int32)

        program = parse(
            "%0: float64[2] = input('x')\n%1: float64[2], %2: int32[2] = frexp(%0)\nreturn %1, %2"
        )
        assert [i.opcode for i in program.mapped(by_others).instructions] == ["sign", "astype"]

    def test_what_is_repeated_has_the_results_of_its_new_operands(self):
        def in_float64(new: Program, old: Instruction, operands: Any) -> Any:
            wide = old.opcode == "exp"
            return operands[0].astype(np.float64) if wide else repeat(new, old, operands)

        program = parse(
            "%0: float32[2] = input('x')\n%1: float32[2] = exp(%0)\n"
            "%2: float32[2] = add(%1, 1)\nreturn %2"
        )
        again = program.mapped(in_float64)
        assert str(again.outputs[0].spec) == "float64[2]"

    def test_numbers_that_are_equal_are_told_apart_by_their_type(self):
        def with_a_float(new: Program, old: Instruction, operands: Any) -> Any:
            return repeat(new, old, (operands[0], 1.0))

        program = parse("%0: int8[2] = input('x')\n%1: int8[2] = add(%0, 1)\nreturn %1")
        assert str(program.mapped(with_a_float).outputs[0].spec) == "float64[2]"

    def test_captured_arrays_stay_with_their_values(self):
        program = Program()
        array = np.ones(3)
        program.outputs = (program.capture(array) * 2,)
        again = program.mapped(repeat)
        assert again.capture(array) is next(iter(again.captures))

    def test_a_pass_may_capture_more(self):
        program = parse("%0: float64[2] = capture()\nreturn %0")
        assert str(program.mapped(repeat)) == str(program)


class TestRun:
    def test_kernels_compute_by_their_forward(self):
        x = np.arange(12, dtype=np.float32).reshape(4, 3) - 7
        a, c = run(kernels(), x)
        assert a.tolist() == [[-14, -12, -10], [-8, -6, -4]]
        assert c.sum() == 8

    def test_a_result_is_let_go_of_after_the_last_that_needs_it(self):
        program = Program()
        x = y = program.input((100_000,), np.float64)
        for _ in range(20):
            y = np.exp(-y) * y
        program.outputs = (y[::2],)
        array = np.ones(100_000)
        tracemalloc.start()
        try:
            run(program, array)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 4 * x.nbytes  # y, -y, exp(-y), and little more; 60 were made

    def test_inputs_of_another_shape_are_refused(self):
        with pytest.raises(ShapeError, match=r"should be float32\[4, 3\], got float32\[3, 4\]"):
            run(kernels(), np.zeros((3, 4), np.float32))

    def test_inputs_of_another_dtype_are_refused(self):
        with pytest.raises(ShapeError, match=r"should be float32\[4, 3\], got float64\[4, 3\]"):
            run(kernels(), np.zeros((4, 3)))

    def test_a_program_whose_captured_arrays_are_not_known_is_refused(self):
        program = parse("%0: float64[2] = capture()\nreturn %0")
        with pytest.raises(TraceError, match="a captured array is not known"):
            run(program)


class TestKernels:
    def test_a_kernel_is_one_instruction_with_its_function(self):
        assert (
            str(kernels())
            .splitlines()[1]
            .startswith("%1: float32[2, 3], %2: bool[2, 3] = call(%0, 2.0, function=")
        )

    def test_a_kernel_of_one_result_gives_a_value_and_of_several_a_tuple(self):
        x = Program().input((2, 3), np.float32)
        assert x.__hear__(Doubled(), [x, None]).shape == (4, 3)
        assert isinstance(x.__hear__(Halves(0), [x, 1.0]), tuple)

    def test_arrays_beside_a_value_are_captured(self):
        x = Program().input((2, 3), np.float32)
        x.__hear__(Doubled(), [np.ones((2, 3)), x])
        assert len(x.program.captures) == 1

    def test_a_kernels_error_comes_unchanged(self):
        x = Program().input((3, 3), np.float32)
        with pytest.raises(ShapeError, match=r"^halves: axis 0 of \(3, 3\) is odd$"):
            x.__hear__(Halves(0), [x, 1.0])

    def test_the_result_of_a_kernel_that_gives_views_is_a_view(self):
        x = Program().input((2, 3), np.float32)
        y = x * 1
        view = x.__hear__(Doubled(), [y, None])
        y += 1
        with pytest.raises(TraceError, match="changed in place"):
            view.sum()

    def test_an_operand_that_is_no_array_is_refused(self):
        x = Program().input((2, 3), np.float32)
        with pytest.raises(DTypeError, match=r"should be an array or a number, got \{1\}"):
            x.__hear__(Doubled(), [x, {1}])


class TestCost:
    @pytest.mark.parametrize(
        ("hear", "count"),
        [
            (lambda x: x @ x.T, 5 * 5 * 7),
            (lambda x: np.ones((2, 3, 5)) @ x, 2 * 3 * 5 * 7),
            (lambda x: x @ np.ones(7), 5 * 7),
            (lambda x: np.einsum("ij,kj->ik", x, x), 5 * 5 * 7),
            (lambda x: np.einsum("ij,ij,ij->", x, x, x), 2 * 5 * 7),
            (lambda x: np.einsum("ij->j", x), 0),
            (lambda x: x * 2.0 + 1.0, 0),
            (lambda x: x.__hear__(Halves(0), [x[:4], 1.0]), 3 * 4 * 7),
            (lambda x: x.__hear__(Doubled(), [x, 1.0]), 0),
        ],
    )
    def test_products_with_a_sum_are_counted(self, hear, count):
        program = Program()
        hear(program.input((5, 7), np.float64))
        assert sum(map(multiply_adds, program.instructions)) == count


class TestSpec:
    def test_it_has_the_figures_of_an_array(self):
        spec = Spec((4, 3), np.float32)
        assert (spec.ndim, spec.size, spec.nbytes, str(spec)) == (2, 12, 48, "float32[4, 3]")

    def test_it_compares_and_hashes_by_value(self):
        assert len({Spec((np.int64(4),), "f4"), Spec((4,), np.float32), Spec((4,), ">f4")}) == 1

    def test_a_negative_length_is_refused(self):
        with pytest.raises(ShapeError, match=r"should not be negative, got \(2, -1\)"):
            Spec((2, -1), np.float32)

    def test_a_dtype_that_holds_no_numbers_is_refused(self):
        with pytest.raises(DTypeError, match="of numbers or bools, got <U3"):
            Spec((2,), "U3")
