"""The elementary functions of `fnad.kernels.vector_math` as words of the CPU's kernel source."""

from numba.extending import intrinsic

from fnad.kernels.vector_math import WORDS

globals().update({name: intrinsic(word) for name, word in WORDS.items()})
