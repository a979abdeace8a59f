"""From IR to machine code, and the cache on disk."""

from __future__ import annotations

import pytest

pytest.importorskip("llvmlite")

from compiler.native.sample import module


def test_a_function_that_is_not_there_is_named():
    with pytest.raises(KeyError, match="it has no function 'g'"):
        module(3).compile(verify=True).address("g")
