"""How good predictions are, as plain numbers: ``from lamina import metrics``.

Functions of arrays or Variables, without gradient; predictions come first, the truth ``t`` second,
as in losses. Each says what it gives for equal scores and for classes that nobody has.
"""

from .classification import (
    accuracy,
    balanced_accuracy,
    cohen_kappa,
    confusion_matrix,
    f1,
    matthews,
    precision,
    recall,
    top_k_accuracy,
)
from .overlap import dice_score, iou, mean_iou
from .ranking import average_precision, perplexity, roc_auc
from .regression import (
    max_error,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    median_absolute_error,
    r2,
    root_mean_squared_error,
)

__all__ = [
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "cohen_kappa",
    "confusion_matrix",
    "dice_score",
    "f1",
    "iou",
    "matthews",
    "max_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_iou",
    "mean_squared_error",
    "median_absolute_error",
    "perplexity",
    "precision",
    "r2",
    "recall",
    "roc_auc",
    "root_mean_squared_error",
    "top_k_accuracy",
]
