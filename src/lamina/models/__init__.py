"""Networks of the literature, as code to read."""

from .bert import BERT
from .dcgan import Discriminator, Generator
from .gpt import GPT
from .lenet import LeNet5
from .lstm import CharLSTM
from .mlp import MLP
from .mobilenet import MobileNet
from .resnet import ResNet, ResNet18, ResNet34, ResNet50
from .unet import UNet
from .vae import VAE
from .vgg import VGG, VGG11, VGG16
from .vit import ViT

__all__ = [
    "BERT",
    "GPT",
    "MLP",
    "VAE",
    "VGG",
    "VGG11",
    "VGG16",
    "CharLSTM",
    "Discriminator",
    "Generator",
    "LeNet5",
    "MobileNet",
    "ResNet",
    "ResNet18",
    "ResNet34",
    "ResNet50",
    "UNet",
    "ViT",
]
