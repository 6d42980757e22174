"""NumPy's functions on traced values, arrays and numbers; importing it makes NumPy itself take traced values."""

from typing import Any as _Any

from fnad.numpy import linalg as linalg
from fnad.numpy.contractions import dot as dot
from fnad.numpy.contractions import inner as inner
from fnad.numpy.contractions import kron as kron
from fnad.numpy.contractions import matmul as matmul
from fnad.numpy.contractions import outer as outer
from fnad.numpy.contractions import tensordot as tensordot
from fnad.numpy.contractions import vdot as vdot
from fnad.numpy.contractions import vecdot as vecdot
from fnad.numpy.creation import arange as arange
from fnad.numpy.creation import array as array
from fnad.numpy.creation import asarray as asarray
from fnad.numpy.creation import copy as copy
from fnad.numpy.creation import empty as empty
from fnad.numpy.creation import empty_like as empty_like
from fnad.numpy.creation import eye as eye
from fnad.numpy.creation import full as full
from fnad.numpy.creation import full_like as full_like
from fnad.numpy.creation import identity as identity
from fnad.numpy.creation import linspace as linspace
from fnad.numpy.creation import meshgrid as meshgrid
from fnad.numpy.creation import ones as ones
from fnad.numpy.creation import ones_like as ones_like
from fnad.numpy.creation import tri as tri
from fnad.numpy.creation import zeros as zeros
from fnad.numpy.creation import zeros_like as zeros_like
from fnad.numpy.diagonals import diag as diag
from fnad.numpy.diagonals import diagflat as diagflat
from fnad.numpy.diagonals import diagonal as diagonal
from fnad.numpy.diagonals import trace as trace
from fnad.numpy.diagonals import tril as tril
from fnad.numpy.diagonals import triu as triu
from fnad.numpy.elementwise import allclose as allclose
from fnad.numpy.elementwise import angle as angle
from fnad.numpy.elementwise import round as around
from fnad.numpy.elementwise import array_equal as array_equal
from fnad.numpy.elementwise import clip as clip
from fnad.numpy.elementwise import fix as fix
from fnad.numpy.elementwise import imag as imag
from fnad.numpy.elementwise import isclose as isclose
from fnad.numpy.elementwise import iscomplexobj as iscomplexobj
from fnad.numpy.elementwise import isrealobj as isrealobj
from fnad.numpy.elementwise import nan_to_num as nan_to_num
from fnad.numpy.elementwise import ndim as ndim
from fnad.numpy.elementwise import argwhere as argwhere
from fnad.numpy.elementwise import flatnonzero as flatnonzero
from fnad.numpy.elementwise import nonzero as nonzero
from fnad.numpy.elementwise import real as real
from fnad.numpy.elementwise import result_type as result_type
from fnad.numpy.elementwise import round as round
from fnad.numpy.elementwise import select as select
from fnad.numpy.elementwise import shape as shape
from fnad.numpy.elementwise import sinc as sinc
from fnad.numpy.elementwise import size as size
from fnad.numpy.elementwise import where as where
from fnad.numpy.flat import place as place
from fnad.numpy.flat import put as put
from fnad.numpy.joining import append as append
from fnad.numpy.joining import array_split as array_split
from fnad.numpy.joining import column_stack as column_stack
from fnad.numpy.joining import concatenate as concatenate
from fnad.numpy.joining import diff as diff
from fnad.numpy.joining import dsplit as dsplit
from fnad.numpy.joining import dstack as dstack
from fnad.numpy.joining import hsplit as hsplit
from fnad.numpy.joining import hstack as hstack
from fnad.numpy.joining import repeat as repeat
from fnad.numpy.joining import split as split
from fnad.numpy.joining import stack as stack
from fnad.numpy.joining import tile as tile
from fnad.numpy.joining import vsplit as vsplit
from fnad.numpy.joining import vstack as vstack
from fnad.numpy.named import NAMES as _NAMES
from fnad.numpy.named import named as _named
from fnad.numpy.nan_reductions import nanmax as nanmax
from fnad.numpy.nan_reductions import nanmean as nanmean
from fnad.numpy.nan_reductions import nanmin as nanmin
from fnad.numpy.nan_reductions import nanprod as nanprod
from fnad.numpy.nan_reductions import nansum as nansum
from fnad.numpy.padding import pad as pad
from fnad.numpy.reductions import all_ as all
from fnad.numpy.reductions import max_ as amax
from fnad.numpy.reductions import min_ as amin
from fnad.numpy.reductions import any_ as any
from fnad.numpy.reductions import argmax as argmax
from fnad.numpy.reductions import argmin as argmin
from fnad.numpy.reductions import count_nonzero as count_nonzero
from fnad.numpy.reductions import cumprod as cumprod
from fnad.numpy.reductions import cumsum as cumsum
from fnad.numpy.reductions import max_ as max
from fnad.numpy.reductions import mean as mean
from fnad.numpy.reductions import min_ as min
from fnad.numpy.reductions import prod as prod
from fnad.numpy.reductions import ptp as ptp
from fnad.numpy.reductions import sum as sum
from fnad.numpy.reversing import flip as flip
from fnad.numpy.reversing import fliplr as fliplr
from fnad.numpy.reversing import flipud as flipud
from fnad.numpy.reversing import roll as roll
from fnad.numpy.reversing import rot90 as rot90
from fnad.numpy.shaping import astype as astype
from fnad.numpy.shaping import atleast_1d as atleast_1d
from fnad.numpy.shaping import atleast_2d as atleast_2d
from fnad.numpy.shaping import atleast_3d as atleast_3d
from fnad.numpy.shaping import broadcast_arrays as broadcast_arrays
from fnad.numpy.shaping import broadcast_to as broadcast_to
from fnad.numpy.shaping import expand_dims as expand_dims
from fnad.numpy.shaping import matrix_transpose as matrix_transpose
from fnad.numpy.shaping import moveaxis as moveaxis
from fnad.numpy.shaping import ravel as ravel
from fnad.numpy.shaping import reshape as reshape
from fnad.numpy.shaping import rollaxis as rollaxis
from fnad.numpy.shaping import squeeze as squeeze
from fnad.numpy.shaping import swapaxes as swapaxes
from fnad.numpy.shaping import transpose as transpose
from fnad.numpy.special import erf as erf
from fnad.numpy.special import erfc as erfc
from fnad.numpy.special import log_softmax as log_softmax
from fnad.numpy.special import logsumexp as logsumexp
from fnad.numpy.special import sigmoid as sigmoid
from fnad.numpy.special import softmax as softmax
from fnad.numpy.special import softplus as softplus
from fnad.numpy.special import xlogy as xlogy
from fnad.numpy.statistics import average as average
from fnad.numpy.statistics import median as median
from fnad.numpy.statistics import std as std
from fnad.numpy.statistics import var as var
from fnad.numpy.summation import einsum as einsum
from fnad.numpy.taking import argsort as argsort
from fnad.numpy.taking import sort as sort
from fnad.numpy.taking import take as take
from fnad.numpy.taking import take_along_axis as take_along_axis
from fnad.numpy.updates import at as at
from fnad.numpy.writing import copyto as copyto
from fnad.numpy.writing import fill_diagonal as fill_diagonal
from fnad.numpy.writing import put_along_axis as put_along_axis
from fnad.numpy.writing import putmask as putmask
from fnad.public import public as _public

# Last, for what it installs is what the others declare.
from fnad.numpy import protocols as protocols

__all__ = sorted([*_public(__name__, "linalg"), *_NAMES])
__dir__ = __all__.copy


def __getattr__(name: str) -> _Any:
    """NumPy's ufuncs, each of which is made when it is first asked for."""
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, _named(_NAMES[name]))
