"""A complete config, to begin with."""

EXAMPLE = """\
# Reads handwritten digits: lamina train digits.toml
epochs = 20
seed = 0
folder = "runs/digits"

[data]
source = "digits"           # of lamina.data; your own: "data.py:load", or package.module.load
batch_size = 64
workers = 0

[model]                     # one layer; or a list, [[model]], of layers one after the other
layer = "Sequential"
steps = [
    { layer = "Linear", out_size = 256, init = "he_normal" },
    "relu",
    { layer = "Dropout", ratio = 0.3 },
    { layer = "Linear", out_size = 10 },
]

[loss]                      # called with what the model gives and the targets
function = "softmax_cross_entropy"

[optimizer]
name = "Adam"
lr = { schedule = "Cosine", lr = 2e-3 }     # along half a cosine to 0, over all epochs
weight_decay = 1e-4

[training]
compile = "auto"            # auto, replay, native or off

[evaluation]
metrics = ["accuracy"]
"""
