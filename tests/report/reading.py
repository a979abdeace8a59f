"""Reports as text, taken apart."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

from lamina.report import page
from lamina.training import Run

SOURCES = Path(__file__).parents[2] / "src" / "lamina" / "report"
HOSTILE = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'
MOST_BYTES = 2_000_000


class Elements(HTMLParser):
    """Every element of a page with its attributes, and all text outside of script and style."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if "script" not in self.open and "style" not in self.open:
            self.text += data


def report(*folders: Path, language: str = "en") -> str:
    return page([Run(folder) for folder in folders], language)


def drawn(text: str) -> dict:
    """What the script gets."""
    [found] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    return json.loads(found)
