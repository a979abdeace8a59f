"""Insight: what a model does, and why it does not learn."""

from .doctor import Report, doctor
from .drawing import Graph, graph
from .nonfinite import find_nonfinite
from .nonfinite_origin import Origin
from .nonfinite_replay import NonFinite
from .rule import Finding

__all__ = ["Finding", "Graph", "NonFinite", "Origin", "Report", "doctor", "find_nonfinite", "graph"]
