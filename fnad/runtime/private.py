"""Files that nobody else can have written: what makes a folder private, and how its files are read and written.

Whoever can write a folder, a folder around it, or a link on the way to it, decides what is read from it.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

HAS_OWNERS = hasattr(os, "geteuid")
WRITABLE, READABLE = stat.S_IWGRP | stat.S_IWOTH, stat.S_IRWXG | stat.S_IRWXO
"""The bits of a mode by which others may write, and by which they may do anything at all."""

_MOST_LINKS = 40
# Nothing but an ordinary file is opened for long: neither a link nor a pipe, a device or a terminal.
_READING = sum([getattr(os, f"O_{name}", 0) for name in ("NOFOLLOW", "NONBLOCK", "NOCTTY", "CLOEXEC", "BINARY")])
_WRITING = sum([getattr(os, f"O_{name}", 0) for name in ("WRONLY", "CREAT", "EXCL", "CLOEXEC", "BINARY")])


class Exposed(Exception):
    """A path others can have written; the message says which and why."""


def make_folder(folder: str) -> None:
    """Make a folder and those around it that are missing, for this user alone."""
    if os.path.isdir(folder):
        return
    around = os.path.dirname(folder)
    if around != folder:
        make_folder(around)
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)
        os.chmod(folder, 0o700)  # whatever the umask


def check_folder(folder: str) -> bool:
    """Whether an absolute folder is there; `Exposed` where others decide what lies in it, or would once it is made."""
    if not HAS_OWNERS:
        return os.path.isdir(folder)
    here, ahead, links = os.sep, folder.split(os.sep)[::-1], 0
    status = os.lstat(here)
    while ahead:
        _check(here, status, around=True)
        name = ahead.pop()
        path = os.path.dirname(here) if name == os.pardir else os.path.join(here, name if name != os.curdir else "")
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            return False
        if not stat.S_ISLNK(status.st_mode):
            here = path
            continue
        if status.st_uid not in (os.geteuid(), 0):
            raise Exposed(f"{path} is a link of another user (uid {status.st_uid})")
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        target = os.readlink(path)
        ahead += target.split(os.sep)[::-1]
        here = os.sep if os.path.isabs(target) else here
        status = os.lstat(here)
    _check(here, status, around=False)
    return True


def _check(folder: str, status: os.stat_result, around: bool) -> None:
    """Raise `Exposed` where others may change what a folder, or a folder around it, holds."""
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder)
    # In a folder around it others may make files of their own where each file is its owner's (the sticky bit).
    is_sticky = around and status.st_mode & stat.S_ISVTX
    _check_rights(folder, status, 0 if is_sticky else WRITABLE, (0,) if around else ())


def _check_rights(path: str, status: os.stat_result, refused: int, others: tuple[int, ...] = ()) -> None:
    if not HAS_OWNERS:
        return
    if status.st_uid not in (os.geteuid(), *others):
        raise Exposed(f"{path} belongs to another user (uid {status.st_uid})")
    if status.st_mode & refused:
        raise Exposed(f"others have rights on {path} (mode {stat.S_IMODE(status.st_mode):04o})")


def read(path: str, most: int, refused: int = WRITABLE) -> bytes:
    """The content of this user's ordinary file of at most so many bytes; `Exposed` where others have rights on it."""
    descriptor = os.open(path, _READING)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > most:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
        _check_rights(path, status, refused)
        parts = []
        while part := os.read(descriptor, status.st_size + 1):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def write(path: str, unfinished: str, content: bytes, anew: bool = True) -> None:
    """Write a file that only this user may read, whole or not at all, by way of one with the name `unfinished`.

    Where `anew` is False a file that is there by then is left as it is.
    """
    descriptor = os.open(unfinished, _WRITING, 0o600)
    try:
        with open(descriptor, "wb") as file:
            if HAS_OWNERS:
                os.fchmod(descriptor, 0o600)  # whatever the umask
            file.write(content)
        if not anew:
            with suppress(OSError):  # there are file systems without links; then the last one counts
                os.link(unfinished, path)
        if anew or not os.path.lexists(path):
            os.replace(unfinished, path)
    finally:
        with suppress(OSError):
            os.unlink(unfinished)
