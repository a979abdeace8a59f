"""Fingerprints: short hashes of everything a step computes, by which two runs can be compared."""

# pyright: reportPrivateUsage=false
# (it looks on where Layers are called)

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arrays import is_array, to_numpy
from ..core import Variable
from ..errors import CheckpointError, RangeError
from ..files import atomic_write
from ..layers import Layer
from ..layers.calls import calls

FILE = "hashes.jsonl"


def fingerprint(x: Any) -> str:
    """Eight hexadecimal digits that are other for other bits, another dtype or another shape.

    Args:
        x: an array, a Variable or a number.
    Raises:
        RangeError: an array of Python objects, which has no bits of its own.
    Example:
        >>> fingerprint(np.float32(1)) == fingerprint(np.ones((), np.float32))
        True
        >>> fingerprint(1.0) == fingerprint(np.float32(1))
        False
    """
    array = np.ascontiguousarray(to_numpy(x._data if isinstance(x, Variable) else x))
    if array.dtype.hasobject:
        raise RangeError(f"fingerprint: an array of {array.dtype} has no bits to compare")
    digest = hashlib.blake2b(f"{array.dtype.str}{np.shape(x)}".encode(), digest_size=4)
    digest.update(array.data if array.size else b"")
    return digest.hexdigest()


class Fingerprints:
    """A callback of `Trainer`: writes hashes of what each step computes to ``hashes.jsonl``.

    `diff` compares two such files. A line has, in order of computation: what came in (``batch/0``),
    what each Layer gave (``output/l1``; a second call is ``output/l1#2``), the values of the step
    (``loss``), gradients (``gradient/l1/W``), and what the update left (``parameter/l1/W``,
    ``buffer/norm/mean``). A first line has what training started from.

    Of a compiled step, outputs of Layers cannot be seen; all the rest can.

    Args:
        every: write the first step, and then one of so many.
        outputs: hash what Layers give. It takes longest.
    Raises:
        RangeError: ``every`` is no integer of 1 or more.
    Example:
        >>> Fingerprints(every=10)
        Fingerprints(every=10, outputs=True)
    """

    rank = 1  # behind callbacks that change something

    def __init__(self, every: int = 1, outputs: bool = True):
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise RangeError(
                f"Fingerprints: every should be an integer of 1 or more, got {every!r}"
            )
        self.every, self.outputs = every, bool(outputs)
        self._found: dict[str, str] | None = None  # of the step that runs, if it is one to write
        self._paths: dict[int, str] = {}
        self._outside: Any = None

    def start(self, trainer: Any) -> None:
        """Begin the file; after a resume, without what was written behind its checkpoint.

        Raises:
            RangeError: the trainer has no folder to write to.
        """
        path = self._path(trainer)
        kept = [
            line for line in read_lines(path) if 0 < trainer.iteration >= line.get("iteration", 0)
        ]
        text = "".join(json.dumps(line) + "\n" for line in kept)
        atomic_write(path, lambda file: file.write(text.encode()), make_folders=True)
        if not kept and trainer.model is not None:
            self._write(trainer, dict(_state(trainer.model)))

    def before_step(self, trainer: Any, batch: Any) -> None:
        """Hash the batch, and look on if this step is to be written."""
        self._found = None
        if trainer.iteration % self.every == 0:
            self._found = {path: fingerprint(x) for path, x in flat("batch", tuple(batch))}
            if self.outputs and trainer.model is not None:
                self._paths = {id(layer): path for path, layer in trainer.model.named_layers()}
                self._paths[id(trainer.model)] = ""
                self._outside, calls.observer = calls.observer, self._run

    def after_step(self, trainer: Any, batch: Any, values: dict[str, float]) -> None:
        """Hash what the step left, and write the line."""
        found = self._found
        self._look_away()
        if found is None:
            return
        for name, value in values.items():
            found[name if name == "loss" else f"value/{name}"] = fingerprint(float(value))
        if trainer.model is not None:
            for path, parameter in trainer.model.named_params():
                if parameter._grad is not None:
                    found[f"gradient/{path}"] = fingerprint(parameter._grad)
            found |= dict(_state(trainer.model))
        self._write(trainer, found)

    def fail(self, trainer: Any, error: BaseException) -> None:
        """Look on no more."""
        self._look_away()

    def _look_away(self) -> None:
        if calls.observer == self._run:
            calls.observer = self._outside
        self._found = None

    def _run(self, layer: Layer, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call ``forward``, and hash what it gives."""
        if self._outside is not None:
            outputs = self._outside(layer, inputs, kwargs)
        else:
            outputs = layer.forward(*inputs, **kwargs)
        found = self._found
        if found is not None and id(layer) in self._paths:
            inside = self._paths[id(layer)]
            name, count = f"output/{inside}" if inside else "output", 2
            unique = name
            while any(key == unique or key.startswith(f"{unique}:") for key in found):
                unique, count = f"{name}#{count}", count + 1
            parts = list(flat("", outputs))
            for path, x in parts:
                found[unique + (f":{path[1:]}" if path else "")] = fingerprint(x)
        return outputs

    def _write(self, trainer: Any, hashes: dict[str, str]) -> None:
        line = json.dumps({"iteration": trainer.iteration, "hashes": hashes})
        with open(self._path(trainer), "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _path(self, trainer: Any) -> str:
        run = getattr(trainer, "run_folder", None)
        if run is None:
            raise RangeError(
                "Fingerprints: the Trainer has no folder to write hashes to; give it folder=..."
            )
        return os.path.join(os.fspath(getattr(run, "folder", run)), FILE)

    def __repr__(self) -> str:
        return f"Fingerprints(every={self.every}, outputs={self.outputs})"


def _state(model: Layer) -> Iterator[tuple[str, str]]:
    """Hashes of parameters and buffers that have numbers."""
    for path, parameter in model.named_params():
        if parameter.state != "lazy":
            yield f"parameter/{path}", fingerprint(parameter.numpy())
    for path, buffer in model.named_buffers():
        if buffer._data is not None:
            yield f"buffer/{path}", fingerprint(buffer)


def flat(path: str, x: Any) -> Iterator[tuple[str, Any]]:
    """Arrays, Variables and numbers inside tuples, lists and dicts, with their paths; without
    those that are only heard, for a compiled step.
    """
    if isinstance(x, (tuple, list)):
        for i, item in enumerate(x):
            yield from flat(f"{path}/{i}", item)
    elif isinstance(x, dict):
        for key, item in x.items():
            yield from flat(f"{path}/{key}", item)
    elif isinstance(x, Variable) or is_array(x):
        data = x._data if isinstance(x, Variable) else x
        if not hasattr(data, "__hear__"):
            yield path, x
    elif isinstance(x, (bool, int, float)):
        yield path, x


def read_lines(path: str) -> list[dict[str, Any]]:
    """The objects of a file with one a line; a last line that was torn is left out.

    Raises:
        CheckpointError: a line that is no object, with its number.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except FileNotFoundError:
        return []
    found: list[dict[str, Any]] = []
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except json.JSONDecodeError as error:
            if number == len(lines):  # without its end: the process was killed while it wrote
                break
            raise CheckpointError(f"{path}, line {number}: is no JSON: {error}") from None
        if not isinstance(item, dict):
            raise CheckpointError(f"{path}, line {number}: should be an object, got {line:.60}")
        found.append(item)
    return found
