"""Files of arrays: written whole or not at all, read with suspicion. Knows no Layers.

`atomic_write` is how lamina writes every file; `save_npz` and `load_npz` are arrays by name.
"""

from .atomic import atomic_write
from .npz import load_npz, save_npz

__all__ = ["atomic_write", "load_npz", "save_npz"]
