"""Event files: TensorBoard itself reads back what was written."""

from __future__ import annotations

import io
import math
import struct
import warnings

import numpy as np
import pytest

from lamina.config import current
from lamina.errors import RangeError, ShapeError
from lamina.training import Checkpoint, Plot, Run, Samples, TensorBoard, events
from lamina.training.png import as_picture, encode_png
from training.small import Parts, trainer


@pytest.fixture(scope="module")
def read():
    """A function that gives all that TensorBoard finds in a folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own imports are deprecated
        module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def read(folder):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            everything = {"scalars": 0, "histograms": 0, "images": 0, "tensors": 0}
            found = module.EventAccumulator(str(folder), size_guidance=everything)
            return found.Reload()

    return read


def points(found, tag) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in found.Scalars(tag)]


def test_tensorboard_reads_each_kind_of_value_back(read, tmp_path, rng):
    numbers = np.concatenate([rng.standard_normal(500), [np.nan, np.inf]])
    png = encode_png(as_picture(rng.random((5, 7, 3))))
    with events.EventFile(tmp_path) as file:
        for step, value in [(1, 0.5), (2, -1e30), (3, math.inf), (2**40, 1e-40)]:
            file.add(events.event(step, events.summary([events.scalar("a/b", value)])))
        file.add(events.event(7, events.summary([events.histogram("W", numbers)])))
        file.add(events.event(8, events.summary([events.histogram("W", np.full(3, 2.0))])))
        file.add(events.event(9, events.summary([events.histogram("W", np.zeros(0))])))
        file.add(events.event(7, events.summary([events.image("p", png)])))
        file.add(events.event(7, events.summary([events.text("t", "Grüße, 中文")])))
    found = read(tmp_path)
    assert points(found, "a/b") == [
        (s, float(np.float32(v))) for s, v in [(1, 0.5), (2, -1e30), (3, math.inf), (2**40, 1e-40)]
    ]
    spread, equal, empty = [h.histogram_value for h in found.Histograms("W")]
    assert (spread.min, spread.max) == (numbers[:500].min(), numbers[:500].max())
    assert (spread.num, sum(spread.bucket)) == (500, 500)
    assert spread.sum == numbers[:500].sum()
    assert spread.bucket_limit[-1] == numbers[:500].max()
    assert (equal.num, list(equal.bucket_limit), list(equal.bucket)) == (3, [2.0], [3.0])
    assert (empty.num, list(empty.bucket)) == (0, [0.0])
    picture = found.Images("p")[0]
    assert (picture.height, picture.width, picture.encoded_image_string) == (5, 7, png)
    (words,) = found.Tensors("t")
    assert words.tensor_proto.string_val[0].decode() == "Grüße, 中文"
    assert found.SummaryMetadata("t").plugin_data.plugin_name == "text"


def test_a_training_can_be_watched(read, tmp_path):
    parts = Parts()
    samples = Samples(lambda: {"W": parts.model.l1.W, "said": "so far"}, every=2)
    board = TensorBoard(every=3)
    made = parts.trainer(folder=tmp_path, callbacks=[board, samples], config={"lr": 0.05}).run()
    found = read(tmp_path / "tensorboard")
    metrics = Run(tmp_path).metrics("step")
    assert points(found, "loss") == [
        (r["iteration"], float(np.float32(r["loss"]))) for r in metrics if r["iteration"] % 3 == 0
    ]
    assert [value for _, value in points(found, "lr")] == [float(np.float32(0.05))] * 6
    assert [step for step, _ in points(found, "epoch/loss")] == [6, 12, 18]
    assert found.Histograms("parameters/l1/W")[-1].histogram_value.max == made.model.l1.W.data.max()
    assert [image.step for image in found.Images("samples/W")] == [12, 18]
    assert b'"lr": 0.05' in found.Tensors("config")[0].tensor_proto.string_val[0]
    assert found.Tensors("samples/said")[0].tensor_proto.string_val[0] == b"so far"


def test_a_resumed_training_has_each_step_once(read, tmp_path):
    class Stops:
        def after_step(self, trainer, batch, values):
            if trainer.iteration == 10:
                raise KeyError("pulled the plug")

    def make(*more):
        return trainer(
            folder=tmp_path, callbacks=[TensorBoard(1), Checkpoint(4, asynchronous=False), *more]
        )

    with pytest.raises(KeyError, match="pulled"):
        make(Stops()).run()
    make().resume()
    found = read(tmp_path / "tensorboard")
    assert [step for step, _ in points(found, "loss")] == list(range(1, 19))
    assert len(list((tmp_path / "tensorboard").iterdir())) == 2


def test_the_frame_of_a_record_is_that_of_tfrecord():
    # CRC-32C of 32 zeros and of 32 bytes 0xFF: RFC 3720, appendix B.4
    assert events.crc32c(bytes(32)) == 0x8A9136AA
    assert events.crc32c(b"\xff" * 32) == 0x62A8AB43
    framed = events.record(b"abc")
    assert struct.unpack("<Q", framed[:8]) == (3,)
    assert (framed[12:15], len(framed)) == (b"abc", 19)


def test_integers_are_varints_also_negative_ones():
    assert events.varint(0) == b"\0"
    assert events.varint(127) == b"\x7f"
    assert events.varint(128) == b"\x80\x01"
    assert events.varint(-1) == b"\xff" * 9 + b"\x01"


# -- pictures, samples and plots -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "picture"),
    [
        ((4, 6), (4, 6, 1)),
        ((4, 6, 3), (4, 6, 3)),
        ((4, 6, 4), (4, 6, 4)),
        ((5, 4, 6), (9, 20, 1)),
        ((2, 3, 4, 6), (4, 13, 3)),
        ((1, 1, 4, 6), (4, 6, 1)),
    ],
)
def test_a_png_shows_the_numbers(shape, picture, rng):
    image = pytest.importorskip("matplotlib.image")
    numbers = rng.random(shape).astype(np.float32)
    laid_out = as_picture(numbers)
    assert laid_out.shape == picture
    seen = image.imread(io.BytesIO(encode_png(laid_out)))  # floats from 0 to 1
    if picture[2] == 1:
        seen = seen.reshape(picture)
    # imread divides by 255 in float32
    np.testing.assert_allclose(seen, laid_out / 255, rtol=0, atol=1e-7)


def test_brightness_is_cut_off_and_rounded():
    floats = as_picture(np.array([[-1.0, 0.5, 2.0, np.nan, np.inf, -np.inf]]))
    assert floats.ravel().tolist() == [0, 128, 255, 0, 255, 0]
    assert as_picture(np.array([[-3, 7, 300]])).ravel().tolist() == [0, 7, 255]
    assert as_picture(np.array([[True, False]])).ravel().tolist() == [255, 0]


@pytest.mark.parametrize("shape", [(3,), (2, 2, 4, 6), (0, 3), (1, 2, 3, 4, 5)])
def test_what_is_no_picture_is_told(shape):
    with pytest.raises(ShapeError, match="a picture should be"):
        as_picture(np.zeros(shape))


def test_samples_are_files_with_their_steps(tmp_path):
    parts, modes = Parts(), []

    def sample():
        modes.append((current().train, current().grad))
        return "some words\n"

    parts.trainer(folder=tmp_path, callbacks=[Samples(sample, every=2, name="words")]).run()
    found = Run(tmp_path).samples()
    assert [(s.name, s.iteration) for s in found] == [("words", 12), ("words", 18)]
    assert found[0].path.read_text() == "some words\n"
    assert modes == [(False, False)] * 2


@pytest.mark.parametrize("make", [lambda: Samples(str), TensorBoard, Plot])
def test_what_writes_needs_a_folder(make):
    with pytest.raises(RangeError, match=r"there is no folder to write to; give Trainer\(folder"):
        trainer(callbacks=[make()]).run()


def test_curves_are_drawn_and_know_what_was_before_a_resume(tmp_path):
    pytest.importorskip("matplotlib")
    trainer(folder=tmp_path, epochs=2, callbacks=[Plot()]).run()
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "curves.png").unlink()
    plot = Plot()
    trainer(folder=tmp_path, epochs=4, callbacks=[plot]).resume()
    assert [epoch for epoch, _ in plot.history["loss"]] == [1, 2, 3, 4]
    assert (tmp_path / "curves.png").exists()
