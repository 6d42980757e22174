"""The runtimes of Plans: the CPU's, `cpu/`, a GPU's, `cuda/`.

plan.py says what a Plan is: instructions over buffers, whose memory views.py describes. For each machine toolchain.py
turns a kernel's source into code and is the only file that brings its compiler in, loader.py finds code in memory, on
disk (cache.py, under keys of fingerprint.py) or by compiling, and executor.py runs plans. failures.py says what a
kernel's report means.
"""
