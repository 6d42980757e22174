"""Timings of fnad beside PyTorch, JAX, autograd and hand-written NumPy: ``python -m bench``."""
