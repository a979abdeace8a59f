"""The words of pages, in English and Chinese."""

from __future__ import annotations

from ..errors import RangeError

WORDS = {
    "en": {
        "graph": "Graph of the computation",
        "operator": "operator",
        "operators": "operators",
        "parameter": "parameter",
        "variable": "variable",
        "data": "data",
        "result": "result",
        "zoom in": "Zoom in",
        "zoom out": "Zoom out",
        "fit": "Fit",
        "unfold all": "Unfold all layers",
        "fold all": "Fold all layers",
        "language": "English",
        "walk": "The backward pass, step by step",
        "all digits": "All digits",
        "first step": "First step",
        "previous": "Previous step",
        "next": "Next step",
        "play": "Play",
        "pause": "Pause",
        "step": "Step",
        "of": "Step {i} of {n}",
        "start": "Here it starts. The derivative of the loss by itself is 1.",
        "layer": "layer {path}",
        "rule": "Rule",
        "formula": "Formula",
        "arrives": "What arrives",
        "sends": "What it sends back",
        "gradient": "gradient",
        "value": "value",
        "sum": "Used {n} times, so {n} gradients arrive. They are summed:",
        "from": "from {what}",
        "to": "to {what}",
        "goes": "{name} of {what}, step {step}",
        "none": "needs no gradient",
        "unknown": "not kept",
        "wide": "It was broadcast; what came in shape {shape} was summed back.",
        "complete": "This gradient is complete: so the loss changes with each number of {name}.",
        "learn": "An optimizer takes its step against it.",
        "corner": "corner of {shape}",
        "empty": "no numbers",
        "min": "min",
        "mean": "mean",
        "max": "max",
        "zeros": "{n} of {size} are 0",
        "strange": "{n} not finite",
        "histogram": "Histogram",
        "heat": "Heat map: of each block the number that is largest in size",
        "code": "Its backward, in operators",
    },
    "zh": {
        "graph": "计算图",
        "operator": "算子",
        "operators": "个算子",
        "parameter": "参数",
        "variable": "变量",
        "data": "数据",
        "result": "结果",
        "zoom in": "放大",
        "zoom out": "缩小",
        "fit": "适应窗口",
        "unfold all": "展开所有层",
        "fold all": "折叠所有层",
        "language": "中文",
        "walk": "反向传播，一步一步看",
        "all digits": "全部数位",
        "first step": "第一步",
        "previous": "上一步",
        "next": "下一步",
        "play": "播放",
        "pause": "暂停",
        "step": "步骤",
        "of": "第 {i} 步，共 {n} 步",
        "start": "从这里开始：损失对自身的导数是 1。",
        "layer": "层 {path}",
        "rule": "规则",
        "formula": "公式",
        "arrives": "传来的梯度",
        "sends": "传回的梯度",
        "gradient": "梯度",
        "value": "值",
        "sum": "被使用了 {n} 次，所以传来 {n} 个梯度，把它们相加：",
        "from": "来自 {what}",
        "to": "传给 {what}",
        "goes": "{what} 的 {name}（第 {step} 步）",
        "none": "不需要梯度",
        "unknown": "没有保存",
        "wide": "前向时被广播过；形状 {shape} 的梯度求和后恢复原形状。",
        "complete": "这个梯度已经完整：它说明损失如何随 {name} 的每个数变化。",
        "learn": "优化器会沿它的反方向走一步。",
        "corner": "{shape} 的一角",
        "empty": "没有数",
        "min": "最小",
        "mean": "平均",
        "max": "最大",
        "zeros": "{size} 个数中 {n} 个为 0",
        "strange": "{n} 个不是有限数",
        "histogram": "直方图",
        "heat": "热图：每块显示绝对值最大的数",
        "code": "它的 backward，用算子写成",
    },
}

HEADS = {
    "path": "路径",
    "layer": "层",
    "operator": "算子",
    "output": "输出",
    "parameters": "参数",
    "multiply-adds": "乘加次数",
    "activations": "激活值",
    "kept": "保留",
    "calls": "调用次数",
    "forward": "前向",
    "backward": "反向",
    "of all": "占总时间",
    "made": "产生",
    "instructions": "指令",
    "kind": "种类",
    "loops": "循环",
    "time": "时间",
    "of the limit": "占上限",
    "MB": "兆字节",
    "Mop": "百万次运算",
    "rule": "规则",
    "place": "位置",
    "evidence": "依据",
    "remedy": "建议",
}
"""The headings of tables in 中文."""


def heads(language: str) -> dict[str, str]:
    """What a table's headings are called, where not by their own names."""
    return HEADS if language == "zh" else {}


def words(language: str) -> dict[str, str]:
    """The words of a language.

    Raises:
        RangeError: there are none.
    """
    if language not in WORDS:
        raise RangeError(f"page: language should be one of {', '.join(WORDS)}, got {language!r}")
    return WORDS[language]
