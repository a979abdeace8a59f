"""What every operator promises, over every row of every table: tests/functions/cases_*.py."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import lamina.functions as F
from functions.tables import ROWS
from lamina import Function, Variable, gradients
from lamina.check import PROMISES, Case

PUBLIC = {name: f for name, f in vars(F).items() if callable(f) and not name.startswith("_")}

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
each_name = pytest.mark.parametrize("name", PUBLIC)


@pytest.mark.parametrize("promise", PROMISES)
@each_row
def test_operator_keeps_its_promise(row: Case, promise: str) -> None:
    PROMISES[promise](row)


@each_row
def test_result_that_shares_memory_shares_the_count_of_changes(row: Case) -> None:
    for inputs in row.samples():
        xs = [Variable(x) if isinstance(x, np.ndarray) else x for x in inputs]
        for y in row.run(*xs):
            for x in xs:
                if isinstance(x, Variable) and np.may_share_memory(x.data, y.data):
                    before = x._version[0]
                    y.data = y.data
                    assert x._version[0] == before + 1


# -- that nothing is missing ---------------------------------------------------------------------


@each_name
def test_public_operator_has_a_row(name: str) -> None:
    assert any(row.name.split()[0] == name for row in ROWS), f"give {name} a row in a table"


NEVER_EMPTY = {
    "argmax": "none is the largest of none",
    "argmin": "none is the smallest of none",
    "logsumexp": "log 0",
    "var": "0 / 0",
    "std": "0 / 0",
}

NEVER_SINGLE = {
    "glu": "two halves",
    "reglu": "two halves",
    "geglu": "two halves",
    "swiglu": "two halves",
    "corrcoef": "two observations",
    "cross": "three coordinates",
    "affine_grid": "a map of six numbers",
    "rotary_embedding": "a pair",
}


@pytest.mark.parametrize("size", [0, 1])
@each_name
def test_public_operator_has_a_sample_without_and_with_one_element(name: str, size: int) -> None:
    inputs = [
        x
        for row in ROWS
        if row.name.split()[0] == name
        for sample in row.samples()
        for x in sample
        if isinstance(x, np.ndarray)
    ]
    assert any(x.size == size for x in inputs) or name in (NEVER_EMPTY, NEVER_SINGLE)[size]


@each_name
def test_public_operator_is_documented(name: str) -> None:
    text = inspect.getdoc(PUBLIC[name]) or ""
    others = set(re.findall(r"(?<!`)`(\w+)`(?!`)", text)) & PUBLIC.keys() - {name}
    sections = "Args:" in text and "Returns:" in text
    plain = len(text) > 20 and "\n" not in text  # one line may say all there is
    assert sections or others or plain, f"{name}: Args and Returns, or `the operator` that has them"


@each_name
def test_public_operator_annotates_its_arguments_and_its_result(name: str) -> None:
    signature = inspect.signature(PUBLIC[name])
    parts = [signature.return_annotation, *[p.annotation for p in signature.parameters.values()]]
    assert inspect.Signature.empty not in parts


def classes(of: type[Function]) -> Iterator[type[Function]]:
    for cls in of.__subclasses__():
        yield cls
        yield from classes(cls)


OPERATORS = sorted(
    {
        cls.__qualname__: cls
        for cls in classes(Function)
        if cls.__module__.startswith("lamina.functions") and hasattr(cls, "forward")
    }.values(),
    key=lambda cls: cls.__qualname__,
)


@pytest.fixture(scope="module")
def used() -> dict[type, list[Function]]:
    """Every operator that all rows apply, forward, backward and in the second backward."""
    found: dict[type, list[Function]] = {}
    apply = Function.__call__

    def noting(self: Function, *inputs: Any) -> Any:
        found.setdefault(type(self), []).append(self)
        return apply(self, *inputs)

    Function.__call__ = noting
    try:
        for row in ROWS:
            for inputs in row.samples():
                walk(row, inputs)
    finally:
        Function.__call__ = apply
    return found


def walk(row: Case, inputs: tuple[Any, ...]) -> None:
    xs = [Variable(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x for x in inputs]
    leaves = [x for x in xs if isinstance(x, Variable)]
    ys: Any = row.run(*xs)
    for order in range(min(row.order, 2)):
        ys = [y for y in ys if y.requires_grad]
        if not ys:
            return
        gys = [np.ones(y.shape) for y in ys]
        ys = [g for g in gradients(ys, leaves, gys, create_graph=order == 0) if g is not None]


@pytest.mark.parametrize("cls", OPERATORS, ids=lambda cls: cls.__qualname__)
def test_operator_is_reached_by_a_row(cls: type[Function], used: dict[type, Any]) -> None:
    assert any(issubclass(other, cls) for other in used)


@pytest.mark.parametrize("cls", OPERATORS, ids=lambda cls: cls.__qualname__)
def test_operator_is_a_value(cls: type[Function], used: dict[type, Any]) -> None:
    for operator in used.get(cls, [])[:1000]:
        again = cls.__new__(cls)
        vars(again).update(vars(operator))
        assert again == operator
        assert hash(again) == hash(operator)
        assert repr(operator).startswith(cls.__name__ + "(")
        assert not any(isinstance(value, np.ndarray) for value in vars(operator).values())
