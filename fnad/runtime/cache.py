"""Machine code on disk, one file an entry, named by the hash of everything that decided it.

Who can write the folder can run code in the process that reads it, so a folder that others can write is not used, and
an entry is sealed with a secret that only its user can read. Entries are written whole or not at all, and one whose
seal is broken counts as absent.
"""

import errno
import hashlib
import math
import os
import re
import stat
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import cache
from hmac import compare_digest
from pathlib import Path

from fnad.errors import warn
from fnad.runtime import private
from fnad.runtime.fingerprint import Sources

MAGIC = b"fnad kernel 2\n"
SEAL = 32
"""The bytes of a seal, and of the secret that it is made with."""

SECRET = "secret.fnad"
ENTRY = re.compile(r"[0-9a-f]{64}\.fnad")
UNFINISHED = re.compile(r"\.(\d+)-[0-9a-f]{16}\.fnad")
"""The names of the files that are the cache's own: no others are ever removed. An unfinished one names its process."""

HEADROOM, STRIDE = 8, 1024
"""The parts of the limit that are left free for other writers, and that one writes between two looks at the size."""

_LONGEST = 24 * 3600.0
"""The seconds after which an unfinished file is given up, whatever process has the number of its own now."""


@dataclass
class Statistics:
    """This process's requests to the kernel cache."""

    compiled: int = 0
    disk_hits: int = 0
    memory_hits: int = 0
    compile_seconds: float = 0.0

    def __sub__(self, earlier: "Statistics") -> "Statistics":
        """The requests since an earlier count."""
        return Statistics(*(getattr(self, f.name) - getattr(earlier, f.name) for f in fields(self)))

    def __str__(self) -> str:
        """The counts in words."""
        kernels = "kernel" if self.compiled == 1 else "kernels"
        return f"{self.compiled} {kernels} compiled, {self.disk_hits} from disk, {self.memory_hits} from memory"


COUNTS = Statistics()


def statistics() -> Statistics:
    """The counts of this process so far: a snapshot that later work does not change."""
    return replace(COUNTS)


def _working_folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it has been removed
        return None


_START = _working_folder()
"""The folder in which the process began: a relative one means a folder in it, wherever the process goes."""


def default_folder() -> Path | None:
    """The absolute cache folder that the environment asks for; None where there is no home."""
    if chosen := os.environ.get("FNAD_CACHE_DIR"):
        chosen = os.path.expanduser(chosen)
        return Path(_START or os.sep, chosen)
    shared = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(shared):
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
    given = os.environ.get("FNAD_CACHE_SIZE") or "512"
    try:
        megabytes = float(given)
    except ValueError:
        megabytes = math.nan
    if not 0 <= megabytes < math.inf:
        raise ValueError(
            f"FNAD_CACHE_SIZE: requires a finite number of megabytes that is not negative, got {given!r}. "
            "Set it to one such as 512, or to 0 for no entries at all."
        )
    return int(megabytes * 2**20) if megabytes < 2**40 else 2**60


class DiskCache:
    """Bytes by key in one folder of bounded size; never raises, at worst it holds nothing."""

    def __init__(self, folder: Path | None, limit_bytes: int) -> None:
        self.folder, self.limit_bytes = str(folder), limit_bytes
        self._is_off = self._is_checked = self._has_warned = False
        self._written = limit_bytes  # since the last look at the folder: the first write looks
        if folder is None:
            self._turn_off("no home directory")

    def get(self, key: str) -> bytes | None:
        """The content stored under `key`, or None; marks the entry as used now."""
        if not self._is_usable():
            return None
        path = self._path(key)
        try:
            entry = private.read(path, self.limit_bytes)
            content = _unseal(self._secret(), key, entry)
        except private.Exposed as found:
            self._warn(f"requires entries on which only their user has rights, got {found}.", "It is compiled anew.")
            return None
        except OSError:
            return None
        if content is not None:
            with suppress(OSError):
                os.utime(path)
        return content

    def put(self, key: str, content: bytes) -> None:
        """Store `content`; readers see all of it or none of it."""
        if len(content) > self.limit_bytes:
            return
        try:
            for _ in range(2):  # meanwhile the folder may have been removed, or what is unfinished in it
                if not self._is_usable(write=True):
                    return
                with suppress(FileNotFoundError):
                    entry = _seal(self._secret(write=True), key, content)
                    if len(entry) <= self.limit_bytes:
                        private.write(self._path(key), self._unfinished(), entry)
                        self._note_written(len(entry))
                    return
                self._is_checked = False
        except (OSError, private.Exposed) as error:
            if not os.path.isfile(self._path(key)):  # else another process was quicker
                self._warn(f"requires a folder that can be written, got {self.folder} ({error}).", _ADVICE)

    def trim(self, limit: int | None = None) -> None:
        """Remove the entries used longest ago until the folder is within its limit, and what dead writers have left."""
        with suppress(OSError), os.scandir(self.folder) as found:
            own = [_own_file(file) for file in found]
            entries = sorted([file for file in own if file is not None])
            excess = sum(size for _, size, _ in entries) - (self.limit_bytes if limit is None else limit)
            for _, size, path in entries:
                if excess <= 0:
                    break
                if ENTRY.fullmatch(os.path.basename(path)):
                    excess -= size
                    with suppress(OSError):
                        os.unlink(path)

    def require_unchanged(self, sources: Sources) -> None:
        """Hold nothing any more where what kernels are compiled from has changed: keys would not be true."""
        if not self._is_off and (changed := sources.changed()):
            self._is_off = True
            self._warn(
                f"requires sources that stay as they were when the process began, got a change of {changed}.",
                "Compiled kernels are kept in memory only; start the process anew.",
            )

    def _turn_off(self, reason: str) -> None:
        self._is_off = True
        self._warn(f"requires a folder that only its user can write, got {self.folder} ({reason}).", _ADVICE)

    def _is_usable(self, write: bool = False) -> bool:
        """Whether the folder can be read, or written: then it is made where it is missing."""
        if self._is_off or self._is_checked:
            return self._is_checked and not self._is_off
        try:
            self._is_checked = private.check_folder(self.folder)
            if write and not self._is_checked:
                private.make_folder(self.folder)
                self._is_checked = private.check_folder(self.folder)
                if not self._is_checked:
                    self._turn_off("it cannot be made")
        except (private.Exposed, OSError) as reason:
            self._turn_off(str(reason))
        return self._is_checked

    def _path(self, key: str) -> str:
        return os.path.join(self.folder, f"{key}.fnad")

    def _unfinished(self) -> str:
        return os.path.join(self.folder, f".{os.getpid()}-{os.urandom(8).hex()}.fnad")

    def _secret(self, write: bool = False) -> bytes:
        """The key that seals the folder's entries, which nobody else can read; made where there is none."""
        path = os.path.join(self.folder, SECRET)
        for anew in (False, True):  # the first of several writers makes it; one that is no good is made anew
            try:
                return _read_secret(path)
            except (OSError, private.Exposed):
                if not write:
                    raise
            private.write(path, self._unfinished(), os.urandom(SEAL), anew)
        return _read_secret(path)

    def _note_written(self, size: int) -> None:
        """Look at the size of the folder once in a while, so that all its writers together keep to the limit."""
        self._written += size
        if self._written * STRIDE >= self.limit_bytes:
            self._written = 0
            self.trim(self.limit_bytes - self.limit_bytes // HEADROOM)

    def _warn(self, problem: str, advice: str) -> None:
        if self._has_warned:
            return
        self._has_warned = True
        message = f"kernel cache: {problem} {advice}"
        try:
            warn(message)
        except Warning:  # where warnings are errors: kernels are still right, so the call goes on
            print(f"RuntimeWarning: {message}", file=sys.stderr)


_ADVICE = (
    "Compiled kernels are kept in memory only; set FNAD_CACHE_DIR to a private folder, or make this one private "
    "(chmod go-w)."
)


@cache
def shared_disk() -> DiskCache:
    """The process's cache, in the folder that the environment asks for."""
    return DiskCache(default_folder(), default_limit())


def _read_secret(path: str) -> bytes:
    secret = private.read(path, SEAL, private.READABLE)
    if len(secret) != SEAL:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
    return secret


def _own_file(file: os.DirEntry) -> tuple[float, int, str] | None:
    """The last use of a file of the cache's own, its size and path; what a dead writer has left is removed."""
    unfinished = UNFINISHED.fullmatch(file.name)
    if not (unfinished or file.name == SECRET or ENTRY.fullmatch(file.name)):
        return None
    with suppress(OSError):
        status = file.stat(follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode):
            return None
        if not unfinished or _is_alive(int(unfinished[1]), status.st_mtime):
            return status.st_mtime, status.st_size, file.path
        os.unlink(file.path)
    return None


def _is_alive(pid: int, since: float) -> bool:
    """Whether a process that began to write at some time may still be at it."""
    if time.time() - since > _LONGEST:
        return False
    if sys.platform == "win32":  # there a signal would end it
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _seal(secret: bytes, key: str, content: bytes) -> bytes:
    return MAGIC + _digest(secret, key, content) + content


def _unseal(secret: bytes, key: str, entry: bytes) -> bytes | None:
    """The content of a whole, undamaged entry for `key` that somebody with the secret has written."""
    start = len(MAGIC) + SEAL
    content = entry[start:]
    whole = compare_digest(entry[:start], MAGIC + _digest(secret, key, content))
    return content if whole else None


def _digest(secret: bytes, key: str, content: bytes) -> bytes:
    digest = hashlib.blake2b(key.encode() + b"\0", key=secret, digest_size=SEAL)
    digest.update(content)
    return digest.digest()
