"""Random cases of every operator, compared with NumPy, SciPy and PyTorch: `make sweep`."""
