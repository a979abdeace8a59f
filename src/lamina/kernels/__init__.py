"""How matrices are multiplied and images convolved, as machine code."""
