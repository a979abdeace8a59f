"""What NumPy calls on Values become: the results that NumPy itself gives."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest

from lamina.listen import Program, parse, run, verify
from listen.table import ROWS

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # 1 / 0 is computed on purpose

DTYPES = ["?", "i8", "f2", "f4", "f8"]


def arrays_of(text: str, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    made = []
    for item in text.split():
        dtype, _, shape = item.partition(":")
        lengths = tuple(int(n) for n in shape.split(",") if n)
        made.append(np.asarray(3 * rng.standard_normal(lengths)).astype(dtype))
    return made


def in_place(x: Any) -> Any:
    x += 1
    x /= x.sum(axis=-1, keepdims=True)
    return x


def evaluate(expression: str, arrays: list[Any]) -> Any:
    return eval(expression, {"np": np, "ip": in_place, **dict(zip("abc", arrays))})


def hear(expression: str, arrays: list[np.ndarray]) -> Program:
    program = Program()
    values = [program.input(x.shape, x.dtype) for x in arrays]
    program.outputs = (evaluate(expression, values),)
    return program


def same_bits(x: np.ndarray, y: np.ndarray) -> bool:
    return x.shape == y.shape and x.dtype == y.dtype and x.tobytes() == y.tobytes()


@pytest.mark.parametrize(("expression", "arrays"), ROWS)
class TestEachRow:
    def test_is_heard_with_the_shape_and_dtype_of_numpys_result(self, expression, arrays):
        given = arrays_of(arrays)
        heard = hear(expression, given).outputs[0]
        real = np.asarray(evaluate(expression, given))
        assert (heard.shape, heard.dtype) == (real.shape, real.dtype)

    def test_runs_to_the_bits_of_numpys_result(self, expression, arrays):
        given = arrays_of(arrays, seed=zlib.crc32(expression.encode()))
        real = np.asarray(evaluate(expression, [x.copy() for x in given]))
        assert same_bits(run(hear(expression, given), *given)[0], real)

    def test_is_read_back_from_its_text(self, expression, arrays):
        program = hear(expression, arrays_of(arrays))
        assert parse(str(program)) == program

    def test_passes_the_verifier(self, expression, arrays):
        program = hear(expression, arrays_of(arrays))
        assert verify(program) is program


def test_the_table_has_at_least_150_rows_and_none_twice():
    assert len(set(ROWS)) == len(ROWS) >= 150
