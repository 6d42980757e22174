"""The addresses of LAPACK for a dtype, one a word, behind those of BLAS."""

from fnad.kernels.cpu import blas

TRSM, TRSV, POTRF, GETRF, GEQRF, GESDD, GEEV, GEES = range(blas.WORDS, blas.WORDS + 8)
"""Routines whose names are the same for all dtypes but for the first letter; two of them are BLAS's."""

ORGQR, SYEVD = range(blas.WORDS + 8, blas.WORDS + 10)
"""Routines that are called something else where they are of complex numbers."""

WORDS = blas.WORDS + 10

ROUTINES = {
    TRSM: "trsm", TRSV: "trsv", POTRF: "potrf", GETRF: "getrf", GEQRF: "geqrf", GESDD: "gesdd", GEEV: "geev",
    GEES: "gees",
}
BY_KIND = {ORGQR: ("orgqr", "ungqr"), SYEVD: ("syevd", "heevd")}
"""Of real and of complex numbers."""
