"""GPUs as a target: lower.py says what runs for the steps of a schedule.

That is loops (nests.py orders their axes, loops.py writes their source, divide.py cuts them to a GPU's measure), and
launches of kernels of fnad/kernels/cuda (library/).
"""
