"""The sections of a report, from top to bottom."""

from __future__ import annotations

from typing import Any

from ..compiler.page import part
from ..training.reason import in_language
from .charts import better, grouped
from .layers import QUANTITIES, Layers
from .markup import Content, Markup, duration, figure, percent, shown, tag
from .read import number
from .story import COMPILED_BYTES, Sample, Story
from .tables import (
    flat,
    letter,
    scrolled,
    status_of,
    table_of_epochs,
    table_of_metrics,
    table_of_parameters,
    table_of_runs,
    table_of_settings,
    whole,
)
from .words import Words

MOST_NOTES = 40
OPEN_SPREADS = 60  # pictures of a run that are shown without being asked for


def section(key: str, words: Words, *content: Content) -> Markup | None:
    """A section with its heading; nothing, if there is nothing in it."""
    there = [part for part in content if part]
    if not there:
        return None
    heading = tag("h2", words(key), id=f"{key}-heading")
    return tag("section", heading, there, id=key, aria_labelledby=f"{key}-heading")


def of_run(story: Story, stories: list[Story]) -> Content:
    """A heading where there are several runs."""
    return tag("h3", letter(story), " ", story.name[:120]) if len(stories) > 1 else None


# -- above the curves ----------------------------------------------------------------------------


def notes(stories: list[Story], words: Words) -> Markup | None:
    """What could not be shown, and why."""
    lines = [
        tag(
            "li",
            words("of_run", letter=story.letter) if len(stories) > 1 else None,
            words(note.key, **note.fill),
        )
        for story in stories
        for note in story.notes
    ]
    return section("notes", words, tag("ul", *lines[:MOST_NOTES])) if lines else None


def headline(stories: list[Story], words: Words) -> Markup | None:
    """The figures that one looks for first; of several runs, a table."""
    if len(stories) > 1:
        tables = [table_of_runs(stories, words)]
        if any(story.curves for story in stories):
            help_text = tag("p", words("compare_help"), class_="help")
            tables += [help_text, table_of_metrics(stories, words)]
        return section("runs", words, tables, *[_state(story, stories, words) for story in stories])
    [story] = stories
    cards = [*_best_cards(story, words), *_size_cards(story, words)]
    return section(
        "headline", words, _state(story, stories, words), tag("dl", *cards, class_="cards")
    )


def _state(story: Story, stories: list[Story], words: Words) -> Content:
    """Why it ended, and how to go on."""
    reason, resume = story.description.get("reason"), story.description.get("resume")
    content: list[Content] = []
    if isinstance(reason, str) and reason:
        why = shown(in_language(reason, words.language), 1000)
        content.append(tag("p", words("reason", reason=why), class_="reason"))
    if isinstance(resume, str) and resume and story.description.get("status") != "finished":
        content.append(tag("p", words("resume"), " ", tag("code", shown(resume, 1000))))
    return tag("div", of_run(story, stories), content, class_="state") if content else None


def card(label: str, value: str, more: str = "", exact: float | None = None) -> Markup:
    """One figure, large, with what it is."""
    title = None if exact is None else repr(exact)
    return tag(
        "div",
        tag("dt", label),
        tag("dd", tag("b", value, title=title, data_value=title)),
        tag("dd", more, class_="more") if more else None,
    )


def in_words(name: str, value: float) -> str:
    """An accuracy as a share, everything else as a number."""
    return percent(value) if "accuracy" in name and 0 <= value <= 1 else figure(value)


def _best_cards(story: Story, words: Words) -> list[Markup]:
    """The best of what was held out; without it, the newest loss and accuracy."""
    held_out = [c for c in story.curves if c.name.startswith("held_out/") and better(c.name)]
    held_out.sort(key=lambda curve: -better(curve.name))
    cards = []
    for curve in held_out[:3]:
        found = _best(story, curve.name)
        if found is not None:
            label = words("best", name=words.metric(curve.name))
            value, epoch = found
            more = words("at_epoch", epoch=epoch) if epoch else ""
            cards.append(card(label, in_words(curve.name, value), more, value))
    for name in ("loss",) if cards else ("loss", "accuracy"):
        last = story.last(name)
        if last is not None:
            label = words("last", name=words.metric(name))
            cards.append(card(label, in_words(name, last), exact=last))
    return cards


def _best(story: Story, name: str) -> tuple[float, str] | None:
    """The best value of the epochs, and the first epoch that had it."""
    found = [(record, number(record.get(name))) for record in story.epochs]
    there = [(record, value) for record, value in found if value is not None and value == value]
    if not there:
        return None
    record, value = max(there, key=lambda pair: better(name) * pair[1])
    epoch = whole(record.get("epoch"))
    return value, "" if epoch == "–" else epoch


def _size_cards(story: Story, words: Words) -> list[Markup]:
    found = story.description
    seconds, steps = number(found.get("seconds")), number(found.get("iteration"))
    model = found.get("model")
    planned = words("of_planned", planned=whole(found.get("epochs")))
    cards = [card(words("epochs"), whole(found.get("epoch")), planned)]
    cards.append(card(words("steps"), whole(steps)))
    if seconds is not None:
        rate = figure(steps / seconds) if steps and seconds > 0 else ""
        more = words("steps_per_second", rate=rate) if rate else ""
        cards.append(card(words("time"), duration(seconds), more, seconds))
    if isinstance(model, dict):
        more = shown(model.get("class") or "", 60)
        cards.append(card(words("parameters"), whole(model.get("parameters")), more))
    return cards


def nonfinite(stories: list[Story], words: Words) -> Markup | None:
    """What the search for a NaN found."""
    parts = [
        [of_run(story, stories), _origin(story.nonfinite, words)]
        for story in stories
        if story.nonfinite
    ]
    return section("nonfinite", words, *parts)


def _origin(found: dict[str, Any], words: Words) -> Markup:
    rows = []
    for key in ("iteration", "stage", "operator", "inside", "layer", "line", "value", "loss"):
        value = found.get(key)
        if value not in (None, ""):
            known = key == "stage" and value in ("forward", "backward", "update", "before")
            rows.append((key, words(value) if known else shown(value, 400)))
    rows += [(key, shown(found[k], 1000)) for k, key in _SENTENCES if found.get(k)]
    pairs = [[tag("dt", words(key)), tag("dd", value)] for key, value in rows]
    if isinstance(found.get("source"), dict):
        pairs.append([tag("dt", words("source")), tag("dd", _seen(found["source"]))])
    if isinstance(found.get("through"), list) and found["through"]:
        names = ", ".join(shown(name, 80) for name in found["through"][:20])
        pairs.append([tag("dt", words("through")), tag("dd", names)])
    if isinstance(found.get("inputs"), list) and found["inputs"]:
        lines = [tag("li", _seen(one)) for one in found["inputs"][:20]]
        pairs.append([tag("dt", words("inputs")), tag("dd", tag("ul", *lines))])
    return tag("dl", *pairs, class_="origin")


_SENTENCES = (("reason", "why"), ("remedy", "remedy"))


def _seen(what: Any) -> str:
    """A description of an array, as its pairs."""
    if not isinstance(what, dict):
        return shown(what, 200)
    pairs = [
        f"{key} {figure(value) if isinstance(value, float) else shown(value, 80)}"
        for key, value in what.items()
        if value not in (None, "")
    ]
    return ", ".join(pairs[:20])


# -- curves --------------------------------------------------------------------------------------


def curves(stories: list[Story], words: Words) -> Markup | None:
    """Room for what the script draws, its switches, and tables of epochs."""
    charts = grouped(stories)
    if not charts:
        return None
    places = [tag("figure", class_="chart", data_chart=i) for i in range(len(charts))]
    tables = [table_of_epochs(story, len(stories) > 1, words) for story in stories]
    return section(
        "curves",
        words,
        tag("noscript", tag("p", words("no_script"), class_="warning")),
        _switches(words, any(c.event == "step" for found in charts.values() for _, c in found)),
        tag("p", words("keys"), class_="help screen"),
        tag("div", *places, class_="charts"),
        tables,
    )


def _switches(words: Words, stepwise: bool) -> Markup:
    across = [
        tag(
            "label",
            tag("input", type="radio", name="across", value=i, checked=i == 0),
            tag("span", words(key)),
        )
        for i, key in enumerate(("by_iteration", "by_epoch", "by_seconds"))
    ]
    parts: list[Content] = [
        tag("fieldset", tag("legend", words("across")), *across, class_="choice")
    ]
    if stepwise:
        attributes = {"min": "0", "max": "0.99", "step": "0.01", "value": "0.6"}
        slider = tag("input", type="range", id="smoothing", **attributes)
        label = tag("label", words("smoothing"), " ", slider, tag("output", "0.60"))
        parts.append(tag("div", label, title=words("smoothing_help"), class_="smoothing"))
    return tag("form", *parts, class_="switches")


# -- below them ----------------------------------------------------------------------------------


def layers(stories: list[Story], words: Words) -> Markup | None:
    """Statistics of parameters and gradients."""
    told = [story for story in stories if story.layers]
    parts = [
        [of_run(story, stories), _layers(story.layers, i, words)]
        for i, story in enumerate(told)
        if story.layers
    ]
    return section("layers", words, *parts)


def _layers(found: Layers, index: int, words: Words) -> Content:
    choices = [tag("option", words(quantity), value=quantity) for quantity in QUANTITIES]
    choose = tag("label", words("quantity"), " ", tag("select", *choices, class_="quantity"))
    first, last = found.times[0].iteration, found.times[-1].iteration
    spreads = [
        tag(
            "figure",
            tag("figcaption", name),
            tag(
                "img",
                src=spread.source,
                alt=words(
                    "spread_label", name=name, low=figure(spread.low), high=figure(spread.high)
                ),
            ),
            tag("small", figure(spread.high), class_="high"),
            tag("small", figure(spread.low), class_="low"),
        )
        for name, spread in found.spreads.items()
    ]
    content: list[Content] = [
        tag("p", words("strips_help"), class_="help screen"),
        tag("div", choose, class_="switches"),
        tag("div", class_="strips", data_layers=index),
        table_of_parameters(found, words),
    ]
    if spreads:
        steps = words("from_to_step", first=whole(first), last=whole(last))
        summary = tag("summary", words("spreads"), ", ", steps)
        grid = tag("div", *spreads, class_="spreads")
        text = tag("p", words("spreads_help"), class_="help")
        content.append(tag("details", summary, text, grid, open=len(spreads) <= OPEN_SPREADS))
    return content


def samples(stories: list[Story], words: Words) -> Markup | None:
    """The newest sample of each name, and older ones behind a fold."""
    parts: list[Content] = []
    for story in stories:
        by_name: dict[str, list[Sample]] = {}
        for sample in story.samples:
            by_name.setdefault(sample.name, []).append(sample)
        shown_ones = [_sampled(found, words) for found in by_name.values()]
        if shown_ones:
            parts.append([of_run(story, stories), tag("div", *shown_ones, class_="samples")])
    return section("samples", words, *parts)


def _sampled(found: list[Sample], words: Words) -> Markup:
    older = [_sample(sample, words) for sample in found[1:]]
    fold = tag("details", tag("summary", words("older", count=len(older))), *older)
    return tag("div", _sample(found[0], words), fold if older else None)


def _sample(sample: Sample, words: Words) -> Markup:
    label = words("sample_label", name=sample.name, step=whole(sample.iteration))
    body = (
        tag("pre", sample.text, tabindex=0)
        if sample.source is None
        else tag("img", src=sample.source, alt=label)
    )
    return tag("figure", body, tag("figcaption", label))


def graph(stories: list[Story], words: Words) -> Markup | None:
    """The pictures of the computation."""
    parts: list[Content] = []
    for story in stories:
        if story.graph:
            box = tag("input", type="checkbox", class_="fit")
            label = tag("label", box, " ", words("graph_fit"), class_="screen")
            picture = tag("img", src=story.graph, alt=words("graph_label"))
            view = scrolled(picture, words("graph_label"))
            parts.append([of_run(story, stories), tag("div", label, view, class_="graph")])
    return section("graph", words, *parts)


def compiled(stories: list[Story], words: Words) -> Markup | None:
    """The programs of a compiled step: what runs together, what it moves, how long it takes."""
    told = [story for story in stories if story.compiled]
    most = COMPILED_BYTES // max(len(told), 1)
    parts = [
        [of_run(story, stories), Markup(part(story.compiled, words.language, most))]
        for story in told
    ]
    return section("compiled", words, *parts)


def config(stories: list[Story], words: Words) -> Markup | None:
    """What the runs were made from."""
    settings = [flat(story.description.get("config")) for story in stories]
    if not any(settings):
        return section("config", words, tag("p", words("empty_config"), class_="help"))
    return section("config", words, table_of_settings(settings, stories, words, words("config")))


def environment(stories: list[Story], words: Words) -> Markup | None:
    """What the runs ran on."""
    found = []
    for story in stories:
        rows = flat(story.description.get("environment"))
        command = story.description.get("command")
        if isinstance(command, list) and command:
            rows[words("command")] = " ".join(shown(word, 300) for word in command[:40])
        found.append(rows)
    if not any(found):
        return None
    return section(
        "environment", words, table_of_settings(found, stories, words, words("environment"))
    )


def status_line(story: Story, words: Words) -> Markup:
    """State and start, below the title."""
    started = story.description.get("started")
    when = started.replace("T", " ")[:16] if isinstance(started, str) and started else ""
    since = [" · ", words("started", when=when)] if when else None
    return tag("p", status_of(story.description.get("status"), words), since, class_="state-line")
