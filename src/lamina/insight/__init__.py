"""Insight: what a model does, and why it does not learn."""

from .diff import Difference, diff
from .doctor import Report, doctor
from .drawing import Graph, graph
from .fingerprint import Fingerprints
from .nonfinite import find_nonfinite
from .nonfinite_origin import Origin
from .nonfinite_replay import NonFinite
from .rule import Finding

__all__ = [
    "Difference",
    "Finding",
    "Fingerprints",
    "Graph",
    "NonFinite",
    "Origin",
    "Report",
    "diff",
    "doctor",
    "find_nonfinite",
    "graph",
]
