"""Training: a loop with callbacks, the folder that it writes, and going on exactly where it was."""

from .average import Average
from .callback import Callback
from .checkpoint import Checkpoint
from .environment import environment
from .evaluate import Evaluate
from .metrics import Metrics
from .plot import Plot
from .progress import Progress
from .run import Run
from .samples import Samples
from .statistics import Statistics
from .stopping import EarlyStopping, Schedule
from .tensorboard import TensorBoard
from .trainer import Trainer

__all__ = [
    "Trainer",
    "Callback",
    "Run",
    "Progress",
    "Metrics",
    "Checkpoint",
    "Evaluate",
    "Average",
    "Samples",
    "TensorBoard",
    "Plot",
    "Statistics",
    "EarlyStopping",
    "Schedule",
    "environment",
]
