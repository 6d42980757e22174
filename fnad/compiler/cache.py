"""Machine code on disk, one file an entry, named by the hash of everything that decided it.

Who can write the folder can run code in the process that reads it, so the folder is private and
an entry of another user is not read. Entries are written whole or not at all, and a damaged one
counts as absent.
"""

import hashlib
import itertools
import os
import sys
import threading
import warnings
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path

MAGIC = b"fnad kernel 1\n"
CHECK_EVERY = 256
"""Writes between two looks at the size of the folder."""


@dataclass
class Statistics:
    """What this process has asked of the kernel cache."""

    compiled: int = 0
    disk_hits: int = 0
    memory_hits: int = 0
    compile_seconds: float = 0.0

    def __sub__(self, earlier: "Statistics") -> "Statistics":
        """What was asked since an earlier count."""
        return Statistics(*(getattr(self, f.name) - getattr(earlier, f.name) for f in fields(self)))

    def __str__(self) -> str:
        """The counts in words."""
        kernels = "kernel" if self.compiled == 1 else "kernels"
        return f"{self.compiled} {kernels} compiled, {self.disk_hits} from disk, {self.memory_hits} from memory"


COUNTS = Statistics()


def statistics() -> Statistics:
    """The counts of this process so far: a snapshot that later work does not change."""
    return replace(COUNTS)


def default_folder() -> Path | None:
    """The cache folder that the environment asks for; None where there is no home."""
    if chosen := os.environ.get("FNAD_CACHE_DIR"):
        return Path(chosen)
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "fnad"
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        return None
    if sys.platform == "darwin":
        return Path(home, "Library", "Caches", "fnad")
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home), "fnad", "cache")
    return Path(home, ".cache", "fnad")


def default_limit() -> int:
    """The bytes that the environment allows the folder to take; 512 megabytes by default."""
    megabytes = os.environ.get("FNAD_CACHE_SIZE", "512")
    try:
        return int(float(megabytes) * 2**20)
    except ValueError:
        raise ValueError(
            f"FNAD_CACHE_SIZE: requires a number of megabytes, got {megabytes!r}."
        ) from None


class DiskCache:
    """Bytes by key in one folder of bounded size; never raises, at worst it holds nothing."""

    def __init__(self, folder: Path | None, limit_bytes: int) -> None:
        self.folder, self.limit_bytes = folder, limit_bytes
        self._writable = True
        self._counter = itertools.count()
        if folder is None:
            self._give_up("no home directory")

    def get(self, key: str) -> bytes | None:
        """The content stored under `key`, or None; marks the entry as used now."""
        if self.folder is None:
            return None
        path = self.folder / key
        try:
            with open(path, "rb") as file:
                if not _is_own(os.fstat(file.fileno())):
                    return None
                content = _unseal(key, file.read())
        except OSError:
            return None
        if content is not None:
            with suppress(OSError):
                os.utime(path)
        return content

    def put(self, key: str, content: bytes) -> None:
        """Store `content`; readers see all of it or none of it."""
        if not self._writable or self.folder is None:
            return
        written = next(self._counter)
        temporary = self.folder / f".{key}.{os.getpid()}.{threading.get_ident()}.{written}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_bytes(_seal(key, content))
            os.replace(temporary, self.folder / key)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            if not (self.folder / key).is_file():  # else another process was quicker
                self._give_up(str(error))
            return
        if written % CHECK_EVERY == 0:
            self.trim()

    def trim(self) -> None:
        """Remove the entries used longest ago until the folder is within its limit."""
        if self.folder is None:
            return
        with suppress(OSError), os.scandir(self.folder) as found:
            entries = sorted((e.stat().st_mtime, e.stat().st_size, e.path) for e in found)
            excess = sum(size for _, size, _ in entries) - self.limit_bytes
            for _, size, path in entries:
                if excess <= 0:
                    break
                os.unlink(path)
                excess -= size

    def _give_up(self, reason: str) -> None:
        self._writable = False
        warnings.warn(
            f"kernel cache: requires a folder that can be written, got {self.folder} ({reason}). "
            "Compiled kernels are kept in memory only; set FNAD_CACHE_DIR to a private folder.",
            RuntimeWarning,
            stacklevel=2,
        )


def _is_own(status: os.stat_result) -> bool:
    return not hasattr(os, "getuid") or status.st_uid == os.getuid()


def _seal(key: str, content: bytes) -> bytes:
    body = key.encode() + content
    return MAGIC + hashlib.sha256(body).digest() + body


def _unseal(key: str, entry: bytes) -> bytes | None:
    """The content of a whole, undamaged entry for `key`."""
    magic, digest = entry[: len(MAGIC)], entry[len(MAGIC) : len(MAGIC) + 32]
    body = entry[len(MAGIC) + 32 :]
    name = key.encode()
    if magic != MAGIC or hashlib.sha256(body).digest() != digest or not body.startswith(name):
        return None
    return body[len(name) :]
