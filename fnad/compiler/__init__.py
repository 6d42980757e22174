"""From Program to Plan.

compile.py is the list of passes, which lie in `passes/`: a Program is simplified, arranged in steps that go once over
memory, given buffers, and lowered to a `Plan`. A target, `cpu/` or `cuda/`, says what its machine runs for a step:
loops that it writes as source, and launches of the hand-written kernels. report.py puts what became of a Program into
words.
"""
