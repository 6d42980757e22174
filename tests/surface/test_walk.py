"""Every function of NumPy's packages: it takes traced values and keeps the laws, or says here why it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import fnad.numpy as fnp
import numpy as np
import pytest
from fnad.numpy.named import NAMES

from tests.surface.rows import tried

HERE = Path(__file__).parent
FILES, TEXT, DATES = "reads and writes files, buffers and strings", "makes text of values", "dates and times"
STATE, BITS = "the state of NumPy itself", "packs and unpacks bits of memory"
EXCEPTIONS: dict[str, str] = {
    **dict.fromkeys(("load", "loadtxt", "save", "savetxt", "savez", "savez_compressed", "genfromtxt", "fromfile",
                     "fromregex", "fromstring", "frombuffer", "from_dlpack"), FILES),
    **dict.fromkeys(("array2string", "array_repr", "array_str", "base_repr", "binary_repr", "format_float_positional",
                     "format_float_scientific", "get_printoptions", "printoptions", "set_printoptions", "info",
                     "mintypecode", "typename"), TEXT),
    **dict.fromkeys(("busday_count", "busday_offset", "is_busday", "datetime_as_string", "datetime_data", "isnat"),
                    DATES),
    **dict.fromkeys(("getbufsize", "setbufsize", "geterr", "seterr", "geterrcall", "seterrcall", "get_include",
                     "show_config", "show_runtime", "test"), STATE),
    **dict.fromkeys(("packbits", "unpackbits"), BITS),
    **dict.fromkeys(("asmatrix", "bmat"), "matrices as a class of their own, which NumPy advises against"),
    "frompyfunc": "makes ufuncs of objects of Python functions", "nested_iters": "walks through memory",
    "row_stack": "NumPy's old name of vstack, which it warns of",
    "linalg.test": STATE, "fft.test": STATE,
}
# What others are still to bring.
PENDING: set[str] = set()
PENDING |= {"linalg." + name for name in (
    "cross", "diagonal", "matmul", "matrix_transpose", "outer", "tensordot", "trace", "vecdot", "vector_norm",
)}
# What gives no traced values, so that no law is one for it, and the tests that try it.
ASKED = {
    "test_queries.py": ("iscomplexobj", "isrealobj", "ndim", "shape", "size", "result_type", "can_cast", "common_type",
                        "min_scalar_type", "iterable", "shares_memory", "may_share_memory", "isfortran", "isscalar",
                        "einsum_path"),
    "test_index_builders.py": ("tril_indices", "triu_indices", "diag_indices", "mask_indices", "indices",
                               "broadcast_shapes", "fromfunction"),
    "../numpy/test_documents.py": ("isdtype", "issubdtype", "promote_types"),  # NumPy's own, with examples
}
TRIED = tried()


def walk(numpys: ModuleType, ours: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The functions of a package, but classes, and whether there is another one here."""
    for name in dir(numpys):
        value = getattr(numpys, name)
        if not name.startswith("_") and callable(value) and not isinstance(value, type):
            yield f"{prefix}{name}", getattr(ours, name, value) is not value


FUNCTIONS = dict([
    *walk(np, fnp), *walk(np.linalg, fnp.linalg, "linalg."), *walk(np.fft, fnp.fft, "fft."),
])


def is_done(name: str) -> bool:
    """Whether a function takes traced values and is tried: by rows; as a ufunc in tests/numpy and tests/properties."""
    is_tried = f"np.{name}" in TRIED or name in NAMES or any([name in names for names in ASKED.values()])
    return FUNCTIONS[name] and is_tried


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_there_and_tried_or_an_exception(name: str) -> None:
    is_exception = name in EXCEPTIONS or name in PENDING
    assert is_done(name) != is_exception


def test_the_tables_name_functions_that_exist() -> None:
    assert EXCEPTIONS.keys() | PENDING | {name for names in ASKED.values() for name in names} <= FUNCTIONS.keys()
    assert not PENDING & EXCEPTIONS.keys()


@pytest.mark.parametrize("file", ASKED)
def test_questions_are_tried_there(file: str) -> None:
    text = (HERE / file).read_text()
    assert [name for name in ASKED[file] if name not in text and "documents" not in file] == []
