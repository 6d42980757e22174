"""The passes of the compiler, a file each, in the order that compile.py names."""
