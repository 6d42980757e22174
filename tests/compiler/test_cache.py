"""The kernel cache: what is compiled when, and what no state of the disk can break."""

import os
import shutil
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

from fnad.compiler import cache
from fnad.compiler.cache import DiskCache, Statistics, default_folder, default_limit
from fnad.compiler.cpu import loader
from fnad.compiler.cpu.loader import Loader, kernel_key
from fnad.compiler.plan import Kernel

TRIVIAL = Kernel("trivial", "def kernel(buffers, params, lo, hi):\n    return hi - lo\n")
OTHER = Kernel("other", "def kernel(buffers, params, lo, hi):\n    return hi + lo\n")


def fresh(folder: Path | None) -> Loader:
    """A loader that remembers nothing yet, as in a new process."""
    return Loader(DiskCache(folder, 2**20), Statistics())


def counts(loader: Loader) -> tuple[int, int, int]:
    found = loader.counts
    return found.compiled, found.disk_hits, found.memory_hits


def test_compiled_once_then_from_memory_then_from_disk(tmp_path):
    first = fresh(tmp_path)
    address = first.address(TRIVIAL)
    assert counts(first) == (1, 0, 0)
    assert first.counts.compile_seconds > 0
    assert first.address(TRIVIAL) == address
    assert counts(first) == (1, 0, 1)
    second = fresh(tmp_path)
    second.address(TRIVIAL)
    assert counts(second) == (0, 1, 0)


def test_another_name_for_the_same_source_is_the_same_kernel(tmp_path):
    first = fresh(tmp_path)
    first.address(TRIVIAL)
    first.address(Kernel("renamed", TRIVIAL.source))
    assert counts(first) == (1, 0, 1)


def test_the_process_counts_are_a_snapshot():
    before = cache.statistics()
    assert before == cache.statistics()
    loader.loader().address(TRIVIAL)
    loader.loader().address(TRIVIAL)
    after = cache.statistics()
    assert after.memory_hits > before.memory_hits


def test_what_another_process_could_not_load_is_not_stored(tmp_path):
    source = """\
def kernel(buffers, params, lo, hi):
    z = as_complex128(operand(buffers, params, 0))
    z[0] = z[0] ** z[1]
    return 0
"""
    fresh(tmp_path).address(Kernel("needs numba's own functions", source))
    assert not tmp_path.exists() or list(tmp_path.iterdir()) == []


PROGRAM = """
    import ctypes, sys
    from fnad.compiler import cache
    from fnad.compiler.cpu.loader import loader
    from fnad.compiler.plan import Kernel
    assert "numba" not in sys.modules
    source = "def kernel(buffers, params, lo, hi):\\n"
    source += "    return int64(fmod(float64(3 * lo + hi), float64(100)))\\n"
    address = loader().address(Kernel("test", source))
    assert ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 4)(address)(0, 0, 2, 1) == 7
    counts = cache.statistics()
    print(counts.compiled, counts.disk_hits, "numba" in sys.modules)
"""


def start(folder: Path) -> subprocess.Popen:
    environment = {**os.environ, "FNAD_CACHE_DIR": str(folder)}
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(PROGRAM)]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, env=environment, cwd=root, text=True, stdout=subprocess.PIPE)


def finish(process: subprocess.Popen) -> list[str]:
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return out.split()


def test_a_second_process_compiles_nothing_and_never_imports_numba(tmp_path):
    assert finish(start(tmp_path)) == ["1", "0", "True"]
    assert finish(start(tmp_path)) == ["0", "1", "False"]


def test_processes_that_race_all_succeed_and_leave_one_entry(tmp_path):
    racing = [start(tmp_path) for _ in range(3)]
    for process in racing:
        compiled, hits, _ = finish(process)
        assert int(compiled) + int(hits) == 1
    assert len(list(tmp_path.iterdir())) == 1
    assert finish(start(tmp_path))[:2] == ["0", "1"]


def test_the_key_follows_the_source_and_the_kernel_modules(tmp_path):
    assert kernel_key(TRIVIAL.source) != kernel_key(OTHER.source)
    shutil.copytree(loader.KERNELS, tmp_path / "same")
    assert loader.environment(tmp_path / "same") == loader.environment()
    for number, (name, counts) in enumerate([("cpu/pointers", True), ("arithmetic", True), ("cuda/arithmetic", False)]):
        changed = tmp_path / str(number)
        shutil.copytree(loader.KERNELS, changed)
        with open(changed / f"{name}.py", "a") as file:
            file.write("#")
        assert (loader.environment(changed) != loader.environment()) == counts


@pytest.mark.parametrize("what", ["__version__", "llvmlite", "np"])
def test_the_key_follows_the_versions(monkeypatch, what):
    compute = loader.environment.__wrapped__  # which remembers nothing
    before = compute()
    assert compute() == before
    changed = "0.0.1" if what == "__version__" else SimpleNamespace(__version__="0.0.1")
    monkeypatch.setattr(loader, what, changed)
    assert compute() != before


def test_what_a_writer_that_died_has_left_is_no_entry_and_goes(tmp_path):
    entry(tmp_path)
    left = tmp_path / f".{kernel_key(TRIVIAL.source)}.1.1.0"
    left.write_bytes(b"half of")
    os.utime(left, (1000, 1000))
    again = fresh(tmp_path)
    again.address(TRIVIAL)
    assert counts(again) == (0, 1, 0)
    DiskCache(tmp_path, sum(path.stat().st_size for path in tmp_path.iterdir()) - 1).trim()
    assert not left.exists() and len(list(tmp_path.iterdir())) == 1


def entry(folder: Path) -> Path:
    """The one entry of a new cache that has seen the trivial kernel."""
    fresh(folder).address(TRIVIAL)
    (path,) = folder.iterdir()
    return path


@pytest.mark.parametrize("keep", [0, 1, 13, 14, 40, 100, -1])
def test_a_truncated_entry_is_rebuilt(tmp_path, keep):
    path = entry(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:keep])
    again = fresh(tmp_path)
    again.address(TRIVIAL)
    assert counts(again) == (1, 0, 0)
    assert DiskCache(tmp_path, 2**20).get(path.name) is not None


def test_a_corrupt_or_foreign_entry_is_rebuilt(tmp_path):
    path = entry(tmp_path)
    whole = path.read_bytes()
    fresh(tmp_path).address(OTHER)
    foreign = (tmp_path / kernel_key(OTHER.source)).read_bytes()
    for content in (b"not a kernel", whole[:-1] + bytes([whole[-1] ^ 1]), foreign):
        path.write_bytes(content)
        again = fresh(tmp_path)
        again.address(TRIVIAL)
        assert counts(again) == (1, 0, 0)
        assert path.read_bytes() != content


def test_an_entry_that_is_a_folder_does_no_harm(tmp_path):
    (tmp_path / kernel_key(TRIVIAL.source)).mkdir()
    with pytest.warns(RuntimeWarning, match="kernel cache"):
        fresh(tmp_path).address(TRIVIAL)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owner here")
def test_an_entry_of_another_user_is_not_loaded(tmp_path, monkeypatch):
    entry(tmp_path)
    stranger = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: stranger)
    again = fresh(tmp_path)
    again.address(TRIVIAL)
    assert counts(again) == (1, 0, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="no such modes")
def test_the_folder_is_private(tmp_path):
    folder = tmp_path / "new" / "cache"
    fresh(folder).address(TRIVIAL)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_written_means_memory_only_and_one_warning(tmp_path):
    file = tmp_path / "file"
    file.write_text("not a folder")
    first = fresh(file / "cache")
    with pytest.warns(RuntimeWarning, match="requires a folder that can be written") as caught:
        first.address(TRIVIAL)
        first.address(OTHER)
    assert len(caught) == 1
    first.address(TRIVIAL)
    assert counts(first) == (2, 0, 1)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_read_only_folder_is_still_read(tmp_path):
    entry(tmp_path)
    tmp_path.chmod(0o500)
    again = fresh(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again.address(TRIVIAL)
    assert counts(again) == (0, 1, 0)
    with pytest.warns(RuntimeWarning, match="kernel cache"):
        again.address(OTHER)


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("FNAD_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert default_folder() == tmp_path
    monkeypatch.delenv("FNAD_CACHE_DIR")
    assert default_folder() == Path("/xdg/fnad")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os.path, "expanduser", lambda path: "/home/somebody")
    assert default_folder() == Path("/home/somebody/.cache/fnad")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as without HOME
    assert default_folder() is None


def test_the_limit_comes_from_the_environment(monkeypatch):
    monkeypatch.delenv("FNAD_CACHE_SIZE", raising=False)
    assert default_limit() == 512 * 2**20
    monkeypatch.setenv("FNAD_CACHE_SIZE", "0.5")
    assert default_limit() == 2**19
    monkeypatch.setenv("FNAD_CACHE_SIZE", "much")
    with pytest.raises(ValueError, match="FNAD_CACHE_SIZE: requires a number of megabytes"):
        default_limit()


def test_without_a_home_kernels_stay_in_memory():
    with pytest.warns(RuntimeWarning, match="no home directory"):
        homeless = fresh(None)
    homeless.address(TRIVIAL)
    homeless.address(TRIVIAL)
    assert counts(homeless) == (1, 0, 1)


def test_the_size_is_bounded_and_what_was_used_longest_ago_goes(tmp_path):
    disk = DiskCache(tmp_path, 3500)
    for age, key in enumerate(["oldest", "old", "new"]):
        disk.put(key, bytes(1000))
        os.utime(tmp_path / key, (1000 + age, 1000 + age))
    assert disk.get("oldest") is not None  # now the one used last
    disk.put("newest", bytes(1000))
    disk.trim()
    assert sorted(os.listdir(tmp_path)) == ["new", "newest", "oldest"]
