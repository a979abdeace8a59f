"""Insight: what a model does, and why it does not learn."""

from .doctor import Report, doctor
from .rule import Finding

__all__ = ["Finding", "Report", "doctor"]
