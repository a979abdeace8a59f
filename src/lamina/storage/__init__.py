"""Saving and loading: arrays by name, in files that are whole or not there.

The weights of one Layer are saved by itself, `Layer.save_weights`, in this same format.
"""

from ..files import load_npz, save_npz

__all__ = ["load_npz", "save_npz"]
