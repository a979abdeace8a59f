"""Networks of the literature, as code to read."""

from .gpt import GPT
from .lstm import CharLSTM
from .mlp import MLP
from .resnet import ResNet18

__all__ = ["GPT", "MLP", "CharLSTM", "ResNet18"]
