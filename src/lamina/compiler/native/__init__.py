"""A program as machine code."""
