"""Rules about the batch: its numbers, its labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array, to_numpy
from ..core import Variable
from .rule import Found, listed, rule

if TYPE_CHECKING:
    from .facts import Facts

FAR = 3.0  # a mean farther from 0, or a deviation larger: LeCun, "Efficient BackProp", 1998, 4.3
NARROW = 0.02  # a deviation smaller
SKEWED = 0.9  # the share of one class in a batch


@rule(
    "not-finite-data",
    "Find the samples and leave them out or fill them in before training",
    always=True,
)
def not_finite_data(facts: Facts) -> Found:
    """NaN or infinity in the batch."""
    for i, x in enumerate(facts.batch):
        if isinstance(x, np.ndarray) and x.dtype.kind in "fc" and not np.isfinite(x).all():
            bad = np.unique(np.argwhere(~np.isfinite(x))[:, 0]) if x.ndim else [0]
            count = int((~np.isfinite(x)).sum())
            yield (
                f"batch[{i}]",
                f"{count} of {x.size} numbers are NaN or infinite, first in sample {bad[0]}",
            )


def arriving(facts: Facts) -> Array | None:
    """The numbers that arrive at the first Layer with Parameters; None for indices, or nothing."""
    first = facts.first
    if first is None or not first.inputs or _takes_anything(type(first.layer).__name__):
        return None
    x = first.inputs[0]
    x = to_numpy(x.data if isinstance(x, Variable) else np.asarray(x))
    if x.dtype.kind == "i" and any(True for _ in first.layer.layers()):
        return None  # tokens, for an Embedding further inside
    return x if x.size and x.dtype.kind in "fiu" and np.isfinite(x).all() else None


def _takes_anything(layer: str) -> bool:
    return "Norm" in layer or "Embedding" in layer


@rule(
    "not-normalised",
    "Subtract the mean and divide by the standard deviation, both of the training set "
    "(pixels: divide by 255)",
    explained_by=("constant-input", "constant-features"),
    always=True,
)
def not_normalised(facts: Facts) -> Found:
    """Inputs far from mean 0 and deviation 1."""
    x = arriving(facts)
    if x is None or x.size < 8:
        return
    mean, deviation = float(x.mean(dtype=np.float64)), float(x.std(dtype=np.float64))
    if abs(mean) > FAR or deviation > FAR or 0 < deviation < NARROW:
        low, high = float(x.min()), float(x.max())
        pixels = ": bytes of pixels, it seems" if low >= 0 and 100 < high <= 255 else ""
        yield (
            f"the input of {_first_path(facts)}",
            f"mean {mean:.3g}, deviation {deviation:.3g}, from {low:.3g} to {high:.3g}{pixels}",
        )


def _first_path(facts: Facts) -> str:
    return facts.first.path if facts.first else "the model"


@rule(
    "constant-input",
    "Look at how the batch is made: an index that stands still, a cast that rounds to zero, or "
    "data that were overwritten",
    always=True,
)
def constant_input(facts: Facts) -> Found:
    """All samples are the same."""
    x = arriving(facts)
    if x is not None and x.ndim > 1 and len(x) > 1 and (x == x[:1]).all():
        yield f"the input of {_first_path(facts)}", f"all {len(x)} samples are the same"


@rule(
    "constant-features",
    "Leave these columns out: a constant teaches nothing that the bias does not",
    explained_by=("constant-input",),
    always=True,
)
def constant_features(facts: Facts) -> Found:
    """Columns that say the same of every sample; a few that are always zero are usual."""
    x = arriving(facts)
    if x is None or x.ndim != 2 or len(x) < 8:
        return
    same = (x == x[:1]).all(axis=0)
    telling = np.flatnonzero(same if same.mean() > 0.5 else same & (x[0] != 0))
    if len(telling):
        yield (
            f"the input of {_first_path(facts)}",
            f"{len(telling)} of {x.shape[1]} features have one value in all {len(x)} samples: "
            f"number {listed(map(str, telling))}",
        )


def labels(facts: Facts) -> tuple[int, Array, int] | None:
    """Place, labels, and how many classes are predicted; None where nothing looks like labels."""
    y: Any = facts.prediction
    if y is None or y.ndim < 2 or y.shape[1] < 2:
        return None
    for i, t in reversed(list(enumerate(facts.batch))[1:]):
        if isinstance(t, np.ndarray) and t.size and t.shape == y.shape[:1] + y.shape[2:]:
            return i, t, int(y.shape[1])
    return None


@rule(
    "labels-out-of-range",
    "Count classes from 0, and let the last layer give one number for each; a label that is to be "
    "ignored is named with ignore_index",
    always=True,
)
def labels_out_of_range(facts: Facts) -> Found:
    """Labels that are no class."""
    found = labels(facts)
    if found is None or found[1].dtype.kind not in "iu":
        return
    i, t, classes = found
    wrong = (t < 0) | (t >= classes)
    ignored = facts.error is None and len(np.unique(t[wrong])) < 2 and (t[wrong] < 0).all()
    if wrong.any() and not ignored:
        yield (
            f"batch[{i}]",
            f"labels from {t.min()} to {t.max()}, and the model gives {classes} classes: "
            f"{int(wrong.sum())} of {t.size} labels are outside 0..{classes - 1}",
        )


@rule(
    "floating-labels",
    "Classes are integers: convert them with astype(int); for a regression the prediction should "
    "have the shape of the targets",
    always=True,
)
def floating_labels(facts: Facts) -> Found:
    """Whole numbers of a floating dtype where classes are meant."""
    found = labels(facts)
    if found is None or found[1].dtype.kind != "f":
        return
    i, t, classes = found
    if (t == np.floor(t)).all() and (facts.error is not None or facts.prediction.shape != t.shape):
        yield f"batch[{i}]", f"labels are {t.dtype}, and the model gives {classes} classes"


@rule(
    "class-imbalance",
    "Shuffle, draw the classes more evenly, or weigh their losses "
    "(weight= of softmax_cross_entropy)",
    explained_by=("labels-out-of-range",),
    always=True,
)
def class_imbalance(facts: Facts) -> Found:
    """Nearly all labels are one class."""
    found = labels(facts)
    if found is None or found[1].dtype.kind not in "iu" or found[1].size < 16:
        return
    i, t, _ = found
    values, counts = np.unique(t, return_counts=True)
    if counts.max() > SKEWED * t.size:
        often = values[counts.argmax()]
        yield f"batch[{i}]", f"{int(counts.max())} of {t.size} labels are class {often}"
