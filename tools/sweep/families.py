"""All files that enter operators in the table."""

from . import algebra as algebra
from . import arrange as arrange
from . import convolution as convolution
from . import elementwise as elementwise
from . import entropy as entropy
from . import image as image
from . import loss as loss
from . import network as network
from . import recurrent as recurrent
from . import reduction as reduction
from . import spectrum as spectrum
