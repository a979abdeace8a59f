"""The weights of Layers in files of every origin, and in no file at all."""

from __future__ import annotations

import io

import numpy as np
import pytest

from lamina.errors import CheckpointError, CheckpointWriteError
from lamina.layers import Linear
from storage.hostile import collection

CASES = {name: case for name, *case in collection()}


def test_the_model_in_a_trainers_snapshot_of_chainer_loads_from_beside_what_cannot_be_read():
    file, W, b = io.BytesIO(), np.ones((3, 2), np.float32), np.full(3, 2, np.float32)
    model = {"updater/model:main/W": W, "updater/model:main/b": b}
    rest = {"extensions/LogReport/_log": np.array("[]"), "updater/iterator:main/order": [None]}
    np.savez_compressed(file, **model, **rest)
    file.seek(0)
    layer = Linear(3, in_size=2)
    layer.load_weights(file, prefix="updater/model:main/", layout="chainer", quiet=True)
    assert layer.W.data.tolist() == W.T.tolist()
    assert layer.b.data.tolist() == b.tolist()


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_changes_nothing_of_a_model(name, tmp_path):
    path = tmp_path / "m.npz"
    path.write_bytes(CASES[name][0])
    layer = Linear(3, in_size=2)
    before = layer.W.data.tobytes(), layer.b.data.tobytes()
    with pytest.raises(CheckpointError, match=r"m\.npz"):
        layer.load_weights(path)
    assert (layer.W.data.tobytes(), layer.b.data.tobytes()) == before


def test_a_save_that_fails_changes_nothing_of_a_model(tmp_path):
    layer = Linear(3, in_size=2)
    with pytest.raises(CheckpointWriteError, match="there is no folder"):
        layer.save_weights(tmp_path / "missing" / "m")
    layer.save_weights(tmp_path / "m")
    assert [path.name for path in tmp_path.iterdir()] == ["m.npz"]
