"""From Program to Plan to machine code.

compile.py is the list of passes: a Program is simplified (simplify.py), arranged in steps that go
once over memory (schedule.py), given buffers (memory.py), and lowered to a `Plan` (plan.py): a list
of instructions over a table of buffers. A target, `cpu/` or `cuda/`, compiles the kernels that the
instructions name, keeps their machine code on disk (cache.py, under keys of fingerprint.py) and links
the plan into something that can be called. report.py puts what became of a Program into words.
"""
