"""ViT: a transformer reads an image, patch by patch."""

from __future__ import annotations

from .. import functions as F
from ..core import Variable
from ..layers import Conv2d, Dropout, Layer, LearnedPositions, Linear, TransformerEncoder
from ..layers.initializers import normal, zeros
from ..parameter import Parameter


class ViT(Layer):
    """Patches of an image as tokens, one token more for the whole, an encoder.

    Args:
        classes: how many scores it gives.
        image: side of an image.
        patch: side of a patch; divides that.
        size: of a token's vector.
        layers: of the encoder.
        heads: of each attention.
        dropout: everywhere.
    Source:
        A. Dosovitskiy and others, "An Image is Worth 16x16 Words: Transformers for Image
        Recognition at Scale", 2020, section 3.1. The defaults are those of ViT-B/16: 86,567,656
        parameters for 1000 classes (table 1 says 86 million).
    """

    def __init__(
        self,
        classes: int = 1000,
        image: int = 224,
        patch: int = 16,
        size: int = 768,
        layers: int = 12,
        heads: int = 12,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.patches = Conv2d(size, kernel=patch, stride=patch)
        self.whole = Parameter(None, shape=(1, 1, size), init=zeros())
        self.place = LearnedPositions((image // patch) ** 2 + 1, size, init=normal(0.02))
        self.dropout = Dropout(dropout)
        self.encoder = TransformerEncoder(layers, size, heads, dropout=dropout)
        self.last = Linear(classes)

    def forward(self, x: Variable) -> Variable:
        """(n, c, image, image) to (n, classes)"""
        x = self.patches(x)  # (n, size, h, w)
        n, size = x.shape[:2]
        x = x.reshape(n, size, -1).swapaxes(1, 2)  # (n, h w, size)
        x = F.concatenate([F.broadcast_to(self.whole, (n, 1, size)), x], 1)
        x = self.encoder(self.dropout(self.place(x)))
        return self.last(x[:, 0])
