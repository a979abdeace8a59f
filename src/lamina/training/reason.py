"""Why a training ended, in Chinese: the sentences that lamina itself gives, found by their form."""

from __future__ import annotations

import re

SENTENCES = (
    (
        r"EarlyStopping: (?P<metric>.+) was no better than (?P<best>\S+) for (?P<count>\d+) epochs",
        "EarlyStopping：连续 {count} 轮，{metric} 没有好于 {best}",
    ),
    (
        r"NonFiniteError: Trainer: the loss of step (?P<step>\d+) is (?P<loss>\S+); nothing was "
        r"saved after it\. The learning rate may be too large, or an input not finite",
        "NonFiniteError：第 {step} 步的损失是 {loss}，此后没有保存。可能学习率过大，"
        "或输入中有非有限数",
    ),
)


def in_language(reason: str, language: str) -> str:
    """A reason in ``"en"`` or ``"zh"``; a user's own words stay as they are.

    >>> in_language("EarlyStopping: loss was no better than 0.5 for 3 epochs", "zh")
    'EarlyStopping：连续 3 轮，loss 没有好于 0.5'
    """
    if language == "zh":
        for form, meant in SENTENCES:
            found = re.fullmatch(form, reason)
            if found:
                return meant.format(**found.groupdict())
    return reason
