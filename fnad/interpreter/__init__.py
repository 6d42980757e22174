"""The NumPy interpreter, which defines what is right: what a Program means."""
