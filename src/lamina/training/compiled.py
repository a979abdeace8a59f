"""What a run keeps of its compiled step, for its report: `compiled.json`."""

from __future__ import annotations

import json
from typing import Any

from ..compiler import Step
from .run import Run

NAME = "compiled.json"


def keep_compiled(run: Run, step: Any) -> None:
    """Write what `Step.described` tells into a run's folder, if there is anything.

    Times are in it where the step was compiled with ``profile=True``.
    """
    programs = step.described() if isinstance(step, Step) else []
    if programs:
        text = json.dumps({"programs": [program.as_dict() for program in programs]})
        run.write(NAME, lambda file: file.write(text.encode()))
