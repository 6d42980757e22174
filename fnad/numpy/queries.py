"""Questions about arguments that their types, or where they lie, answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.numpy.aliases import layout_of, share_memory
from fnad.numpy.dispatch import implements
from fnad.numpy.documents import as_it_is
from fnad.numpy.promotion import array_of, builder_of, is_weak, traced
from fnad.numpy.shaping import stand_in
from fnad.tracing.tracer import Tracer

# --- Dtypes


def _plain(x: Any) -> Any:
    """For a traced value one that takes no memory, for a traced Python number such a number."""
    if type(x) is not Tracer:
        return x
    zero = np.zeros((), x.dtype)
    return zero.item() if is_weak(x) else stand_in(x.shape, x.dtype) if x.ndim else zero[()]


@implements(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> Any:
    """Of a traced value it is known.

    Dtypes: all. Derivative: none.

    >>> result_type(np.float32(1), 2.0)
    dtype('float32')
    """
    builder = builder_of(*arrays_and_dtypes)
    given = [traced(builder, a) if type(a) is Tracer and not a.type.weak else a for a in arrays_and_dtypes]
    weak = [a.type.dtype.type(0).item() if type(a) is Tracer and is_weak(a) else a for a in given]
    return np.result_type(*[a.dtype if type(a) is Tracer else a for a in weak])


@implements(np.can_cast)
def can_cast(from_: Any, to: Any, casting: str = "safe") -> Any:
    """Of a traced value it is known.

    Dtypes: all. Derivative: none.

    >>> can_cast(np.float64, np.float32)
    False
    """
    return np.can_cast(_plain(from_), _plain(to), casting)


@implements(np.common_type)
def common_type(*arrays: Any) -> Any:
    """Of traced values it is known.

    Dtypes: all. Derivative: none.

    >>> common_type(np.ones(2, np.float32), np.ones(2, int))
    <class 'numpy.float64'>
    """
    builder = builder_of(*arrays)
    return np.common_type(*[_plain(traced(builder, a)) for a in arrays])


@implements(np.min_scalar_type)
def min_scalar_type(a: Any, /) -> Any:
    """Of a traced array it is known; the value of a traced number must be.

    Dtypes: all. Derivative: none.

    >>> min_scalar_type(255)
    dtype('uint8')
    """
    x = array_of(a)
    return x.dtype if x.ndim else np.min_scalar_type(x.concrete("np.min_scalar_type")[()])


isdtype = as_it_is(np.isdtype, """Dtypes: all. Derivative: none.

    >>> import numpy as np
    >>> isdtype(np.dtype(np.float32), "real floating")
    True
    """)
issubdtype = as_it_is(np.issubdtype, """Dtypes: all. Derivative: none.

    >>> import numpy as np
    >>> issubdtype(np.float32, np.floating)
    True
    """)
promote_types = as_it_is(np.promote_types, """Dtypes: all. Derivative: none.

    >>> import numpy as np
    >>> promote_types(np.float32, np.int64)
    dtype('float64')
    """)

# --- Kinds of values


@implements(np.iscomplexobj)
def iscomplexobj(x: Any) -> Any:
    """Dtypes: all. Derivative: none.

    >>> iscomplexobj(np.ones(2))
    False
    """
    return array_of(x).dtype.kind == "c"


@implements(np.isrealobj)
def isrealobj(x: Any) -> Any:
    """Dtypes: all. Derivative: none.

    >>> isrealobj(np.ones(2))
    True
    """
    return not iscomplexobj(x)


@implements(np.isscalar)
def isscalar(element: Any) -> bool:
    """A traced value is one where a number was given or computed.

    Dtypes: all. Derivative: none.

    >>> isscalar(2.0), isscalar(np.array(2.0))
    (True, False)
    """
    return type(element) is Tracer and not isinstance(element, np.ndarray)


@implements(np.iterable)
def iterable(y: Any) -> bool:
    """Of a traced value it is known.

    Dtypes: all. Derivative: none.

    >>> iterable([1.0]), iterable(2.0)
    (True, False)
    """
    return type(y) is not Tracer or y.ndim > 0


# --- Shapes


@implements(np.shape)
def shape(a: Any) -> Any:
    """Of a traced value it is known.

    Dtypes: all. Derivative: none.

    >>> shape([[1.0, 2.0]])
    (1, 2)
    """
    return array_of(a).shape


@implements(np.ndim)
def ndim(a: Any) -> Any:
    """Of a traced value it is known.

    Dtypes: all. Derivative: none.

    >>> ndim([[1.0, 2.0]])
    2
    """
    return array_of(a).ndim


@implements(np.size)
def size(a: Any, axis: Any = None) -> Any:
    """Of a traced value it is known.

    Dtypes: all. Derivative: none.

    >>> size([[1.0, 2.0]])
    2
    """
    return np.size(stand_in(array_of(a).shape), axis)


@implements(np.einsum_path)
def einsum_path(*operands: Any, optimize: Any = "greedy", einsum_call: bool = False) -> Any:
    """The shapes alone decide it.

    Dtypes: numbers. Derivative: none.

    >>> einsum_path("ij,jk->ik", np.ones((2, 3)), np.ones((3, 4)))[0]
    ['einsum_path', (0, 1)]
    """
    return np.einsum_path(*[_plain(x) for x in operands], optimize=optimize, einsum_call=einsum_call)


# --- Memory


@implements(np.isfortran)
def isfortran(a: Any) -> bool:
    """Of a traced array, whether NumPy's would.

    Dtypes: all. Derivative: none.

    >>> isfortran(np.ones((2, 3)).T)
    True
    """
    return bool(layout_of(array_of(a)).flags.fnc)


@implements(np.shares_memory)
def shares_memory(a: Any, b: Any, /, max_work: int = -1) -> bool:
    """Of traced arrays, whether NumPy's would.

    Dtypes: all. Derivative: none.

    >>> x = np.ones(4)
    >>> shares_memory(x[:3], x[2:]), shares_memory(x[:2], x[2:])
    (True, False)
    """
    return type(a) is type(b) is Tracer and share_memory(a, b)


@implements(np.may_share_memory)
def may_share_memory(a: Any, b: Any, /, max_work: int = 0) -> bool:
    """Of traced arrays, whether NumPy's would share an element.

    Dtypes: all. Derivative: none.

    >>> x = np.ones(4)
    >>> may_share_memory(x, x[2:]), may_share_memory(x[:2], x[2:])
    (True, False)
    """
    return shares_memory(a, b)
