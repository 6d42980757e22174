"""Compiled functions on the runtime of a GPU: the driver is made up, and runs the kernels' PTX on the CPU."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import DeviceArray, DeviceError, DeviceMemoryError
from fnad.runtime.cuda import devices, driver, hardware
from fnad.runtime.cuda.hardware import DriverRuntime

from tests.cuda.executing import execute_ptx
from tests.cuda.fake_driver import FakeDriver, bindings
from tests.cuda.requirements import needs_cuda_compiler

real = bindings()
pytestmark = needs_cuda_compiler


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDriver]:
    monkeypatch.setattr(hardware, "machine_code", lambda ptx, capability: ptx.encode())
    fake = FakeDriver(real, execute_ptx)
    asked = driver.started(fake)
    with devices.use(DriverRuntime(asked, driver.find_gpus(asked)[0])):
        yield fake


def model(params: Any, x: Any) -> Any:
    return np.maximum(x * params["scale"] + params["shift"], 0)


def step(params: Any, x: Any) -> Any:
    value, grads = fnad.value_and_grad(lambda p, x: np.mean(model(p, x) ** 2))(params, x)
    return fnad.tree.map(lambda p, g: p - 0.1 * g, params, grads), value


PARAMS = {"scale": np.linspace(0.5, 1.5, 5, dtype=np.float32), "shift": np.float32(0.1) * np.ones(5, np.float32)}
X = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)


def test_training_goes_as_on_the_cpu(fake: FakeDriver) -> None:
    ours, theirs = fnad.jit(step, device="cuda"), fnad.jit(step, device="cpu")
    params, expected = fnad.device_put(PARAMS, "cuda"), PARAMS
    x = fnad.device_put(X, "cuda")
    for _ in range(3):
        waited = fake.calls["cuStreamSynchronize"]
        params, value = ours(params, x)
        assert fake.calls["cuStreamSynchronize"] == waited  # a step waits for nothing
        expected, expected_value = theirs(expected, X)
        assert type(value) is DeviceArray and np.allclose(value, expected_value, rtol=1e-6)
    for name, leaf in expected.items():
        assert np.allclose(params[name], leaf, rtol=1e-6) and params[name].dtype == np.float32


def test_a_device_that_is_lost_in_a_step_leaves_the_host_as_it_was(fake: FakeDriver) -> None:
    run = fnad.jit(step, device="cuda")
    params, value = run(PARAMS, X)
    before = X.copy(), {name: leaf.copy() for name, leaf in PARAMS.items()}
    fake.faults["cuStreamSynchronize", fake.calls["cuStreamSynchronize"] + 1] = "CUDA_ERROR_LAUNCH_FAILED"
    with pytest.raises(DeviceError, match="CUDA_ERROR_LAUNCH_FAILED.*lost to this process"):
        float(value)
    with pytest.raises(DeviceError, match="was lost by CUDA_ERROR_LAUNCH_FAILED before"):
        run(PARAMS, X)
    assert (before[0] == X).all() and all((PARAMS[name] == leaf).all() for name, leaf in before[1].items())
    assert fnad.jit(step, device="cpu")(PARAMS, X)[1] > 0


def test_a_step_that_needs_too_much_memory_is_an_error_and_the_next_one_runs(fake: FakeDriver) -> None:
    double = fnad.jit(lambda x: x * 2, device="cuda")
    fake.gpus = [("Fake GPU", (8, 0), 1 << 20)]
    with pytest.raises(DeviceMemoryError, match="requires .* bytes of device memory, got .* free of 1048576") as raised:
        double(np.ones(1 << 18))
    assert __file__ in str(raised.value)
    assert double(np.ones(4)).tolist() == [2, 2, 2, 2]


def test_memory_of_steps_is_reused(fake: FakeDriver) -> None:
    run = fnad.jit(step, device="cuda")
    params, _ = run(fnad.device_put(PARAMS, "cuda"), X)
    params, _ = run(params, X)
    asked = fake.calls["cuMemAlloc"]
    for _ in range(4):
        params, value = run(params, X)
    assert fake.calls["cuMemAlloc"] == asked and float(value) > 0


def test_a_failure_in_a_late_step_of_a_loop_is_told(fake: FakeDriver) -> None:
    def total(x: Any, n: Any) -> Any:
        go_on, step = lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] + x[s[0]])
        return fnad.while_loop(go_on, step, (np.int64(0), np.float32(0)))[1]

    run, x = fnad.jit(total, device="cuda"), np.ones(3, np.float32)
    assert float(run(x, np.int64(3))) == 3
    with pytest.raises(IndexError, match="index 3 is out of bounds for axis 0 with size 3"):
        float(run(x, np.int64(5)))
    assert float(run(x, np.int64(2))) == 2


def test_a_failure_is_told_though_its_function_is_gone(fake: FakeDriver) -> None:
    value = fnad.jit(lambda x, i: x[i], device="cuda")(np.ones(3), np.int64(7))
    gc.collect()
    with pytest.raises(IndexError, match="index 7 is out of bounds"):
        np.asarray(value)


def test_a_step_on_the_same_memory_is_a_single_launch(fake: FakeDriver) -> None:
    run, plain = fnad.jit(step, device="cuda"), fnad.jit(step, device="cpu")
    params, expected, x = fnad.device_put(PARAMS, "cuda"), PARAMS, fnad.device_put(X, "cuda")
    for count in range(12):
        launched, replayed = fake.calls["cuLaunchKernel"], fake.calls["cuGraphLaunch"]
        params, value = run(params, x)
        expected, _ = plain(expected, X)
        is_recorded = fake.calls["cuGraphLaunch"] == replayed + 1
    assert is_recorded and fake.calls["cuLaunchKernel"] == launched
    for name, leaf in expected.items():
        np.testing.assert_allclose(np.asarray(params[name]), leaf, rtol=1e-5)


def test_a_failure_in_a_recording_is_told_each_time(fake: FakeDriver) -> None:
    run = fnad.jit(lambda x, i: (np.sum(x[i] * 2), np.cumsum(x) + 1, np.max(x)), device="cuda")
    x, good, bad = (fnad.device_put(v, "cuda") for v in (np.arange(5.0), np.array([1, 2]), np.array([1, 9])))
    for _ in range(4):
        assert float(run(x, good)[0]) == 6
    for _ in range(4):
        with pytest.raises(IndexError, match="index 9 is out of bounds"):
            float(run(x, bad)[0])
    assert float(run(x, good)[0]) == 6 and fake.calls["cuGraphLaunch"] > 2


def test_what_cannot_be_recorded_is_launched_one_by_one(fake: FakeDriver, caplog: pytest.LogCaptureFixture) -> None:
    fake.faults["cuGraphInstantiate", 1] = "CUDA_ERROR_OUT_OF_MEMORY"
    run, x = fnad.jit(lambda x: (np.sum(x * 2), np.cumsum(x) + 1, np.max(x)), device="cuda"), np.arange(5.0)
    x = fnad.device_put(x, "cuda")
    for _ in range(5):
        assert [float(run(x)[k]) for k in (0, 2)] == [20, 4]
    assert "launches are not recorded, since device: requires more device memory" in caplog.text
    assert not fake.calls["cuGraphLaunch"]


def test_recording_can_be_turned_off(fake: FakeDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FNAD_CUDA_GRAPHS", "0")
    asked = driver.started(fake)
    with devices.use(DriverRuntime(asked, driver.find_gpus(asked)[0])):
        run, params, x = fnad.jit(step, device="cuda"), fnad.device_put(PARAMS, "cuda"), fnad.device_put(X, "cuda")
        for _ in range(6):
            params, value = run(params, x)
        assert float(value) > 0 and not fake.calls["cuGraphLaunch"]
