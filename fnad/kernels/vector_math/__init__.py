"""Elementary functions for kernels: `<op>_float32` and `<op>_float64`, scalar to scalar, and of complex numbers.

Nothing in them branches or calls, so loops over them vectorize; NaN, infinities, signed zeros and
subnormal numbers come out as C's and NumPy's functions give them. Each target registers them as
words of its kernel source; on a GPU they give the CPU's bits (but not those of a NaN).

float32's functions compute in float32, but for sin, cos, tan, sinc, pow, cbrt and hypot: these are
computed in float64 and rounded, which a GPU does at a small part of its speed.
"""

from fnad.kernels.vector_math import complexes, exponential, logarithmic, powers, special, trigonometric

WORDS = {
    name: word
    for module in (exponential, logarithmic, trigonometric, powers, special)
    for name, word in vars(module).items()
    if name.endswith(("_float32", "_float64"))
} | complexes.WORDS
"""The words, by name, as `intrinsic` of a target takes them."""
