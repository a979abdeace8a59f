"""Machine code through llvmlite: vectors and their arithmetic, modules, and the team of threads."""
