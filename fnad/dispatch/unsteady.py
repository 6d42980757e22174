"""Functions that do not say the same each time they are called alike: clocks, files, random numbers, what is typed in.

They are told by where they are defined, and found where the code of a function names them.
"""

from __future__ import annotations

import builtins
import sys
from importlib.util import resolve_name
from types import (
    BuiltinFunctionType, FunctionType, MethodDescriptorType, MethodType, ModuleType, WrapperDescriptorType,
)
from typing import Any, NamedTuple

from fnad.dispatch.chains import Chain

_FUNCTIONS = {
    "builtins": "__import__ input open",
    "time": "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time process_time_ns strftime "
            "thread_time thread_time_ns clock_gettime clock_gettime_ns",
    "datetime": "datetime.now datetime.utcnow date.today",
    "random": "SystemRandom",
    "secrets": "choice randbelow randbits token_bytes token_hex token_urlsafe",
    "uuid": "uuid1 uuid4 uuid6 uuid7 uuid8",
    "os": "access fstat get_terminal_size getcwd getcwdb getloadavg getlogin getrandom listdir lstat open popen pread "
          "read readlink scandir stat statvfs system times urandom walk fwalk fdopen getxattr listxattr",
    "os.path": "exists expanduser expandvars getatime getctime getmtime getsize isdir isfile islink ismount lexists "
               "realpath samefile",
    "pathlib": "Path.cwd Path.exists Path.expanduser Path.glob Path.group Path.home Path.is_dir Path.is_file "
               "Path.is_mount Path.is_symlink Path.iterdir Path.lstat Path.open Path.owner Path.read_bytes "
               "Path.read_text Path.readlink Path.resolve Path.rglob Path.samefile Path.stat Path.walk",
    "io": "open open_code FileIO FileIO.read FileIO.readall FileIO.readinto BufferedReader.read BufferedReader.read1 "
          "BufferedReader.readinto BufferedReader.peek BufferedRandom.read TextIOWrapper.read TextIOWrapper.readline "
          "IOBase.readline IOBase.readlines _IOBase.readline _IOBase.readlines StringIO.read StringIO.readline "
          "BytesIO.read BytesIO.read1 BytesIO.readinto BytesIO.readline BytesIO.readlines",
    "codecs": "open", "json": "load", "pickle": "load Unpickler.load", "marshal": "load", "tomllib": "load",
    "plistlib": "load", "configparser": "RawConfigParser.read RawConfigParser.read_file",
    "gzip": "open GzipFile", "bz2": "open BZ2File", "lzma": "open LZMAFile", "tarfile": "open TarFile.open TarFile",
    "zipfile": "ZipFile is_zipfile Path", "shelve": "open", "dbm": "open", "linecache": "getline getlines",
    "tempfile": "*", "glob": "glob iglob", "fileinput": "*", "getpass": "*", "mmap": "mmap", "resource": "getrusage",
    "shutil": "disk_usage get_terminal_size which", "importlib": "import_module reload", "pkgutil": "get_data",
    "importlib.resources": "*", "importlib.metadata": "*", "locale": "getlocale localeconv getpreferredencoding",
    "socket": "*", "ssl": "*", "select": "*", "selectors": "*", "subprocess": "*", "sqlite3": "*", "http.client": "*",
    "urllib.request": "*", "ftplib": "*", "smtplib": "*", "imaplib": "*", "poplib": "*", "xmlrpc.client": "*",
    "gc": "get_count get_objects get_stats", "threading": "active_count enumerate",
    "sys": "getrecursionlimit getrefcount",
    "numpy": "load loadtxt genfromtxt fromfile fromregex memmap geterr get_printoptions getbufsize open_memmap "
             "DataSource DataSource.open",
    "torch": "load seed initial_seed rand randn randint randperm normal bernoulli multinomial rand_like randn_like "
             "randint_like",
    "h5py": "File", "netCDF4": "Dataset", "zarr": "open open_array open_group load", "joblib": "load",
    "requests": "*", "httpx": "*", "psutil": "*", "soundfile": "read SoundFile",
    "scipy.io": "loadmat mmread read readsav netcdf_file", "scipy.datasets": "*",
    "matplotlib": "imread", "PIL": "open", "cv2": "imread", "imageio": "imread",
}
_UNSEEDED = {
    "random": "Random", "numpy.random": "default_rng RandomState SeedSequence PCG64 PCG64DXSM MT19937 Philox SFC64",
    "time": "ctime gmtime localtime asctime", "torch": "Generator",
}
"""Calls that say the same each time only with an argument."""
_READERS = {"pandas", "polars", "xarray", "geopandas", "pyarrow"}
"""Libraries whose functions for files are called ``read_`` or ``open_`` something."""
_ALIASES = {"posix": "os", "nt": "os", "posixpath": "os.path", "ntpath": "os.path", "genericpath": "os.path"}
DISTINCT = {"read_text", "read_bytes", "readline", "readlines", "readinto", "iterdir", "utcnow", "getrandbits"}
"""Methods that nothing else has, of whatever they are methods."""


def _table(words: dict[str, str]) -> dict[str, frozenset[str]]:
    return {module: frozenset(names.split()) for module, names in words.items()}


_functions, _unseeded = _table(_FUNCTIONS), _table(_UNSEEDED)
METHODS = DISTINCT.union(*[{n.partition(".")[2] for n in names if "." in n} for names in _functions.values()])
"""Names of methods that do not say the same each time."""


class Method(NamedTuple):
    """A method of a class, told without an object."""

    owner: type
    name: str
    function: Any


class Instance(NamedTuple):
    """An object of which only the class is known."""

    kind: type


UNRESOLVED = object()
_CALLABLE = (FunctionType, BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType, MethodType, type, Method)


def unsteady(value: Any, is_bare: bool = False) -> str | None:
    """The name of a function that does not say the same each time, called with or without arguments."""
    if value is sys.modules:
        return "sys.modules"
    if isinstance(value, _CALLABLE) and is_of_secrets(getattr(value, "__self__", None)):
        return f"secrets.{value.__name__}"
    named = _named(value)
    if named is None:
        return None
    module, name = named
    parts = module.split(".")
    for k in range(len(parts), 0, -1):
        prefix = ".".join(parts[:k])
        known = _functions.get(prefix, ()) if not is_bare else (*_functions.get(prefix, ()), *_unseeded.get(prefix, ()))
        if name in known or "*" in known:
            return f"{prefix}.{name}" if prefix != "builtins" else name
    is_reader = parts[0] in _READERS and name.rpartition(".")[2].startswith(("read_", "open_"))
    return f"{parts[0]}.{name}" if is_reader else None


def is_of_secrets(value: Any) -> bool:
    """Whether a value is the generator whose methods the functions of ``secrets`` are."""
    return value is not None and value is getattr(sys.modules.get("secrets"), "_sysrand", None)


def _named(value: Any) -> tuple[str, str] | None:
    """The module that defines a function or a class, and its name there."""
    if isinstance(value, MethodType):
        value = value.__func__ if isinstance(value.__func__, FunctionType) else value
    is_bound = isinstance(value, (BuiltinFunctionType, MethodType))
    if is_bound and not isinstance(value.__self__, (ModuleType, type(None))):
        owner = value.__self__ if isinstance(value.__self__, type) else type(value.__self__)
        value = method_of(owner, value.__name__)
    if isinstance(value, Method):
        module, name = value.owner.__module__, f"{value.owner.__qualname__}.{value.name}"
    elif isinstance(value, (*_CALLABLE, type(len))) or type(value).__name__ == "cython_function_or_method":
        module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    else:
        return None
    top, _, rest = str(module).partition(".")
    top = _ALIASES.get(top, top[1:] if top.startswith("_") and top != "__main__" else top)
    return f"{top}.{rest}" if rest else top.replace("pydatetime", "datetime"), name


def method_of(kind: type, name: str) -> Any:
    """A method of a class, which is told by the base that defines it."""
    for base in kind.__mro__:
        if name in vars(base):
            found = vars(base)[name]
            if isinstance(found, (staticmethod, classmethod)) or callable(found):
                return Method(base, name, found)
            return UNRESOLVED
    return UNRESOLVED


def resolved(chain: Chain, function: FunctionType) -> Any:
    """The value of a chain in a function's code, as far as can be told without running anything."""
    if chain.how == "global":
        return function.__globals__.get(chain.name, vars(builtins).get(chain.name, UNRESOLVED))
    if chain.how == "cell":
        return _cell(function, chain.name)
    if chain.how == "module":
        return _module(function, *chain.name)
    if chain.of is None:
        return UNRESOLVED
    owner = resolved(chain.of, function)
    if owner is UNRESOLVED:
        return owner
    return _attribute(owner, chain.name) if chain.how == "attribute" else _made(owner)


def _cell(function: FunctionType, name: str) -> Any:
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
    try:
        return cells[name].cell_contents if name in cells else UNRESOLVED
    except ValueError:  # not assigned yet
        return UNRESOLVED


def _module(function: FunctionType, name: str, level: int) -> Any:
    names = function.__globals__
    if level:
        name = resolve_name("." * level + name, names.get("__package__") or names.get("__name__", ""))
    return sys.modules.get(name, UNRESOLVED)


def _attribute(owner: Any, name: str) -> Any:
    if isinstance(owner, (Instance, Method)):
        return method_of(owner.kind, name) if isinstance(owner, Instance) else UNRESOLVED
    if isinstance(owner, ModuleType):
        return vars(owner).get(name, UNRESOLVED)
    if isinstance(owner, type):
        return method_of(owner, name)
    own = getattr(owner, "__dict__", None)
    return own[name] if type(own) is dict and name in own else method_of(type(owner), name)


def _made(owner: Any) -> Any:
    """A call's result."""
    if isinstance(owner, type):
        return Instance(owner)
    is_constructor = isinstance(owner, Method) and isinstance(owner.function, classmethod)
    return Instance(owner.owner) if is_constructor and owner.name in ("cwd", "home") else UNRESOLVED
