"""Report: what runs did, as one HTML page."""

from .write import page, write

__all__ = ["page", "write"]
