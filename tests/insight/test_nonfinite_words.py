"""The report on NaN and infinity in Chinese: each sentence has one, and numbers stay."""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

import pytest

from insight.faults import FAULTS
from lamina.errors import RangeError
from lamina.insight import NonFinite, find_nonfinite, nonfinite, nonfinite_reason
from lamina.insight.nonfinite_origin import Origin
from lamina.insight.nonfinite_probe import Seen
from lamina.insight.nonfinite_words import LABELS, SEEN, SENTENCES, translated

COMPOSED = {  # pieces, and what is made of them: planted faults have these sentences whole
    "2 to the power", "e to the power", "7 7 is more than 7 holds, 7", "7 came in with 7",
    "the logarithm of 07 is minus infinity", " (of -1 plus 1)", "Reason | None",
}  # fmt: skip


def sentences(module: Any) -> list[str]:
    """The strings of a module that have spaces, a 7 for each value; docstrings, and messages of
    errors, which begin with the name of a function, left out.
    """
    tree = ast.parse(inspect.getsource(module))
    docs = {
        id(node.value) for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }  # fmt: skip
    inner = {
        id(v) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for v in node.values
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            pieces = [str(v.value) if isinstance(v, ast.Constant) else "7" for v in node.values]
            found.append("".join(pieces))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docs | inner:
                found.append(node.value)
    said = [text for text in found if len(text.split()) > 2 and not text.startswith("find_")]
    return [text for text in said if text not in COMPOSED]


@pytest.mark.parametrize("module", [nonfinite, nonfinite_reason])
def test_each_sentence_that_a_report_can_say_has_a_chinese_one(module):
    said = sentences(module)
    assert len(said) >= 10
    assert [text for text in said if not re.search("[\u4e00-\u9fff]", translated(text, "zh"))] == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_report_in_chinese_has_the_lines_and_numbers_of_the_english_one(name):
    made = FAULTS[name].make()
    found = find_nonfinite(made.step, *made.batch, model=made.model, optimizer=made.optimizer)
    assert found is not None
    english, chinese = found.text("en").splitlines(), found.text("zh").splitlines()
    assert found.text() == str(found) == "\n".join(english)
    assert len(chinese) == len(english)
    for a, b in zip(english, chinese):
        if not a.startswith("Line"):
            assert re.search("[\u4e00-\u9fff]", b) or a.split()[0] in ("float32", "int64")
            assert numbers(a) == numbers(b), (a, b)


def numbers(line: str) -> list[str]:
    """Those in a line but 0, which is "negative" in Chinese where it is "below 0" in English."""
    found = re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", line)
    return sorted(number for number in found if number != "0")


def test_both_languages_have_the_same_labels_with_the_same_places():
    for table in (LABELS, SEEN):
        places = [
            {name: sorted(re.findall(r"\{(\w+)\}", text)) for name, text in words.items()}
            for words in table.values()
        ]
        assert places[0] == places[1]
    assert [e for e, c in SENTENCES.items() if e.count("@") != c.count("@")] == []


def test_a_report_in_chinese_reads_so():
    seen = Seen("float32", (4, 2), 0.0, 0.0, 0, 0, 8, None)
    remedy = "Keep its argument above 0: sqrt(x + 1e-12)"
    found = Origin(
        "backward", "inf", "Sqrt", "Net/norm", "net.py, line 4: `y = F.sqrt(x)`",
        "in the backward of Sqrt: something is divided by 0", remedy, "Div", [seen],
        through=["Mul"], iteration=3,
    )  # fmt: skip
    assert found.text("zh") == (
        "第 3 步：损失是有限数，但有一个梯度是 inf。\n"
        "产生于  Sqrt 的反向，在 Net/norm 中。\n"
        "代码行  net.py, line 4: `y = F.sqrt(x)`\n"
        "原因    在 Sqrt 的反向中：除数是 0。\n"
        "输入    float32 (4, 2)，从 0 到 0，8 个为 0\n"
        "之后    经过 Mul。\n"
        "办法    让自变量大于 0：sqrt(x + 1e-12)。"
    )
    assert found.as_dict("zh")["text"] == found.text("zh")


def test_another_language_is_refused():
    with pytest.raises(RangeError, match="NonFinite: language should be one of en, zh, got 'fr'"):
        NonFinite(language="fr")
    with pytest.raises(RangeError, match=r"Origin.text: language should be one of .* got 'de'"):
        Origin("forward", "nan", "Log").text("de")
    assert repr(NonFinite(keep=2, language="zh")) == "NonFinite(keep=2, language='zh')"
