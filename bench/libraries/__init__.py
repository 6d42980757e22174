"""A file per library: the modules that workloads get, its version, its threads, and how to wait for it.

``limit`` is none, and stands beside them: it does only what no library can leave out.
"""
