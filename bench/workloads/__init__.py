"""A file per workload, each the same work in every library.

A workload has ``TOLERANCE`` (relative, between libraries), ``CHECK_STEPS``, and a function
for each library, named after it, that takes the library's modules and returns a ``Case``.
A library without a function is skipped. A function ``limit`` takes ``bench.limits`` and returns
what bounds the work from below; without one there is no limit that says much.
"""
