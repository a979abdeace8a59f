"""How pictures and pages look, and what all pages are made of."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files

STYLE = """
.lamina-graph { background: #fff }
.lamina-graph text { font: 12px ui-monospace, Menlo, Consolas, monospace; text-anchor: middle;
  fill: #444 }
.lamina-graph .name { font-weight: 600; fill: #111 }
.lamina-graph .line { fill: none; stroke: #888; stroke-width: 1.3 }
.lamina-graph .head { fill: #888 }
.lamina-graph rect { stroke: #567; fill: #eef3f8 }
.lamina-graph .layer rect { stroke: #567; fill: #dfe9f3 }
.lamina-graph .parameter rect { stroke: #8a6d1f; fill: #fdf3d6 }
.lamina-graph .variable rect { stroke: #357a4c; fill: #e2f4e7 }
.lamina-graph .data rect { stroke: #999; fill: #f4f4f4; stroke-dasharray: 4 3 }
.lamina-graph .result rect { stroke: #9b2f2f; fill: #fbe6e4; stroke-width: 2 }
"""


@cache
def asset(name: str) -> str:
    """A style sheet or script of the folder ``pages``."""
    return files("lamina.insight").joinpath("pages", name).read_text(encoding="utf-8")


def document(title: str, language: str, style: str, body: str, script: str) -> str:
    """A page that needs no other file and no network, and may ask for none."""
    return f"""<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline'; img-src data:">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
{body}
<script>
{script}
</script>
</body>
</html>
"""
