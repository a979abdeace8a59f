"""What a report says, in English and 中文."""

from __future__ import annotations

LANGUAGES = {"en": "en", "zh": "zh-Hans"}  # as HTML names them

WORDS: dict[str, tuple[str, str]] = {
    # the frame
    "title_one": ("{name}: training report", "{name}：训练报告"),
    "title_many": ("Comparison of {count} runs", "{count} 次训练的比较"),
    "skip": ("Skip to the curves", "跳到曲线"),
    "contents": ("Contents", "目录"),
    "theme": ("Colours", "配色"),
    "theme_auto": ("as the system", "跟随系统"),
    "theme_light": ("light", "浅色"),
    "theme_dark": ("dark", "深色"),
    "no_script": (
        "The curves are drawn by a script inside this page, and scripts are switched off. All "
        "tables can be read without it.",
        "曲线由本页内的脚本绘制，而脚本已被禁用。所有表格不需要脚本。",
    ),
    "made_by": (
        "Written by lamina {version}. This page is one file and asks for nothing from any network.",
        "由 lamina {version} 生成。本页是单个文件，不向任何网络请求内容。",
    ),
    # status
    "running": ("running", "运行中"),
    "finished": ("finished", "已完成"),
    "stopped": ("stopped", "已停止"),
    "interrupted": ("interrupted", "已中断"),
    "failed": ("failed", "失败"),
    "unknown": ("unknown", "未知"),
    "started": ("started {when} UTC", "开始于 {when} UTC"),
    "reason": ("Why: {reason}", "原因：{reason}"),
    "resume": ("This goes on with it:", "继续这次训练的命令："),
    # notes
    "notes": ("What this report could not show", "本报告未能显示的内容"),
    "of_run": ("Run {letter}: ", "训练 {letter}："),
    "damaged_lines": (
        "{file}: {count} damaged lines were left out; the first is line {line}.",
        "{file}：略去了 {count} 个损坏的行，第一个是第 {line} 行。",
    ),
    "damaged_file": ("{file} is damaged and was left out.", "{file} 已损坏，未予显示。"),
    "unreadable": ("{file} cannot be read: {why}.", "无法读取 {file}：{why}。"),
    "no_metrics": (
        "There is no metrics.jsonl: the run wrote no metrics, so there are no curves.",
        "没有 metrics.jsonl：这次训练没有写下指标，因此没有曲线。",
    ),
    "empty_metrics": (
        "metrics.jsonl holds no records yet: the run may have just begun.",
        "metrics.jsonl 里还没有记录：训练也许刚刚开始。",
    ),
    "empty_statistics": (
        "statistics.jsonl holds no records.",
        "statistics.jsonl 里没有记录。",
    ),
    "many_curves": (
        "Of {count} metrics the first {shown} are drawn.",
        "共有 {count} 个指标，只画出前 {shown} 个。",
    ),
    "many_parameters": (
        "Of {count} parameters the first {shown} are shown.",
        "共有 {count} 个参数，只显示前 {shown} 个。",
    ),
    "many_histograms": (
        "Histograms are shown for the first {shown} of {count} parameters, so that this page "
        "stays small.",
        "为了控制页面大小，{count} 个参数中只有前 {shown} 个有直方图。",
    ),
    "large_graph": (
        "{file} has {size} bytes, too many for this page; open it from the run's folder.",
        "{file} 有 {size} 字节，对本页来说太大；请从训练目录中打开它。",
    ),
    "samples_left_out": (
        "{count} samples were left out, so that this page stays small; they are in the run's "
        "folder.",
        "为了控制页面大小，略去了 {count} 个样本；它们在训练目录中。",
    ),
    "rows_left_out": (
        "{count} more rows are not shown here.",
        "另有 {count} 行未在此显示。",
    ),
    # headline
    "headline": ("In short", "概要"),
    "best": ("best {name}", "最佳{name}"),
    "last": ("last {name}", "最终{name}"),
    "at_epoch": ("in epoch {epoch}", "第 {epoch} 轮"),
    "epochs": ("epochs", "轮数"),
    "of_planned": ("of {planned} planned", "计划 {planned} 轮"),
    "steps": ("steps", "步数"),
    "time": ("time", "用时"),
    "steps_per_second": ("{rate} steps a second", "每秒 {rate} 步"),
    "parameters": ("parameters", "参数量"),
    # runs
    "runs": ("Runs", "各次训练"),
    "run": ("run", "训练"),
    "status": ("status", "状态"),
    "best_mark": ("best", "最佳"),
    "compare_help": (
        "The newest value of each metric. ★ marks the best of a row where it is known whether more "
        "or less is better.",
        "每个指标的最新值。能判断大小优劣的行里，★ 标出最好的一个。",
    ),
    "metric": ("metric", "指标"),
    # curves
    "curves": ("Curves", "曲线"),
    "across": ("Across", "横轴"),
    "by_iteration": ("steps", "步"),
    "by_epoch": ("epochs", "轮"),
    "by_seconds": ("time", "时间"),
    "smoothing": ("Smoothing", "平滑"),
    "smoothing_help": (
        "An exponential mean of the step curves; the thin line, or the pale band, is what was "
        "measured.",
        "对逐步曲线做指数平均；细线或浅色带是实际测得的值。",
    ),
    "logarithmic": ("log scale", "对数刻度"),
    "not_logarithmic": (
        "{count} values of 0 or less have no place on a log scale.",
        "有 {count} 个值不大于 0，在对数刻度上没有位置。",
    ),
    "learning": ("learning", "训练"),
    "held_out": ("held out", "留出"),
    "lr": ("learning rate", "学习率"),
    "loss": ("loss", "损失"),
    "accuracy": ("accuracy", "准确率"),
    "keys": (
        "Point at a curve, or move along it with the arrow keys, to read its values. Press a name "
        "to hide its curve.",
        "把指针放在曲线上，或用方向键移动，可以读出数值。按下名字可以隐藏曲线。",
    ),
    "bucket": ("{low} to {high} around here", "此处从 {low} 到 {high}"),
    "smoothed": ("smoothed", "平滑后"),
    "not_finite": ("not finite", "非有限值"),
    "chart_label": (
        "{title}: {names}. Arrow keys read values.",
        "{title}：{names}。用方向键读取数值。",
    ),
    "hide": ("show or hide {name}", "显示或隐藏 {name}"),
    "no_values": ("no finite value", "没有有限的值"),
    "epoch_table": ("All epochs as a table", "各轮数值表"),
    "epoch_table_some": (
        "{shown} of {count} epochs as a table",
        "数值表：{count} 轮中的 {shown} 轮",
    ),
    "epoch": ("epoch", "轮"),
    "step": ("step", "步"),
    # not finite
    "nonfinite": ("Where the first NaN or infinity came from", "第一个 NaN 或无穷从何而来"),
    "nonfinite_link": ("NaN", "NaN"),
    "stage": ("stage", "阶段"),
    "forward": ("forward", "前向"),
    "backward": ("backward", "反向"),
    "update": ("update", "更新"),
    "before": ("before the step", "这一步之前"),
    "value": ("value", "数值"),
    "operator": ("operator", "算子"),
    "inside": ("inside", "内部算子"),
    "layer": ("layer", "层"),
    "line": ("line", "代码行"),
    "why": ("because", "原因"),
    "remedy": ("what to do", "怎么办"),
    "source": ("came from", "来源"),
    "through": ("then through", "随后经过"),
    "inputs": ("inputs", "输入"),
    "iteration": ("step", "步"),
    # layers
    "layers": ("Parameters and gradients", "参数与梯度"),
    "quantity": ("Show", "显示"),
    "update_ratio": ("update / weight", "更新量 / 权重"),
    "gradient_norm": ("norm of the gradient", "梯度范数"),
    "norm": ("norm of the weights", "权重范数"),
    "std": ("spread of the weights", "权重标准差"),
    "gradient_std": ("spread of the gradient", "梯度标准差"),
    "strips_help": (
        "One row for each parameter, time to the right. Colours go by powers of ten, and where "
        "several records share a place it shows the largest. Point at a row, or use the arrow "
        "keys, to read values.",
        "每个参数一行，时间向右。颜色按十的幂变化；同一位置有多条记录时显示最大的一个。把指针放在某一行上，"
        "或用方向键，可以读出数值。",
    ),
    "strips_label": (
        "Parameters over time. Arrow keys read values.",
        "各参数随时间的变化。用方向键读取数值。",
    ),
    "at_step": ("at step {step}", "第 {step} 步"),
    "none_there": ("nothing recorded, or 0", "没有记录，或为 0"),
    "layer_table": ("The newest statistics as a table", "最新统计数值表"),
    "parameter": ("parameter", "参数"),
    "mean": ("mean", "均值"),
    "min": ("min", "最小"),
    "max": ("max", "最大"),
    "std_short": ("std", "标准差"),
    "norm_short": ("norm", "范数"),
    "gradient_norm_short": ("gradient norm", "梯度范数"),
    "gradient_std_short": ("gradient std", "梯度标准差"),
    "spreads": ("How the weights are spread over time", "权重分布随时间的变化"),
    "spreads_help": (
        "Time to the right, values upward; the darker, the more weights. Lowest and highest value "
        "stand beside each.",
        "时间向右，数值向上；越深表示权重越多。旁边是最低值和最高值。",
    ),
    "spread_label": (
        "{name}: values from {low} to {high} over time",
        "{name}：数值从 {low} 到 {high}，随时间变化",
    ),
    "from_to_step": ("steps {first} to {last}", "第 {first} 步至第 {last} 步"),
    # graph, samples
    "graph": ("Graph", "计算图"),
    "graph_label": ("The graph of the computation", "计算图"),
    "graph_fit": ("fit to the page", "适应页面"),
    "compiled": ("The compiled step", "编译后的步骤"),
    "samples": ("Samples", "样本"),
    "sample_label": ("{name} at step {step}", "{name}，第 {step} 步"),
    "older": ("{count} older", "较早的 {count} 个"),
    # config
    "config": ("Configuration", "配置"),
    "environment": ("Environment", "环境"),
    "setting": ("setting", "设置"),
    "differs": ("differs", "不同"),
    "differ_count": (
        "{count} of {all} rows differ; they are marked ≠.",
        "{all} 行中有 {count} 行不同，以 ≠ 标出。",
    ),
    "only_different": ("only what differs", "只看不同"),
    "missing": ("not there", "无"),
    "empty_config": ("The run has no configuration.", "这次训练没有配置。"),
    "command": ("command", "命令"),
    "model": ("model", "模型"),
}
SCRIPT_WORDS = (  # what the script says
    *("bucket", "smoothed", "not_finite", "chart_label", "hide", "no_values", "logarithmic"),
    *("not_logarithmic", "by_iteration", "by_epoch", "by_seconds", "at_step", "none_there"),
    *("epoch", "step", "strips_label"),
)


class Words:
    """The words of one language.

    Example:
        >>> Words("zh")("at_epoch", epoch=3)
        '第 3 轮'
    """

    def __init__(self, language: str):
        self.language = language
        self.column = list(LANGUAGES).index(language)

    def __call__(self, key: str, **fill: object) -> str:
        """The text, with its gaps filled."""
        text = WORDS[key][self.column]
        return text.format(**fill) if fill else text

    def metric(self, name: str) -> str:
        """A metric's name in words, where it is a usual one: ``held_out/loss`` is "held-out loss".

        Example:
            >>> Words("en").metric("held_out/loss"), Words("en").metric("ema/iou")
            ('loss, held out', 'iou, ema')
        """
        prefix, _, base = name.rpartition("/")
        base = self(base) if base in ("loss", "accuracy", "lr") else base
        if not prefix:
            return base
        group = self("held_out") if prefix == "held_out" else prefix
        return f"{group}{base}" if self.language == "zh" else f"{base}, {group}"
