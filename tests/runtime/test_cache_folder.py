"""The folder of the kernel cache: what others can write is not used, what is damaged or foreign counts as absent."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fnad.runtime import cache
from fnad.runtime.cache import SECRET, DiskCache, default_folder, default_limit
from fnad.runtime.cpu.loader import kernel_key
from fnad.runtime.fingerprint import Sources

from tests.profiles import is_deep

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files have no owners and modes here")
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")

ROOT = Path(__file__).parents[2]
KEY, OTHER = "a" * 64, "b" * 64
CONTENT = bytes(range(256)) * 4
STRANGER = 4242


def disk(folder: Path, limit: int = 2**20) -> DiskCache:
    """A cache as a new process has it."""
    return DiskCache(folder, limit)


def path_of(folder: Path, key: str = KEY) -> Path:
    return folder / f"{key}.fnad"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one entry."""
    made = tmp_path / "cache"
    disk(made).put(KEY, CONTENT)
    assert disk(made).get(KEY) == CONTENT
    return made


def written(folder: Path) -> set[str]:
    return set(os.listdir(folder)) if folder.is_dir() else set()


# --- Who may write


@pytest.mark.parametrize("umask", [0, 0o022, 0o277])
def test_what_is_made_is_private(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        disk(tmp_path / "new" / "cache").put(KEY, CONTENT)
    finally:
        os.umask(before)
    made = [tmp_path / "new", tmp_path / "new" / "cache", *(tmp_path / "new" / "cache").iterdir()]
    assert len(made) == 4
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o700, 0o700, 0o600, 0o600]


def _given_away(path: Path) -> None:
    os.chown(path, STRANGER, -1)


def _linked(folder: Path, owner: int = -1) -> None:
    elsewhere = folder.with_name("elsewhere")
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    os.lchown(folder, owner, -1)


def _linked_to_shared(folder: Path) -> None:
    _linked(folder)
    folder.with_name("elsewhere").chmod(0o777)


EXPOSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "group": (lambda folder: folder.chmod(0o770), r"others have rights on \S*/cache \(mode 0770\)"),
    "world": (lambda folder: folder.chmod(0o702), r"others have rights on \S*/cache \(mode 0702\)"),
    "sticky": (lambda folder: folder.chmod(0o1777), r"others have rights on \S*/cache \(mode 1777\)"),
    "around it": (lambda folder: folder.parent.chmod(0o777), r"others have rights on \S* \(mode 0777\)"),
    "around it, group": (lambda folder: folder.parent.chmod(0o720), r"others have rights on \S* \(mode 0720\)"),
    "linked to": (_linked_to_shared, r"others have rights on \S*/elsewhere \(mode 0777\)"),
    "owner": (_given_away, r"\S*/cache belongs to another user \(uid 4242\)"),
    "owner around it": (lambda folder: _given_away(folder.parent), r"belongs to another user \(uid 4242\)"),
    "owner of a link": (lambda folder: _linked(folder, STRANGER), r"\S*/cache is a link of another user \(uid 4242\)"),
}


@pytest.mark.parametrize(
    "how", [pytest.param(how, marks=as_root) if "owner" in how else how for how in EXPOSED]
)
def test_a_folder_that_others_can_write_is_not_used(folder: Path, how: str) -> None:
    expose, reason = EXPOSED[how]
    expose(folder)
    before = written(folder)
    want = rf"kernel cache: requires a folder that only its user can write, got .*{reason}"
    with pytest.warns(RuntimeWarning, match=want) as caught:
        opened = disk(folder)
        assert opened.get(KEY) is None
        opened.put(OTHER, CONTENT)
        assert opened.get(OTHER) is None
    assert len(caught) == 1
    assert "in memory only; set FNAD_CACHE_DIR to a private folder" in str(caught[0].message)
    assert caught[0].filename == __file__  # the user's line
    assert written(folder) == before


@as_root
def test_nothing_is_made_in_a_folder_of_another_user(tmp_path: Path) -> None:
    _given_away(tmp_path)
    with pytest.warns(RuntimeWarning, match="belongs to another user"):
        disk(tmp_path / "deep" / "cache").put(KEY, CONTENT)
    assert written(tmp_path) == set()


@pytest.mark.parametrize("around", [
    lambda folder: folder.parent.chmod(0o1777),
    lambda folder: folder.chmod(0o755),
    lambda folder: _linked(folder),
    pytest.param(lambda folder: folder.with_name("x").mkdir() or shutil.move(folder, folder.with_name("x"))
                 and folder.symlink_to(os.path.join("x", "..", ".", "x", "cache")), id="a winding link"),
])
def test_a_folder_that_nobody_else_can_write_is_used(folder: Path, around: Callable[[Path], None]) -> None:
    around(folder)
    assert disk(folder).get(KEY) == CONTENT


def test_links_that_go_round_are_one_warning(tmp_path: Path) -> None:
    (tmp_path / "cache").symlink_to(tmp_path / "again")
    (tmp_path / "again").symlink_to(tmp_path / "cache")
    with pytest.warns(RuntimeWarning, match="kernel cache: requires") as caught:
        disk(tmp_path / "cache").put(KEY, CONTENT)
    assert len(caught) == 1


@pytest.mark.parametrize("mode", [0o602, 0o620, 0o666])
def test_an_entry_that_others_can_write_is_made_anew(folder: Path, mode: int) -> None:
    path_of(folder).chmod(mode)
    opened = disk(folder)
    with pytest.warns(RuntimeWarning, match=rf"requires entries .*{KEY}.fnad \(mode {mode:04o}\)"):
        assert opened.get(KEY) is None
    opened.put(KEY, CONTENT)
    assert stat.S_IMODE(path_of(folder).stat().st_mode) == 0o600
    assert disk(folder).get(KEY) == CONTENT


@as_root
def test_an_entry_of_another_user_is_made_anew(folder: Path) -> None:
    _given_away(path_of(folder))
    opened = disk(folder)
    with pytest.warns(RuntimeWarning, match=r"requires entries .* belongs to another user \(uid 4242\)"):
        assert opened.get(KEY) is None
    opened.put(KEY, CONTENT)
    assert path_of(folder).stat().st_uid == os.geteuid()
    assert disk(folder).get(KEY) == CONTENT


# --- Seals


def test_a_truncated_entry_counts_as_absent(folder: Path) -> None:
    whole, opened = path_of(folder).read_bytes(), disk(folder)
    for length in range(0, len(whole), 1 if is_deep() else 29):
        path_of(folder).write_bytes(whole[:length])
        assert opened.get(KEY) is None
    path_of(folder).write_bytes(whole + b"\0")
    assert opened.get(KEY) is None


def test_an_entry_with_a_bit_turned_counts_as_absent(folder: Path) -> None:
    whole, opened = path_of(folder).read_bytes(), disk(folder)
    for bit in range(0, 8 * len(whole), 1 if is_deep() else 61):
        turned = bytearray(whole)
        turned[bit // 8] ^= 1 << bit % 8
        path_of(folder).write_bytes(turned)
        assert opened.get(KEY) is None
    path_of(folder).write_bytes(whole)
    assert opened.get(KEY) == CONTENT


def test_an_entry_under_another_key_or_from_another_folder_counts_as_absent(folder: Path, tmp_path: Path) -> None:
    disk(tmp_path / "other").put(OTHER, CONTENT)
    for source in (path_of(folder), path_of(tmp_path / "other", OTHER)):
        shutil.copy(source, path_of(folder, OTHER))
        assert disk(folder).get(OTHER) is None


@pytest.mark.parametrize("spoil", [
    lambda secret: secret.chmod(0o640),
    lambda secret: secret.chmod(0o604),
    lambda secret: secret.write_bytes(b""),
    lambda secret: secret.write_bytes(bytes(64)),
    lambda secret: secret.unlink(),
    lambda secret: secret.unlink() or os.mkfifo(secret),
    lambda secret: secret.unlink() or secret.symlink_to("/dev/zero"),
    pytest.param(_given_away, marks=as_root),
])
@pytest.mark.filterwarnings("ignore:kernel cache. requires entries")
def test_a_secret_that_is_none_is_made_anew(folder: Path, spoil: Callable[[Path], object]) -> None:
    spoil(folder / SECRET)
    opened = disk(folder)
    assert opened.get(KEY) is None
    opened.put(KEY, CONTENT)
    assert opened.get(KEY) == CONTENT
    status = (folder / SECRET).lstat()
    assert stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o600


# --- What is no file


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


STRANGE: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "socket": _socket,
    "device": lambda path: os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5)),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "link to a file": lambda path: path.symlink_to(shutil.copy(path_of(path.parent, OTHER), path.parent / "copy")),
    "link to nothing": lambda path: path.symlink_to("nothing"),
}


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=as_root) if kind == "device" else kind for kind in STRANGE])
def test_what_is_no_file_under_an_entrys_name_is_replaced(
    folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)  # names of sockets are short
    opened = disk(folder)
    opened.put(OTHER, CONTENT)
    path_of(folder).unlink()
    try:
        STRANGE[kind](path_of(folder))
    except PermissionError:
        pytest.skip("devices cannot be made here")
    assert opened.get(KEY) is None
    opened.put(KEY, CONTENT)
    assert opened.get(KEY) == CONTENT and not path_of(folder).is_symlink()


def test_a_folder_under_an_entrys_name_stays_and_harms_no_other_entry(folder: Path) -> None:
    path_of(folder, OTHER).mkdir()
    opened = disk(folder)
    assert opened.get(OTHER) is None
    with pytest.warns(RuntimeWarning, match="requires a folder that can be written") as caught:
        opened.put(OTHER, CONTENT)
        opened.put(OTHER, CONTENT)
    assert len(caught) == 1
    opened.trim(0)
    assert path_of(folder, OTHER).is_dir()
    opened.put(KEY, CONTENT)
    assert opened.get(KEY) == CONTENT


# --- The size, and what is left behind


def test_the_size_is_bounded_and_what_was_used_longest_ago_goes(tmp_path: Path) -> None:
    opened = disk(tmp_path, 3500)
    keys = [c * 64 for c in "abc"]
    for age, key in enumerate(keys):
        opened.put(key, bytes(900))
        os.utime(path_of(tmp_path, key), (1000 + age, 1000 + age))
    assert opened.get(keys[0]) is not None  # now the one used last
    opened.put("d" * 64, bytes(900))
    opened.trim()
    assert written(tmp_path) == {SECRET, *(f"{c * 64}.fnad" for c in "acd")}


def test_what_is_not_the_caches_own_stays(folder: Path) -> None:
    (folder / "photos").mkdir()
    foreign = ["photos/c.fnad", "c" * 64, "notes.txt", "holiday.fnad", ".1-2.fnad", f"{KEY}.fnad.bak", "C" * 64]
    for name in foreign:
        (folder / name).write_bytes(bytes(5000))
    opened = disk(folder, 4000)
    for key in "defghi":
        opened.put(key * 64, CONTENT)  # g, h and i are no digits of a key
    opened.trim(0)
    assert written(folder) >= {SECRET, *(name for name in foreign if "/" not in name)}
    assert written(folder / "photos") == {"c.fnad"}
    assert not {f"{c * 64}.fnad" for c in "adef"} & written(folder)


def test_an_entry_larger_than_the_limit_is_not_kept(tmp_path: Path) -> None:
    for limit in (0, 900):
        disk(tmp_path / "cache", limit).put(KEY, CONTENT)
    assert not path_of(tmp_path / "cache").exists()


def test_what_dead_writers_left_goes_and_what_living_ones_are_at_stays(folder: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    writers = ended.pid, os.getpid(), os.getpid()
    left, at_work, old = (folder / f".{pid}-{n:016x}.fnad" for n, pid in enumerate(writers))
    for path in (left, at_work, old):
        path.write_bytes(b"half of")
    os.utime(old, (1000, 1000))
    disk(folder).put(OTHER, CONTENT)
    assert (left.exists(), at_work.exists(), old.exists()) == (False, True, False)


def test_a_folder_that_is_removed_is_made_anew(folder: Path) -> None:
    opened = disk(folder)
    assert opened.get(KEY) == CONTENT
    shutil.rmtree(folder)
    assert opened.get(KEY) is None
    opened.put(KEY, CONTENT)
    assert opened.get(KEY) == CONTENT


# --- Many at a time

WRITER = """
    import itertools, sys
    from pathlib import Path
    from fnad.runtime.cache import DiskCache
    folder, limit, seed, count = Path(sys.argv[1]), *map(int, sys.argv[2:])
    disk = DiskCache(folder, limit)
    print("ready", flush=True)
    for n in itertools.count() if count < 0 else range(count):
        key = f"{(7 * n + seed) % 40:064x}"
        found = disk.get(key)
        assert found in (None, key.encode() * 50), found
        if found is None:
            disk.put(key, key.encode() * 50)
"""


def writer(folder: Path, limit: int, seed: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(WRITER), *map(str, (folder, limit, seed, count))]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE)


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_many_processes_keep_to_the_limit(tmp_path: Path) -> None:
    limit = 60_000  # eighteen entries
    processes, rounds = (8, 2000) if is_deep() else (3, 60)
    writers = [writer(tmp_path / "cache", limit, seed, rounds) for seed in range(processes)]
    for process in writers:
        process.communicate(timeout=120)
        assert process.returncode == 0
    assert 10_000 < size(tmp_path / "cache") <= limit
    assert all(name.endswith(".fnad") and not name.startswith(".") for name in written(tmp_path / "cache"))


def test_processes_that_are_killed_leave_nothing_half_done(tmp_path: Path) -> None:
    made, when = tmp_path / "cache", random.Random(0)
    for seed in range(100 if is_deep() else 2):
        process = writer(made, 30_000, seed, -1)
        assert process.stdout.readline() == "ready\n"
        time.sleep(when.uniform(0.0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        reader = disk(made)
        for n in range(40):
            key = f"{n:064x}"
            assert reader.get(key) in (None, key.encode() * 50)
    (made / f".{process.pid}-{1:016x}.fnad").write_bytes(b"half of")
    disk(made, 30_000).put(KEY, CONTENT)
    assert not [name for name in written(made) if name.startswith(".")]


def test_threads_read_write_and_trim_at_the_same_time(tmp_path: Path) -> None:
    opened, wrong = disk(tmp_path / "cache", 30_000), []

    def work(seed: int) -> None:
        for n in range(1000 if is_deep() else 60):
            key = f"{(7 * n + seed) % 40:064x}"
            found = opened.get(key)
            if found is None:
                opened.put(key, key.encode() * 50)
            elif found != key.encode() * 50:
                wrong.append(key)
            if n % 10 == 0:
                opened.trim(10_000)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


# --- What the environment says


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FNAD_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert default_folder() == tmp_path
    monkeypatch.setenv("FNAD_CACHE_DIR", "~/kernels")
    assert default_folder() == Path.home() / "kernels"
    monkeypatch.delenv("FNAD_CACHE_DIR")
    assert default_folder() == Path("/xdg/fnad")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os.path, "expanduser", lambda path: "/home/somebody")
    for none in ("", "relative"):  # which is to be ignored, the standard says
        monkeypatch.setenv("XDG_CACHE_HOME", none)
        assert default_folder() == Path("/home/somebody/.cache/fnad")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as without HOME
    assert default_folder() is None


def test_a_relative_folder_is_one_where_the_process_began(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    began = Path.cwd()
    monkeypatch.setenv("FNAD_CACHE_DIR", "some/cache")
    monkeypatch.chdir(tmp_path)
    assert default_folder() == Path(cache._START, "some/cache")
    code = "import os, fnad; os.chdir('/'); from fnad.runtime.cache import default_folder as f; print(f())"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, text=True, capture_output=True, check=True,
                         env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert run.stdout.strip() == str(tmp_path.resolve() / "some/cache")
    assert began == Path(cache._START) or not began.samefile(tmp_path)


def test_the_limit_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FNAD_CACHE_SIZE", raising=False)
    assert default_limit() == 512 * 2**20
    for given, bytes_allowed in {"": 2**29, "0.5": 2**19, "0": 0, " 2 ": 2**21, "1e30": 2**60}.items():
        monkeypatch.setenv("FNAD_CACHE_SIZE", given)
        assert default_limit() == bytes_allowed


@pytest.mark.parametrize("given", ["much", "inf", "-inf", "nan", "-1", "1e400", "5MB", "None", "0x10"])
def test_a_size_that_is_none_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("FNAD_CACHE_SIZE", given)
    want = f"FNAD_CACHE_SIZE: requires a finite number of megabytes that is not negative, got '{given}'"
    with pytest.raises(ValueError, match=want):
        default_limit()


def test_where_warnings_are_errors_the_call_goes_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.chmod(0o777)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = disk(folder)
        assert opened.get(KEY) is None
        opened.put(KEY, CONTENT)
    assert capsys.readouterr().err.count("RuntimeWarning: kernel cache: requires") == 1


# --- The key


@pytest.fixture
def configuration() -> Iterator[object]:
    """numba's settings, which are put back."""
    config = pytest.importorskip("numba.core.config")
    yield config
    config._env_reloader.reset()


SETTINGS = {
    "OPT": "0", "CPU_NAME": "generic", "CPU_FEATURES": "+sse2", "LOOP_VECTORIZE": "0", "SLP_VECTORIZE": "1",
    "DEBUGINFO": "1", "BOUNDSCHECK": "1", "ENABLE_AVX": "0", "DISABLE_INTEL_SVML": "1", "LLVM_REFPRUNE_PASS": "0",
    "A_SETTING_TO_COME": "1",
}


def test_the_key_follows_the_settings_of_numba(
    monkeypatch: pytest.MonkeyPatch, configuration: object, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    keys = [kernel_key("source")]
    for name, value in SETTINGS.items():
        with monkeypatch.context() as patch:
            patch.setenv(f"NUMBA_{name}", value)
            keys.append(kernel_key("source"))
    assert kernel_key("source") == keys[0]
    for name, value in {"OPT": 0, "LOOP_VECTORIZE": 0, "BOUNDSCHECK": 1, "CPU_NAME": "generic"}.items():
        with monkeypatch.context() as patch:
            patch.setattr(configuration, name, value)
            keys.append(kernel_key("source"))
    (tmp_path / ".numba_config.yaml").write_text("opt: 1\n")
    keys.append(kernel_key("source"))
    (tmp_path / ".numba_config.yaml").unlink()
    assert kernel_key("source") == keys[0]
    assert all(one != other for one, other in itertools.combinations(keys, 2))


def test_the_key_does_not_follow_what_changes_no_code(
    monkeypatch: pytest.MonkeyPatch, configuration: object
) -> None:
    before = kernel_key("source")
    monkeypatch.setenv("NUMBA_THREADING_LAYER", "omp")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/elsewhere")
    assert kernel_key("source") == before


def test_sources_that_change_turn_the_cache_off(folder: Path, tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("one.py", "two.py")]
    for path in files:
        Path(path).write_text("x = 1\n")
    sources, opened = Sources(files), disk(folder)
    opened.require_unchanged(sources)
    assert opened.get(KEY) == CONTENT
    Path(files[1]).write_text("x = 2\n")
    want = r"requires sources that stay as they were .* got a change of \S*two\.py"
    with pytest.warns(RuntimeWarning, match=want) as caught:
        opened.require_unchanged(sources)
        opened.require_unchanged(sources)
    assert len(caught) == 1
    opened.put(OTHER, CONTENT)
    assert opened.get(KEY) is None and not path_of(folder, OTHER).exists()


CHANGES = """
    import fnad, numpy as np, sys
    from pathlib import Path
    from fnad.runtime import cache
    source = Path(fnad.__file__).parent / "kernels" / "arithmetic.py"
    source.write_text(source.read_text() + "# another version")
    print(fnad.jit(lambda x: x * 3.0)(np.ones(2)), cache.statistics().compiled > 0)
"""


def test_code_of_sources_that_changed_meanwhile_is_kept_under_no_key(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "fnad", tmp_path / "fnad", ignore=shutil.ignore_patterns("__pycache__"))
    made = tmp_path / "cache"
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(CHANGES)], cwd=tmp_path, text=True, capture_output=True,
                         env={**os.environ, "FNAD_CACHE_DIR": str(made), "PYTHONPATH": str(tmp_path)}, timeout=120)
    assert run.stdout.split() == ["[3.", "3.]", "True"], run.stderr
    assert "requires sources that stay as they were when the process began" in run.stderr
    assert written(made) == set()
