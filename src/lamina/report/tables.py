"""The tables of a report: runs, metrics, epochs, configuration, environment, parameters."""

from __future__ import annotations

from typing import Any

from .charts import better, grouped
from .layers import STATISTICS, Layers
from .markup import Markup, duration, figure, shown, tag
from .read import number
from .story import MOST_COLUMNS, MOST_EPOCHS, Story
from .words import Words

MOST_CELLS = 4000  # of one table
LONGEST_CELL = 120  # characters; three times as many where there is one run
EPOCH_KEYS = ("event", "iteration", "epoch")


def letter(story: Story) -> Markup:
    """The mark of a run."""
    return tag("span", story.letter, class_=f"letter run-{ord(story.letter) - ord('A')}")


def _rows_left_out(count: int, words: Words) -> Markup | None:
    return tag("p", words("rows_left_out", count=count), class_="help") if count > 0 else None


def scrolled(table: Markup, label: str) -> Markup:
    """A table that is scrolled by itself where it is wider than the page."""
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=label)


# -- runs ----------------------------------------------------------------------------------------


def table_of_runs(stories: list[Story], words: Words) -> Markup:
    """One row a run: its mark, name, state, size and time."""
    head = [words(key) for key in ("run", "status", "epochs", "steps", "time", "parameters")]
    rows = [_run_row(story, words) for story in stories]
    return scrolled(_table(head, rows, 2), words("runs"))


def _run_row(story: Story, words: Words) -> Markup:
    found = story.description
    status = found.get("status")
    seconds = number(found.get("seconds"))
    return tag(
        "tr",
        tag("th", letter(story), " ", story.name[:80], scope="row"),
        tag("td", status_of(status, words)),
        tag("td", f"{whole(found.get('epoch'))} / {whole(found.get('epochs'))}", class_="number"),
        tag("td", whole(found.get("iteration")), class_="number"),
        tag("td", "" if seconds is None else duration(seconds), class_="number"),
        tag("td", parameters_of(story), class_="number"),
    )


def status_of(status: Any, words: Words) -> Markup:
    """The state in words, and as a mark that is not its colour alone."""
    marks = {"running": "▶", "finished": "✓", "stopped": "■", "interrupted": "Ⅱ", "failed": "✗"}
    key = status if isinstance(status, str) and status in marks else "unknown"
    mark = marks.get(key, "?")
    return tag(
        "span", tag("span", mark, aria_hidden="true"), f" {words(key)}", class_=f"status {key}"
    )


def whole(value: Any) -> str:
    """An integer with commas; a dash if it is none."""
    found = number(value)
    return f"{int(found):,}" if found is not None and abs(found) < 1e15 else "–"


def parameters_of(story: Story) -> str:
    """How many numbers are trained."""
    model = story.description.get("model")
    return whole(model.get("parameters")) if isinstance(model, dict) else "–"


def _table(head: list[str], rows: list[Markup], numbers: int, **attributes: str) -> Markup:
    """A table whose columns from ``numbers`` on hold numbers."""
    cells = [
        tag("th", text, scope="col", class_="number" if i >= numbers else None)
        for i, text in enumerate(head)
    ]
    return tag("table", tag("thead", tag("tr", *cells)), tag("tbody", *rows), **attributes)


# -- metrics -------------------------------------------------------------------------------------


def table_of_metrics(stories: list[Story], words: Words) -> Markup:
    """One row a metric, one column a run; the best of a row is marked."""
    charts = grouped(stories).values()
    names = list(dict.fromkeys(curve.name for curves in charts for _, curve in curves))
    most = MOST_CELLS // len(stories)
    rows = [_metric_row(name, stories, words) for name in names[:most]]
    head = tag(
        "thead",
        tag(
            "tr",
            tag("th", words("metric"), scope="col"),
            *[
                tag("th", letter(s), " ", s.name[:40], scope="col", class_="number")
                for s in stories
            ],
        ),
    )
    table = tag("table", head, tag("tbody", *rows), class_="compare")
    return scrolled(table, words("metric"))


def _metric_row(name: str, stories: list[Story], words: Words) -> Markup:
    values = [story.last(name) for story in stories]
    sign = better(name)
    there = [sign * value for value in values if value is not None and value == value]
    best = max(there) if sign and len(there) > 1 and min(there) < max(there) else None
    cells = [
        tag("td", "–", class_="number")
        if value is None
        else tag(
            "td",
            figure(value),
            tag("span", " ★", role="img", aria_label=words("best_mark"), class_="star")
            if best is not None and sign * value == best
            else None,
            class_="number",
            data_value=repr(value),
        )
        for value in values
    ]
    return tag("tr", tag("th", words.metric(name), scope="row", title=name), *cells)


def table_of_epochs(story: Story, many: bool, words: Words) -> Markup | None:
    """What was measured in each epoch; in evenly chosen ones, if they are many."""
    count = len(story.epochs)
    if not count:
        return None
    step = -(-count // MOST_EPOCHS)
    chosen = story.epochs[::-1][::step][::-1]  # the last is among them
    keys = list(dict.fromkeys(key for record in chosen for key in record if key not in EPOCH_KEYS))
    keys = keys[:MOST_COLUMNS]
    rows = [
        tag(
            "tr",
            tag("th", whole(record.get("epoch")), scope="row", class_="number"),
            *[_measured(record.get(key), key) for key in keys],
        )
        for record in chosen
    ]
    head = [words("epoch"), *[words("time") if k == "seconds" else words.metric(k) for k in keys]]
    summary = (
        words("epoch_table")
        if len(chosen) == count
        else words("epoch_table_some", shown=len(chosen), count=count)
    )
    return tag(
        "details",
        tag("summary", [letter(story), " ", story.name[:80], ": "] if many else None, summary),
        scrolled(_table(head, rows, 0, class_="epochs"), words("epoch_table")),
    )


def _measured(value: Any, key: str) -> Markup:
    found = number(value)
    if found is None:
        return tag("td", "–", class_="number")
    text = duration(found) if key == "seconds" else figure(found)
    return tag("td", text, class_="number", data_value=repr(found))


# -- configuration -------------------------------------------------------------------------------


def flat(value: Any, path: str = "", depth: int = 0) -> dict[str, Any]:
    """Nested dicts as one, with dots.

    Example:
        >>> flat({"seed": 0, "model": {"width": [1, 2]}})
        {'seed': 0, 'model.width': [1, 2]}
    """
    if not isinstance(value, dict) or not value or depth > 8:
        return {path: value} if path else {}
    found: dict[str, Any] = {}
    for key, inner in value.items():
        found |= flat(inner, f"{path}.{key}" if path else str(key), depth + 1)
    return found


def table_of_settings(
    settings: list[dict[str, Any]], stories: list[Story], words: Words, label: str
) -> Markup:
    """One row a setting, one column a run; what differs is marked."""
    names = list(dict.fromkeys(name for found in settings for name in found))
    most = MOST_CELLS // len(stories) // 4
    different = [name for name in names if _differs([found.get(name, ...) for found in settings])]
    longest = LONGEST_CELL * (3 if len(stories) == 1 else 1)
    rows = [_setting_row(n, settings, n in different, longest, words) for n in names[:most]]
    heads = [tag("th", words("setting"), scope="col")]
    if len(stories) == 1:
        heads.append(tag("th", words("value"), scope="col"))
    else:
        heads += [tag("th", letter(s), " ", s.name[:40], scope="col") for s in stories]
    table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows), class_="settings")
    toggle = _only_different(len(different), len(names), words) if len(stories) > 1 else None
    content = [toggle, scrolled(table, label), _rows_left_out(len(names) - most, words)]
    return tag("div", *content, class_="differing")


def _differs(values: list[Any]) -> bool:
    return any(type(value) is not type(values[0]) or value != values[0] for value in values)


def _only_different(count: int, every: int, words: Words) -> Markup:
    text = words("differ_count", count=count, all=every)
    box = tag("input", type="checkbox", class_="only-different")
    label = tag("label", box, " ", words("only_different")) if count else None
    return tag("p", text, " ", label, class_="help")


def _setting_row(
    name: str, settings: list[dict[str, Any]], different: bool, longest: int, words: Words
) -> Markup:
    mark = tag("span", "≠ ", role="img", aria_label=words("differs")) if different else None
    cells = [
        tag("td", shown(found[name], longest))
        if name in found
        else tag("td", words("missing"), class_="missing")
        for found in settings
    ]
    head = tag("th", mark, shown(name, LONGEST_CELL), scope="row")
    return tag("tr", head, *cells, class_="different" if different else None)


# -- parameters ----------------------------------------------------------------------------------


def table_of_parameters(layers: Layers, words: Words) -> Markup:
    """The newest statistics of each parameter."""
    short = {"std", "norm", "gradient_norm", "gradient_std"}
    head = [words("parameter")]
    head += [words(f"{key}_short" if key in short else key) for key in STATISTICS]
    rows = [
        tag(
            "tr",
            tag("th", name[:120], scope="row"),
            *[_measured(layers.last.get(name, {}).get(key), key) for key in STATISTICS],
        )
        for name in layers.names
    ]
    return tag(
        "details",
        tag("summary", words("layer_table")),
        scrolled(_table(head, rows, 1, class_="parameters"), words("layer_table")),
    )
