"""Insight: what a model does, and why it does not learn."""

from .diff import Difference, diff
from .doctor import Report, doctor
from .drawing import Graph, graph
from .fingerprint import Fingerprints
from .memory import Memory
from .nonfinite import find_nonfinite
from .nonfinite_origin import Origin
from .nonfinite_replay import NonFinite
from .profile import profile
from .profile_compiled import CompiledProfile
from .profile_report import Profile
from .rule import Finding
from .summary import Summary, summary
from .summary_page import explain
from .walk_page import BackwardPage, backward_page

__all__ = [
    "BackwardPage",
    "CompiledProfile",
    "Difference",
    "Finding",
    "Fingerprints",
    "Graph",
    "Memory",
    "NonFinite",
    "Origin",
    "Profile",
    "Report",
    "Summary",
    "backward_page",
    "diff",
    "doctor",
    "explain",
    "find_nonfinite",
    "graph",
    "profile",
    "summary",
]
