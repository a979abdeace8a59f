"""The state of an optimizer as arrays and scalars by name, and back."""

from __future__ import annotations

from typing import Any

from ..arrays import Array, is_array, to_device, to_numpy
from ..errors import CheckpointError, LaminaError, StateMismatchError
from ..parameter import Buffer
from .schedule import real
from .slot import Slot

Slots = dict[str, Slot]


def save(slots: Slots, step: int, lr: Any) -> dict[str, Any]:
    """`Optimizer.state_dict`."""
    arrays = {
        f"{name}.{key}": to_numpy(buffer.data).copy()
        for name, slot in slots.items()
        for key, buffer in slot.state.items()
    }
    counts = {name: slot.count for name, slot in slots.items()}
    scalars = {"step": step, "lr": None if callable(lr) else lr, "counts": counts}
    return {"arrays": arrays, "scalars": scalars}


def load(
    what: str, slots: Slots, schedules: dict[str, Any], saved: Any
) -> tuple[int, float | None]:
    """`Optimizer.load_state_dict`: check all, then fill the slots; gives the step and the rate."""
    arrays, step, lr, counts = _parts(what, saved)
    lazy = [name for name, slot in slots.items() if counts.get(name) and slot.is_lazy]
    fresh = {
        name: slot.fresh() for name, slot in slots.items() if counts.get(name) and name not in lazy
    }
    wanted = {f"{name}.{key}": b for name, state in fresh.items() for key, b in state.items()}
    _compare(what, slots, lazy, wanted, arrays, counts)
    _load_schedules(what, schedules, saved["scalars"].get("schedules", {}))
    for name, slot in slots.items():
        if not counts[name]:
            slot.reset()
            continue
        state = slot.state if slot.array is slot.param.data else fresh[name]
        for key, buffer in state.items():
            buffer.data[...] = to_device(arrays[f"{name}.{key}"], buffer.device)
        slot.restore(counts[name], state, {})
    return step, lr


def _load_schedules(what: str, schedules: dict[str, Any], saved: Any) -> None:
    """Fill the schedules that are in both; they check what they get."""
    if not isinstance(saved, dict):
        raise CheckpointError(f"{what}: schedules should be states by glob, got {saved!r:.60}")
    for key, schedule in schedules.items():
        if key in saved:
            schedule.load_state_dict(saved[key])


def _parts(what: str, saved: Any) -> tuple[dict[str, Array], int, float | None, dict[str, int]]:
    """What was saved, if it is of the right kind."""
    scalars = saved.get("scalars") if isinstance(saved, dict) else None
    arrays = saved.get("arrays") if isinstance(saved, dict) else None
    if not isinstance(scalars, dict) or not isinstance(arrays, dict):
        raise CheckpointError(f"{what}: should get what state_dict() gave, got {saved!r:.100}")
    step, lr, counts = scalars.get("step"), scalars.get("lr"), scalars.get("counts")
    if not isinstance(step, int) or not _is_count(step):
        raise CheckpointError(f"{what}: step should be 0 or more, got {step!r:.60}")
    if not isinstance(counts, dict) or not all(map(_is_count, counts.values())):
        raise CheckpointError(f"{what}: counts should be 0 or more by name, got {counts!r:.100}")
    for name, array in arrays.items():
        if not is_array(array):
            raise CheckpointError(f"{what}: {name} should be an array, got {array!r:.60}")
    return arrays, step, None if lr is None else _rate(what, lr), counts


def _rate(what: str, lr: Any) -> float:
    try:
        return real("lr", lr)
    except LaminaError as error:
        raise CheckpointError(f"{what}: {error}") from None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _compare(
    what: str,
    slots: Slots,
    lazy: list[str],
    wanted: dict[str, Buffer],
    arrays: dict[str, Array],
    counts: dict[str, int],
) -> None:
    """Raise with all differences at once."""
    known = {name for name in arrays if name.rpartition(".")[0] not in lazy}
    missing = [name for name in slots if name not in counts]
    missing += [name for name in wanted if name not in arrays]
    unexpected = [name for name in counts if name not in slots]
    unexpected += [name for name in arrays if name in known and name not in wanted]
    different = [
        f"{name}: has no shape yet; call the model once, or model.build(shape), or load its "
        "weights first"
        for name in lazy
    ]
    different += [
        f"{name}: expected {wanted[name].dtype} {wanted[name].shape}, got {a.dtype} {a.shape}"
        for name, a in arrays.items()
        if name in wanted and (a.shape != wanted[name].shape or a.dtype != wanted[name].dtype)
    ]
    if not (missing or unexpected or different):
        return
    lines = [f"{what}: the state does not fit this optimizer and its model; nothing was changed."]
    if missing:
        lines.append(f"  not in the state: {', '.join(missing)}")
    if unexpected:
        lines.append(f"  not in the optimizer: {', '.join(unexpected)}")
    lines += [f"  {line}" for line in different]
    raise StateMismatchError("\n".join(lines), tuple(missing), tuple(unexpected), tuple(different))
