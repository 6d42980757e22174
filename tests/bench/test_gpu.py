"""``--device cuda`` says why there is no GPU, leaves out what does not run on one, and times what does."""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from bench import __main__ as command
from bench import gpu, report, runner, worker
from bench.case import Case
from bench.libraries import numpy as numpy_library
from bench.workloads import tutorial_grad, tutorial_mlp
from fnad.runtime.cuda import devices
from fnad.runtime.cuda.devices import Device

from tests.cuda.requirements import needs_cuda_compiler
from tests.ptxsim.runtime import PtxRuntime

CPU = Device("cpu", "cpu", True)
GPU = Device("cuda:0", "cuda", True, details="New GPU, compute capability 9.0, 80 GiB")
MISSING = Device("cuda", "cuda", False, "no NVIDIA driver is installed. Install one.")
WITHOUT_CUDA = """\
class cuda:
    is_available = staticmethod(lambda: False)
class version:
    cuda = None
__version__ = "0"
"""


def run(*libraries: str) -> runner.Outcome:
    settings = {"rounds": 1, "turn_seconds": 0.001, "threads": 1}
    return runner.run("tests.bench.agreeing", libraries, tolerance=1e-6, check_steps=3, device="cuda", **settings)


def found(monkeypatch: pytest.MonkeyPatch, *there: Device) -> None:
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)
    monkeypatch.setattr(gpu.fnad, "devices", lambda: [CPU, *there])


# --- The command line


def test_without_a_gpu_there_is_one_line_and_no_figure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found(monkeypatch, MISSING)
    with pytest.raises(SystemExit) as stop:
        command.main(["--device", "cuda"])
    said = capsys.readouterr()
    assert stop.value.code == 2 and said.out == ""
    assert said.err == (
        "bench: --device cuda: requires a GPU that works, got none: no NVIDIA driver is installed. Install one.\n"
    )


def test_the_simulator_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_ENABLE_CUDASIM", "1")
    with pytest.raises(runner.BenchError, match="requires a GPU, got numba's simulator. Unset NUMBA_ENABLE_CUDASIM"):
        gpu.found()


def test_a_gpu_is_reported_with_its_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found(monkeypatch, MISSING, GPU)
    monkeypatch.setattr(gpu, "DRIVER", tmp_path / "version")
    assert gpu.found()["NVIDIA driver"] == "of unknown version"
    gpu.DRIVER.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\n")
    assert gpu.found() == {
        "GPU": "New GPU, compute capability 9.0, 80 GiB",
        "NVIDIA driver": "550.54.14",
        "timing": "every turn ends when the GPU has done its work",
    }
    opened = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  575.57.08  Release Build\n"
    assert gpu.driver_version(opened) == "575.57.08"


def test_on_a_gpu_the_libraries_are_those_that_run_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def note(**options: object) -> runner.Outcome:
        asked.append(options)
        return runner.Outcome("workload", [], {}, 0.0)

    found(monkeypatch, GPU)
    monkeypatch.setattr(runner, "run", note)
    assert command.main(["tutorial_mlp", "--device", "cuda"]) == command.main(["tutorial_mlp"]) == 0
    assert "GPU New GPU, compute capability 9.0, 80 GiB, NVIDIA driver" in capsys.readouterr().out
    on_gpu, on_cpu = asked
    assert on_gpu["device"] == "cuda" and on_gpu["libraries"] == ("fnad", "torch", "torch_compile", "jax")
    assert on_cpu["device"] == "cpu" and set(on_gpu["libraries"]) < set(on_cpu["libraries"])
    assert on_gpu["tolerance"] == 10 * on_cpu["tolerance"] == 10 * tutorial_mlp.TOLERANCE


# --- Libraries without a GPU


def test_a_library_that_runs_on_the_cpu_only_is_skipped_by_name() -> None:
    outcome = run("numpy", "autograd")
    assert outcome.skipped == dict.fromkeys(("numpy", "autograd"), "runs on the CPU only")
    assert outcome.timings == [] and outcome.limit is None
    assert "Skipped numpy: runs on the CPU only." in report.markdown(outcome, "title")


def test_a_build_without_cuda_is_skipped_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text(WITHOUT_CUDA)
    (tmp_path / "jax").mkdir()
    (tmp_path / "jax" / "__init__.py").write_text('default_backend = lambda: "cpu"\n__version__ = "0"\n')
    (tmp_path / "jax" / "numpy.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    skipped = run("torch", "torch_compile", "jax").skipped
    assert skipped["torch"] == skipped["torch_compile"]
    assert skipped["torch"].startswith("this PyTorch is built without CUDA")
    assert skipped["jax"].startswith("this JAX runs on cpu only")


def test_fnad_without_a_gpu_is_skipped_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (gpu_of_this_process,) = [device for device in devices.devices() if device.kind == "cuda"][:1]
    if gpu_of_this_process.usable:
        pytest.skip("a GPU is here")
    assert run("fnad").skipped == {"fnad": gpu_of_this_process.reason.rstrip(".")}


class OnGpu:
    """As a tensor of PyTorch: it must be brought to the host by hand."""

    def cpu(self) -> list[float]:
        return [1.0, 2.0]

    def __array__(self) -> np.ndarray:
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu()")


def test_results_are_brought_to_the_host() -> None:
    assert [leaf.tolist() for leaf in worker.leaves([OnGpu(), 3.0])] == [[1, 2], [3]]


# --- What fnad's process does on a GPU, on the emitted PTX


def case_of(workload: object, library: object) -> Case:
    module = importlib.import_module(f"bench.libraries.cuda.{library}")
    return worker.make_case(module, partial(getattr(workload, library), *module.MODULES))


@needs_cuda_compiler
def test_a_workload_runs_on_the_device_and_is_waited_for() -> None:
    with devices.use(PtxRuntime()) as runtime:
        case = case_of(tutorial_mlp, "fnad")
        ours = list(worker.results(case, 3))
        before = runtime.downloaded
        assert worker.time_steps(importlib.import_module("bench.libraries.cuda.fnad"), case, 2) > 0
        assert runtime.downloaded - before <= 16  # a look at the status of its kernels, and no values
        assert runtime.launches > 0 and case.note == ""
        theirs = list(worker.results(worker.make_case(numpy_library, partial(tutorial_mlp.numpy, np)), 3))
        np.testing.assert_allclose(worker.leaves(ours), worker.leaves(theirs), rtol=1e-5)


def test_a_workload_that_computes_on_the_host_says_so() -> None:
    with devices.use(PtxRuntime()) as runtime:
        assert "on the host" in case_of(tutorial_grad, "fnad").note
        assert runtime.launches == 0
