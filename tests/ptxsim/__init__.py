"""ptxsim: run the PTX that numba-cuda emits on the CPU. No GPU, no CUDA driver.

PTX text becomes LLVM IR, then native code. The threads of a kernel that has barriers, shuffles or votes are coroutines,
which really meet at them. One CPU thread runs all, in an order that is told: "fwd", "rev" or "rand". With `check=True`
every access is verified:

- bounds and alignment of global and shared memory, vectors included (shared arrays lie at no more than the alignment
  that they declare);
- races: an access that conflicts with one of another thread with no barrier between, in shared or global memory, also
  between blocks (see checks.py);
- shared memory starts as nan, so that what is read before it is written shows in the results;
- barriers that not all threads of a block reach, and shuffles without all of their lanes.

Instructions spelled .rn (add, mul, fma, div, sqrt, rcp, cvt) are exact and give the bits that a GPU gives. *.approx
(ex2, lg2, sin, cos, tanh, rsqrt, div) are computed accurately: a GPU is a few ulp worse. mul and add without .rn are
not contracted here, but may be by ptxas.

Not modelled: weak memory order (fences do nothing), one block waiting for another, tensor cores, asynchronous copies,
clusters, textures, calls of other functions, and generic or out-of-bounds addresses of local memory. Whatever is not
modelled raises PtxError; only fences, prefetches and sleeps are passed over.

parse.py reads the text; writer.py, instructions.py, bits.py, memory.py and translate.py make LLVM IR of it; checks.py
and machine.py are what runs it; kernel.py launches. runtime.py is a device of it for the CUDA target, and sass.py reads
the machine code that NVIDIA's assembler makes.
"""

from tests.ptxsim.kernel import Kernel
from tests.ptxsim.parse import PtxError
from tests.ptxsim.sass import Machine, assemble, rules

__all__ = ["Kernel", "Machine", "PtxError", "assemble", "rules"]
