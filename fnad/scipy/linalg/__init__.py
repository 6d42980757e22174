"""Functions of `scipy.linalg` on traced values, arrays and numbers."""

from fnad.public import public as _public
from fnad.scipy.linalg.building import block_diag as block_diag
from fnad.scipy.linalg.building import circulant as circulant
from fnad.scipy.linalg.building import companion as companion
from fnad.scipy.linalg.building import convolution_matrix as convolution_matrix
from fnad.scipy.linalg.building import hankel as hankel
from fnad.scipy.linalg.building import khatri_rao as khatri_rao
from fnad.scipy.linalg.building import toeplitz as toeplitz
from fnad.scipy.linalg.decompositions import det as det
from fnad.scipy.linalg.decompositions import eig as eig
from fnad.scipy.linalg.decompositions import eigh as eigh
from fnad.scipy.linalg.decompositions import eigvals as eigvals
from fnad.scipy.linalg.decompositions import eigvalsh as eigvalsh
from fnad.scipy.linalg.decompositions import inv as inv
from fnad.scipy.linalg.decompositions import lstsq as lstsq
from fnad.scipy.linalg.decompositions import null_space as null_space
from fnad.scipy.linalg.decompositions import orth as orth
from fnad.scipy.linalg.decompositions import orthogonal_procrustes as orthogonal_procrustes
from fnad.scipy.linalg.decompositions import pinv as pinv
from fnad.scipy.linalg.decompositions import polar as polar
from fnad.scipy.linalg.decompositions import qr as qr
from fnad.scipy.linalg.decompositions import svd as svd
from fnad.scipy.linalg.decompositions import svdvals as svdvals
from fnad.scipy.linalg.functions import expm as expm
from fnad.scipy.linalg.functions import expm_frechet as expm_frechet
from fnad.scipy.linalg.functions import logm as logm
from fnad.scipy.linalg.functions import solve_continuous_lyapunov as solve_continuous_lyapunov
from fnad.scipy.linalg.functions import solve_continuous_lyapunov as solve_lyapunov
from fnad.scipy.linalg.functions import solve_discrete_lyapunov as solve_discrete_lyapunov
from fnad.scipy.linalg.functions import solve_sylvester as solve_sylvester
from fnad.scipy.linalg.functions import sqrtm as sqrtm
from fnad.scipy.linalg.solving import cho_factor as cho_factor
from fnad.scipy.linalg.solving import cho_solve as cho_solve
from fnad.scipy.linalg.solving import cholesky as cholesky
from fnad.scipy.linalg.solving import lu as lu
from fnad.scipy.linalg.solving import lu_factor as lu_factor
from fnad.scipy.linalg.solving import lu_solve as lu_solve
from fnad.scipy.linalg.solving import matmul_toeplitz as matmul_toeplitz
from fnad.scipy.linalg.solving import solve as solve
from fnad.scipy.linalg.solving import solve_banded as solve_banded
from fnad.scipy.linalg.solving import solve_toeplitz as solve_toeplitz
from fnad.scipy.linalg.solving import solve_triangular as solve_triangular
from fnad.scipy.linalg.solving import solveh_banded as solveh_banded

__all__ = _public(__name__)
__dir__ = __all__.copy
