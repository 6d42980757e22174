"""How a Python function becomes a Program: it is called once with traced values."""
