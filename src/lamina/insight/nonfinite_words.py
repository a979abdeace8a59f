"""The words of a report on NaN and infinity, in English and Chinese.

The sentences of why and what to do are made in English, where the numbers are known; here stands
what each is in Chinese, found again by its form.
"""

from __future__ import annotations

import re
from functools import cache

from ..errors import RangeError

LABELS = {
    "en": {
        "forward": "The loss is {value}{when}.",
        "backward": "The loss is a number{when}, and a gradient is {value}.",
        "update": "Loss and gradients are numbers{when}, and the update makes {value}.",
        "before": "{source} before the step{when}.",
        "when": " at step {step}",
        "made": "Made by  {maker}{where}.",
        "where": ", in {layer}",
        "outside": "code outside of lamina",
        "backward of": "the backward of {operator}",
        "line": "Line     {line}",
        "because": "Because  {reason}.",
        "from": "From     {source}.",
        "inputs": "Inputs   ",
        "no label": "         ",
        "through": "Then     through {names}.",
        "more": "{names} and {count} more",
        "do": "Do       {remedy}.",
        "has": "{name} has {counts}",
        "nan": "{count} NaN",
        "infinite": "{count} infinite",
        "and": " and ",
        "index": "{text}, the first at index {index}",
    },
    "zh": {
        "forward": "{when}损失是 {value}。",
        "backward": "{when}损失是有限数，但有一个梯度是 {value}。",
        "update": "{when}损失和梯度都是有限数，更新之后出现了 {value}。",
        "before": "{when}这一步之前，{source}。",
        "when": "第 {step} 步：",
        "made": "产生于  {maker}{where}。",
        "where": "，在 {layer} 中",
        "outside": "lamina 之外的代码",
        "backward of": "{operator} 的反向",
        "line": "代码行  {line}",
        "because": "原因    {reason}。",
        "from": "来源    {source}。",
        "inputs": "输入    ",
        "no label": "        ",
        "through": "之后    经过 {names}。",
        "more": "{names} 等，另有 {count} 个",
        "do": "办法    {remedy}。",
        "has": "{name} 有 {counts}",
        "nan": "{count} 个 NaN",
        "infinite": "{count} 个无穷大",
        "and": "和 ",
        "index": "{text}，第一个的下标是 {index}",
    },
}

SEEN = {
    "en": {
        "number": "the number {value}",
        "range": " from {low} to {high}",
        "nan": ", {count} NaN",
        "infinite": ", {count} infinite",
        "zeros": ", {count} are 0",
    },
    "zh": {
        "number": "数 {value}",
        "range": "，从 {low} 到 {high}",
        "nan": "，{count} 个 NaN",
        "infinite": "，{count} 个无穷大",
        "zeros": "，{count} 个为 0",
    },
}
"""Of an operand."""

SENTENCES = {
    # what happened
    "no operator of lamina gave NaN or infinity": "lamina 的算子都没有产生 NaN 或无穷大",
    "an earlier step, or whoever filled it": "更早的一步，或给它赋值的代码",
    "it was so before this step": "这一步之前就已经如此",
    "NaN came in with @": "NaN 来自 @",
    "infinity came in with @": "无穷大来自 @",
    "NaN went in": "输入中有 NaN",
    "infinity went in": "输入中有无穷大",
    "in the backward of @: @": "在 @ 的反向中：@",
    "the learning rate is @": "学习率是 @",
    "a gradient is as large as @": "有一个梯度大到 @",
    "the optimizer divided by 0, or what it remembers overflowed": "优化器除以了 0，或它的状态溢出",
    "the logarithm of 0 is minus infinity": "0 的对数是负无穷大",
    "the logarithm of 0 (of -1 plus 1) is minus infinity": "0（即 -1 加 1）的对数是负无穷大",
    "there is no logarithm of a number below 0, and the smallest was @ plus 1":
        "负数没有对数，而最小的是 @ 加 1",
    "there is no logarithm of a number below 0, and the smallest was @":
        "负数没有对数，而最小的是 @",
    "e to the power @ is more than @ holds, @": "e 的 @ 次方超出了 @ 的最大值 @",
    "2 to the power @ is more than @ holds, @": "2 的 @ 次方超出了 @ 的最大值 @",
    "sinh of @ is more than @ holds, @": "sinh(@) 超出了 @ 的最大值 @",
    "cosh of @ is more than @ holds, @": "cosh(@) 超出了 @ 的最大值 @",
    "the square of @ is more than @ holds, @": "@ 的平方超出了 @ 的最大值 @",
    "the result is more than @ holds, @": "结果超出了 @ 的最大值 @",
    "0 is divided by 0": "0 除以 0",
    "something is divided by 0": "除数是 0",
    "it is divided by a number as small as @": "除数小到 @",
    "it is divided by the square root of a variance of about 0 plus eps=@":
        "除数是 √(方差 + eps)，而方差约为 0，eps=@",
    "there is no square root of a number below 0, and the smallest was @":
        "负数没有平方根，而最小的是 @",
    "1 is divided by the square root of 0": "1 除以 0 的平方根",
    "a number below 0, @, has no power @": "负数 @ 没有 @ 次方",
    "0 to the power @ is infinite": "0 的 @ 次方是无穷大",
    "@ is there from -1 to 1, and its argument goes from @ to @":
        "@ 的定义域是 -1 到 1，而自变量从 @ 到 @",
    "finite numbers went in, and the formula has no number for them":
        "输入都是有限数，但公式在那里没有值",
    "the slope of a square root at 0 is infinite": "平方根在 0 处的斜率是无穷大",
    "the slope of a cube root at 0 is infinite": "立方根在 0 处的斜率是无穷大",
    "the slope of a logarithm at 0 is infinite, or 0 times infinity if where threw it away":
        "对数在 0 处的斜率是无穷大；若被 where 舍去，则是 0 乘无穷大",
    "the slope of a norm at 0 is not defined": "范数在 0 处没有斜率",
    # what to do
    "Look at the code between the model and the loss that is not lamina's, or at a compiled step "
    "that is called inside of this one":
        "检查模型与损失之间不属于 lamina 的代码，或其中调用的已编译的步骤",
    "Go back to a checkpoint from before, and look at the step that made it":
        "退回到更早的检查点，检查产生它的那一步",
    "Look at the data: leave out such samples, or fill what is missing":
        "检查数据：去掉这样的样本，或补上缺失的值",
    "Look at what filled it: a checkpoint, an initializer, or an earlier update":
        "检查它的值从何而来：检查点、初始化，或更早的更新",
    "Look at where that comes from: the batch, a constant, or NumPy code before it":
        "检查它从何而来：这一批数据、常数，或之前的 NumPy 代码",
    "Look at the schedule at this step": "检查学习率计划在这一步的值",
    "Take a learning rate of at most about 1": "学习率不要超过 1 左右",
    "Clip gradients: clip_norm=1 of the optimizer": "裁剪梯度：给优化器 clip_norm=1",
    "Look at its eps, which should be above 0, and at what it was resumed with":
        "检查它的 eps（应大于 0），以及恢复时载入的状态",
    "Keep its argument above 0: log(x + 1e-8), or use log_softmax, log_sigmoid or logsumexp":
        "让自变量大于 0：log(x + 1e-8)，或用 log_softmax、log_sigmoid、logsumexp",
    "Take the largest away first, as softmax and logsumexp do, or clip the argument":
        "先减去最大值，像 softmax 和 logsumexp 那样，或裁剪自变量",
    "Keep the divisor away from 0: a / (b + 1e-8), or choose with where before":
        "让除数远离 0：a / (b + 1e-8)，或先用 where 选择",
    "Keep the divisor away from 0: a / (b + 1e-8)": "让除数远离 0：a / (b + 1e-8)",
    "Keep its argument at 0 or above: relu or clip before; a variance as mean((x - m)**2)":
        "让自变量不小于 0：先用 relu 或 clip；方差写成 mean((x - m)**2)",
    "Add a small number: rsqrt(x + 1e-8)": "加一个小数：rsqrt(x + 1e-8)",
    "Take abs or relu before, or a whole number as the power": "先取 abs 或 relu，或用整数次方",
    "Keep the base away from 0": "让底数远离 0",
    "Look at what made its input so large: weights that grew, or data not normalised":
        "检查输入为何这么大：权重变大了，或数据没有归一化",
    "Give eps its default, 1e-5, and look whether a column of its input is constant":
        "eps 用默认值 1e-5，并检查输入是否有一列是常数",
    "Clip the argument a little inside of -1 and 1": "把自变量裁剪到略小于 -1 到 1 的范围",
    "Compute this in float32: x.astype('float32') before, or scale it down":
        "用 float32 计算：之前 x.astype('float32')，或先缩小",
    "Make its operands smaller: normalise the data, or take a smaller learning rate":
        "让操作数变小：把数据归一化，或用更小的学习率",
    "Look at the range of its operands, and keep them where the formula holds":
        "检查操作数的范围，让它们留在公式有效之处",
    "Keep its argument above 0: sqrt(x + 1e-12)": "让自变量大于 0：sqrt(x + 1e-12)",
    "Keep its argument away from 0": "让自变量远离 0",
    "Keep its argument above 0 before the logarithm: log(where(ok, x, 1))":
        "取对数之前让自变量大于 0：log(where(ok, x, 1))",
    "Use sqrt(sum(x * x) + 1e-12)": "用 sqrt(sum(x * x) + 1e-12)",
    # what it was
    "parameter @": "参数 @",
    "before": "之前",
    "gradient": "梯度",
    "learning rate": "学习率",
    "something": "某处",
}  # fmt: skip
"""By the English; ``@`` stands for what is different each time, and is translated itself."""


def check_language(what: str, language: str) -> str:
    """``language``, if there are words of it.

    Raises:
        RangeError: there are none.
    """
    if language not in LABELS:
        known = ", ".join(LABELS)
        raise RangeError(f"{what}: language should be one of {known}, got {language!r}")
    return language


def translated(sentence: str, language: str) -> str:
    """A sentence in a language; one that is not known, such as a name, stays as it is.

    >>> translated("in the backward of Div: it is divided by a number as small as 1e-09", "zh")
    '在 Div 的反向中：除数小到 1e-09'
    """
    if language == "en":
        return sentence
    for pattern, meant in _patterns():
        match = pattern.fullmatch(sentence)
        if match:
            parts = meant.split("@")
            inner = [translated(group, language) for group in match.groups()]
            return "".join([text for pair in zip(parts, [*inner, ""]) for text in pair])
    return sentence


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """What is told most exactly first: ``in the backward of`` holds any other sentence."""
    known = sorted(SENTENCES, key=lambda english: english.count("@") / len(english))
    return [(re.compile("(.+?)".join(map(re.escape, e.split("@")))), SENTENCES[e]) for e in known]
