"""All operators, in one namespace: ``import lamina.functions as F``."""

from .shape import *
from .index import *
from .linear import *
from .loss import *
