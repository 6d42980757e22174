"""Which devices there are, which one is chosen, and what a user is told where there is no GPU."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import fnad
import pytest
from fnad import DeviceError, config
from fnad.runtime.cuda import devices
from fnad.runtime.cuda.devices import Device, choose
from fnad.runtime.cuda.host import HostRuntime
from fnad.runtime.cuda.runtime import Unusable

ROOT = Path(fnad.__file__).parent.parent


class _Hardware:
    """A machine without a GPU."""

    Unusable = Unusable

    @staticmethod
    def find_gpus() -> Any:
        raise Unusable("no NVIDIA driver is installed. Install one.")

    open_runtime = find_gpus


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "hardware", _Hardware)
    monkeypatch.setattr(devices, "_known", [])
    monkeypatch.setattr(devices, "_said", set())
    monkeypatch.setattr(config, "strict_device", False)
    monkeypatch.setattr(config, "default_device", "cpu")
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    given = {k: v for k, v in os.environ.items() if k not in ("FNAD_DEVICE", "FNAD_STRICT_DEVICE")}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=given | environment, timeout=120
    )


# --- What there is


def test_the_cpu_is_always_there() -> None:
    cpu, gpu = fnad.devices()
    assert (cpu.name, cpu.kind, cpu.usable, cpu.reason) == ("cpu", "cpu", True, "")
    assert (gpu.name, gpu.kind, gpu.usable) == ("cuda", "cuda", False)
    assert gpu.reason == "no NVIDIA driver is installed. Install one."
    assert re.fullmatch(r"\[<cpu: .*\d threads>, <cuda: not usable: no NVIDIA driver .*>\]", str([cpu, gpu]))


def test_an_installed_device_is_listed_and_chosen() -> None:
    with devices.use(HostRuntime("a machine", (8, 6))) as runtime:
        assert str(fnad.devices()[1]) == "cuda:0: a machine, compute capability 8.6"
        assert choose("cuda") == choose("auto") == choose("cuda:0") == choose(fnad.devices()[1]) == "cuda"
        assert devices.current() is devices.opened() is runtime
        with devices.use(HostRuntime("another", (9, 0))) as inner:
            assert devices.current() is inner
        assert devices.current() is runtime
    assert devices.opened() is None


def test_an_installed_device_goes_though_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), devices.use(HostRuntime("a machine", (8, 6))):
        1 / 0
    assert not fnad.devices()[1].usable


# --- The choice


def test_auto_takes_the_cpu_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "fnad"):
        assert choose("auto") == choose("auto") == "cpu"
    assert [record.getMessage() for record in caplog.records] == [
        "device auto: the CPU, since no NVIDIA driver is installed. Install one."
    ]


def test_a_gpu_that_is_not_there_is_one_warning_at_the_users_line() -> None:
    with pytest.warns(RuntimeWarning, match="device cuda: .* no NVIDIA driver .* The CPU is used") as caught:
        fnad.device_put(1.0, "cuda")
    assert [w.filename for w in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert choose("cuda") == choose("cuda:3") == "cpu"


def test_a_gpu_that_is_not_there_is_an_error_where_that_is_asked_for() -> None:
    config.strict_device = True
    with pytest.raises(DeviceError, match=r"requires a GPU that works, got none: no NVIDIA driver .* fnad.devices\(\)"):
        fnad.device_put(1.0, "cuda")
    assert choose("auto") == "cpu"


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "CPU", 0, b"cpu", ["cuda"]])
def test_an_unknown_device_is_an_error(device: Any) -> None:
    with pytest.raises(ValueError, match="device: requires 'cpu', 'cuda', 'auto' or a device of fnad"):
        choose(device)


def test_a_device_is_a_choice_too() -> None:
    assert choose(fnad.devices()[0]) == "cpu"
    with pytest.warns(RuntimeWarning):
        assert choose(Device("cuda", "cuda", False)) == "cpu"


# --- What is configured


def test_the_default_device_is_chosen_for_a_block_and_for_good(caplog: pytest.LogCaptureFixture) -> None:
    assert fnad.default_device() == "cpu" == choose()
    with fnad.default_device("cuda"):
        assert fnad.default_device() == config.default_device == "cuda"
        with pytest.raises(ZeroDivisionError), fnad.default_device("auto"):
            1 / 0
        assert fnad.default_device() == "cuda"
    assert fnad.default_device() == "cpu"
    fnad.default_device("auto")
    assert fnad.default_device() == "auto" and choose() == "cpu"
    config.default_device = "cpu"
    assert fnad.default_device() == "cpu"


@pytest.mark.parametrize(
    ("assign", "error", "message"),
    [
        (lambda: fnad.default_device("gpu"), ValueError, "requires one of 'cpu', 'cuda', 'auto', got 'gpu'"),
        (lambda: setattr(config, "default_device", None), ValueError, "config.default_device: requires one of"),
        (lambda: setattr(config, "default_device", ["cpu"]), ValueError, "config.default_device: requires one of"),
        (lambda: setattr(config, "strict_device", 1), TypeError, "config.strict_device: requires True or False, got 1"),
        (lambda: setattr(config, "strict_devices", True), AttributeError, "got 'strict_devices'. Check the spelling"),
    ],
)
def test_wrong_choices_are_errors(assign: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        assign()
    assert (config.default_device, config.strict_device) == ("cpu", False)


def test_the_environment_is_the_first_choice() -> None:
    shown = run("import fnad; print(fnad.default_device(), fnad.config.strict_device)",
                FNAD_DEVICE="auto", FNAD_STRICT_DEVICE="1")
    assert shown.stdout.split() == ["auto", "True"]


@pytest.mark.parametrize(
    ("variable", "value", "asked"),
    [("FNAD_DEVICE", "gpu", "fnad.default_device()"), ("FNAD_STRICT_DEVICE", "perhaps", "fnad.config.strict_device")],
)
def test_a_wrong_environment_is_an_error_when_it_is_looked_at(variable: str, value: str, asked: str) -> None:
    shown = run(f"import fnad; print('imported'); {asked}", **{variable: value})
    assert shown.stdout.split() == ["imported"] and f"ValueError: {variable}: requires" in shown.stderr


def test_importing_loads_no_driver_and_the_first_question_does() -> None:
    code = "import sys, fnad; print([m for m in ('cuda.bindings', 'numba_cuda') if m in sys.modules]); fnad.devices()"
    shown = run(code)
    assert (shown.returncode, shown.stdout.strip()) == (0, "[]")


def test_a_script_on_a_machine_without_gpu_prints_one_line_and_the_cpus_results() -> None:
    code = (
        "import fnad, numpy as np\n"
        "for _ in range(3):\n"
        "    x = fnad.device_put(np.arange(3.0), 'auto')\n"
        "print(x.sum(), type(x).__name__)"
    )
    if _has_gpu():
        pytest.skip("a GPU is here")
    shown = run(code)
    assert shown.stdout.strip() == "3.0 ndarray"
    assert shown.stderr.count("\n") == 1 and shown.stderr.startswith("device auto: the CPU, since ")


def test_a_script_without_the_packages_prints_one_warning_and_the_cpus_results() -> None:
    code = (
        "import sys\n"
        "sys.modules['numba_cuda'] = None  # as if it were not installed\n"
        "import fnad, numpy as np\n"
        "square = fnad.jit(lambda x: np.sum(x * x), device='cuda')\n"
        "print(square(np.arange(3.0)), square(np.arange(4.0)), type(fnad.device_put(1.0, 'cuda')).__name__)"
    )
    shown = run(code)
    assert shown.stdout.strip() == "5.0 14.0 ndarray"
    assert shown.stderr.count("\n") == 1
    assert "RuntimeWarning: device cuda: requires a GPU that works, got none: the package numba-cuda" in shown.stderr


def _has_gpu() -> bool:
    return run("import fnad; print(fnad.devices()[1].usable)").stdout.strip() == "True"
