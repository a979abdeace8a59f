"""Insight: what a model does, and why it does not learn."""

from .doctor import Report, doctor
from .drawing import Graph, graph
from .rule import Finding

__all__ = ["Finding", "Graph", "Report", "doctor", "graph"]
