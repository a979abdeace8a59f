"""Machine code for programs, through llvmlite."""
