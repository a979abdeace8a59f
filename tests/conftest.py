"""What every test gets: a fixed seed for lamina, and a generator of its own."""

from __future__ import annotations

import os
import signal
import zlib

import numpy as np
import pytest

from fixtures.browser import browser, chromium, mark_and_deselect, one_browser
from lamina.random import seed

__all__ = ["browser", "one_browser"]  # fixtures

# Tests leave the user's folders alone. Native code that is kept shortens a second run a little:
# whoever wants that names a folder.
os.environ.setdefault("LAMINA_CACHE", "off")

# Without it scikit-learn leaves checks of estimators out. SciPy reads it when it is imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

# A job that a shell starts in the background, as some CI does, ignores Ctrl-C, and so does every
# process that it starts: the tests that send one would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at markers
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mark_and_deselect(config, items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if chromium() is None:
        terminalreporter.write_line(
            "tests of pages (marker `browser`) were deselected: no Chromium is installed; "
            "LAMINA_CHROMIUM can name one"
        )


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    """lamina's random streams start at the same place in every test, in whatever order they run."""
    seed(0)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A generator seeded by the test's own name.

    crc32 and not hash(): hash() of a string differs from process to process.
    """
    return np.random.default_rng(zlib.crc32(request.node.nodeid.encode()))
