"""Arrays of several shapes and dtypes as one vector, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad.arrays import Unfit, is_array, is_array_like, is_numeric


class Layout(NamedTuple):
    """Where in a vector the elements of each array lie."""

    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[np.dtype, ...]

    @classmethod
    def of(cls, arrays: Sequence[Any], paths: Callable[[], Sequence[str]]) -> Layout:
        """That of arrays and numbers; ``paths`` names them in errors."""
        for i, x in enumerate(arrays):
            _require_array(x, i, paths)
        return cls(tuple([np.shape(x) for x in arrays]), tuple([np.result_type(x) for x in arrays]))

    @property
    def dtype(self) -> np.dtype:
        """That of the vector."""
        return np.result_type(*self.dtypes) if self.dtypes else np.dtype(float)

    @property
    def sizes(self) -> list[int]:
        return [int(np.prod(shape, dtype=np.int64)) for shape in self.shapes]

    def join(self, arrays: Sequence[Any]) -> Any:
        """The vector of the elements of arrays."""
        if not arrays:
            return np.zeros(0)
        dtype = self.dtype
        return np.concatenate([np.astype(np.ravel(x), dtype, copy=False) for x in arrays])

    def part(self, vector: Any) -> list[Any]:
        """The arrays whose elements a vector has."""
        ends = np.cumsum([0, *self.sizes]).tolist()
        if np.shape(vector) != (ends[-1],):
            raise ValueError(
                f"unravel: requires a vector of shape {(ends[-1],)}, got an array of shape {np.shape(vector)}. "
                "Pass one as ravel_pytree gave it."
            )
        parts = [np.reshape(vector[a:b], shape) for a, b, shape in zip(ends, ends[1:], self.shapes)]
        return [np.astype(x, dtype, copy=False) for x, dtype in zip(parts, self.dtypes)]


def _require_array(x: Any, i: int, paths: Callable[[], Sequence[str]]) -> None:
    dtype = getattr(x, "dtype", None)  # which a traced value has as well
    try:
        if isinstance(dtype, np.dtype) and is_numeric(dtype) and not is_array(x) or is_array_like(x):
            return
    except Unfit as unfit:
        raise unfit.at("ravel_pytree", paths()[i]) from None
    raise TypeError(
        f"ravel_pytree: requires arrays or numbers as leaves, got {type(x).__name__} at {paths()[i]}. "
        "Close over what is none."
    )
