"""English and 中文 say the same, and say all."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lamina.report.words import LANGUAGES, SCRIPT_WORDS, WORDS
from lamina.training import EarlyStopping, Progress, Trainer
from lamina.training.values import not_finite
from report.folders import write_full_run, write_run
from report.reading import SOURCES, report


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return write_full_run(tmp_path_factory.mktemp("runs") / "full")


def test_both_languages_have_the_same_gaps():
    gaps = {
        key: [set(re.findall(r"\{(\w+)\}", text)) for text in both] for key, both in WORDS.items()
    }
    assert [key for key, (english, chinese) in gaps.items() if english != chinese] == []


def test_the_chinese_texts_are_chinese():
    english = [key for key, (_, text) in WORDS.items() if not re.search("[\u4e00-\u9fff]", text)]
    assert english == ["nonfinite_link"]  # "NaN" in every language


def test_the_script_says_only_what_the_page_gives_it():
    scripts = "".join(path.read_text(encoding="utf-8") for path in SOURCES.glob("*.js"))
    said = set(re.findall(r'"(by_\w+)"', scripts)) | set(re.findall(r'say\("(\w+)"', scripts))
    assert said == set(SCRIPT_WORDS)


def test_every_word_is_used():
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in SOURCES.iterdir()
        if path.suffix in (".py", ".js") and path.name != "words.py"
    )
    made = {f"theme_{key}" for key in ("auto", "light", "dark")}
    made |= {f"{key}_short" for key in ("std", "norm", "gradient_norm", "gradient_std")}
    assert [key for key in WORDS if f'"{key}"' not in code and key not in made] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_tells_its_language(language, full):
    assert f'<html lang="{LANGUAGES[language]}">' in report(full, language=language)


def test_a_chinese_page_has_no_english_headings(full):
    headings = re.findall(r"<h[23][^>]*>(.*?)</h[23]>", report(full, language="zh"))
    assert [h for h in headings if not re.search("[\u4e00-\u9fff]", h)] == []


def test_why_lamina_ended_a_training_is_said_in_chinese(tmp_path):
    stopping = EarlyStopping("loss", patience=0)
    stopped = Trainer(lambda x: 1.0, [np.ones(2)], 5, callbacks=[stopping, Progress(False)]).run()
    failed = f"NonFiniteError: {not_finite(7, float('nan'))}"
    for name, reason in {"stopped": stopped.reason, "failed": failed}.items():
        page = report(write_run(tmp_path / name, status=name, reason=reason), language="zh")
        (why,) = re.findall(r'<p class="reason">原因：\w+：([^<]*)</p>', page)
        assert re.search("[a-z]{4,}", why.replace("loss", "")) is None
        assert re.search("[\u4e00-\u9fff]", why)
