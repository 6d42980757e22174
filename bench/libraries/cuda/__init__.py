"""The same on an NVIDIA GPU: a file per library that runs there.

``placed`` builds a workload whose arrays are on the GPU before anything is timed; ``finish`` waits for the GPU. All
libraries multiply float32 numbers as such: TF32, which is faster and has 10 bits of mantissa, is off.
"""
