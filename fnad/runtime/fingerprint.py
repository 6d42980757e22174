"""Facts that decide machine code beside a kernel's text: fnad's sources as this process loaded them, and settings.

Only a kernel that has to be compiled brings numba in, so both are known without it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import fnad.kernels

KERNELS = fnad.kernels.__path__[0]
"""The folder of the functions that kernels may call, down to its lowest file."""


def kernel_files(but: str, folder: str = KERNELS) -> Iterator[str]:
    """The files of the functions that kernels of a target may call, in order: all but the other target's folder."""
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.endswith(".py"):
            yield path
        elif name != but and os.path.isdir(path):
            yield from kernel_files(but, path)


class Sources:
    """Files that are loaded in part when the process begins and in part when a kernel is first compiled."""

    def __init__(self, files: Sequence[str]) -> None:
        self.files = files
        self._stamps = [_stamp(path) for path in files]

    def digest(self) -> bytes:
        """A hash of what the files hold."""
        digest = hashlib.sha256()
        for path in self.files:
            digest.update(os.path.basename(path).encode() + b"\0" + (_content(path) or b""))
        return digest.digest()

    def changed(self) -> str | None:
        """A file that is no longer as it was at first: what this process has loaded of it, nobody can say."""
        return next((f for f, stamp in zip(self.files, self._stamps, strict=True) if _stamp(f) != stamp), None)


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _cpu_files() -> list[str]:
    numba = importlib.util.find_spec("numba")
    assert numba is not None and numba.origin is not None
    here = os.path.dirname(__file__)
    return [
        os.path.join(os.path.dirname(numba.origin), "_version.py"),  # read, since importing numba takes 0.2 s
        *(os.path.join(here, name) for name in ("definitions.py", "cpu/functions.py", "cpu/toolchain.py")),
        *kernel_files(but="cuda"),
    ]


CPU_SOURCES = Sources(_cpu_files())
"""Noted when fnad is imported, since some of them are loaded then."""


_CONFIGURATION = ".numba_config.yaml"
_WITHOUT_EFFECT = {
    "NUM_THREADS", "DEFAULT_NUM_THREADS", "THREADING_LAYER", "THREADING_LAYER_PRIORITY", "CACHE_DIR",
    "CUDA_DEFAULT_PTX_CC",
}
"""Settings of numba's that our machine code does not depend on."""


def settings() -> bytes:
    """numba's settings as far as they are chosen: by the environment, by numba's file, or by assignment."""
    chosen = tuple(sorted([(k, v) for k, v in os.environ.items() if k.startswith("NUMBA_") and _has_effect(k)]))
    configuration = _content(_CONFIGURATION) if os.path.isfile(_CONFIGURATION) else None
    return repr((chosen, configuration, _assigned(chosen, configuration))).encode()


def _has_effect(name: str) -> bool:
    return name.removeprefix("NUMBA_") not in _WITHOUT_EFFECT


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _assigned(*chosen: Any) -> list[tuple[str, str]]:
    """The settings that are not as the environment and numba's file would have them, where numba is there."""
    config = sys.modules.get("numba.core.config")
    if not hasattr(config, "reload_config"):  # it is just being imported
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config.reload_config()  # as numba does before it compiles
        expected = _expected(config.__file__, *chosen)
    return sorted((k, repr(getattr(config, k))) for k, v in expected.items() if repr(getattr(config, k)) != v)


@cache
def _expected(file: str, *chosen: Any) -> dict[str, str]:
    """The settings of the environment and numba's file, by reading numba's configuration again."""
    spec = importlib.util.spec_from_file_location("numba settings", file)
    again = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(again)
    return {name: repr(value) for name, value in vars(again).items() if name.isupper() and _has_effect(name)}
