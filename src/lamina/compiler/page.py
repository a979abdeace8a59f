"""Compiled programs as a part of a HTML page, in English or 中文, in the colours of that page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..errors import RangeError
from .described import Described, Row

WORDS: dict[str, tuple[str, str]] = {
    "program_of": ("Program {i} of {n}", "程序 {i} / {n}"),
    "native": ("machine code", "机器码"),
    "replay": ("NumPy, replayed", "NumPy 重放"),
    "": ("not run yet", "尚未运行"),
    "instructions": ("{n} instructions", "{n} 条指令"),
    "groups": ("{n} groups", "{n} 组"),
    "threads": ("threads: {n}", "线程：{n}"),
    "buffers": ("buffers {arena} for {results} of results", "缓冲区 {arena}，结果共 {results}"),
    "timed": ("{time} in one run, by the clocks", "一次运行 {time}（按各组计时）"),
    "untimed": (
        "No group was timed. lamina.compile(profile=True) times each, and says how near it comes "
        "to what this machine can do.",
        "未对各组计时。lamina.compile(profile=True) 会为每组计时，并给出与本机极限的距离。",
    ),
    "share": ("share", "占比"),
    "time": ("time", "时间"),
    "limit": ("of the limit", "达到极限"),
    "moved": ("MB moved", "搬运 MB"),
    "operations": ("Mop", "百万次运算"),
    "kind": ("kind", "种类"),
    "loops": ("loops", "循环"),
    "what": ("instructions", "指令"),
    "share_help": (
        "Bars are shares of the time, or without clocks of the bytes moved. The limit is the "
        "processor's in products, or the memory's in bytes: whichever is nearer.",
        "条形表示时间占比；没有计时时表示搬运字节的占比。极限指处理器的乘加速度或内存带宽，取更接近者。",
    ),
    "table": ("Groups of instructions", "指令组"),
    "program": ("The program", "程序文本"),
    "source": ("The Python that runs", "运行的 Python"),
    "rows_left": ("{n} more groups are not shown here.", "另有 {n} 组未在此显示。"),
    "lines_left": ("… {n} more lines", "… 另有 {n} 行"),
}
LANGUAGES = ("en", "zh")
MOST_ROWS = 400

STYLE = """
.lamina-program { margin: 0 0 1.5rem; min-width: 0 }
.lamina-program h4 { font-size: 1rem; margin: 1rem 0 .3rem }
.lamina-program p { margin: .3rem 0; font-size: .88rem; color: var(--soft, #5c6675) }
.lamina-program .lamina-wide { overflow: auto; max-width: 100%; max-height: 34rem; margin: .6rem 0 }
.lamina-program table { border-collapse: collapse; width: 100%; font-size: .82rem;
  font-variant-numeric: tabular-nums }
.lamina-program :is(th, td) { padding: .25rem .7rem .25rem 0; text-align: right;
  white-space: nowrap; vertical-align: top; border-bottom: 1px solid var(--line, #d9dee6) }
.lamina-program th { font-weight: 600; color: var(--soft, #5c6675) }
.lamina-program :is(th, td):is(:first-child, :nth-child(4), :nth-child(5), :nth-child(6)) {
  text-align: left }
.lamina-program :is(th, td):first-child { padding-left: .7rem; width: 6rem; min-width: 4rem }
.lamina-program td:nth-child(4) { white-space: normal; min-width: 14rem; overflow-wrap: anywhere;
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
.lamina-share { display: block; min-width: 1px; height: .8em; margin-top: .2em; border-radius: 2px;
  background: var(--accent, #1f5fd0) }
.lamina-program summary { cursor: pointer; padding: .35rem 0; font-size: .9rem }
.lamina-program pre { overflow: auto; max-width: 100%; max-height: 28rem; margin: .2rem 0 .6rem;
  white-space: pre; padding: .7rem; border: 1px solid var(--line, #d9dee6); border-radius: 8px;
  font: .75rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
@media (max-width: 40rem) {
  .lamina-program td:nth-child(4) { min-width: 9rem }
  .lamina-program :is(th, td):first-child { min-width: 3rem; width: 3rem }
}
@media print {
  .lamina-program :is(.lamina-wide, pre) { max-height: none; overflow: visible }
  .lamina-program pre { white-space: pre-wrap; overflow-wrap: anywhere }
  .lamina-program :is(th, td) { white-space: normal; padding-right: .35rem }
  .lamina-program td:nth-child(4) { min-width: 0 }
  .lamina-program tr { break-inside: avoid }
  .lamina-share { print-color-adjust: exact; -webkit-print-color-adjust: exact }
  .lamina-program details::details-content { content-visibility: visible; block-size: auto }
}
"""
"""How it looks: the page's own colours, where it names them ``--ink --soft --line --accent``."""


def part(programs: Sequence[Described], language: str = "en", most: int = 1 << 30) -> str:
    """Programs as HTML that asks for nothing; `STYLE` belongs into the page.

    Args:
        programs: in the order in which they were heard.
        language: one of `LANGUAGES`.
        most: characters of programs and sources; what is beyond is left out, and it is said.
    Raises:
        RangeError: another language.
    """
    if language not in LANGUAGES:
        raise RangeError(f"explain: language should be one of {LANGUAGES}, got {language!r}")
    words = _Words(language)
    each = most // max(2 * len(programs), 1)
    return "".join([_program(x, i, programs, words, each) for i, x in enumerate(programs, 1)])


class _Words:
    def __init__(self, language: str):
        self.column = LANGUAGES.index(language)

    def __call__(self, key: str, **fill: object) -> str:
        return escape(WORDS[key][self.column].format(**fill))


def _program(
    found: Described, i: int, programs: Sequence[Described], words: _Words, most: int
) -> str:
    heading = f"<h4>{words('program_of', i=i, n=len(programs))}</h4>" if len(programs) > 1 else ""
    table = _table(found, words) if found.rows else ""
    texts = [_folded(words(key), getattr(found, key), words, most) for key in ("program", "source")]
    return (
        f'<div class="lamina-program">{heading}<p>{_facts(found, words)}</p>{table}'
        f"{''.join(texts)}</div>"
    )


def _facts(found: Described, words: _Words) -> str:
    """The figures of a program, in one line."""
    facts = [words(found.backend) if found.backend in WORDS else escape(found.backend)]
    facts.append(words("instructions", n=found.instructions))
    if found.backend == "native":
        facts.append(words("groups", n=len(found.rows)))
        facts.append(words("threads", n=found.threads))
    if found.results:
        sizes = {"arena": _bytes(found.arena), "results": _bytes(found.results)}
        facts.append(words("buffers", **sizes))
    if found.seconds is not None:
        facts.append(words("timed", time=_time(found.seconds)))
    return " · ".join(facts)


def _table(found: Described, words: _Words) -> str:
    rows = found.rows[:MOST_ROWS]
    timed = found.seconds is not None
    whole = (found.seconds if timed else sum([row.nbytes for row in found.rows])) or 1
    names = ("share", "time", "limit", "what", "loops", "kind", "moved", "operations")
    head = "".join([f'<th scope="col">{words(name)}</th>' for name in names])
    body = "".join(
        [_row(row, ((row.seconds or 0) if timed else row.nbytes) / whole) for row in rows]
    )
    left = len(found.rows) - len(rows)
    notes = [words("rows_left", n=left)] if left else []
    notes += [words("share_help")] + ([] if timed else [words("untimed")])
    return (
        f'<div class="lamina-wide" tabindex="0" role="region" aria-label="{words("table")}">'
        f'<table class="lamina-groups"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f"</div>{''.join([f'<p>{note}</p>' for note in notes])}"
    )


def _row(row: Row, share: float) -> str:
    values = (
        _time(row.seconds) if row.seconds is not None else "",
        f"{row.reached:.0%}" if row.reached is not None else "",
        row.what,
        row.space,
        row.kind,
        f"{row.nbytes / 1e6:.3f}",
        f"{row.work / 1e6:.3f}",
    )
    bar = f'<td><span class="lamina-share" style="width:{100 * share:.1f}%"></span></td>'
    return f"<tr>{bar}{''.join([f'<td>{escape(value)}</td>' for value in values])}</tr>"


def _folded(title: str, text: str, words: _Words, most: int) -> str:
    """A long text, behind a title that unfolds it."""
    if not text:
        return ""
    kept = text
    if len(text) > most:
        kept = text[:most].rpartition("\n")[0]
        kept += "\n" + words("lines_left", n=text.count("\n") - kept.count("\n"))
    return (
        f"<details><summary>{title}</summary>"
        f'<pre tabindex="0" role="region" aria-label="{title}">{escape(kept)}</pre></details>'
    )


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def _bytes(n: int) -> str:
    if n < 1024:
        return f"{n} B"
    return f"{n / 1024:.1f} KiB" if n < 1 << 20 else f"{n / (1 << 20):.1f} MiB"
