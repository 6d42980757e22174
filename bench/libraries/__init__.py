"""A file per library: the modules that workloads get, its version, its threads, and how to wait for it."""
