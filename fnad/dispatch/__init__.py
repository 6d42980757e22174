"""The call of a compiled function, in four steps that jitted.py takes one after the other.

It looks up what belongs to the arguments (signatures.py), and where that is new it stages (stage.py) and compiles
(compile.py) the branch that Python takes; then it runs (entries.py). What is read from outside is found by outside.py
and compared by watch.py; guards.py keeps the branches of functions that ask for values.
"""
