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

from fnad.runtime import cache
from fnad.runtime.cache import SECRET, DiskCache, Statistics
from fnad.runtime.cpu import loader
from fnad.runtime.cpu.loader import Loader, kernel_key
from fnad.runtime.fingerprint import KERNELS, Sources, kernel_files
from fnad.runtime.plan import Kernel

TRIVIAL = Kernel("trivial", "def kernel(buffers, params, lo, hi):\n    return hi - lo\n")
OTHER = Kernel("other", "def kernel(buffers, params, lo, hi):\n    return hi + lo\n")


def fresh(folder: Path | None) -> Loader:
    """A loader that remembers nothing yet, as in a new process."""
    return Loader(DiskCache(folder, 2**20), Statistics())


def entries(folder: Path) -> list[Path]:
    """The files of kernels in a folder; beside them lies the secret that they are sealed with."""
    return [path for path in folder.iterdir() if path.name != SECRET]


def path_of(folder: Path, kernel: Kernel) -> Path:
    return folder / f"{kernel_key(kernel.source)}.fnad"


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
    assert entries(tmp_path) == []


PROGRAM = """
    import ctypes, sys
    from fnad.runtime import cache
    from fnad.runtime.cpu.loader import loader
    from fnad.runtime.plan import Kernel
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
    assert len(entries(tmp_path)) == 1
    assert finish(start(tmp_path))[:2] == ["0", "1"]


def test_the_key_follows_the_source_and_the_kernel_modules(tmp_path):
    assert kernel_key(TRIVIAL.source) != kernel_key(OTHER.source)

    def digest(folder: Path) -> bytes:
        return Sources(list(kernel_files("cuda", str(folder)))).digest()

    shutil.copytree(KERNELS, tmp_path / "same")
    before = digest(tmp_path / "same")
    assert before == digest(Path(KERNELS))
    for number, (name, counts) in enumerate([("cpu/pointers", True), ("arithmetic", True), ("cuda/arithmetic", False)]):
        changed = tmp_path / str(number)
        shutil.copytree(KERNELS, changed)
        with open(changed / f"{name}.py", "a") as file:
            file.write("#")
        assert (digest(changed) != before) == counts


@pytest.mark.parametrize("what", ["__version__", "llvmlite", "np"])
def test_the_key_follows_the_versions(monkeypatch, what):
    compute = loader.environment.__wrapped__  # which remembers nothing
    before = compute()
    assert compute() == before
    changed = "0.0.1" if what == "__version__" else SimpleNamespace(__version__="0.0.1")
    monkeypatch.setattr(loader, what, changed)
    assert compute() != before


def entry(folder: Path) -> Path:
    """The one entry of a new cache that has seen the trivial kernel."""
    fresh(folder).address(TRIVIAL)
    (path,) = entries(folder)
    return path


@pytest.mark.parametrize("keep", [0, 1, 13, 14, 40, 100, -1])
def test_a_truncated_entry_is_rebuilt(tmp_path, keep):
    path = entry(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:keep])
    again = fresh(tmp_path)
    again.address(TRIVIAL)
    assert counts(again) == (1, 0, 0)
    assert DiskCache(tmp_path, 2**20).get(path.stem) is not None


def test_a_corrupt_or_foreign_entry_is_rebuilt(tmp_path):
    path = entry(tmp_path)
    whole = path.read_bytes()
    fresh(tmp_path).address(OTHER)
    foreign = path_of(tmp_path, OTHER).read_bytes()
    for content in (b"not a kernel", whole[:-1] + bytes([whole[-1] ^ 1]), foreign):
        path.write_bytes(content)
        again = fresh(tmp_path)
        again.address(TRIVIAL)
        assert counts(again) == (1, 0, 0)
        assert path.read_bytes() != content


def test_a_folder_that_cannot_be_written_means_memory_only_and_one_warning(tmp_path):
    file = tmp_path / "file"
    file.write_text("not a folder")
    first = fresh(file / "cache")
    with pytest.warns(RuntimeWarning, match="requires a folder that only its user can write") as caught:
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


def test_without_a_home_kernels_stay_in_memory():
    with pytest.warns(RuntimeWarning, match="no home directory"):
        homeless = fresh(None)
        homeless.address(TRIVIAL)
    homeless.address(TRIVIAL)
    assert counts(homeless) == (1, 0, 1)
