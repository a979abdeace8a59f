"""Saving and loading: arrays by name, in files that are whole or not there.

The weights of one Layer are saved by itself, `Layer.save_weights`, in this same format. A training
run is saved by `save_checkpoint`, and a row of them by `Checkpoints`.
"""

from ..files import load_npz, save_npz
from .checkpoint import load_checkpoint, save_checkpoint
from .folder import Checkpoints

__all__ = ["Checkpoints", "load_checkpoint", "load_npz", "save_checkpoint", "save_npz"]
