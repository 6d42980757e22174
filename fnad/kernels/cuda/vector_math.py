"""The elementary functions of `fnad.kernels.vector_math` as words of a GPU's kernel source."""

from fnad.kernels.cuda.words import word
from fnad.kernels.vector_math import WORDS

globals().update({name: word(resolve, name) for name, resolve in WORDS.items()})
