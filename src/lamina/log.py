"""What lamina tells while it works: the logger ``lamina``, shown on standard output.

A program that sets up logging of its own gets the messages there, and only there.
"""

from __future__ import annotations

import logging
import sys


class _Console(logging.Handler):
    """Prints, unless the root logger writes to the terminal already."""

    def emit(self, record: logging.LogRecord) -> None:
        streams = [getattr(handler, "stream", None) for handler in logging.getLogger().handlers]
        if sys.stdout not in streams and sys.stderr not in streams:
            print(self.format(record))


logger = logging.getLogger("lamina")
logger.setLevel(logging.INFO)
logger.addHandler(_Console())
