"""Functions of `numpy.linalg`, and the products that it names again."""

from fnad.numpy.contractions import matmul as matmul
from fnad.numpy.contractions import outer as outer
from fnad.numpy.contractions import tensordot as tensordot
from fnad.numpy.contractions import vecdot as vecdot
from fnad.numpy.linalg.norms import cond as cond
from fnad.numpy.linalg.norms import diagonal as diagonal
from fnad.numpy.linalg.norms import matrix_norm as matrix_norm
from fnad.numpy.linalg.norms import norm as norm
from fnad.numpy.linalg.norms import trace as trace
from fnad.numpy.linalg.norms import vector_norm as vector_norm
from fnad.numpy.linalg.pseudoinverse import lstsq as lstsq
from fnad.numpy.linalg.pseudoinverse import matrix_rank as matrix_rank
from fnad.numpy.linalg.pseudoinverse import pinv as pinv
from fnad.numpy.linalg.solving import cholesky as cholesky
from fnad.numpy.linalg.solving import det as det
from fnad.numpy.linalg.solving import inv as inv
from fnad.numpy.linalg.solving import matrix_power as matrix_power
from fnad.numpy.linalg.solving import multi_dot as multi_dot
from fnad.numpy.linalg.solving import slogdet as slogdet
from fnad.numpy.linalg.solving import solve as solve
from fnad.numpy.linalg.solving import tensorinv as tensorinv
from fnad.numpy.linalg.solving import tensorsolve as tensorsolve
from fnad.numpy.linalg.spectra import eig as eig
from fnad.numpy.linalg.spectra import eigh as eigh
from fnad.numpy.linalg.spectra import eigvals as eigvals
from fnad.numpy.linalg.spectra import eigvalsh as eigvalsh
from fnad.numpy.linalg.spectra import qr as qr
from fnad.numpy.linalg.spectra import svd as svd
from fnad.numpy.linalg.spectra import svdvals as svdvals
from fnad.numpy.linalg.vectors import cross as cross
from fnad.numpy.shaping import matrix_transpose as matrix_transpose

__all__ = [
    "cholesky", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv", "lstsq", "matmul",
    "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "multi_dot", "norm", "outer", "pinv", "qr",
    "slogdet", "solve", "svd", "svdvals", "tensordot", "tensorinv", "tensorsolve", "trace", "vecdot", "vector_norm",
]
__dir__ = __all__.copy
