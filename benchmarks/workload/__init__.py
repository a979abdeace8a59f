"""Ten training and prediction steps, written for lamina, PyTorch and JAX, with one mathematics."""
