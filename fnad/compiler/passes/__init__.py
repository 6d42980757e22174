"""The passes of the compiler, a file each, with its name and what it keeps true; `PASSES` of compile.py is the list."""
