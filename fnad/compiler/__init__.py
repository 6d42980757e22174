"""From Program to Plan to machine code.

A Program is lowered to a `Plan` (plan.py): a list of instructions over a table of buffers.
A target, such as `cpu/`, compiles the kernels that the instructions name, keeps their machine
code on disk (cache.py) and links the plan into something that can be called.
"""
